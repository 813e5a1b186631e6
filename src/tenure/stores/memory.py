"""A store in memory: the contract of `base.py` without a disk, for tests and simulations.

The `MemoryDisk` is what survives; a `MemoryStore` is one controller's handle on it. A restart is a
new handle on the same disk; a crash is `disk.free_seat()`, after which the dead handle may still
try to write, as a late packet would. Faults are planned on the disk, one for each commit to come:

| fault | the caller sees | the disk |
|---|---|---|
| `"none"` | success | changed |
| `"refused"` | `StoreRefused` | unchanged |
| `"unsure-landed"` | `Unsure` | changed |
| `"unsure-not-landed"` | `Unsure` | unchanged |
| `"unsure-late"` | `Unsure` | as above, until `deliver_late()`; a seat taken since makes it void |

`disk.full = True` refuses every commit and every seat until it is set back. `disk.takes` says how
many seconds each half of a commit takes, before and after it lands; even zero lets other tasks run.

Each of `disk.on_durable` is called with the changes of a commit once they are on the disk.

Changes are applied one by one in the most literal way: `Tables` is the oracle for the other stores.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal, assert_never

import msgspec

from tenure.core.changes import (
    ApplicationPut,
    ApplicationRecord,
    BagDropped,
    BagPut,
    BagRecord,
    Bucket,
    Change,
    CharmCleared,
    CharmPut,
    CharmRecord,
    ConfigPut,
    ConfigRecord,
    HistoryAdded,
    Persisted,
    PinDropped,
    PinPut,
    SettingsCleared,
    SettingsMerged,
    StatusPut,
    StatusRecord,
    UnitDropped,
    UnitPut,
    UnitRecord,
)
from tenure.errors import SeatLost, SeatTaken, StoreRefused, StoreUnusable, Unsure
from tenure.stores.base import HISTORY_KEPT, Seat

Fault = Literal["none", "refused", "unsure-landed", "unsure-not-landed", "unsure-late"]

Hear = Callable[[Sequence[Change]], None]
"""Told the changes of one commit, once they are surely durable."""


class Tables:
    """All that commits made true: records and history."""

    def __init__(self) -> None:
        self._applications: dict[str, ApplicationRecord] = {}
        self._units: dict[str, UnitRecord] = {}
        self._buckets: dict[str, Bucket] = {}
        self._pins: dict[str, dict[str, float]] = {}
        self._charms: dict[str, CharmRecord] = {}
        self._configs: dict[str, ConfigRecord] = {}
        self._bags: dict[str, dict[tuple[int, str], BagRecord]] = {}
        self._statuses: dict[str, StatusRecord] = {}
        self._history: dict[str, list[HistoryAdded]] = {}

    def apply(self, changes: Sequence[Change]) -> None:
        """Make the changes true, in order."""
        for change in changes:
            self._apply(change)

    def _apply(self, change: Change) -> None:
        match change:
            case ApplicationPut(record):
                self._applications[record.name] = record
            case UnitPut(record):
                self._units[record.unit] = record
            case UnitDropped(unit):
                self._units.pop(unit, None)
            case SettingsMerged():
                self._merge(change)
            case SettingsCleared(application):
                if bucket := self._buckets.get(application):
                    self._buckets[application] = Bucket(bucket.revision)
            case PinPut(application, reason, left):
                self._pins.setdefault(application, {})[reason] = left
            case PinDropped(application, reason):
                self._unpin(application, reason)
            case CharmPut(record):
                self._charms[record.application] = record
            case ConfigPut(record):
                self._configs[record.application] = record
            case BagPut(record):
                place = record.relation, record.owner
                self._bags.setdefault(record.application, {})[place] = record
            case BagDropped(application, relation, owner):
                self._drop_bag(application, relation, owner)
            case StatusPut(record):
                self._statuses[record.application] = record
            case CharmCleared(application):
                for kept in (self._charms, self._configs, self._bags, self._statuses):
                    kept.pop(application, None)
            case HistoryAdded():
                self._history.setdefault(change.application, []).append(change)
            case _:
                assert_never(change)

    def _merge(self, change: SettingsMerged) -> None:
        before = self._buckets.get(change.application, Bucket()).settings
        merged = {
            key: value for key, value in {**before, **change.put}.items() if key not in change.drop
        }
        self._buckets[change.application] = Bucket(change.revision, merged)

    def _unpin(self, application: str, reason: str) -> None:
        pins = self._pins.get(application, {})
        pins.pop(reason, None)
        if not pins:
            self._pins.pop(application, None)

    def _drop_bag(self, application: str, relation: int, owner: str) -> None:
        bags = self._bags.get(application, {})
        bags.pop((relation, owner), None)
        if not bags:
            self._bags.pop(application, None)

    def persisted(self) -> Persisted:
        """A copy of everything but the history."""
        return Persisted(
            applications=dict(self._applications),
            units=dict(self._units),
            buckets=dict(self._buckets),
            pins={application: dict(pins) for application, pins in self._pins.items()},
            charms=dict(self._charms),
            configs=dict(self._configs),
            bags={
                application: tuple(bags[place] for place in sorted(bags))
                for application, bags in self._bags.items()
            },
            statuses=dict(self._statuses),
        )

    def copy(self) -> Tables:
        """The same records; what one of them is told later the other does not hear."""
        copied = Tables()
        copied._applications = dict(self._applications)
        copied._units = dict(self._units)
        copied._buckets = dict(self._buckets)
        copied._pins = {application: dict(pins) for application, pins in self._pins.items()}
        copied._charms = dict(self._charms)
        copied._configs = dict(self._configs)
        copied._bags = {application: dict(bags) for application, bags in self._bags.items()}
        copied._statuses = dict(self._statuses)
        copied._history = {name: list(entries) for name, entries in self._history.items()}
        return copied

    def trim_history(self) -> None:
        """Forget all but the newest entries of each application."""
        for entries in self._history.values():
            del entries[:-HISTORY_KEPT]

    def history(self, application: str, limit: int) -> list[HistoryAdded]:
        """The newest `limit` entries, oldest first."""
        entries = self._history.get(application, [])
        return entries[max(0, len(entries) - limit) :]


class MemoryDisk(Tables):
    """What survives a controller, and the faults it is to suffer."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[Fault] = []
        self.full = False
        self.takes: Callable[[], float] = lambda: 0.0
        self.seat = 0
        self.owner: MemoryStore | None = None
        self._late: list[tuple[Seat, tuple[Change, ...]]] = []
        self.on_durable: list[Hear] = []

    def free_seat(self) -> None:
        """The controller that holds the seat is dead: others may take it."""
        self.owner = None

    def deliver_late(self) -> None:
        """Let the late commits arrive now; those of an older seat change nothing (L8)."""
        late, self._late = self._late, []
        for seat, changes in late:
            if seat.number == self.seat:
                self.apply(changes)

    def delay(self, seat: Seat, changes: Sequence[Change]) -> None:
        """Keep a commit under way until `deliver_late`."""
        self._late.append((seat, tuple(changes)))

    def apply(self, changes: Sequence[Change]) -> None:
        """Make the changes true, in order, and tell."""
        super().apply(changes)
        for hear in self.on_durable if changes else ():
            hear(changes)


