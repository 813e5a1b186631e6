"""The checkers of leadership's hooks: what is owed, and what must not run."""

from __future__ import annotations

from tenure.simulation.checkers import (
    ElectedOncePerTerm,
    LeaderNotTold,
    ToldMinions,
)
from tenure.simulation.facts import Fact

from .traces import (
    ELECTED,
    SETTINGS,
    W0,
    W1,
    agent_began,
    believed,
    breaks,
    bucket_at_end,
    calls,
    died,
    doubted,
    ended,
    found,
    healed,
    hook,
    keeps,
    paid,
    removed,
    revoked,
    said_true,
    unit_at_end,
    wrote,
)


class TestElectedOncePerTerm:
    """H2"""

    ELECTION = (
        believed(1, W0, 1), hook(2, W0, "c", ELECTED, term=1), said_true(2, W0, "c", until=32)
    )  # fmt: skip
    END = unit_at_end(50, W0, leads=True, term=1, elected_for=1)

    def test_a_leader_runs_it_with_the_guarantee_in_hand(self) -> None:
        assert keeps(ElectedOncePerTerm(), *self.ELECTION, ended(3, W0, "c"), self.END)

    def test_beginning_it_without_the_term_is_found(self) -> None:
        begun = hook(2, W0, "c", ELECTED, term=1), said_true(2, W0, "c", until=32)
        over = ended(3, W0, "c")
        assert breaks(ElectedOncePerTerm(), *begun, over, says="without term 1")
        for before in ((believed(1, W0, 2),), (believed(1, W0, 1), doubted(1.5, W0, 1)),
                       (believed(1, W0, 1), died(1.5, W0)), (believed(1, W1, 1),)):  # fmt: skip
            assert breaks(ElectedOncePerTerm(), *before, *begun, over, says="without term 1")

    def test_belief_may_be_told_a_moment_after_the_hook_that_it_allows(self) -> None:
        begun = hook(2, W0, "c", ELECTED, term=1), said_true(2, W0, "c", until=32)
        over = ended(3, W0, "c")
        assert keeps(ElectedOncePerTerm(), *begun, believed(2.01, W0, 1), over)
        assert breaks(ElectedOncePerTerm(), *begun, believed(2.5, W0, 1), over, says="without term")

    def test_beginning_it_without_the_guarantee_is_found(self) -> None:
        """G3"""
        begun = believed(1, W0, 1), hook(2, W0, "c", ELECTED, term=1)
        for after in (ended(3, W0, "c"), said_true(2.5, W0, "c", until=32.5), hook(3, W0, "d")):
            assert breaks(ElectedOncePerTerm(), *begun, after, says="without the guarantee in hand")

    def test_the_promise_may_be_told_before_the_beginning(self) -> None:
        begun = said_true(2, W0, "c", until=32), hook(2, W0, "c", ELECTED, term=1)
        assert keeps(ElectedOncePerTerm(), believed(1, W0, 1), *begun, ended(3, W0, "c"))

    def test_it_is_told_once(self) -> None:
        begun = believed(1, W0, 1), hook(2, W0, "c", ELECTED, term=1)
        more = hook(3, W0, "d"), hook(4, W0, "e")
        assert breaks(ElectedOncePerTerm(), *begun, *more, says="without the guarantee in hand")

    def test_what_was_said_to_another_context_is_not_its_promise(self) -> None:
        begun = believed(1, W0, 1), hook(2, W0, "c", ELECTED, term=1)
        other = said_true(2, W0, "d", until=32)
        assert breaks(ElectedOncePerTerm(), *begun, other, ended(3, W0, "c"), says="guarantee")
        assert breaks(
            ElectedOncePerTerm(), begun[0], other, begun[1], ended(3, W0, "c"), says="guarantee"
        )

    def test_belief_in_another_term_allows_nothing(self) -> None:
        begun = hook(2, W0, "c", ELECTED, term=1), said_true(2, W0, "c", until=32)
        other = believed(2.01, W0, 2), hook(3, W0, "d")
        assert breaks(ElectedOncePerTerm(), *begun, *other, says="without term 1")

    def test_a_hook_that_was_killed_at_once_may_not_have_been_told_of_belief(self) -> None:
        begun = hook(2, W0, "c", ELECTED, term=1), said_true(2, W0, "c", until=32)
        assert keeps(ElectedOncePerTerm(), *begun, ended(2.01, W0, "c", "killed"))
        assert keeps(ElectedOncePerTerm(), *begun, ended(2.01, W0, "d"), believed(2.02, W0, 1),
                     ended(2.03, W0, "c"))  # fmt: skip

    def test_other_hooks_and_commands_pay_for_no_term(self) -> None:
        others = (
            hook(2, W0, "d", term=1), ended(2.5, W0, "d"), hook(3, W0, "e", ELECTED),
            said_true(3, W0, "e", until=33), ended(3.5, W0, "e"), ended(3.6, W0, "f"),
        )  # fmt: skip
        run = believed(1, W0, 1), *others
        assert breaks(ElectedOncePerTerm(), *run, self.END, says="never ran leader-elected for it")

    def test_a_command_beside_it_does_not_take_its_place(self) -> None:
        command = hook(2.5, W0, "x", "exec")
        assert keeps(ElectedOncePerTerm(), *self.ELECTION, command, ended(3, W0, "c"), self.END)

    def test_a_hook_that_is_told_of_after_its_end_never_ran(self) -> None:
        """H5"""
        late = ended(1, W0, "c", "killed"), hook(2, W0, "c", ELECTED, term=7), hook(3, W0, "d")
        assert keeps(ElectedOncePerTerm(), *late)

    def test_an_agent_that_died_at_once_had_no_time_to_promise(self) -> None:
        begun = believed(1, W0, 1), hook(2, W0, "c", ELECTED, term=1)
        assert keeps(ElectedOncePerTerm(), *begun, died(2, W0))

    def test_a_leader_that_never_ran_it_is_found(self) -> None:
        end = unit_at_end(50, W0, leads=True, term=2, elected_for=2)
        run = *self.ELECTION, ended(3, W0, "c"), believed(4, W0, 2)
        assert breaks(ElectedOncePerTerm(), *run, end, says="never ran leader-elected")

    def test_a_leader_that_recorded_another_term_is_found(self) -> None:
        end = unit_at_end(50, W0, leads=True, term=1, elected_for=0)
        run = *self.ELECTION, ended(3, W0, "c")
        assert breaks(ElectedOncePerTerm(), *run, end, says="elected for 0")

    def test_a_killed_one_is_owed(self) -> None:
        """H8"""
        killed = ended(3, W0, "c", "killed")
        assert breaks(ElectedOncePerTerm(), *self.ELECTION, killed, self.END, says="never ran")

    def test_a_failed_one_may_have_been_skipped(self) -> None:
        """H7"""
        assert keeps(ElectedOncePerTerm(), *self.ELECTION, ended(3, W0, "c", "failed"), self.END)

    def test_nothing_is_asked_of_minions_nor_of_units_in_error_or_gone(self) -> None:
        for end in (
            unit_at_end(50, W0),
            unit_at_end(50, W0, term=1),
            unit_at_end(50, W0, leads=True, term=1, in_error=True),
            unit_at_end(50, W0, leads=True, term=1, quiet=False),
            unit_at_end(50, W0, leads=True),
            unit_at_end(50, W1, leads=True, term=1),
        ):
            assert keeps(ElectedOncePerTerm(), believed(1, W0, 1), end)

    def test_a_charm_without_the_hook_runs_none(self) -> None:
        """H6"""
        assert keeps(ElectedOncePerTerm(), believed(1, W0, 1), self.END)

    def test_a_term_that_has_just_begun_may_wait_for_its_hook(self) -> None:
        end = unit_at_end(50, W0, leads=True, term=2, elected_for=0)
        run = *self.ELECTION, ended(3, W0, "c")
        early, late = healed(40, 60, 90), healed(20, 30, 45)
        assert keeps(ElectedOncePerTerm(), *run, early, believed(49.5, W0, 2), end)
        assert keeps(ElectedOncePerTerm(), *run, late, believed(36, W0, 2), end)
        assert breaks(ElectedOncePerTerm(), *run, early, believed(48, W0, 2), end, says="leads in")
        assert breaks(ElectedOncePerTerm(), *run, late, believed(34, W0, 2), end, says="leads in")

    def test_where_belief_is_not_seen_the_hooks_and_promises_tell(self) -> None:
        real = healed(20, 30, 45), hook(2, W0, "c", ELECTED, term=1)
        promised, end = said_true(2, W0, "c", until=32), unit_at_end(50, W0, leads=True, term=1)

        def checker() -> ElectedOncePerTerm:
            return ElectedOncePerTerm(belief_is_seen=False)

        assert keeps(checker(), *real, promised, ended(3, W0, "c"), end)
        assert breaks(checker(), *real, ended(3, W0, "c"), says="without the guarantee")
        assert breaks(checker(), *real, promised, ended(3, W0, "c", "killed"), end, says="never")
        too_soon = unit_at_end(44, W0, leads=True, term=1)
        assert keeps(checker(), *real, promised, ended(3, W0, "c", "killed"), too_soon)


