"""The checkers of hooks: one at a time, and none twice."""

from __future__ import annotations

import pytest

from tenure.simulation.checkers import (
    NothingTwice,
    OneHookAtATime,
    PaidForTarget,
)
from tenure.simulation.facts import Fact

from .traces import (
    ELECTED,
    INSTALL,
    SETTINGS,
    W0,
    W1,
    agent_began,
    breaks,
    died,
    ended,
    hook,
    keeps,
    paid,
    stopped,
    wrote,
)


class TestOneHookAtATime:
    """H6, H5"""

    def test_hooks_run_one_after_the_other(self) -> None:
        assert keeps(
            OneHookAtATime(), hook(1, W0, "c"), ended(2, W0, "c"), hook(2, W0, "d"),
            hook(2, W1, "e"), hook(2, W0, "f", agent="clone"), ended(3, W0, "d", "killed"),
            hook(4, W0, "g"),
        )  # fmt: skip

    def test_two_of_one_agent_at_once_are_found(self) -> None:
        assert breaks(OneHookAtATime(), hook(1, W0, "c"), hook(2, W0, "d"), says="d of web-0 began")

    def test_hooks_die_with_their_agent(self) -> None:
        """H8"""
        for end in (died(2, W0), stopped(2, W0), agent_began(2, W0)):
            assert keeps(OneHookAtATime(), hook(1, W0, "c"), end, hook(3, W0, "d"))

    def test_a_ghost_of_an_earlier_life_is_found(self) -> None:
        ghost = hook(1, W0, "c"), died(2, W0), agent_began(3, W0), hook(4, W0, "d")
        assert breaks(OneHookAtATime(), *ghost, ended(5, W0, "c", "killed"), says="ran on beside d")

    def test_what_an_earlier_life_left_may_end_late_but_before_the_next_hook(self) -> None:
        left = hook(1, W0, "c"), died(2, W0), agent_began(3, W0), ended(3.5, W0, "c", "killed")
        assert keeps(OneHookAtATime(), *left, hook(4, W0, "d"), ended(5, W0, "d"))

    def test_the_end_of_a_ghost_may_be_told_with_the_next_beginning(self) -> None:
        ghost = hook(1, W0, "c"), died(2, W0), agent_began(3, W0), hook(4, W0, "d")
        assert keeps(OneHookAtATime(), *ghost, ended(4, W0, "c", "killed"))

    def test_a_hook_that_is_told_of_after_its_end_never_ran(self) -> None:
        never = ended(1, W0, "c", "killed"), died(1, W0), hook(2, W0, "c"), agent_began(3, W0)
        assert keeps(OneHookAtATime(), hook(0, W0, "b"), *never, hook(4, W0, "d"))

    def test_it_did_not_run_beside_another_either(self) -> None:
        assert keeps(OneHookAtATime(), ended(1, W0, "c", "killed"), hook(2, W0, "d"),
                     hook(3, W0, "c"))  # fmt: skip

    def test_operators_commands_are_no_hooks(self) -> None:
        for name in ("", "exec"):
            command = hook(1, W0, "c", name), hook(2, W0, "d"), ended(3, W0, "c", name=name)
            assert keeps(OneHookAtATime(), *command)


