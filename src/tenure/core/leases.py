"""All leases of a controller: what units may ask, and what time does. Pure.

`Leases` steps the state in memory, gathers the changes to persist (`ledger`) and the news for units
(`pushes`). It answers in values; nobody may be told before the changes are durable (L7). Operators'
orders are in `core/orders.py`, the rules of one lease in `core/lease.py`.

A unit speaks through its *session*: its instance and a number that rises with every connection.
A newer session of the same instance supersedes the older; another instance is refused while the
first is connected or may still believe (L9).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from tenure.core import lease as rules
from tenure.core.application import (
    REMEMBERED_WRITES,
    Application,
    is_recorded_alike,
    record_of,
    resumed,
)
from tenure.core.bucket import merge, real_changes
from tenure.core.changes import (
    ApplicationPut,
    Bucket,
    Cause,
    Change,
    HistoryAdded,
    HistoryKind,
    Holder,
    PinDropped,
    PinPut,
    SettingsMerged,
)
from tenure.core.effects import Denied, Granted, Offer, Push, Revision, StepDown
from tenure.core.lease import Ask, Lease, LineOffer, Outcome
from tenure.core.staging import Batch, Staging
from tenure.errors import BadRequest, InstanceRefused, NotFound, NotLeader
from tenure.names import application_of

MAX_LEAP = 2**20
"""Terms that one report can raise an application by: more than a backup is ever behind. Whoever
reports more is believed that far and asked again, so that a lie costs numbers and nobody's lease:
after a restore, the others get past `n` lies in as many claims."""

SAVE_PINS_EVERY = 60.0
OFFER_FOR = 1.0


class Session(Struct, frozen=True, gc=False):
    """Who speaks for a unit now (L9). `eligible` is false once it seeks no leadership any more."""

    instance: str
    number: int
    eligible: bool = True


class Leases:
    """The state of a seated controller. `wall` is the time for people, set by every `tick`."""

    def __init__(
        self, applications: Iterable[Application] = (), *, offer_for: float = OFFER_FOR
    ) -> None:
        self.ledger = Staging(applications)
        self.sessions: dict[str, Session] = {}
        self.pushes: list[tuple[str, Push]] = []
        self.unsure: dict[str, Cause] = {}
        self.wall = 0.0
        self._offer_for = offer_for
        self._wakes: list[tuple[float, str]] = []
        self._wake_of: dict[str, float] = {}
        self._save_pins_at: float | None = None
        for application in self.ledger.applications.values():
            self.schedule(application)

    # -- sessions

    def connect(self, now: float, unit: str, instance: str, number: int) -> Application:
        """Accept a unit's session. Raises NotFound or InstanceRefused (L9)."""
        application = self.application_with(unit)
        current = self.sessions.get(unit)
        if current is not None and current.instance != instance:
            raise InstanceRefused(
                f"another instance of {unit} is connected: stop that one, or add a unit"
            )
        if current is not None and number <= current.number:
            raise InstanceRefused(f"a newer session of {unit} is connected")
        lease = application.lease
        holder = lease.holder
        if holder is not None and holder.unit == unit and holder.instance != instance:
            left = rules.ends_at(lease) - now
            if left >= 0:
                raise InstanceRefused(
                    f"another instance of {unit} may believe to be leader for {left:.0f} s more: "
                    "try again then, or add a unit"
                )
        self.sessions[unit] = Session(instance, number)
        handover = lease.handover
        if handover is not None and handover.holder == unit:
            self.pushes.append((application.name, StepDown(unit=unit)))
        return application

    def disconnect(self, now: float, unit: str, number: int) -> None:
        """The session is over; a superseded one's end means nothing."""
        session = self.sessions.get(unit)
        if session is not None and session.number == number:
            del self.sessions[unit]
            self._leave_line(now, unit)

    def set_eligible(self, now: float, unit: str, eligible: bool) -> None:
        """Whether the unit seeks leadership: not while it is stopping."""
        session = self.sessions[unit]
        if session.eligible != eligible:
            self.sessions[unit] = replace(session, eligible=eligible)
            if not eligible:
                self._leave_line(now, unit)

    def can_lead(self, unit: str) -> bool:
        """Whether it is connected and eligible."""
        session = self.sessions.get(unit)
        if session is None or not session.eligible:
            return False
        application = self.ledger.applications.get(application_of(unit))
        record = application.units.get(unit) if application else None
        return record is not None and not record.removing

    def _leave_line(self, now: float, unit: str) -> None:
        application = self.ledger.applications.get(application_of(unit))
        if application is not None:
            self.settle(now, application, rules.gone_from_line(application.lease, unit))

    # -- what units ask

    def claim(
        self, now: float, unit: str, term: int | None, seen_term: int = 0
    ) -> Granted | Denied:
        """Seek or renew the lease (L2). Raises NotFound; BadRequest if `seen_term` cannot be."""
        application = self._having_seen(self.application_with(unit), unit, seen_term)
        lease = application.lease
        instance = self.sessions[unit].instance
        ask = Ask.CLAIM if term is None else Ask.RENEW
        outcome = rules.judge(lease, now, unit, instance, ask, term)
        if outcome is Outcome.EXTEND:
            lease = rules.extended(lease, now)
            self.ledger.touch(replace(application, lease=lease))
            return _grant(unit, lease)
        if outcome is Outcome.GRANT and lease.holder and not rules.is_held(lease, now):
            # because time could not be let do its work while nothing could be written
            self._advance(now, application)
            return self.claim(now, unit, term, seen_term)
        if outcome is Outcome.GRANT and not self.can_lead(unit):
            outcome = Outcome.VACATE if rules.is_held(lease, now) else Outcome.DENY
        if outcome is Outcome.GRANT:
            return self._grant(now, application, Holder(unit, instance))
        if outcome is Outcome.VACATE:
            lease = self._free(now, application, f"{unit} no longer believed")
            application = self.ledger.applications[application.name]
        if self.can_lead(unit):
            self.settle(now, application, rules.waiting(lease, unit))
        return Denied(unit=unit, duration=lease.duration)

    def _having_seen(self, application: Application, unit: str, seen_term: int) -> Application:
        lease = application.lease
        believed = min(seen_term, max(lease.term, lease.seen_term) + MAX_LEAP)
        if believed > lease.term:
            application = replace(application, lease=rules.having_seen(lease, believed))
            self.ledger.touch(application)
        if seen_term < 0 or seen_term > believed:
            raise BadRequest(f"{unit} reports term {seen_term}, far beyond any that is known")
        return application

    def _grant(self, now: float, application: Application, holder: Holder) -> Granted:
        before = application.lease
        lease, cause = rules.granted(before, now, holder, self.wall)
        leaderless = None if before.freed_at is None or before.holder else now - before.freed_at
        self.settle(
            now, application, lease,
            self.history(
                application, "granted", cause, unit_from=before.last_leader, unit_to=holder.unit,
                term=lease.term, leaderless_for=leaderless,
            ),
        )  # fmt: skip
        return _grant(holder.unit, lease)

    def release(self, now: float, unit: str, term: int) -> None:
        """The unit, which believes in nothing any more, gives its lease up (L5).

        A release of a term that is over already is no error: it is what the unit wanted.
        """
        application = self.application_with(unit)
        instance = self.sessions[unit].instance
        outcome = rules.judge(application.lease, now, unit, instance, Ask.RELEASE, term)
        if outcome is Outcome.FREE:
            self._free(now, application, f"{unit} stepped down")

    def write(self, now: float, unit: str, term: int, changes: Mapping[str, str]) -> int:
        """Merge into the bucket, fenced by lease and term (G6, B2). Returns the revision.

        Raises NotLeader, BucketFull, BadRequest.
        """
        application = self.application_with(unit)
        self.fence(now, application, unit, term)
        if "" in changes:
            raise BadRequest("a setting's key must not be empty")
        self._merge(application, unit, changes)
        return self.ledger.applications[application.name].bucket.revision

    def fence(self, now: float, application: Application, unit: str, term: int | None) -> None:
        """Raises NotLeader unless the unit holds the lease under that very term (G6, B2)."""
        instance = self.sessions[unit].instance
        outcome = rules.judge(application.lease, now, unit, instance, Ask.WRITE, term)
        if outcome is not Outcome.ALLOW:
            name = application.name
            raise NotLeader(
                f'application "{name}": prerequisites failed: "{unit}" is not leader of "{name}"'
            )

    def _merge(self, application: Application, unit: str, changes: Mapping[str, str]) -> None:
        real = real_changes(application.bucket, changes)
        bucket = merge(application.bucket, changes, application.name)
        if bucket is application.bucket:
            return
        keys = tuple(sorted(real))
        recent = (*application.recent, (bucket.revision, keys))[-REMEMBERED_WRITES:]
        merged = SettingsMerged(
            application.name,
            bucket.revision,
            {key: value for key, value in real.items() if value},
            tuple(key for key in keys if not real[key]),
        )
        told = self.history(
            application, "settings", f"{unit} wrote", unit_to=unit, term=application.lease.term,
            detail=f"revision {bucket.revision}: {len(keys)} key{'s' if len(keys) > 1 else ''}",
        )  # fmt: skip
        self.ledger.put(replace(application, bucket=bucket, recent=recent), [merged, told])
        self.pushes.extend(
            (application.name, Revision(unit=other, revision=bucket.revision, keys=keys))
            for other in self.connected(application, but=unit)
        )

    def read(self, unit: str) -> Bucket:
        """The whole bucket of the unit's own application (B2). Raises NotFound."""
        return self.application_with(unit).bucket

    # -- time

    def tick(self, now: float, wall: float) -> None:
        """Let time do its work: expiries, lapsed offers, ended pins (L3, L4, L6)."""
        self.wall = wall
        while self._wakes and self._wakes[0][0] < now:
            at, name = heapq.heappop(self._wakes)
            if self._wake_of.get(name) != at:
                continue  # because an earlier wake was scheduled after this one
            del self._wake_of[name]
            application = self.ledger.applications.get(name)
            if application is not None and name not in self.unsure:
                self._advance(now, application)
        if self._save_pins_at is not None and now >= self._save_pins_at:
            self._save_pins(now)

    def _advance(self, now: float, application: Application) -> None:
        lease = rules.lowered(application.lease, now)
        changes: list[Change] = []
        for reason in [reason for reason, until in lease.pins.items() if now > until]:
            lease = replace(lease, pins=without(lease.pins, reason))
            changes.append(PinDropped(application.name, reason))
            changes.append(self.history(application, "unpinned", "its time ran out", detail=reason))
        holder = lease.holder
        if holder is not None and now > rules.ends_at(lease):
            cause = f"{holder.unit}'s lease ran out"
            lease = rules.freed(lease, now, cause, self.wall)
            changes.append(
                self.history(application, "expired", cause, unit_from=holder.unit, term=lease.term)
            )
        self.settle(now, application, lease, *changes)

    def _save_pins(self, now: float) -> None:
        pinned = [a for a in self.ledger.applications.values() if a.lease.pins]
        self._save_pins_at = now + SAVE_PINS_EVERY if pinned else None
        for application in pinned:
            if application.name not in self.unsure:
                self.ledger.put(application, pins_left(application, now))

    def next_wake(self) -> float | None:
        """The instant after which `tick` has something to do, if any."""
        wakes = [self._wakes[0][0]] if self._wakes else []
        if self._save_pins_at is not None:
            wakes.append(self._save_pins_at)
        return min(wakes, default=None)

    def lengthen(self, gap: float) -> None:
        """The controller itself was stalled for `gap` s: nobody could renew meanwhile (L8)."""
        for application in list(self.ledger.applications.values()):
            if application.lease.holder is not None:
                lease = application.lease
                self.ledger.touch(
                    replace(application, lease=replace(lease, expires_at=lease.expires_at + gap))
                )

    # -- when a commit failed

    def roll_back(self, batches: Iterable[Batch]) -> None:
        """These batches, oldest first, surely never happened (G7)."""
        undone = list(batches)
        for batch in reversed(undone):
            self.ledger.roll_back(batch)
        for name in dict.fromkeys(name for batch in undone for name in batch.before):
            if name in self.ledger.applications:
                application = self.ledger.applications[name]
                self.schedule(application)
                offer = application.lease.offer
                if offer is not None and offer.until == rules.NEVER:
                    # because the word of it was dropped with the batch: else it would never lapse
                    self.pushes.append((name, Offer(unit=offer.unit)))

    def reload(self, names: Iterable[str], loaded: Mapping[str, Application]) -> None:
        """Their outcome was unknown: the store's word counts, and what none keeps goes on (L8)."""
        names = list(names)
        before = {name: self.ledger.applications.get(name) for name in names}
        self.ledger.reload(names, loaded)
        for name in names:
            self.unsure.pop(name, None)
            if name in loaded:
                self.ledger.touch(resumed(loaded[name], before[name]))
                self.schedule(loaded[name])
                self._wake_of[name] = float("-inf")  # if it is free, it is offered
                heapq.heappush(self._wakes, (float("-inf"), name))

    # -- the one door for new states

    def settle(self, now: float, application: Application, lease: Lease, *changes: Change) -> Lease:
        """Make this the application's lease: offer it if it is free, keep what must be kept."""
        offered = lease.offer
        lease = rules.with_offer_settled(lease, now, self._offer_for, self.can_lead)
        if lease.offer is not None and lease.offer != offered:
            # because its time begins when it is told: a slow commit must not use it up
            unit = lease.offer.unit
            lease = replace(lease, offer=LineOffer(unit, rules.NEVER))
            self.pushes.append((application.name, Offer(unit=unit)))
        self.keep(replace(application, lease=lease), *changes)
        return lease

    def tell_offer(self, now: float, unit: str) -> bool:
        """The offer to this unit leaves: its length counts from here (L4). False if the lease is on
        offer to it no more, since it was taken back while the commit was under way."""
        name = application_of(unit)
        gathering = self.ledger.gathering.before
        if (before := gathering.get(name)) is not None:
            # because a roll back must not bring an offer back that never lapses
            gathering[name] = self._with_offer_told(now, before, unit)
        application = self.ledger.applications.get(name)
        if application is None or application.lease.offer is None:
            return False
        told = self._with_offer_told(now, application, unit)
        self.ledger.touch(told)
        self.schedule(told)
        return application.lease.offer.unit == unit

    def _with_offer_told(self, now: float, application: Application, unit: str) -> Application:
        lease = application.lease
        if lease.offer != LineOffer(unit, rules.NEVER):
            return application
        offer = LineOffer(unit, now + self._offer_for)
        return replace(application, lease=replace(lease, offer=offer))

    def keep(self, application: Application, *changes: Change) -> None:
        """Make this the application's state; its record is persisted if it changed."""
        before = self.ledger.applications.get(application.name)
        if before is None or not is_recorded_alike(before, application):
            changes = (ApplicationPut(record_of(application)), *changes)
        if changes:
            self.ledger.put(application, changes)
        else:
            self.ledger.touch(application)
        self.schedule(application)

    def _free(self, now: float, application: Application, cause: Cause) -> Lease:
        before = application.lease
        lease = rules.freed(before, now, cause, self.wall)
        unit_from = before.holder.unit if before.holder else None
        told = self.history(
            application, "released", lease.freed_because, unit_from=unit_from, term=before.term
        )
        return self.settle(now, application, lease, told)

    def schedule(self, application: Application) -> None:
        """See to it that `tick` looks at this application in time."""
        name = application.name
        at = rules.next_change_at(application.lease)
        if at is not None and at < self._wake_of.get(name, float("inf")):
            self._wake_of[name] = at
            heapq.heappush(self._wakes, (at, name))

    def save_pins_from(self, now: float) -> None:
        """What is left of pins is saved every minute from now on (L6)."""
        if self._save_pins_at is None:
            self._save_pins_at = now + SAVE_PINS_EVERY

    # -- small things

    def application_with(self, unit: str) -> Application:
        """The unit's application. Raises NotFound, naming what there is."""
        application = self.ledger.applications.get(application_of(unit))
        if application is None or unit not in application.units:
            raise NotFound(f"there is no unit {unit}: see `tenure status`")
        return application

    def connected(self, application: Application, but: str | None = None) -> list[str]:
        """Its units that have a session, less the one that need not be told."""
        return [unit for unit in application.units if unit != but and unit in self.sessions]

    def history(
        self,
        application: Application,
        kind: HistoryKind,
        cause: Cause,
        *,
        unit_from: str | None = None,
        unit_to: str | None = None,
        term: int | None = None,
        leaderless_for: float | None = None,
        detail: str = "",
    ) -> HistoryAdded:
        """One line of history (O4), stamped with the turn's wall time."""
        return HistoryAdded(
            application=application.name, at=self.wall, kind=kind, cause=cause,
            unit_from=unit_from, unit_to=unit_to, term=term, leaderless_for=leaderless_for,
            detail=detail,
        )  # fmt: skip


def without(pins: Mapping[str, float], reason: str) -> dict[str, float]:
    """The pins less one."""
    return {other: until for other, until in pins.items() if other != reason}


def pins_left(application: Application, now: float) -> list[Change]:
    """What is left of the application's pins, to be saved (L6)."""
    return [
        PinPut(application.name, reason, max(0.0, until - now))
        for reason, until in application.lease.pins.items()
    ]


def _grant(unit: str, lease: Lease) -> Granted:
    return Granted(unit=unit, term=lease.term, duration=lease.duration, guarantee=lease.guarantee)
