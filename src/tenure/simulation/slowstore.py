"""A store of which it takes long to go through what was loaded."""

from __future__ import annotations

from collections.abc import Callable

from tenure.core.changes import Persisted
from tenure.stores.base import Seat, Store
from tenure.testing.loading import slow_to_read


class SlowStore:
    """The store that it stands for; `busy` is called whenever somebody goes through all units."""

    def __init__(self, store: Store, busy: Callable[[], None]) -> None:
        self._busy = busy
        self.take_seat = store.take_seat
        self.commit = store.commit
        self.history = store.history
        self.close = store.close
        self._load = store.load

    async def load(self, seat: Seat) -> Persisted:
        """Everything that was ever committed. Raises SeatLost, StoreUnusable."""
        return slow_to_read(await self._load(seat), self._busy)
