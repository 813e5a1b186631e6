"""Records whose reading takes time, as that of a large store does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from msgspec.structs import replace

from tenure.core.changes import Persisted

V = TypeVar("V")


class _Slow(dict[str, V]):
    """`busy` is called whenever somebody goes through all of it, before the first record."""

    def __init__(self, records: Mapping[str, V], busy: Callable[[], None]) -> None:
        super().__init__(records)
        self._busy = busy

    def __iter__(self) -> Iterator[str]:
        self._take_time()
        return super().__iter__()

    def items(self):  # type: ignore[no-untyped-def]
        self._take_time()
        return super().items()

    def _take_time(self) -> None:
        if len(self):
            self._busy()


def slow_to_read(persisted: Persisted, busy: Callable[[], None]) -> Persisted:
    """The same records; `busy` is called whenever somebody goes through all of its units."""
    return replace(persisted, units=_Slow(persisted.units, busy))
