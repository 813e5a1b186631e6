"""The embedded store: one SQLite file, one connection, one thread; the contract is in `base.py`.

**The seat** is two things. An exclusive lock on `<path>.lock` lets one process in and is let go by
the kernel when that process dies, however it dies. A number in the database, raised durably at each
taking and compared inside each commit's transaction, makes a commit of an older seat fail however
late it arrives. Before each commit both files are also looked at: if someone moved or replaced them
under us, what we would write is nobody's store, and the seat is lost.

**A commit** has three parts, and an error means another thing in each:
- before BEGIN: is there room? Refused early, a full disk is met where it does no harm.
- up to COMMIT: any error rolls back. `StoreRefused`, nothing changed.
- COMMIT: an error there, be it of a write or of an fsync, leaves the outcome open. `Unsure`. The
  connection is dropped at once and never asked again; `take_seat` opens the file anew, in the order
  that `file.py` argues for. Closing it is safe: what it may still checkpoint are commits
  whose sync succeeded, never the one in doubt.

Everything below `SqliteStore` runs on the worker's thread only, so it needs no locks: jobs run one
at a time, in the order asked. A caller that stops waiting leaves its job to run to its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from tenure.core.changes import Change, HistoryAdded, Persisted
from tenure.errors import SeatLost, StoreRefused, StoreUnusable, Unsure
from tenure.stores.base import Seat
from tenure.stores.sqlite import file, rows, schema
from tenure.stores.sqlite.worker import Worker

T = TypeVar("T")

CLOSE_WITHIN = 5.0
"""Seconds that closing waits for a disk that does not answer."""

TRIM_EVERY = 200
"""New entries of an application after which its history is trimmed again."""

SEAT_BYTES = 256 * 1024
"""Room for raising the seat's number and writing an ordinary log back."""