class MemoryStore:
    """One controller's handle on a `MemoryDisk`; passes the contract of `stores/base.py`."""

    def __init__(self, disk: MemoryDisk) -> None:
        self._disk = disk
        self._closed = False
        self._unsure = False
        self._turn = asyncio.Lock()

    async def take_seat(self) -> Seat:
        """The seat under a new number. Raises SeatTaken, StoreRefused (the disk is full)."""
        async with self._turn:
            await asyncio.sleep(self._disk.takes())
            if self._closed:
                raise SeatLost("the store is closed")
            if self._disk.owner not in (None, self):
                raise SeatTaken("another controller holds the seat of the memory store")
            if self._disk.full:
                raise StoreRefused("cannot take the seat of the memory store: no space left")
            self._disk.owner = self
            self._disk.seat += 1
            self._unsure = False
            self._disk.trim_history()
            return Seat(self._disk.seat)

    async def load(self, seat: Seat) -> Persisted:
        """Everything that was ever committed. Raises SeatLost."""
        async with self._turn:
            self._compare(seat)
            if self._unsure:
                raise SeatLost("the seat of the memory store must be taken anew")
            return self._disk.persisted()

    async def commit(self, seat: Seat, changes: Sequence[Change]) -> None:
        """All of it or nothing. Raises SeatLost, StoreRefused, Unsure, as planned."""
        async with self._turn:
            await asyncio.sleep(self._disk.takes())
            self._compare(seat)
            self._land(seat, changes)
            await asyncio.sleep(self._disk.takes())

    async def history(self, application: str, limit: int) -> list[HistoryAdded]:
        """The newest `limit` entries, oldest first. Raises StoreUnusable without the seat."""
        if self._disk.owner is not self:
            raise StoreUnusable("the memory store is not open: take its seat first")
        return self._disk.history(application, limit)

    async def close(self) -> None:
        """Free the seat; this handle is of no more use."""
        async with self._turn:
            self._closed = True
            if self._disk.owner is self:
                self._disk.free_seat()

    def _compare(self, seat: Seat) -> None:
        if self._closed or seat.number != self._disk.seat:
            raise SeatLost(f"seat {seat.number} of the memory store was taken over")

    def _land(self, seat: Seat, changes: Sequence[Change]) -> None:
        if self._unsure:
            raise StoreRefused("cannot write to the memory store: its seat must be taken anew")
        fault = self._disk.faults.pop(0) if self._disk.faults else "none"
        if fault == "refused" or self._disk.full:
            raise StoreRefused("the memory store has no space left: nothing was written")
        check_storable(changes)
        if fault == "unsure-late":
            self._disk.delay(seat, changes)
        elif fault != "unsure-not-landed":
            self._disk.apply(changes)
        if fault.startswith("unsure"):
            self._unsure = True
            raise Unsure("the memory store did not say whether the write landed")


def check_storable(changes: Sequence[Change]) -> None:
    """What no store can write is refused here too: lone surrogates, numbers past 64 bits."""
    try:
        msgspec.msgpack.encode(changes)
    except (UnicodeEncodeError, OverflowError) as error:
        raise StoreRefused(f"cannot write to the store: {error}") from None
