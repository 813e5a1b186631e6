"""SQLite on a disk that loses what was not synced: a model, in virtual time and without a file.

`ModelDisk` is a machine with the store's file: what survives, and the faults it is to suffer.
`ModelStore` is the handle of one controller's process, and does what `stores/sqlite/store.py` and
`stores/sqlite/file.py` do to a real file, step by step:

| step | takes | then |
|---|---|---|
| append to the write-ahead log | `takes()` s | in the page cache: whoever opens the file sees it |
| sync the log | `takes()` s | on the disk |
| rewrite the log, and sync it | `takes()` s | what a failed sync lost is on the disk after all |
| checkpoint | `takes()` s | all of the log is in the database and synced; the log is empty |

A commit is an append and a sync. Taking the seat rewrites, checkpoints, then commits its number.
What can go wrong at any of these moments:

- `crash_process()`, a `kill -9`: the cache survives. An append under way is wholly there or not, a
  sync under way completes or not. The lock is free; the dead handle can do nothing any more.
- `power_loss()`: kills every process, and the cache is gone; `disk_log.py` says what is left. If a
  checkpoint was half done and the log that would repair it is lost, the database is damaged. With
  the log rewritten first that cannot happen.
- `full`: commits and seats are `StoreRefused` before anything is written.
- `sync_fails`: every sync fails. A commit is `Unsure`, a seat `StoreRefused`. The pages stay in the
  cache and count as clean, although the disk does not have them; or closing the connection, which
  a failed commit brings with it, removes that commit with the log (drawn).
- `faults`: one for each commit to come, named and meant as in `stores/memory.py`.

Each of `on_durable` is called with the changes of a commit at the moment when it is surely durable:
when its sync succeeded, whether its caller lives to hear of it or not; or, for one that nobody was
sure of, when a later taking of the seat made it so. Never for what is lost.

Three methods of `ModelDisk` are guards, to be taken away one by one in a test: `_sync` (without it
commits are answered before the sync), `_compare_seat` (commits of an older seat land), `_rewrite`
(what a failed sync left in the cache is trusted; `_rewrite_log` and `_checkpoint` are its halves).

Left out, because it cannot be told from outside: when SQLite makes checkpoints by itself (the
log keeps every page until one succeeded), and the file's first making.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from tenure.core.changes import Change, HistoryAdded, Persisted
from tenure.errors import SeatLost, SeatTaken, StoreRefused, StoreUnusable, Unsure
from tenure.simulation.disk_log import Contents, Log, Transaction
from tenure.simulation.disk_worker import ModelWorker
from tenure.stores.base import Seat
from tenure.stores.memory import Fault, Hear, check_storable
from tenure.stores.sqlite.store import CLOSE_WITHIN

T = TypeVar("T")

MAX_LOG = 64
"""Transactions after which a log that is all on the disk is written back, to keep it short."""


class _CommitFailed(Exception):
    """COMMIT reported an error: of a write, or of a sync."""


class ModelDisk:
    """The machine: what survives its processes, what survives itself, and its faults."""

    def __init__(self, chance: random.Random) -> None:
        self.full = False
        self.sync_fails = False
        self.faults: list[Fault] = []
        self.takes: Callable[[], float] = lambda: 0.0
        self.on_durable: list[Hear] = []
        self._chance = chance
        self._database = Contents()
        self._seen = Contents()
        self._log = Log()
        self._damaged = False
        self._half_written = 0
        self._appending: Transaction | None = None
        self._syncing = False
        self._late: list[tuple[Seat, Transaction]] = []
        self._processes: list[ModelStore] = []
        self._owner: ModelStore | None = None

    # What can be seen

    @property
    def is_locked(self) -> bool:
        """Whether a living process has the file's lock."""
        return self._owner is not None

    @property
    def seat(self) -> int:
        """The number of the seat, as a process would read it now."""
        return self._seen.seat

    def persisted(self) -> Persisted:
        """Everything but the history, as a process would read it now; not all need be durable."""
        return self._seen.tables.persisted()

    def history(self, application: str, limit: int) -> list[HistoryAdded]:
        """The newest `limit` entries, as a process would read them now."""
        return self._seen.tables.history(application, limit)

    # What befalls it

    def crash_process(self, process: ModelStore | None = None) -> None:
        """`kill -9` of one process, or of all that there are."""
        for victim in [*self._processes] if process is None else [process]:
            if victim is self._owner:
                self._interrupt()
            self.leave(victim)
            victim.die()

    def power_loss(self) -> None:
        """The machine is off, and on again: no process, and no cache."""
        self.crash_process()
        self._late.clear()
        survived = self._log.lose_power(self._chance)
        if len(survived) < self._half_written and self._draws():
            self._damaged = True
        self._seen = self._database.copy()
        for transaction in survived:
            self._seen.apply(transaction)

    def deliver_late(self) -> None:
        """Let the late commits arrive now; those of an older seat change nothing (L8)."""
        late, self._late = self._late, []
        for seat, transaction in late:
            with contextlib.suppress(SeatLost, _CommitFailed):
                self._compare_seat(seat)
                self._append(transaction)
                self._synced()

    def _interrupt(self) -> None:
        appending, syncing = self._appending, self._syncing
        self._appending, self._syncing = None, False
        if appending is not None and self._draws():
            self._append(appending)
        if syncing and self._draws():
            with contextlib.suppress(_CommitFailed):
                self._synced()

    def _draws(self) -> bool:
        return self._chance.random() < 0.5

    # Processes and the lock

    def enter(self, process: ModelStore) -> None:
        """A process that will use the file is there."""
        self._processes.append(process)

    def leave(self, process: ModelStore) -> None:
        """It is gone, or done with the file; its lock with it."""
        self.unlock(process)
        if process in self._processes:
            self._processes.remove(process)

    def lock(self, process: ModelStore) -> bool:
        """Whether the process has just got the lock; it may have it already. Raises SeatTaken."""
        if self._owner not in (None, process):
            raise SeatTaken("another controller holds the seat of the model store")
        is_new = self._owner is None
        self._owner = process
        return is_new

    def unlock(self, process: ModelStore) -> None:
        """Let go of the lock, if the process has it."""
        if self._owner is process:
            self._owner = None

    # What a process does to the file

    def require_room(self) -> None:
        """Raises StoreRefused while the disk is full."""
        if self.full:
            raise StoreRefused("the model store has no space left: nothing was written")

    async def open(self) -> int:
        """Make all of it sure, and raise the seat's number: returns that.

        Raises StoreRefused, StoreUnusable.
        """
        self.require_room()
        if self._damaged:
            raise StoreUnusable("the model store is damaged: power was lost in a checkpoint")
        try:
            await self._rewrite()
            number = self.seat + 1
            await self._write(Transaction(seat=number))
        except _CommitFailed as fault:
            raise StoreRefused(f"cannot open the model store now: {fault}") from None
        return number

    async def commit(self, seat: Seat, changes: Sequence[Change]) -> None:
        """Raises SeatLost, StoreRefused; _CommitFailed if COMMIT reports an error."""
        fault = self.faults.pop(0) if self.faults else "none"
        if fault == "refused":
            raise StoreRefused("cannot write to the model store: nothing was written")
        self.require_room()
        check_storable(changes)
        self._compare_seat(seat)
        transaction = Transaction(changes)
        if fault in ("none", "unsure-landed"):
            await self._write(transaction)
        else:
            await asyncio.sleep(self.takes())
        if fault == "unsure-late":
            self._late.append((seat, transaction))
        if fault != "none":
            raise _CommitFailed("a write was not answered")

    def _compare_seat(self, seat: Seat) -> None:
        """A guard: inside the commit's own transaction. Raises SeatLost."""
        if seat.number != self.seat:
            raise SeatLost(f"seat {seat.number} of the model store was taken over by {self.seat}")

    async def _write(self, transaction: Transaction) -> None:
        self._appending = transaction
        try:
            await asyncio.sleep(self.takes())
        finally:
            self._appending = None  # also if the process was killed by who was told something
        self._append(transaction)
        try:
            await self._sync()
        except _CommitFailed:
            self._close_in_doubt(transaction)
            raise

    def _append(self, transaction: Transaction) -> None:
        self._log.append(transaction)
        self._seen.apply(transaction)

    def _close_in_doubt(self, doubtful: Transaction) -> None:
        """The connection is closed: if the disk works again by now, that writes all commits back
        but the one that failed, and removes the log."""
        if self._draws():
            self._log.remove(doubtful)
            self._settle()
            self._seen = self._database.copy()

    async def _sync(self) -> None:
        """A guard: on return what was appended is on the disk. Raises _CommitFailed."""
        await self._sync_log()

    async def _rewrite(self) -> None:
        """A guard: on return all that is read is on the disk. Raises _CommitFailed."""
        await self._rewrite_log()
        await self._checkpoint()

    async def _rewrite_log(self) -> None:
        self._log.rewrite()
        await self._sync_log()

    async def _sync_log(self) -> None:
        self._syncing = True
        await asyncio.sleep(self.takes())
        self._syncing = False
        self._synced()

    def _synced(self) -> None:
        self._log.sync(self.sync_fails)
        if self.sync_fails:
            raise _CommitFailed("the disk reported an error")
        self._tell(self._log.newly_sure())
        if len(self._log) >= MAX_LOG and self._log.is_sure():
            self._settle()

    async def _checkpoint(self) -> None:
        # because from here on the database may have some of the log's pages, and not others
        self._half_written = len(self._log)
        await asyncio.sleep(self.takes())
        if self.sync_fails:
            raise _CommitFailed("the disk reported an error")
        self._half_written = 0
        self._settle()

    def _settle(self) -> None:
        self._log.rewrite()
        self._log.sync(fails=False)
        newly_sure = self._log.newly_sure()
        for transaction in self._log.settle():
            self._database.apply(transaction)
        self._tell(newly_sure)

    def _tell(self, newly_sure: Sequence[Transaction]) -> None:
        for transaction in newly_sure:
            for hear in self.on_durable if transaction.changes else ():
                hear(transaction.changes)


