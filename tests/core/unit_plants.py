"""Bugs of the unit's half of the core, each with the checks that must find it. See `plants`."""

from __future__ import annotations

import math
from typing import Any

from msgspec.structs import replace

from tenure.core import localstate, tracker
from tenure.core.effects import Denied, Verdict
from tenure.core.tracker import ClaimSent, Grant, Loss, Standing, Tracker

from . import unit_scenarios
from .plants import Patch, caught_by, worlds


@caught_by(unit_scenarios.belief_counts_from_before_the_request, worlds)
def promise_counted_from_the_reply(patch: Patch) -> None:
    real = Tracker.consider

    def consider(self: Tracker, now: float, verdict: Verdict, retry_at: float) -> Any:
        if self.in_flight is not None:
            self.in_flight = replace(self.in_flight, at=now)
        return real(self, now, verdict, retry_at)

    patch.setattr(Tracker, "consider", consider)


@caught_by(unit_scenarios.cut_off_unit_stops_before_another_may_lead, worlds)
def clock_margin_skipped(patch: Patch) -> None:
    patch.setattr(tracker, "CLOCK_MARGIN", 0.0)


@caught_by(unit_scenarios.answer_of_an_older_epoch_is_thrown_away, worlds)
def epoch_ignored(patch: Patch) -> None:
    patch.setattr(Tracker, "_still_stands", lambda self, now, asked: True)


@caught_by(unit_scenarios.term_that_ran_out_does_not_begin_again)
def term_begins_again_after_its_end(patch: Patch) -> None:
    def stands(self: Tracker, now: float, asked: ClaimSent) -> bool:
        return asked.epoch == self._epoch

    patch.setattr(Tracker, "_still_stands", stands)


@caught_by(unit_scenarios.another_terms_certainty_is_not_inherited)
def new_term_inherits_certainty(patch: Patch) -> None:
    real = Tracker.become_leader

    def become_leader(self: Tracker, grant: Grant) -> None:
        before = self.sure_until
        real(self, grant)
        self.sure_until = max(before, self.sure_until)

    patch.setattr(Tracker, "become_leader", become_leader)


@caught_by(unit_scenarios.denied_while_believing_is_minion_at_once)
def denial_ignored_while_believing(patch: Patch) -> None:
    def consider(self: Tracker, now: float, asked: ClaimSent, denied: Denied) -> Loss | None:
        self.answered = True
        return Loss("denied") if self.term is not None else None

    patch.setattr(Tracker, "_consider_denial", consider)


@caught_by(unit_scenarios.belief_counts_from_before_the_request)
def belief_lasts_through_its_last_instant(patch: Patch) -> None:
    def believes(self: Tracker, now: float) -> bool:
        return self.answered and self.term is not None and now <= self.sure_until

    patch.setattr(Tracker, "believes", believes)


@caught_by(unit_scenarios.remembered_term_promises_nothing_before_its_answer)
def remembered_term_believed_unasked(patch: Patch) -> None:
    def believes(self: Tracker, now: float) -> bool:
        return self.term is not None and now < self.sure_until

    patch.setattr(Tracker, "believes", believes)


@caught_by(unit_scenarios.release_waits_for_promises, worlds)
def released_before_promises_lapse(patch: Patch) -> None:
    def may_release(self: Tracker, now: float, *, hooks_are_over: bool) -> bool:
        return self.stepping_down

    patch.setattr(Tracker, "may_release", may_release)


@caught_by(unit_scenarios.older_promise_outlives_a_lower_guarantee)
def lower_guarantee_breaks_older_promises(patch: Patch) -> None:
    real = Tracker.step_down

    def step_down(self: Tracker, now: float) -> None:
        real(self, now)
        self._step_down_by = now + self.guarantee

    patch.setattr(Tracker, "step_down", step_down)


@caught_by(unit_scenarios.stepping_down_promises_nothing, worlds)
def promises_while_stepping_down(patch: Patch) -> None:
    def standing(self: Tracker, now: float) -> Standing:
        if not self.answered:
            return Standing.WAITING
        return Standing.LEADER if self.believes(now) else Standing.MINION

    patch.setattr(Tracker, "standing", standing)


@caught_by(unit_scenarios.stepping_down_ends)
def step_down_never_ends(patch: Patch) -> None:
    real = Tracker.step_down

    def step_down(self: Tracker, now: float) -> None:
        real(self, now)
        self._step_down_by = math.inf

    patch.setattr(Tracker, "step_down", step_down)


@caught_by(unit_scenarios.stepping_down_forgets_the_term_durably)
def term_kept_while_stepping_down(patch: Patch) -> None:
    patch.setattr(localstate, "without_belief", lambda state: state)