class TestToldMinions:
    """H3"""

    @staticmethod
    def told(at: float, *, how: str = "done", target: int = 0, unit: str = W0) -> tuple[Fact, Fact]:
        context = f"c{at}"
        begun = hook(at, unit, context, SETTINGS, target=target)
        return begun, ended(at + 0.5, unit, context, how, SETTINGS)

    BEGIN = agent_began(0, W0), believed(1, W0, 1)
    END = unit_at_end(50, W0)

    def test_a_minion_is_told_when_it_first_starts(self) -> None:
        assert keeps(ToldMinions(), agent_began(0, W0), *self.told(1), believed(2, W1, 1), self.END)

    def test_a_minion_that_was_never_told_is_found(self) -> None:
        begin = agent_began(0, W0), believed(0, W1, 1)
        others = self.told(1, unit=W1)
        assert breaks(ToldMinions(), *begin, *others, self.END, says="and never ran")
        killed = self.told(1, how="killed")
        assert breaks(ToldMinions(), *begin, *killed, self.END, says="never ran")

    def test_a_minion_is_told_each_time_that_it_is_deposed(self) -> None:
        once = *self.BEGIN, doubted(5, W0, 1), *self.told(6)
        again = believed(10, W0, 2), doubted(15, W0, 2)
        assert keeps(ToldMinions(), *once, self.END)
        assert keeps(ToldMinions(), *once, *again, *self.told(16), self.END)
        assert breaks(ToldMinions(), *once, *again, self.END, says="since it led")

    def test_a_hook_that_began_before_it_led_tells_of_no_deposition(self) -> None:
        begun, over = self.told(1)
        run = agent_began(0, W0), begun, believed(1.1, W0, 1), doubted(1.2, W0, 1), over
        assert breaks(ToldMinions(), *run, self.END, says="since it led")

    def test_a_hook_that_ran_while_it_stepped_down_tells_of_it(self) -> None:
        """U4"""
        down = *self.told(4), doubted(5, W0, 1, willing=True)
        assert keeps(ToldMinions(), *self.BEGIN, *down, self.END)

    def test_a_leader_that_died_is_deposed_too(self) -> None:
        dead = *self.BEGIN, died(5, W0), agent_began(6, W0)
        assert breaks(ToldMinions(), *self.told(0.5, unit=W1), *dead, self.END, says="since it led")
        assert keeps(ToldMinions(), *dead, *self.told(7), self.END)
        resumed = *dead, believed(7, W0, 1), doubted(8, W0, 1)
        assert breaks(ToldMinions(), *resumed, *self.told(0.5, unit=W1), self.END, says="it led")

    def test_a_failed_one_may_have_been_skipped(self) -> None:
        """H7"""
        lost = *self.BEGIN, doubted(5, W0, 1)
        assert keeps(ToldMinions(), *lost, *self.told(6, how="failed"), self.END)
        before = *self.told(0.2, how="failed"), believed(1, W0, 1), doubted(5, W0, 1)
        assert breaks(ToldMinions(), agent_began(0, W0), *before, self.END, says="since it led")

    def test_other_hooks_tell_of_nothing(self) -> None:
        lost = *self.told(0.5, unit=W1), *self.BEGIN, doubted(5, W0, 1)
        for how in ("done", "failed"):
            other = hook(6, W0, "d"), ended(7, W0, "d", how)
            assert breaks(ToldMinions(), *lost, *other, self.END, says="since it led")

    def test_one_that_ran_again_after_it_had_failed_was_not_skipped(self) -> None:
        """H7"""
        run = agent_began(0, W0), believed(0, W1, 1), *self.told(1, how="failed"), *self.told(2)
        assert breaks(ToldMinions(), *run, wrote(3, 1, W1, 1, a="1"), self.END, says="not 1")

    def test_the_end_of_another_context_counts_for_nothing(self) -> None:
        lost = *self.told(0.5, unit=W1), *self.BEGIN, doubted(5, W0, 1)
        begun, _ = self.told(6)
        assert breaks(ToldMinions(), *lost, begun, ended(7, W0, "x"), self.END, says="it led")
        late = ended(7, W0, "x", "killed"), hook(8, W0, "x", SETTINGS), ended(9, W0, "x")
        assert breaks(ToldMinions(), *lost, *late, self.END, says="since it led")
        dead = begun, died(7, W0), agent_began(8, W0), ended(9, W0, "c6")
        assert breaks(ToldMinions(), *lost, *dead, self.END, says="since it led")

    def test_a_unit_of_which_no_agent_is_known_is_not_judged(self) -> None:
        assert keeps(ToldMinions(), *self.told(1, unit=W1), believed(2, W1, 1), self.END)

    def test_the_last_revision_of_another_is_seen(self) -> None:
        run = agent_began(0, W0), believed(0, W1, 1), wrote(1, 1, W1, 1, a="1")
        assert breaks(ToldMinions(), *run, *self.told(2), self.END, says="not 1")
        seen = unit_at_end(50, W0, seen=1)
        assert keeps(ToldMinions(), *run, *self.told(2, target=1), seen)

    def test_its_own_revisions_are_known_to_it(self) -> None:
        run = *self.BEGIN, wrote(2, 1, W0, 1, a="1"), doubted(5, W0, 1), *self.told(6)
        assert keeps(ToldMinions(), *run, self.END)

    def test_a_revision_that_no_hook_was_run_for_is_found(self) -> None:
        run = agent_began(0, W0), believed(0, W1, 1), wrote(1, 1, W1, 1, a="1")
        more = *self.told(2, target=1), wrote(3, 2, W1, 1, a="2")
        seen = unit_at_end(50, W0, seen=2)
        assert breaks(ToldMinions(), *run, *more, seen, says="for revision 2")
        assert keeps(ToldMinions(), *run, *more, paid(4, W0, SETTINGS, revision=2), seen)
        for other in (
            paid(4, W0, SETTINGS, revision=2, agent="clone"),
            paid(4, W1, SETTINGS, revision=2),
            paid(4, W0, ELECTED, revision=2),
        ):
            assert breaks(ToldMinions(), *run, *more, other, seen, says="for revision 2")
        without_targets = *self.told(2), wrote(3, 2, W1, 1, a="2"), seen
        assert keeps(ToldMinions(), *run, *without_targets)

    def test_an_application_that_was_removed_wrote_nothing(self) -> None:
        """B1"""
        run = agent_began(0, W0), believed(0, W1, 1), removed(1, 7), *self.told(2)
        assert keeps(ToldMinions(), *run, self.END)

    def test_what_is_new_at_the_end_may_wait(self) -> None:
        run = agent_began(0, W0), believed(0, W1, 1), *self.told(2)
        early, late = healed(40, 60, 90), healed(20, 30, 45)
        for healing, old, new in ((early, 48, 49.5), (late, 34, 36)):
            for owed in (
                lambda at: (wrote(at, 1, W1, 1, a="1"),),
                lambda at: (died(at, W0), agent_began(at, W0), wrote(3, 1, W1, 1, a="1")),
                lambda at: (believed(4, W0, 2), doubted(at, W0, 2)),
            ):
                assert keeps(ToldMinions(), *run, healing, *owed(new), self.END)
                assert found(ToldMinions(), *run, healing, *owed(old), self.END)

    def test_nothing_is_asked_of_leaders_nor_of_units_in_error_or_gone(self) -> None:
        run = agent_began(0, W0), believed(1, W1, 1), *self.told(1, unit=W1)
        for end in (unit_at_end(50, W0, leads=True), unit_at_end(50, W0, in_error=True),
                    unit_at_end(50, W0, quiet=False)):  # fmt: skip
            assert keeps(ToldMinions(), *run, end)

    def test_a_charm_without_the_hook_runs_none(self) -> None:
        """H6"""
        assert keeps(ToldMinions(), *self.BEGIN, doubted(5, W0, 1), self.END)

    def test_one_of_several_agents_of_a_unit_is_enough(self) -> None:
        """L9: the other is refused"""
        clone = agent_began(3, W0, "clone")
        run = agent_began(0, W0), believed(1, W1, 1), *self.told(2), clone
        assert keeps(ToldMinions(), *run, self.END)
        assert breaks(ToldMinions(), *run, died(4, W0), self.END, says="never ran")

    def test_where_belief_is_not_seen_leader_elected_tells_who_led(self) -> None:
        healing = healed(20, 30, 45)
        run = agent_began(0, W0), *self.told(1), hook(2, W0, "d", ELECTED, term=1)
        over = ended(3, W0, "d", name=ELECTED)
        assert breaks(ToldMinions(), *run, over, healing, self.END, says="since it led")
        assert keeps(ToldMinions(), *run, over, *self.told(4), healing, self.END)
        assert keeps(ToldMinions(), *run, over, healing, unit_at_end(44, W0))

    def test_where_the_store_is_not_seen_the_bucket_tells_the_last_revision(self) -> None:
        run = agent_began(0, W0), *self.told(1), healed(20, 30, 45)
        seen, bucket = unit_at_end(50, W0, seen=1), bucket_at_end(50, 2, W1, a="1")
        assert breaks(ToldMinions(), *run, seen, bucket, says="not 2")
        assert keeps(ToldMinions(), *run, self.END, bucket)
        assert keeps(ToldMinions(), *run, seen, bucket_at_end(50, 2, W0, a="1"))
        assert keeps(ToldMinions(), *run, calls(49, W1, "x", a="1"), seen, bucket)