class TestNothingTwice:
    """H4"""

    @staticmethod
    def run(at: float, name: str, how: str = "done", **more: int | str) -> tuple[Fact, Fact]:
        context = f"c{at}"
        begun = hook(at, W0, context, name, **more)  # type: ignore[arg-type]
        return begun, ended(at + 0.5, W0, context, how, name)

    def test_each_term_is_told_once_and_what_recurs_recurs(self) -> None:
        assert keeps(
            NothingTwice(), *self.run(1, INSTALL), *self.run(2, ELECTED, term=1),
            *self.run(3, ELECTED, term=2), *self.run(4, SETTINGS, reason="settings", target=3),
            *self.run(5, SETTINGS, reason="deposed", target=3), *self.run(6, "update-status"),
            *self.run(7, "update-status"),
        )  # fmt: skip

    @pytest.mark.parametrize("name", [INSTALL, "config-changed", "start", "stop", "remove"])
    def test_what_is_paid_once_for_ever_is_not_run_again(self, name: str) -> None:
        payment = paid(2, W0, name)
        assert breaks(
            NothingTwice(), *self.run(1, name, "failed", reason="started"), payment, died(3, W0),
            *self.run(4, name, reason="started"), says=f"runs {name} again",
        )  # fmt: skip

    def test_a_paid_term_is_not_run_again(self) -> None:
        first = *self.run(1, ELECTED, term=1), paid(2, W0, ELECTED, term=1), died(3, W0)
        assert keeps(NothingTwice(), *first, *self.run(4, ELECTED, term=2))
        assert breaks(NothingTwice(), *first, *self.run(4, ELECTED, term=1), says="for term 1")

    def test_a_seen_revision_is_not_told_again(self) -> None:
        first = *self.run(1, SETTINGS, target=3), paid(2, W0, SETTINGS, revision=4)
        for target in (4, 3):
            again = self.run(4, SETTINGS, reason="settings", target=target)
            assert breaks(NothingTwice(), *first, *again, says="had seen 4")
        assert keeps(NothingTwice(), *first, *self.run(4, SETTINGS, reason="settings", target=5))
        assert keeps(NothingTwice(), *first, *self.run(4, SETTINGS, reason="deposed", target=4))

    def test_who_was_told_once_is_not_told_as_at_the_start(self) -> None:
        for payment in (paid(2, W0, SETTINGS), paid(2, W0, ELECTED, term=1)):
            first = *self.run(1, SETTINGS), *self.run(1.5, ELECTED, term=1), payment
            again = self.run(4, SETTINGS, reason="started")
            assert breaks(NothingTwice(), *first, *again, says="as if it had never been told")

    def test_what_ended_well_is_not_run_again_by_the_same_life(self) -> None:
        first = self.run(1, INSTALL)
        assert breaks(NothingTwice(), *first, *self.run(2, INSTALL), says="again")
        between = *self.run(2, "update-status"), died(3, W0), agent_began(4, W0)
        assert breaks(NothingTwice(), *first, *between, *self.run(5, INSTALL), says="again")

    def test_what_may_not_have_been_recorded_may_run_again(self) -> None:
        begun, over = self.run(1, INSTALL)
        for end in (died(2, W0), stopped(2, W0), agent_began(2, W0)):
            assert keeps(NothingTwice(), begun, over, end, *self.run(3, INSTALL))
        assert keeps(NothingTwice(), begun, died(1.2, W0), over, *self.run(3, INSTALL))

    def test_what_is_told_of_another_context_counts_for_nothing(self) -> None:
        begun, _ = self.run(1, INSTALL)
        other, late = ended(1.2, W0, "x", name=INSTALL), hook(1.5, W0, "x", INSTALL)
        assert keeps(NothingTwice(), begun, other, late, *self.run(2, INSTALL))

    def test_a_hook_that_is_told_of_after_its_end_never_ran(self) -> None:
        """H5"""
        late = paid(2, W0, INSTALL), ended(3, W0, "x", "killed"), hook(4, W0, "x", INSTALL)
        assert keeps(NothingTwice(), *self.run(1, INSTALL), *late)

    def test_a_first_telling_is_a_first(self) -> None:
        assert keeps(NothingTwice(), *self.run(1, SETTINGS, reason="started"))

    def test_what_an_earlier_life_did_is_forgotten_once_it_ran_again(self) -> None:
        again = died(2, W0), *self.run(3, INSTALL, "failed"), died(4, W0)
        assert keeps(NothingTwice(), *self.run(1, INSTALL), *again, *self.run(5, INSTALL))

    def test_an_operators_command_records_nothing(self) -> None:
        command = hook(2, W0, "x", "exec"), ended(2.5, W0, "x", name="exec")
        assert keeps(NothingTwice(), *self.run(1, INSTALL), *command, died(3, W0),
                     *self.run(4, INSTALL))  # fmt: skip

    def test_what_failed_or_was_killed_runs_again(self) -> None:
        """H7, H8"""
        for how in ("failed", "killed"):
            assert keeps(NothingTwice(), *self.run(1, INSTALL, how), *self.run(2, INSTALL))

    def test_a_clone_has_its_own_debts(self) -> None:
        """L9"""
        clone = (
            hook(3, W0, "x", INSTALL, agent="clone"),
            ended(3.5, W0, "x", "failed", INSTALL, "clone"),
            hook(5, W0, "y", INSTALL, agent="clone"),
        )
        first = self.run(1, INSTALL)
        payment = paid(4, W0, INSTALL)
        assert keeps(NothingTwice(), *first, *clone[:2], payment, clone[2])
        for agent, is_right in (("web-0", True), ("clone", False)):
            payment = paid(4, W0, INSTALL, agent=agent)
            run = *first, *clone[:2], payment, clone[2]
            assert keeps(NothingTwice(), *run) if is_right else breaks(
                NothingTwice(), *run, says="clone runs install again"
            )  # fmt: skip


class TestPaidForTarget:
    """H5"""

    @staticmethod
    def paid(revision: int) -> Fact:
        return paid(4, W0, SETTINGS, revision=revision, agent="web-0")

    def test_what_the_hook_ran_for_is_paid(self) -> None:
        assert keeps(
            PaidForTarget(), wrote(1, 1, W1, 1), hook(2, W0, "c", SETTINGS, target=1),
            wrote(3, 2, W1, 1), ended(4, W0, "c", name=SETTINGS), self.paid(1),
        )  # fmt: skip

    def test_what_came_while_it_ran_is_not(self) -> None:
        assert breaks(
            PaidForTarget(), wrote(1, 1, W1, 1), hook(2, W0, "c", SETTINGS, target=1),
            wrote(3, 2, W1, 1), ended(4, W0, "c", name=SETTINGS), self.paid(2),
            says="revision 2 as seen, which web/1 wrote",
        )  # fmt: skip

    def test_a_units_own_writes_need_no_hook(self) -> None:
        assert keeps(
            PaidForTarget(), wrote(1, 1, W1, 1), hook(2, W0, "c", SETTINGS, target=1),
            wrote(3, 2, W0, 1), ended(4, W0, "c", name=SETTINGS), self.paid(2),
        )  # fmt: skip

    def test_a_hook_that_was_skipped_pays_without(self) -> None:
        assert keeps(
            PaidForTarget(), wrote(1, 1, W1, 1), hook(2, W0, "c", SETTINGS, target=0),
            ended(4, W0, "c", "failed", SETTINGS), self.paid(1),
        )  # fmt: skip
