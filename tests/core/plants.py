"""Bugs of the controller's half of the core, each with the checks that must find it.

A plant takes one guard away for one test; the core goes back to what it was after it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from tenure.core import application, bucket, lease, leases, peers
from tenure.core.addresses import PLACES, Addresses, address_at
from tenure.core.application import Application
from tenure.core.applications import Applications
from tenure.core.bags import BagStep
from tenure.core.changes import BagPut, Cause, Holder
from tenure.core.effects import Granted, Revision, Verdict
from tenure.core.lease import Ask, Lease, LineOffer, Outcome, Stand
from tenure.core.leases import Leases
from tenure.core.peers import BagWrite, Peers
from tenure.core.sessions import Session, Sessions
from tenure.core.staging import Staging
from tenure.errors import NotLeader

from . import drive, scenarios

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]
Taken = Callable[[], Iterable[str]]
PLANTS: list[Any] = []


def caught_by(*checks: Callable[[], None]) -> Callable[[Plant], Plant]:
    """Registers a bug with the checks that must find it, each on its own."""

    def register(plant: Plant) -> Plant:
        for check in checks:
            PLANTS.append(pytest.param(plant, check, id=f"{plant.__name__}-{check.__name__}"))
        return plant

    return register


def worlds() -> None:
    """Some seeded worlds."""
    drive.histories(range(60))


# -- one lease


@caught_by(scenarios.held_at_the_instant_of_expiry)
def free_at_the_instant_of_expiry(patch: Patch) -> None:
    real = lease.ends_at
    patch.setattr(lease, "ends_at", lambda lease: math.nextafter(real(lease), -math.inf))


@caught_by(scenarios.regrant_has_a_new_term, worlds)
def term_kept_on_a_regrant(patch: Patch) -> None:
    real = lease.granted

    def granted(old: Lease, now: float, holder: Holder, wall: float) -> tuple[Lease, Cause]:
        new, cause = real(old, now, holder, wall)
        again = old.last_leader == holder.unit
        return (replace(new, term=old.term) if again else new), cause

    patch.setattr(lease, "granted", granted)


@caught_by(
    scenarios.term_is_raised_above_what_the_claimer_has_seen,
    scenarios.term_is_raised_above_what_a_denied_unit_has_seen,
)
def seen_terms_ignored(patch: Patch) -> None:
    patch.setattr(lease, "having_seen", lambda lease, term: lease)


@caught_by(scenarios.extension_never_shortens, worlds)
def extension_shortens(patch: Patch) -> None:
    def extended(old: Lease, now: float) -> Lease:
        return replace(old, expires_at=now + old.duration)

    patch.setattr(lease, "extended", extended)


@caught_by(scenarios.regrant_never_shortens)
def regrant_shortens(patch: Patch) -> None:
    real = lease.granted

    def granted(old: Lease, now: float, holder: Holder, wall: float) -> tuple[Lease, Cause]:
        new, cause = real(old, now, holder, wall)
        return replace(new, expires_at=now + new.duration), cause

    patch.setattr(lease, "granted", granted)


@caught_by(scenarios.pin_suspends_expiry)
def pin_ignored(patch: Patch) -> None:
    patch.setattr(lease, "ends_at", lambda lease: lease.expires_at)


@caught_by(scenarios.untold_offer_does_not_lapse)
def untold_offer_lapses(patch: Patch) -> None:
    real = lease._lapsed
    patch.setattr(lease, "_lapsed", lambda lease, offer: real(lease, replace(offer, until=0.0)))


@caught_by(scenarios.silent_unit_is_offered_nothing_until_its_next_word)
def offered_to_who_is_silent(patch: Patch) -> None:
    patch.setattr(Leases, "can_take", Leases.can_lead)


@caught_by(scenarios.silent_unit_is_offered_nothing_until_its_next_word)
def first_word_after_a_silence_not_acted_on(patch: Patch) -> None:
    real = Leases.set_silent

    def set_silent(self: Leases, now: float, unit: str, since: float | None) -> None:
        if since is None:
            self.sessions.set_silent(unit, since)
        else:
            real(self, now, unit, since)

    patch.setattr(Leases, "set_silent", set_silent)


@caught_by(scenarios.freed_lease_is_offered_to_the_first_alone)
def offered_to_all(patch: Patch) -> None:
    for ask in (Ask.CLAIM, Ask.RENEW):
        patch.setitem(_table(), (Stand.OFFERED_TO_OTHER, ask), Outcome.GRANT)


@caught_by(scenarios.lapsed_offer_goes_to_the_next)
def lapsed_waiter_stays_first(patch: Patch) -> None:
    def settled(old: Lease, now: float, offer_for: float, can_take: Any) -> Lease:
        if old.holder is not None or not old.line:
            return old
        return replace(old, offer=LineOffer(old.line[0], now + offer_for))

    patch.setattr(lease, "with_offer_settled", settled)


@caught_by(scenarios.write_of_another_is_refused, scenarios.write_under_an_old_term_is_refused,
           worlds)  # fmt: skip
def write_not_fenced(patch: Patch) -> None:
    for stand in Stand:
        patch.setitem(_table(), (stand, Ask.WRITE), Outcome.ALLOW)


@caught_by(scenarios.write_under_an_old_term_is_refused,
           scenarios.release_of_an_old_term_is_nothing,
           scenarios.bag_of_the_application_is_fenced, worlds)  # fmt: skip
def term_not_compared(patch: Patch) -> None:
    real = lease.judge

    def judge(old: Lease, now: float, unit: str, instance: str, ask: Ask, _: Any) -> Outcome:
        return real(old, now, unit, instance, ask, old.term)

    patch.setattr(lease, "judge", judge)


@caught_by(scenarios.revoked_term_writes_nothing)
def revoked_term_still_writes(patch: Patch) -> None:
    patch.setitem(_table(), (Stand.FREE, Ask.WRITE), Outcome.ALLOW)


@caught_by(scenarios.shorter_lease_keeps_the_longest_on_record)
def longest_lowered_at_once(patch: Patch) -> None:
    def with_duration(old: Lease, now: float, duration: float, guarantee: float) -> Lease:
        return replace(old, duration=duration, guarantee=guarantee, longest=duration)

    patch.setattr(lease, "with_duration", with_duration)


@caught_by(scenarios.longer_lease_is_on_record_first)
def longer_lease_not_recorded(patch: Patch) -> None:
    def with_duration(old: Lease, now: float, duration: float, guarantee: float) -> Lease:
        return replace(old, duration=duration, guarantee=guarantee)

    patch.setattr(lease, "with_duration", with_duration)


@caught_by(scenarios.elected_unit_then_the_old_leader)
def old_leader_has_no_second_chance(patch: Patch) -> None:
    real = lease.freed

    def freed(old: Lease, now: float, because: Cause, wall: float) -> Lease:
        handover = old.handover and replace(old.handover, holder_may_return=False)
        return real(replace(old, handover=handover), now, because, wall)

    patch.setattr(lease, "freed", freed)


def _table() -> dict[tuple[Stand, Ask], Outcome]:
    assert isinstance(lease.VERDICTS, dict)
    return lease.VERDICTS


# -- the controller


@caught_by(scenarios.restart_extends_the_lease, worlds)
def lease_not_extended_on_restart(patch: Patch) -> None:
    real = application.extended_from

    def extended(found: Application, now: float, grace: float) -> Application:
        found = real(found, now, grace)
        return replace(found, lease=replace(found.lease, expires_at=now))

    patch.setattr(application, "extended_from", extended)
    patch.setattr("tests.core.bench.extended_from", extended)


@caught_by(scenarios.line_survives_a_reload)
def waiters_forgotten_on_reload(patch: Patch) -> None:
    patch.setattr(leases, "resumed", lambda loaded, before: loaded)


@caught_by(scenarios.other_instance_is_refused_while_one_is_connected,
           scenarios.other_instance_is_refused_while_one_may_believe)  # fmt: skip
def other_instance_accepted(patch: Patch) -> None:
    def begin(
        self: Sessions, now: float, unit: str, instance: str, number: int, lease: Lease
    ) -> None:
        self._of[unit] = Session(instance, number)

    patch.setattr(Sessions, "begin", begin)


@caught_by(scenarios.superseded_sessions_end_means_nothing)
def superseded_session_ends_the_newer(patch: Patch) -> None:
    def end(self: Sessions, unit: str, number: int) -> bool:
        return self._of.pop(unit, None) is not None

    patch.setattr(Sessions, "end", end)


@caught_by(scenarios.writer_is_not_told)
def writer_told(patch: Patch) -> None:
    real = Leases.write

    def write(self: Leases, now: float, unit: str, term: int, changes: Mapping[str, str]) -> int:
        revision = real(self, now, unit, term, changes)
        self.pushes.append(("web", Revision(unit=unit, revision=revision, keys=("k",))))
        return revision

    patch.setattr(Leases, "write", write)


@caught_by(scenarios.no_change_raises_nothing)
def no_change_raises_the_revision(patch: Patch) -> None:
    def everything(bucket: Any, changes: Mapping[str, str]) -> dict[str, str]:
        return dict(changes)

    patch.setattr(bucket, "real_changes", everything)
    patch.setattr(application, "real_changes", everything)


@caught_by(scenarios.rolled_back_grant_never_was, worlds)
def roll_back_forgotten(patch: Patch) -> None:
    patch.setattr(Staging, "roll_back", lambda self, batch: None)


@caught_by(scenarios.tombstone_keeps_its_term)
def tombstone_forgotten(patch: Patch) -> None:
    real = Applications.remove_application

    def remove(self: Applications, name: str) -> str:
        told = real(self, name)
        del self._leases.staging.applications[name]
        return told

    patch.setattr(Applications, "remove_application", remove)


@caught_by(scenarios.removed_application_is_pinned_no_more)
def tombstone_stays_pinned(patch: Patch) -> None:
    real = Applications.remove_application

    def remove(self: Applications, name: str) -> str:
        pins = self._leases.staging.living(name).lease.pins
        told = real(self, name)
        gone = self._leases.staging.applications[name]
        self._leases.staging.touch(replace(gone, lease=replace(gone.lease, pins=pins)))
        return told

    patch.setattr(Applications, "remove_application", remove)


@caught_by(worlds)
def refusal_names_the_leader(patch: Patch) -> None:
    real = Leases.write

    def write(self: Leases, now: float, unit: str, term: int, changes: Mapping[str, str]) -> int:
        try:
            return real(self, now, unit, term, changes)
        except NotLeader:
            holder = self.application_with(unit).lease.holder
            raise NotLeader(f"{holder.unit if holder else 'nobody'} leads") from None

    patch.setattr(Leases, "write", write)


@caught_by(worlds)
def everybody_is_granted(patch: Patch) -> None:
    def claim(self: Leases, now: float, unit: str, term: Any, seen_term: int = 0) -> Verdict:
        found = self.application_with(unit).lease
        return Granted(unit=unit, term=found.term + 1, duration=found.duration,
                       guarantee=found.guarantee)  # fmt: skip

    patch.setattr(Leases, "claim", claim)


# -- bags


@caught_by(scenarios.bag_of_the_application_is_fenced)
def bag_of_the_application_not_fenced(patch: Patch) -> None:
    patch.setattr(Leases, "fence", lambda self, now, application, unit, term: None)


@caught_by(scenarios.refused_commit_left_nothing)
def commit_checks_as_it_goes(patch: Patch) -> None:
    real = Peers.commit

    def commit(
        self: Peers, now: float, unit: str, writes: Sequence[BagWrite], term: int | None
    ) -> None:
        for write in writes:
            real(self, now, unit, [write], term)

    patch.setattr(Peers, "commit", commit)


@caught_by(scenarios.others_are_told_of_a_unit_s_bag_and_it_is_not)
def unit_told_of_its_own_bag(patch: Patch) -> None:
    def tell(self: Peers, application: Application, steps: Sequence[BagStep]) -> None:
        for unit in self._leases.connected(application):
            self._leases.pushes.extend(
                (application.name, peers._news(unit, step.record))
                for step in steps
                if isinstance(step, BagPut)
            )

    patch.setattr(Peers, "_tell", tell)


@caught_by(scenarios.all_are_told_of_the_application_s_bag)
def leader_not_told_of_the_application_s_bag(patch: Patch) -> None:
    real = Leases.connected

    def connected(self: Leases, application: Application, but: str | None = None) -> list[str]:
        holder = application.lease.holder
        return real(self, application, but or (holder and holder.unit))

    patch.setattr(Leases, "connected", connected)


@caught_by(scenarios.status_of_the_application_is_the_leader_s_to_set)
def status_not_fenced(patch: Patch) -> None:
    patch.setattr(Leases, "fence", lambda self, now, application, unit, term: None)


@caught_by(scenarios.status_stays_when_leadership_moves)
def status_lost_when_leadership_moves(patch: Patch) -> None:
    real = Leases._free

    def free(self: Leases, now: float, application: Application, cause: Cause) -> Lease:
        return real(self, now, replace(application, status=None), cause)

    patch.setattr(Leases, "_free", free)


# -- addresses


@caught_by(scenarios.units_created_where_a_block_ends_share_no_address)
def addresses_of_a_new_application_looked_up_one_by_one(patch: Patch) -> None:
    real = Addresses.allot

    def allot(self: Addresses, taken: Taken, count: int = 1) -> list[str]:
        return [address for _ in range(count) for address in real(self, taken)]

    patch.setattr(Addresses, "allot", allot)


@caught_by(scenarios.units_that_a_roll_back_brings_back_share_no_address)
def addresses_that_were_free_remembered(patch: Patch) -> None:
    real, free = Addresses._looked_up, list[int]()

    def looked_up(self: Addresses, held: set[str], count: int) -> Sequence[int]:
        if len(free) < count:
            free[:] = [place for place in range(PLACES) if address_at(place) not in held]
        if len(free) < count:
            return real(self, held, count)
        given, free[:count] = free[:count], []
        return given

    patch.setattr(Addresses, "_looked_up", looked_up)
