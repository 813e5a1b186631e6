"""Faults planted into the real code, and the small world in which each must be found.

Most are those of `tests/core` and `tests/simulation`, planted by the same functions. Which of those
a walk does not find, and why, is in `NOT_FOUND`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from tenure.controller.conversation import Conversation
from tenure.controller.loop import Controller
from tenure.core import lease
from tenure.core.changes import Cause, Holder
from tenure.core.lease import Lease
from tenure.core.localstate import LocalState
from tenure.leadership.record import Record
from tests.core import plants as core
from tests.core import unit_plants as unit
from tests.simulation import plants as whole

from .world import Bounds, Setting

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]

FOUND: dict[Plant, tuple[Setting, tuple[str, ...]]] = {}
"""Each fault with its world, and the clauses of which one must be named."""


def within(
    *clauses: str, setting: dict[str, Any] | None = None, **bounds: int
) -> Callable[[Plant], Plant]:
    """Registers a fault with the world that shows it."""
    where = Setting(bounds=Bounds(**bounds), **(setting or {}))

    def register(plant: Plant) -> Plant:
        FOUND[plant] = where, clauses
        return plant

    return register


SHORT = {"duration": 2, "guarantee": 1}
"""A lease that is over in two ticks."""
ALONE = {"rates": (0.99,)}
"""One unit."""
COMMITTED = ("commit", "none")


# -- faults that other tests plant, too

within("G8", setting={**ALONE, **SHORT}, ticks=2, drops=1)(core.term_kept_on_a_regrant)
within("G5", setting=SHORT, ticks=4, drops=1)(core.free_at_the_instant_of_expiry)
within("L2", ticks=4, leases=1)(core.extension_shortens)
within("G6", setting=SHORT, ticks=2, delays=2, writes=1)(core.write_not_fenced)
within("G6", ticks=4, revokes=1, writes=1)(core.revoked_term_still_writes)
within("G7", ticks=4, refusals=1, elects=1)(core.roll_back_forgotten)
within("G8", ticks=4, elects=1)(core.everybody_is_granted)

within("L9", setting={"clone": True}, ticks=1, drops=1)(core.other_instance_accepted)
within("L2", ticks=4, leases=1, desk_crashes=1)(core.longest_lowered_at_once)
within("G5", setting={**ALONE, "duration": 3, "guarantee": 1}, ticks=4, delays=2, lags=1)(
    unit.promise_counted_from_the_reply
)
within("G5", setting=SHORT, ticks=4, drops=1)(unit.clock_margin_skipped)
within("L5", "G8", ticks=5, elects=1)(unit.epoch_ignored)
within("G8", setting=SHORT, ticks=3, lags=1)(unit.term_begins_again_after_its_end)
within(
    "G5", setting={**ALONE, "so_far": (("shorter",), COMMITTED, ("revoke",), COMMITTED)},
    ticks=2, leases=1, revokes=1, crashes=1,
)(unit.new_term_inherits_certainty)  # fmt: skip

within("U1", ticks=1, crashes=1)(unit.remembered_term_believed_unasked)
within("G3", ticks=4, elects=1, asks=1)(unit.released_before_promises_lapse)
within("H5", "G3", ticks=4, elects=1, asks=1)(unit.promises_while_stepping_down)
within("U4", ticks=4, elects=1, asks=1)(unit.step_down_never_ends)
within("L5", ticks=4, elects=1)(unit.term_kept_while_stepping_down)
within("G5", setting=SHORT, ticks=4, drops=1)(whole.belief_half_a_lease_too_long)
within("G5", ticks=4, elects=1)(whole.pushed_offer_trusted)
within("G3", setting=SHORT, ticks=4, drops=1, asks=1)(whole.true_without_the_guarantee)
within("L7", ticks=2, elects=1)(whole.answered_before_the_commit)
within("L2", ticks=4, desk_crashes=1)(whole.not_extended_on_restart)
within("G7", ticks=4, doubts=1, elects=1)(whole.not_reloaded_after_doubt)
within("H5", ticks=2)(whole.belief_not_recorded)


# -- the controller


@within("G5", setting={**ALONE, "led": False}, ticks=0, drops=1)
def old_session_still_heard(patch: Patch) -> None:
    def check_session(self: Conversation, unit: str) -> None:
        if unit not in self._model.sessions:
            real(self, unit)

    real = Conversation._check_session
    patch.setattr(Conversation, "_check_session", check_session)
    patch.setattr(Conversation, "drop", lambda self, unit: None)


@within("G7", ticks=2, writes=2, refusals=1)
def batches_rolled_back_oldest_first(patch: Patch) -> None:
    real = Controller._was_refused

    def was_refused(self: Controller, waiting: Any, refusal: Any) -> None:
        gathered = self.model.take_batch()
        real(self, waiting, refusal)
        if gathered is not None:
            self.model.leases.roll_back([gathered])

    patch.setattr(Controller, "_was_refused", was_refused)


@within("L2", setting=ALONE, ticks=4, delays=2, leases=1)
def regrant_shortens(patch: Patch) -> None:
    real = lease.granted

    def granted(old: Lease, now: float, holder: Holder, wall: float) -> tuple[Lease, Cause]:
        new, cause = real(old, now, holder, wall)
        return replace(new, expires_at=now + new.duration), cause

    patch.setattr(lease, "granted", granted)


# -- the agent


@within("L5", ticks=4, elects=1, full_disks=1)
def released_before_the_record_is_durable(patch: Patch) -> None:
    patch.setattr(Record, "settle", lambda self: True)


@within("H5", ticks=4, elects=1, full_disks=1)
def failed_save_not_tried_again(patch: Patch) -> None:
    patch.setattr(Record, "_failed", lambda self, fault: None)


@within("H5", ticks=4, elects=1, full_disks=1)
def believed_though_it_was_not_saved(patch: Patch) -> None:
    def must_save(self: Record, state: LocalState) -> bool:
        self._save(state)
        self.state = state
        return True

    patch.setattr(Record, "must_save", must_save)


NOT_FOUND: dict[str, str] = {
    "belief_lasts_through_its_last_instant": "at that instant the lease is still held (L3)",
    "denial_ignored_while_believing": "the claimant ends the belief before it saves that",
    "not_looked_at_again_before_leader_elected": "no time passes while a record is saved",
    "reservation_ignored": "who gets a free lease out of turn is no worse a leader (L4)",
    "revoked_of_another_term_obeyed": "a line keeps its order: word that a term is revoked never "
    "comes after the grant of a later one",
    "seat_ignored": "the walk's store is one of memory; the real ones have an exam of their own",
    "seen_terms_ignored": "no store goes back here (G8)",
    "superseded_session_ends_the_newer": "a superseded conversation has no session left to end",
    "ticks_while_nothing_can_be_written": "what it decides is undone in the same turn",
    "writes_fenced_by_the_unit_alone": "a line keeps its order, and an older line is not heard, so "
    "no write meets a later term of its own unit",
}
"""Faults that no small world shows, and why. Other tests find those of them that do harm."""