class ModelStore:
    """One process's handle on a `ModelDisk`; passes the contract of `stores/base.py`."""

    def __init__(self, disk: ModelDisk) -> None:
        self._disk = disk
        self._closed = False
        self._open = False
        self._number = 0
        self._worker = ModelWorker()
        disk.enter(self)

    async def take_seat(self) -> Seat:
        """The seat, under a new durable number. Raises SeatTaken, StoreUnusable, StoreRefused."""
        return await self._run(self._take_seat)

    async def load(self, seat: Seat) -> Persisted:
        """Everything but the history. Raises SeatLost."""
        return await self._run(lambda: self._load(seat))

    async def commit(self, seat: Seat, changes: Sequence[Change]) -> None:
        """All of it, durably (G6). Raises SeatLost, StoreRefused, Unsure."""
        await self._run(lambda: self._commit(seat, changes))

    async def history(self, application: str, limit: int) -> list[HistoryAdded]:
        """The newest `limit` entries, oldest first. Raises StoreUnusable without the seat."""
        return await self._run(lambda: self._history(application, limit))

    async def close(self) -> None:
        """Free the seat, waiting no longer than `CLOSE_WITHIN` for the disk."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(Unsure):  # because a hung disk is no reason never to end
            await self._worker.run(self._close, within=CLOSE_WITHIN)

    async def _run(self, work: Callable[[], Awaitable[T]]) -> T:
        if self._closed:
            raise SeatLost("the model store is closed")
        return await self._worker.run(work)

    def die(self) -> None:
        """The process was killed: what it had under way ends here, and nothing begins."""
        self._closed = True
        self._worker.die()

    # Jobs, as the worker runs them

    async def _take_seat(self) -> Seat:
        self._open = False
        is_new = self._disk.lock(self)
        try:
            self._number = await self._disk.open()
        except BaseException:
            if is_new:
                self._disk.unlock(self)
            raise
        self._open = True
        return Seat(self._number)

    def _seated(self, seat: Seat) -> None:
        if seat.number != self._number:
            raise SeatLost(f"seat {seat.number} of the model store was given up or taken anew")

    async def _commit(self, seat: Seat, changes: Sequence[Change]) -> None:
        self._seated(seat)
        if not self._open:
            raise StoreRefused("cannot write to the model store: its seat must be taken anew")
        try:
            await self._disk.commit(seat, changes)
        except _CommitFailed as fault:
            self._open = False
            raise Unsure(f"the model store failed while committing: {fault}") from None

    async def _load(self, seat: Seat) -> Persisted:
        self._seated(seat)
        if not self._open:
            raise SeatLost("the seat of the model store must be taken anew")
        await asyncio.sleep(self._disk.takes())
        self._disk._compare_seat(seat)
        return self._disk.persisted()

    async def _history(self, application: str, limit: int) -> list[HistoryAdded]:
        if not self._open:
            raise StoreUnusable("the model store is not open: its seat must be taken first")
        return self._disk.history(application, limit)

    async def _close(self) -> None:
        self._open = False
        self._disk.leave(self)
