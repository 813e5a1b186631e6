"""A controller's leases and one unit's tracker on a bench, with the instants written by hand."""

from __future__ import annotations

from collections.abc import Sequence

from tenure.core import application as applications
from tenure.core.application import Application
from tenure.core.applications import Applications
from tenure.core.changes import (
    ApplicationPut,
    ApplicationRecord,
    Change,
    HistoryAdded,
    Persisted,
    PinPut,
)
from tenure.core.charms import Charms
from tenure.core.effects import Denied, Granted, Push
from tenure.core.lease import Lease
from tenure.core.leases import Leases
from tenure.core.orders import Orders
from tenure.core.peers import Peers
from tenure.core.statuses import Statuses
from tenure.core.tracker import Grant, Tracker

APP = "web"
W0, W1, W2 = "web/0", "web/1", "web/2"


class PromptLeases(Leases):
    """Leases whose offers leave in the step that makes them: nothing here waits for a commit."""

    def settle(self, now: float, application: Application, lease: Lease, *changes: Change) -> Lease:
        lease = super().settle(now, application, lease, *changes)
        if lease.offer is not None:
            self.tell_offer(now, lease.offer.unit)
        return self.staging.applications[application.name].lease


class CoreBench:
    """The application `web` with connected units; lease 60 s, guarantee 30 s."""

    def __init__(self, units: int = 3, *, duration: float = 60.0, guarantee: float = 30.0) -> None:
        self.leases = PromptLeases()
        self.peers = Peers(self.leases)
        self.statuses = Statuses(self.leases)
        self.charms = Charms(self.leases)
        self.applications = Applications(self.leases, self.charms, self.peers)
        self.orders = Orders(self.leases)
        self.applications.create(0.0, APP, duration, guarantee)
        for number in range(units):
            self.applications.add_unit(APP)
            self.connect(0.0, f"{APP}/{number}")
        self.committed()

    def connect(self, now: float, unit: str, instance: str = "one", number: int = 1) -> None:
        """The unit's session begins."""
        self.leases.tick(now, now)
        self.leases.connect(now, unit, instance, number)

    def claim(
        self, now: float, unit: str, term: int | None = None, seen: int = 0
    ) -> Granted | Denied:
        """Time passes, then the unit claims."""
        self.leases.tick(now, now)
        return self.leases.claim(now, unit, term, seen)

    def leads(self, now: float, unit: str) -> int:
        """The unit claims and is granted; its term."""
        verdict = self.claim(now, unit)
        assert isinstance(verdict, Granted), verdict
        return verdict.term

    def waits(self, now: float, *units: str) -> None:
        """The units claim, and are denied."""
        for unit in units:
            assert isinstance(self.claim(now, unit), Denied)

    def tick(self, now: float) -> None:
        """Time passes."""
        self.leases.tick(now, now)

    def told(self) -> list[Push]:
        """The news since the last time."""
        pushes, self.leases.pushes = self.leases.pushes, []
        return [push for _, push in pushes]

    def committed(self) -> list[Change]:
        """What was to be persisted since the last time; it is, now."""
        batch = self.leases.staging.take()
        return list(batch.changes) if batch else []

    def history(self) -> list[HistoryAdded]:
        """The history entries among what was committed."""
        return [change for change in self.committed() if isinstance(change, HistoryAdded)]

    @property
    def application(self) -> Application:
        """As decided now."""
        return self.leases.staging.applications[APP]

    @property
    def lease(self) -> Lease:
        """As decided now."""
        return self.application.lease

    @property
    def holder(self) -> str | None:
        """The unit that holds the lease."""
        return self.lease.holder.unit if self.lease.holder else None


def saved(changes: list[Change]) -> ApplicationRecord:
    """The application's record, as last put."""
    return [change.record for change in changes if isinstance(change, ApplicationPut)][-1]


def restarted(
    record: ApplicationRecord, now: float, changes: Sequence[Change] = (), grace: float = 15.0
) -> Application:
    """What a controller makes of it when it starts at `now`."""
    pins = {change.reason: change.left for change in changes if isinstance(change, PinPut)}
    kept = Persisted(applications={APP: record}, pins={APP: pins})
    return applications.restored(kept, APP, now, grace)


def granted(term: int = 1, duration: float = 60.0, guarantee: float = 30.0) -> Granted:
    """A controller's yes to web/0."""
    return Granted(unit=W0, term=term, duration=duration, guarantee=guarantee)


def denied(duration: float = 60.0) -> Denied:
    """A controller's no to web/0."""
    return Denied(unit=W0, duration=duration)


def answer(tracker: Tracker, now: float, verdict: Granted | Denied) -> Grant | None:
    """The shell's part: consider, make durable, believe or lose."""
    outcome = tracker.consider(now, verdict, now + 1.0)
    if isinstance(outcome, Grant):
        if tracker.answered and tracker.term == outcome.term:
            tracker.extend(outcome)
        else:
            tracker.become_leader(outcome)
        return outcome
    if outcome is not None:
        tracker.lose(now)
    return None


def leader(now: float = 0.0, term: int = 1, **lease: float) -> Tracker:
    """The tracker of a unit that claimed, and was granted, at `now`."""
    tracker = Tracker(W0)
    tracker.begin_claim(now)
    answer(tracker, now, granted(term, **lease))
    return tracker
