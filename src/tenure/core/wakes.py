"""When time alone changes something about an application: the instants, soonest first. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterator


class Wakes:
    """At most one instant for each name: the soonest that was asked for."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._of: dict[str, float] = {}

    def at(self, name: str, instant: float) -> None:
        """Wake for this name after the instant, if nothing sooner is asked for already."""
        if instant < self._of.get(name, float("inf")):
            self._of[name] = instant
            heapq.heappush(self._heap, (instant, name))

    def due(self, now: float) -> Iterator[str]:
        """Take the names whose instants are over, also such as are asked for meanwhile."""
        while self._heap and self._heap[0][0] < now:
            instant, name = heapq.heappop(self._heap)
            if self._of.get(name) == instant:  # because a sooner one may have been asked for since
                del self._of[name]
                yield name

    def next(self) -> float | None:
        """The soonest instant. It may turn out to be nothing, never too late."""
        return self._heap[0][0] if self._heap else None
