"""All leases of a controller: what units may ask, and what time does. Pure.

`Leases` steps the state in memory, gathers the changes to persist (`staging`) and the news for
units (`pushes`). It answers in values; nobody may be told before the changes are durable (L7).
Operators' orders are in `core/orders.py`, the rules of one lease in `core/lease.py`; who speaks for
a unit is in `core/sessions.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from tenure.core import lease as rules
from tenure.core.application import (
    Application,
    granted_to,
    is_recorded_alike,
    lengthened,
    pins_left,
    record_of,
    resumed,
    with_offer_told,
    with_settings,
)
from tenure.core.changes import (
    ApplicationPut,
    Bucket,
    Cause,
    Change,
    HistoryAdded,
    HistoryKind,
    Holder,
    PinDropped,
)
from tenure.core.effects import Denied, Granted, Offer, Push, Revision, StepDown
from tenure.core.lease import Ask, Lease, LineOffer, Outcome, without_pin
from tenure.core.observer import Observer
from tenure.core.sessions import Sessions
from tenure.core.staging import Batch, Staging
from tenure.core.wakes import Wakes
from tenure.errors import BadRequest, NotFound, NotLeader
from tenure.names import application_of

MAX_LEAP = 2**20
"""Terms that one report can raise an application by: more than a backup is ever behind. Whoever
reports more is believed that far and asked again, so that a lie costs numbers and nobody's lease:
after a restore, the others get past `n` lies in as many claims."""

SAVE_PINS_EVERY, OFFER_FOR = 60.0, 1.0


class Leases:
    """The state of a seated controller. `wall` is the time for people, set by every `tick`."""

    def __init__(self, *, offer_for: float = OFFER_FOR, observer: Observer | None = None) -> None:
        self.staging = Staging()
        self.sessions = Sessions()
        self.pushes: list[tuple[str, Push]] = []
        self.unsure: dict[str, Cause] = {}
        self.wall = 0.0
        self._offer_for = offer_for
        self._observer = observer
        self._wakes = Wakes()
        self._save_pins_at: float | None = None

    # -- sessions

    def connect(self, now: float, unit: str, instance: str, number: int) -> Application:
        """Accept a unit's session. Raises NotFound or InstanceRefused (L9)."""
        application = self.application_with(unit)
        self.sessions.begin(now, unit, instance, number, application.lease)
        handover = application.lease.handover
        if handover is not None and handover.holder == unit:
            self.pushes.append((application.name, StepDown(unit=unit)))
        return application

    def disconnect(self, now: float, unit: str, number: int) -> None:
        """The session is over; a superseded one's end means nothing."""
        if self.sessions.end(unit, number):
            self._leave_line(now, unit)

    def set_eligible(self, now: float, unit: str, eligible: bool) -> None:
        """Whether the unit seeks leadership: not while it is stopping."""
        if self.sessions.set_eligible(unit, eligible) and not eligible:
            self._leave_line(now, unit)

    def set_silent(self, now: float, unit: str, since: float | None) -> None:
        """Since when nothing was heard of the unit; None: it was heard again. Its place in line
        stays, but who is silent is offered nothing (G11)."""
        if self.sessions.set_silent(unit, since):
            application = self.staging.applications.get(application_of(unit))
            if application is not None:
                self.settle(now, application, application.lease)

    def can_take(self, unit: str) -> bool:
        """Whether it can lead, and would take an offer: it is not silent."""
        return self.can_lead(unit) and self.sessions[unit].silent_since is None

    def can_lead(self, unit: str) -> bool:
        """Whether it is connected and eligible."""
        session = self.sessions.get(unit)
        if session is None or not session.eligible:
            return False
        application = self.staging.applications.get(application_of(unit))
        record = application.units.get(unit) if application else None
        return record is not None and not record.removing

    def _leave_line(self, now: float, unit: str) -> None:
        application = self.staging.applications.get(application_of(unit))
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
            self.staging.touch(replace(application, lease=lease))
            return granted_to(unit, lease)
        if outcome is Outcome.GRANT and lease.holder and not rules.is_held(lease, now):
            # because time could not be let do its work while nothing could be written
            self._advance(now, application)
            return self.claim(now, unit, None)  # because no term is held that it could name
        if outcome is Outcome.GRANT and not self.can_lead(unit):
            outcome = Outcome.VACATE if rules.is_held(lease, now) else Outcome.DENY
        if outcome is Outcome.GRANT:
            return self._grant(now, application, Holder(unit, instance))
        if outcome is Outcome.VACATE:
            lease = self._free(now, application, f"{unit} no longer believed")
            application = self.staging.applications[application.name]
        if self.can_lead(unit):
            self.settle(now, application, rules.waiting(lease, unit))
        return Denied(unit=unit, duration=lease.duration)

    def _having_seen(self, application: Application, unit: str, seen_term: int) -> Application:
        lease = application.lease
        believed = min(seen_term, max(lease.term, lease.seen_term) + MAX_LEAP)
        if believed > lease.term:
            application = replace(application, lease=rules.having_seen(lease, believed))
            self.staging.touch(application)
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
        return granted_to(holder.unit, lease)

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
        return self.read(unit).revision

    def read(self, unit: str) -> Bucket:
        """The whole bucket of the unit's own application (B2). Raises NotFound."""
        return self.application_with(unit).bucket

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
        written, merged = with_settings(application, changes)
        if merged is None:
            return
        keys = tuple(sorted((*merged.put, *merged.drop)))
        told = self.history(
            application, "settings", f"{unit} wrote", unit_to=unit, term=application.lease.term,
            detail=f"revision {merged.revision}: {len(keys)} key{'s' if len(keys) > 1 else ''}",
        )  # fmt: skip
        self.staging.put(written, [merged, told])
        self.pushes.extend(
            (application.name, Revision(unit=other, revision=merged.revision, keys=keys))
            for other in self.connected(application, but=unit)
        )

    # -- time

    def take_up(self, now: float, application: Application) -> None:
        """An application as it was loaded (L8)."""
        self.staging.touch(application)
        self.schedule(application)
        if application.lease.pins:
            self.save_pins_from(now)

    def tick(self, now: float, wall: float) -> None:
        """Let time do its work: expiries, lapsed offers, ended pins (L3, L4, L6)."""
        self.wall = wall
        for name in self._wakes.due(now):
            application = self.staging.applications.get(name)
            if application is not None and name not in self.unsure:
                self._advance(now, application)
        if self._save_pins_at is not None and now >= self._save_pins_at:
            self._save_pins(now)

    def _advance(self, now: float, application: Application) -> None:
        lease = rules.lowered(application.lease, now)
        changes: list[Change] = []
        for reason in [reason for reason, until in lease.pins.items() if now > until]:
            lease = replace(lease, pins=without_pin(lease.pins, reason))
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
        pinned = [a for a in self.staging.applications.values() if a.lease.pins]
        self._save_pins_at = now + SAVE_PINS_EVERY if pinned else None
        for application in pinned:
            if application.name not in self.unsure:
                self.staging.put(application, pins_left(application, now))

    def next_wake(self) -> float | None:
        """The instant after which `tick` has something to do, if any."""
        wakes = (self._wakes.next(), self._save_pins_at)
        return min((at for at in wakes if at is not None), default=None)

    def lengthen(self, gap: float, committing: Batch | None = None) -> None:
        """The controller itself was stalled for `gap` s: nobody could renew meanwhile (L8). What
        may be rolled back to, also of the batch that is `committing`, is lengthened too."""
        self.staging.applications.update(lengthened(self.staging.applications, gap))
        for batch in (self.staging.gathering, committing):
            if batch is not None:
                batch.before.update(lengthened(batch.before, gap))

    # -- when a commit failed

    def roll_back(self, batches: Iterable[Batch]) -> None:
        """These batches, oldest first, surely never happened (G7)."""
        undone = list(batches)
        for batch in reversed(undone):
            self.staging.roll_back(batch)
        for name in dict.fromkeys(name for batch in undone for name in batch.before):
            if name in self.staging.applications:
                application = self.staging.applications[name]
                self.schedule(application)
                offer = application.lease.offer
                if offer is not None and offer.until == rules.NEVER:
                    # because the word of it was dropped with the batch: else it would never lapse
                    self.pushes.append((name, Offer(unit=offer.unit)))

    def reload(self, names: Iterable[str], loaded: Mapping[str, Application]) -> None:
        """Their outcome was unknown: the store's word counts, and what none keeps goes on (L8)."""
        names = list(names)
        before = {name: self.staging.applications.get(name) for name in names}
        self.staging.reload(names, loaded)
        for name in names:
            self.unsure.pop(name, None)
            if name in loaded:
                self.staging.touch(resumed(loaded[name], before[name]))
                self.schedule(loaded[name])
                self._wakes.at(name, float("-inf"))  # if it is free, it is offered

    # -- where every new state goes through

    def settle(self, now: float, application: Application, lease: Lease, *changes: Change) -> Lease:
        """Make this the application's lease: offer it if it is free, keep what must be kept."""
        offered = lease.offer
        lease = rules.with_offer_settled(lease, now, self._offer_for, self.can_take)
        if lease.offer is not None and lease.offer != offered:
            # because its time begins when it is told: a slow commit must not use it up
            unit = lease.offer.unit
            lease = replace(lease, offer=LineOffer(unit, rules.NEVER))
            self.pushes.append((application.name, Offer(unit=unit)))
        before = self.staging.applications.get(application.name)
        self.keep(replace(application, lease=lease), *changes)
        if self._observer is not None:
            self._observer.settled(now, before.lease if before else None, lease)
        return lease

    def tell_offer(self, now: float, unit: str) -> bool:
        """The offer to this unit leaves: its length counts from here (L4). False if the lease is on
        offer to it no more, since it was taken back while the commit was under way."""
        name = application_of(unit)
        gathering = self.staging.gathering.before
        if (before := gathering.get(name)) is not None:
            # because a roll back must not bring an offer back that never lapses
            gathering[name] = with_offer_told(before, unit, now + self._offer_for)
        application = self.staging.applications.get(name)
        if application is None or application.lease.offer is None:
            return False
        told = with_offer_told(application, unit, now + self._offer_for)
        self.staging.touch(told)
        self.schedule(told)
        return application.lease.offer.unit == unit

    def keep(self, application: Application, *changes: Change) -> None:
        """Make this the application's state; its record is persisted if it changed."""
        before = self.staging.applications.get(application.name)
        if before is None or not is_recorded_alike(before, application):
            changes = (ApplicationPut(record_of(application)), *changes)
        if changes:
            self.staging.put(application, changes)
        else:
            self.staging.touch(application)
        self.schedule(application)

    def _free(self, now: float, application: Application, cause: Cause) -> Lease:
        lease = rules.freed(application.lease, now, cause, self.wall)
        told = self.history(
            application, "released", lease.freed_because, unit_from=lease.last_leader,
            term=lease.term,
        )  # fmt: skip
        return self.settle(now, application, lease, told)

    def schedule(self, application: Application) -> None:
        """See to it that `tick` looks at this application in time."""
        at = rules.next_change_at(application.lease)
        if at is not None:
            self._wakes.at(application.name, at)

    def save_pins_from(self, now: float) -> None:
        """What is left of pins is saved every minute from now on (L6)."""
        if self._save_pins_at is None:
            self._save_pins_at = now + SAVE_PINS_EVERY

    def application_with(self, unit: str) -> Application:
        """The unit's application. Raises NotFound, naming what there is."""
        application = self.staging.applications.get(application_of(unit))
        if application is None or unit not in application.units:
            raise NotFound(f"there is no unit {unit}: see `tenure status`")
        return application

    def living_with(self, unit: str) -> Application:
        """The unit's application, which is there. Raises BadName, NotFound."""
        self.staging.living(application_of(unit))
        return self.application_with(unit)

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
