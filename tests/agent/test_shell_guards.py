"""The guards of the shells, each tested by taking it away: then a named test must fail.

The guards of the pure core have theirs in tests/core/test_guards.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tenure.agent import contexts
from tenure.agent.charm import copy
from tenure.agent.charm.files import CharmFiles
from tenure.agent.context.hook import HookContext
from tenure.agent.contexts import Contexts
from tenure.agent.execserver import ExecServer
from tenure.agent.hooks.process import HookResult
from tenure.agent.unit import Unit
from tenure.agent.upgrade import CharmUpgrade
from tenure.charms.fault import CharmError
from tenure.controller.inputs import Answer
from tenure.controller.loop import Controller
from tenure.controller.pending import Pending
from tenure.core import localstate, resolver
from tenure.core.leases import Leases
from tenure.core.localstate import LocalState
from tenure.core.tracker import Grant, LeaderReply, Tracker
from tenure.files import remove_tree
from tenure.leadership import claimant
from tenure.leadership.claimant import Claimant
from tenure.leadership.connection import Connection
from tenure.leadership.record import Record
from tenure.leadership.statefile import StateNotSaved
from tenure.wire.messages import Offer
from tests.agent import (
    test_contexts,
    test_dispatcher,
    test_execserver,
    test_handover,
    test_unit,
    test_upgrade,
)
from tests.agent.charm import test_copy
from tests.controller import test_loop, test_loop_offers, test_watches
from tests.leadership import test_claimant, test_slow_disks

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]


def a_swept_charm(tmp_path: Path) -> None:
    """Its check needs what was swept."""
    test_upgrade.test_a_unit_whose_copy_is_gone_is_in_error_and_then_has_it_again(tmp_path, "charm")


def of_a_copy(check: Callable[[test_copy.Unit], None]) -> Callable[[Path], None]:
    """A check of a unit's copy of a charm."""

    def checked(tmp_path: Path) -> None:
        check(test_copy.new_unit(tmp_path))

    return checked


def a_linked_folder(tmp_path: Path) -> None:
    """A hook put a link where the charm has a folder."""
    unit = test_copy.new_unit(tmp_path)
    try:
        test_copy.test_nothing_is_written_or_removed_through_a_link(unit, tmp_path)
    except CharmError as fault:
        raise AssertionError(fault) from fault


def answered_before_the_commit(patch: Patch) -> None:
    """L7, G6"""

    def answer(self: Pending, names: object, answer: Answer, result: Any) -> None:
        answer(result)

    patch.setattr(Pending, "answer", answer)


def refused_changes_kept(patch: Patch) -> None:
    """G7"""
    patch.setattr(Leases, "roll_back", lambda self, batches: None)


def leadership_not_sought(patch: Patch) -> None:
    """G2"""
    patch.setattr(Claimant, "claim", lambda self, now: None)


def renewed_when_the_guarantee_is_gone(patch: Patch) -> None:
    """L1"""
    real = Tracker._hold

    def hold(self: Tracker, grant: Grant) -> None:
        real(self, grant)
        self.claim_at = grant.sure_until - grant.guarantee

    patch.setattr(Tracker, "_hold", hold)


def not_renewed_for_who_asks(patch: Patch) -> None:
    """U2"""
    real = Tracker.ask

    def ask(self: Tracker, now: float) -> LeaderReply:
        reply = real(self, now)
        return LeaderReply.NO if reply is LeaderReply.RENEW else reply

    patch.setattr(Tracker, "ask", ask)


def false_latched(patch: Patch) -> None:
    """U3"""
    real = HookContext.is_leader
    said_no: set[str] = set()

    async def is_leader(self: HookContext) -> bool:
        if self.context_id in said_no:
            return False
        leads = await real(self)
        if not leads:
            said_no.add(self.context_id)
        return leads

    patch.setattr(HookContext, "is_leader", is_leader)


def own_clock_not_looked_at(patch: Patch) -> None:
    """U5"""
    patch.setattr(Tracker, "has_run_out", lambda self, now: False)


def revocation_not_heeded(patch: Patch) -> None:
    """L5"""
    patch.setattr(Claimant, "revoked", lambda self, term: None)


def new_term_saved_like_a_renewal(patch: Patch) -> None:
    """U1, H5"""
    real = Record.must_save

    def must_save(self: Record, state: LocalState) -> bool:
        if state.term == self.state.term:
            return real(self, state)
        self.renew(state)
        return True

    patch.setattr(Record, "must_save", must_save)


