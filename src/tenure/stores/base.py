"""The contract of every store: three verbs to decide by, and one to read history for people.

Exactly one controller decides at a time: the one that holds the *seat*. A seat is a number that
rises each time it is taken; every commit compares it, so a commit that was sent under an older seat
can never land, however late it arrives (L8).

`take_seat()`
: On return the seat is ours, under a new number that is already durable; older history is trimmed.
: `SeatTaken`: another controller holds it. `StoreUnusable`: corrupt, foreign, missing or of another
  version; nothing was touched. `StoreRefused`: it cannot be made durable now (disk full); try again
  later.

`load(seat)`
: On return: everything that was ever committed, and nothing else.
: `SeatLost`. `StoreUnusable`.

`commit(seat, changes)`
: On return all of it is durable: it survives `kill -9` and power loss (G6).
: `SeatLost` and `StoreRefused`: surely nothing changed. `Unsure`: nothing can be concluded; the
  caller takes its seat anew and loads.

`history(application, limit)`
: On return: the newest `limit` entries, oldest first.
: `StoreUnusable`: unreadable, or the seat is not taken.

`close()`
: On return the seat is free for others, and this handle is of no more use.
: Raises nothing; whatever is asked of the handle later is `SeatLost`.

Taking the seat again by the one that has it is how an unsure outcome is settled: after it, what was
under way has either landed, and `load` shows it, or never will. Until then every other commit is
`StoreRefused` and `load` is `SeatLost`. After an error at COMMIT or fsync
nothing read from the old connection is trusted: the file is opened anew.

A store applies changes in order. It never interprets them: what may change is decided in the core.
A key that one `SettingsMerged` both puts and drops is dropped; dropping or clearing what is not
there is fine. A change that no store can write (a lone surrogate, an integer past 64 bits) is
`StoreRefused`. A commit whose caller stops waiting either runs to its end or never begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from tenure.core.changes import Change, HistoryAdded, Persisted
from tenure.defaults import MOST_HISTORY

HISTORY_KEPT = MOST_HISTORY.value
"""History entries of each application that survive the next taking of the seat."""


class Seat(Struct, frozen=True):
    """The exclusive right to write, as of one taking."""

    number: int


class Store(Protocol):
    """See the module's table."""

    async def take_seat(self) -> Seat: ...

    async def load(self, seat: Seat) -> Persisted: ...

    async def commit(self, seat: Seat, changes: Sequence[Change]) -> None: ...

    async def history(self, application: str, limit: int) -> list[HistoryAdded]: ...

    async def close(self) -> None: ...