class SqliteStore:
    """The store in the file `path`; `create` allows to make it if it is missing.

    Nothing is touched before the first `take_seat`. Passes the contract of `stores/base.py`.
    """

    def __init__(self, path: Path, create: bool, close_within: float = CLOSE_WITHIN) -> None:
        self._close_within = close_within
        self._keeper = _Database(path, create)
        self._worker = Worker("tenure-store")
        self._closed = False

    async def take_seat(self) -> Seat:
        """The seat, under a new durable number. Raises SeatTaken, StoreUnusable, StoreRefused."""
        return await self._run(self._keeper.take_seat)

    async def load(self, seat: Seat) -> Persisted:
        """Everything but the history. Raises SeatLost, StoreUnusable."""
        return await self._run(lambda: self._keeper.load(seat))

    async def commit(self, seat: Seat, changes: Sequence[Change]) -> None:
        """All of it, durably (G6). Raises SeatLost, StoreRefused, Unsure."""
        await self._run(lambda: self._keeper.commit(seat, changes))

    async def history(self, application: str, limit: int) -> list[HistoryAdded]:
        """The newest `limit` entries, oldest first. Raises StoreUnusable."""
        return await self._run(lambda: self._keeper.history(application, limit))

    async def close(self) -> None:
        """Free the seat, waiting no longer than `close_within` for the disk."""
        if self._closed:
            return
        self._closed = True
        done = asyncio.get_running_loop().run_in_executor(self._worker, self._keeper.close)
        self._worker.shutdown()
        await asyncio.wait([done], timeout=self._close_within)

    async def _run(self, job: Callable[[], T]) -> T:
        if self._closed:
            raise SeatLost("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._worker, job)


class _Database:
    """Holds the lock and the connection. Used on the worker's thread only."""

    def __init__(self, path: Path, create: bool) -> None:
        self._path = path
        self._create = create
        self._lock: int | None = None
        self._connection: sqlite3.Connection | None = None
        self._number = 0
        self._identity: tuple[int, ...] = ()
        self._grown: Counter[str] = Counter()

    # The seat

    def take_seat(self) -> Seat:
        """Lock, open, raise the number. A seat taken anew keeps the lock, also when it fails."""
        self._drop()
        kept = self._lock is not None
        try:
            with file.opening(self._path):
                self._open()
                return self._raise_seat()
        except BaseException:
            self._drop()
            if not kept:
                self._unlock()
            raise

    def _open(self) -> None:
        if not self._create and not self._path.exists():
            raise file.missing(self._path)
        if self._lock is None:
            self._lock = file.lock(self._path)
        file.require_room(self._path, SEAT_BYTES)
        if not self._path.exists():
            if not self._create:
                raise file.missing(self._path)
            file.create(self._path)
        self._create = False  # because a store that was once there must be there from now on
        file.examine(self._path)
        self._connection = file.open_examined(self._path)
        self._identity = file.identity(self._path)

    def _raise_seat(self) -> Seat:
        connection = self._connection
        assert connection is not None
        connection.execute("BEGIN IMMEDIATE")
        self._number = rows.raise_seat(connection)
        upgraded = schema.upgrade(connection)
        connection.execute("COMMIT")
        if upgraded:
            file.write_back(connection)
        self._trim(connection)
        return Seat(self._number)

    def _trim(self, connection: sqlite3.Connection) -> None:
        """Forget old history; not being able to is no reason to have no seat, unless at COMMIT."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            rows.trim_history(connection)
        except sqlite3.Error:
            _roll_back(connection)
        else:
            connection.execute("COMMIT")

    def _seated(self, seat: Seat) -> None:
        """Raises SeatLost if this is not the seat that we took last, or not our files any more."""
        if self._lock is None or seat.number != self._number:
            raise SeatLost(f"seat {seat.number} of {self._path} was given up or taken anew")
        if self._connection is None:
            return
        try:
            same = file.identity(self._path) == self._identity
        except OSError:
            same = False
        if not same:
            raise SeatLost(f"{self._path} or its lock was moved or replaced under this controller")

    # Writing

    def commit(self, seat: Seat, changes: Sequence[Change]) -> None:
        """See the header's three parts."""
        self._seated(seat)
        connection = self._connection
        if connection is None:
            raise StoreRefused(f"cannot write to the store {self._path}: it must be opened anew")
        with self._refusing(connection):
            folded = rows.fold(changes)
            pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
            file.require_room(self._path, file.bytes_needed(folded, pages))
            connection.execute("BEGIN IMMEDIATE")
            self._compare(connection, seat)
            rows.write(connection, folded)
            self._trim_grown(connection, folded)
        self._commit(connection)

    def _trim_grown(self, connection: sqlite3.Connection, folded: rows.Folded) -> None:
        """Now and then, so that a controller that is never restarted keeps its history short."""
        self._grown.update(entry.application for entry in folded.history)
        long = [name for name, count in self._grown.items() if count >= TRIM_EVERY]
        rows.trim_history_of(connection, long)
        for name in long:
            del self._grown[name]

    @contextlib.contextmanager
    def _refusing(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Translates errors before COMMIT: rolled back, nothing changed."""
        try:
            yield
        except (sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
            if not self._abandon(connection):
                raise Unsure(
                    f"the store {self._path} failed ({error}) and must be opened anew"
                ) from None
            raise StoreRefused(
                f"cannot write to the store {self._path}: {error}: nothing was written"
            ) from None
        except BaseException:
            self._abandon(connection)
            raise

    def _abandon(self, connection: sqlite3.Connection) -> bool:
        """Whether it was rolled back; else the caller must take its seat anew."""
        rolled_back = _roll_back(connection)
        if not rolled_back:
            self._drop()
        return rolled_back

    def _compare(self, connection: sqlite3.Connection, seat: Seat) -> None:
        if (number := rows.seat_number(connection)) != seat.number:
            raise SeatLost(f"seat {seat.number} of {self._path} was taken over by seat {number}")

    def _commit(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._drop()
            raise Unsure(
                f"the store {self._path} failed while committing ({error}): the write may or may "
                "not have happened"
            ) from None

    # Reading

    def load(self, seat: Seat) -> Persisted:
        """Raises SeatLost, StoreUnusable."""
        self._seated(seat)
        connection = self._connection
        if connection is None:
            raise SeatLost(f"the seat of {self._path} must be taken anew")
        with self._reading():
            self._compare(connection, seat)
            return rows.read(connection)

    def history(self, application: str, limit: int) -> list[HistoryAdded]:
        """Raises StoreUnusable."""
        connection = self._connection
        if connection is None:
            raise StoreUnusable(f"the store {self._path} is not open: its seat must be taken first")
        with self._reading():
            return rows.read_history(connection, application, limit)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Translates errors of reading, bad rows among them."""
        try:
            yield
        except (sqlite3.Error, msgspec.DecodeError) as error:
            raise file.unreadable(self._path, error) from None

    # The end

    def close(self) -> None:
        """Let go of everything."""
        self._drop()
        self._unlock()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _unlock(self) -> None:
        descriptor, self._lock = self._lock, None
        if descriptor is not None:
            os.close(descriptor)


def _roll_back(connection: sqlite3.Connection) -> bool:
    """Whether the connection is out of any transaction and may be used again."""
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.Error:
        return False
    return True