def what_fell_due_in_a_slow_save_left_to_the_heartbeat(patch: Patch) -> None:
    """U4"""
    real = Unit.next_wake
    patch.setattr(Unit, "next_wake", lambda self, since: real(self, self.parts.clock.now()))


def slow_commits_taken_for_silence(patch: Patch) -> None:
    """G11"""
    patch.setattr(Connection, "doubt", lambda self: None)


def late_grant_owes_its_deposition(patch: Patch) -> None:
    """H3, U1"""
    real = localstate.without_belief
    patch.setattr(localstate, "never_believed", lambda state, before: real(state))


def offers_not_heeded(patch: Patch) -> None:
    """G11, L4"""
    patch.setitem(claimant.PUSHES, Offer, lambda unit, push: None)


def commands_outlive_their_exec(patch: Patch) -> None:
    """H6"""

    async def leave(self: ExecServer, session: int, context: HookContext) -> None:
        context.over.set()

    patch.setattr(ExecServer, "_end_command", leave)


def wrong_arguments_repeated(patch: Patch) -> None:
    """T10"""
    patch.setattr(contexts, "WRONG", None)


def what_a_hook_changed_kept(patch: Patch) -> None:
    """P3"""
    real = copy._Refresh._differing

    def differing(
        self: copy._Refresh, wanted: dict[str, copy.Entry]
    ) -> dict[str, copy.Entry | None]:
        entries = self._before.entries
        found = real(self, wanted)
        return {name: have for name, have in found.items() if have == entries.get(name)}

    patch.setattr(copy._Refresh, "_differing", differing)


def what_the_charm_has_no_more_kept(patch: Patch) -> None:
    """P3"""
    patch.setattr(copy._Refresh, "_remove", lambda self, name: None)


def folders_removed_with_what_hooks_made(patch: Patch) -> None:
    """P3"""

    def remove(path: Path) -> bool:
        remove_tree(path)
        return True

    patch.setattr(copy, "_remove_folder", remove)


def written_through_links(patch: Patch) -> None:
    """P3"""
    patch.setattr(copy, "_make_room", lambda path, want: None)


def lost_charm_taken_for_a_missing_hook(patch: Patch) -> None:
    """H6"""
    patch.setattr(CharmFiles, "damage", lambda self: "")


def lost_charm_not_copied_again(patch: Patch) -> None:
    """H7"""
    patch.setattr(CharmUpgrade, "lost", property(lambda self: False))


def earlier_charm_not_followed(patch: Patch) -> None:
    """P3"""
    patch.setattr(resolver, "_differ", lambda revision, given: 0 < revision < given)


def failed_copy_not_made_from_the_charm_that_came(patch: Patch) -> None:
    """P3"""

    async def once(self: CharmUpgrade) -> tuple[HookResult, int]:
        given = self._given()
        try:
            return await self._copy_one(given), given.revision
        finally:
            self._copying = None
            self._parts.wake()

    patch.setattr(CharmUpgrade, "_copy", once)


def given_up_before_it_is_on_record(patch: Patch) -> None:
    """L5, H5"""
    patch.setattr(Record, "settle", lambda self: True)


def failed_save_not_tried_again(patch: Patch) -> None:
    """H5"""

    def failed(self: Record, fault: StateNotSaved) -> None:
        self.save_at = None

    patch.setattr(Record, "_failed", failed)


def revocation_of_any_term_heeded(patch: Patch) -> None:
    """L5"""
    real = Claimant.revoked
    patch.setattr(Claimant, "revoked", lambda self, term: real(self, self.tracker.term or 0))


def tool_served_after_its_hook(patch: Patch) -> None:
    """T8"""

    def by_id(self: Contexts, context_id: str) -> HookContext | None:
        live = self._live
        return live if live is not None and live.context_id == context_id else None

    patch.setattr(Contexts, "by_id", by_id)


def ticks_while_nothing_can_be_written(patch: Patch) -> None:
    """L7"""
    real = Controller.turn

    def turn(self: Controller) -> None:
        if self._is_resting(self.clock.now()):
            self.model.leases.tick(self.clock.now(), self.clock.wall())
        real(self)

    patch.setattr(Controller, "turn", turn)


def offers_told_before_their_turn_is_over(patch: Patch) -> None:
    """L4"""
    real = Controller._push

    def push(self: Controller, given: Any) -> None:
        real(self, given)
        self._tell_offers()

    patch.setattr(Controller, "_push", push)


