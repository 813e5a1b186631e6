"""A write-ahead log in a page cache: what anybody reads of it, and how much of it the disk holds.

Each transaction of the log is in one of three places:

| place | is read | counts as clean | survives power loss |
|---|---|---|---|
| `CACHE` | yes | no: the next sync writes it | perhaps: the kernel may have written it by itself |
| `LOST` | yes | yes: no sync writes it, unless it is written anew | no |
| `DISK` | yes | yes | yes |

`LOST` is the trap that a failed fsync leaves: the kernel reports the error once, and from then on
takes the pages for clean. Frames of the log carry a running checksum, so what is left of it after a
power loss is a prefix, and transactions in it are whole: one that is missing takes all behind it
with it, however well they were synced. Hence *sure* is only what has nothing missing before it.
"""

from __future__ import annotations

import enum
import itertools
import random
from collections.abc import Sequence

from tenure.core.changes import Change
from tenure.stores.memory import Tables


class Place(enum.Enum):
    """Where a transaction's frames are; see the module's table."""

    CACHE = enum.auto()
    LOST = enum.auto()
    DISK = enum.auto()


class Transaction:
    """What one COMMIT appends: changes, or a new number of the seat."""

    __slots__ = ("changes", "place", "seat")

    def __init__(self, changes: Sequence[Change] = (), seat: int | None = None) -> None:
        self.changes = tuple(changes)
        self.seat = seat
        self.place = Place.CACHE


class Contents:
    """What a database holds: the tables, and the number of its seat."""

    def __init__(self, tables: Tables | None = None, seat: int = 0) -> None:
        self.tables = Tables() if tables is None else tables
        self.seat = seat

    def apply(self, transaction: Transaction) -> None:
        """Make it true; taking the seat trims the history, as in every store."""
        self.tables.apply(transaction.changes)
        if transaction.seat is not None:
            self.seat = transaction.seat
            self.tables.trim_history()

    def copy(self) -> Contents:
        """The same, to go on from separately."""
        return Contents(self.tables.copy(), self.seat)


class Log:
    """The transactions since the last checkpoint, oldest first."""

    def __init__(self) -> None:
        self._transactions: list[Transaction] = []
        self._told = 0

    def __len__(self) -> int:
        return len(self._transactions)

    def append(self, transaction: Transaction) -> None:
        """Write it into the cache, where everybody sees it at once."""
        self._transactions.append(transaction)

    def remove(self, transaction: Transaction) -> None:
        """It was never sure, and nobody reads it any more."""
        assert transaction not in self._transactions[: self._told], "what was sure was removed"
        self._transactions.remove(transaction)

    def rewrite(self) -> None:
        """Write all bytes over themselves: what was lost is to be synced again."""
        self._move(Place.LOST, Place.CACHE)

    def sync(self, fails: bool) -> None:
        """What is not clean reaches the disk or, if that fails, counts as clean all the same."""
        self._move(Place.CACHE, Place.LOST if fails else Place.DISK)

    def settle(self) -> list[Transaction]:
        """All of it is in the database now, and synced: returns it, and begins anew."""
        settled, self._transactions = self._transactions, []
        self._told = 0
        return settled

    def newly_sure(self) -> list[Transaction]:
        """What became sure since this was asked last: it can never be lost any more."""
        sure = itertools.takewhile(lambda each: each.place is Place.DISK, self._transactions)
        new = list(sure)[self._told :]
        self._told += len(new)
        return new

    def is_sure(self) -> bool:
        """Whether nothing of it can be lost, as far as was asked."""
        return self._told == len(self._transactions)

    def lose_power(self, chance: random.Random) -> list[Transaction]:
        """Keep a prefix, and return it: of what only the cache has, the kernel may have written
        some."""

        def survives(transaction: Transaction) -> bool:
            written = transaction.place is Place.CACHE and chance.random() < 0.5
            return written or transaction.place is Place.DISK

        self._transactions = list(itertools.takewhile(survives, self._transactions))
        self._move(Place.CACHE, Place.DISK)
        assert self._told <= len(self._transactions), "what was sure was lost"
        return self._transactions

    def _move(self, before: Place, after: Place) -> None:
        for transaction in self._transactions:
            if transaction.place is before:
                transaction.place = after