class TestLeaderNotTold:
    """H3"""

    BEGIN = believed(1, W0, 1)

    @staticmethod
    def told(at: float, reason: str = "") -> Fact:
        return hook(at, W0, f"c{at}", SETTINGS, reason=reason)

    def test_minions_are_told(self) -> None:
        assert keeps(
            LeaderNotTold(), self.told(0, "started"), self.BEGIN, doubted(2, W0, 1),
            self.told(3, "deposed"), self.told(4, "settings"), died(5, W0), self.told(6),
        )  # fmt: skip

    def test_a_leader_that_is_told_for_no_deposition_is_found(self) -> None:
        for reason in ("started", "settings"):
            assert breaks(
                LeaderNotTold(), self.BEGIN, self.told(2, reason), says="does not step down"
            )

    def test_other_hooks_run_on_leaders(self) -> None:
        assert keeps(LeaderNotTold(), self.BEGIN, hook(2, W0, "c", reason="settings"))

    def test_a_belief_that_goes_on_is_one(self) -> None:
        run = self.BEGIN, self.told(2, "deposed"), believed(3, W0, 1), doubted(3, W0, 7)
        assert breaks(
            LeaderNotTold(), *run, said_true(4, W0, "c2", until=34), says="said True at 4.000"
        )

    def test_the_first_such_hook_is_told_of_once(self) -> None:
        run = self.BEGIN, self.told(2, "deposed"), self.told(3, "settings")
        said = [said_true(at, W0, "c2", until=at + 30) for at in (4, 5)]
        assert breaks(LeaderNotTold(), *run, *said, says="began c2, but")

    def test_a_leader_that_steps_down_is_told(self) -> None:
        """U4"""
        ends: list[Fact] = [doubted(4, W0, 1, willing=True), doubted(4, W0, 1), died(4, W0)]
        for end in ends:
            assert keeps(
                LeaderNotTold(), self.BEGIN, self.told(2, "deposed"), self.told(3, "settings"), end,
                believed(5, W0, 2), said_true(6, W0, "c", until=36),
            )  # fmt: skip

    def test_one_that_says_true_afterwards_did_not_step_down(self) -> None:
        run = self.BEGIN, self.told(2, "deposed"), said_true(3, W0, "c2", until=33)
        assert breaks(LeaderNotTold(), *run, says="said True at 3.000")
        other_term = said_true(3, W0, "c2", until=33, term=9)
        assert keeps(LeaderNotTold(), *run[:2], other_term)

    def test_one_that_still_leads_when_all_is_quiet_did_not_step_down(self) -> None:
        run = self.BEGIN, self.told(2), healed(20, 30, 45)
        assert breaks(
            LeaderNotTold(), *run, unit_at_end(50, W0, leads=True, term=1), says="in the end"
        )
        assert keeps(LeaderNotTold(), *run, unit_at_end(44, W0, leads=True, term=1))
        for end in (unit_at_end(50, W0, leads=True, quiet=False), unit_at_end(50, W0),
                    unit_at_end(50, W1, leads=True)):  # fmt: skip
            assert keeps(LeaderNotTold(), *run, end)
        assert keeps(LeaderNotTold(), *run[:2], unit_at_end(50, W0, leads=True))
        assert keeps(LeaderNotTold(), self.BEGIN, run[2], unit_at_end(50, W0, leads=True))

    def test_a_revoked_term_need_not_have_been_given_up(self) -> None:
        """L5"""
        run = self.BEGIN, self.told(2, "deposed"), revoked(2.5, W0, 1, until=60)
        assert keeps(LeaderNotTold(), *run, said_true(3, W0, "c2", until=33))

    def test_a_hook_that_is_told_of_after_its_end_never_ran(self) -> None:
        late = ended(0, W0, "c2"), self.BEGIN, self.told(2, "settings")
        assert keeps(LeaderNotTold(), *late)