IN_LOOP = [
    (
        ticks_while_nothing_can_be_written,
        test_loop.test_a_holder_is_renewed_though_its_pin_ends_while_nothing_can_be_written,
    ),
    (answered_before_the_commit, test_loop.test_a_grant_is_answered_only_after_its_commit),
    (
        offers_told_before_their_turn_is_over,
        test_loop_offers.test_an_offer_that_is_taken_back_in_its_own_turn_is_never_told,
    ),
    (answered_before_the_commit, test_watches.test_nobody_is_told_before_it_is_durable),
    (refused_changes_kept, test_loop.test_a_refused_commit_changes_nothing_and_says_so),
]

IN_AGENT = [
    (leadership_not_sought, test_unit.test_true_needs_no_waiting_in_ordinary_times),
    (renewed_when_the_guarantee_is_gone,
     test_unit.test_leaders_renew_at_half_of_what_they_can_spare),
    (not_renewed_for_who_asks, test_unit.test_with_too_little_left_it_renews_and_then_answers),
    (false_latched, test_unit.test_who_saw_false_and_is_elected_sees_true_in_the_same_hook),
    (own_clock_not_looked_at,
     test_unit.test_losing_leadership_is_noticed_and_told_without_the_controller),
    (revocation_not_heeded, test_unit.test_a_revoked_unit_is_a_minion_at_once),
    (new_term_saved_like_a_renewal,
     test_claimant.test_no_belief_begins_that_could_not_be_saved),
    (commands_outlive_their_exec,
     test_execserver.test_a_command_whose_exec_was_killed_is_gone_before_another_context_opens),
    (wrong_arguments_repeated,
     test_dispatcher
     .test_a_tool_that_was_refused_is_logged_and_told_until_its_hook_ends_well_without_one),
    (given_up_before_it_is_on_record,
     test_claimant.test_a_lease_is_given_up_only_once_that_is_on_record),
    (failed_save_not_tried_again,
     test_claimant.test_what_could_not_be_saved_is_saved_again_by_itself),
    (revocation_of_any_term_heeded,
     test_claimant.test_a_revocation_of_another_term_means_nothing),
    (tool_served_after_its_hook,
     test_contexts.test_a_tool_is_served_no_more_while_what_its_hook_set_is_being_kept),
    (what_fell_due_in_a_slow_save_left_to_the_heartbeat,
     test_slow_disks.test_what_fell_due_while_the_agent_saved_is_done_right_after_it),
    (slow_commits_taken_for_silence,
     test_slow_disks.test_a_hand_over_that_is_said_to_have_worked_has_worked),
    (late_grant_owes_its_deposition,
     test_slow_disks.test_a_grant_that_was_saved_too_late_owes_no_deposition),
    (offers_not_heeded, test_handover.test_the_unit_that_was_elected_leads_and_no_other),
    (lost_charm_taken_for_a_missing_hook, a_swept_charm),
    (lost_charm_not_copied_again, a_swept_charm),
    (earlier_charm_not_followed, test_upgrade.test_the_unit_follows_an_earlier_charm),
    (failed_copy_not_made_from_the_charm_that_came,
     test_upgrade.test_a_copy_from_a_source_that_is_no_more_is_made_from_the_one_that_came),
    (what_a_hook_changed_kept, of_a_copy(test_copy.test_a_refresh_writes_the_charms_files_whole)),
    (what_the_charm_has_no_more_kept,
     of_a_copy(test_copy.test_a_file_that_the_new_charm_lacks_goes_although_a_hook_changed_it)),
    (folders_removed_with_what_hooks_made,
     of_a_copy(test_copy.test_what_is_not_the_charms_stays)),
    (written_through_links, a_linked_folder),
]  # fmt: skip


@pytest.mark.parametrize(("plant", "check"), IN_LOOP)
def test_a_guard_of_the_controllers_loop_that_is_taken_away_is_missed(
    plant: Plant, check: Callable[[], None], monkeypatch: Patch
) -> None:
    """G6, G7, L4, L7: each guard is needed"""
    check()
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        check()


@pytest.mark.parametrize(("plant", "check"), IN_AGENT)
def test_a_guard_of_the_agent_that_is_taken_away_is_missed(
    plant: Plant, check: Callable[[Path], None], monkeypatch: Patch, tmp_path: Path
) -> None:
    """G2, G11, H5, H6, L1, L4, L5, T10, U1, U2, U3, U5: each guard is needed"""
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        check(tmp_path)
