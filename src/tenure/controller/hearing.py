"""When each connection was last heard, and which ones are silent. Pure.

An agent that is well says something every two seconds, at least an empty frame
(`wire.messages.SIGN_EVERY`). A kernel goes on taking frames for a process that is stopped, or
that waits for a dead disk, and a connection may outlive its machine by far: so who was not heard
for `SILENT_AFTER` counts as silent, whatever the connection says.

Time in which the controller itself did not listen, being stopped or stalled, counts for nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from msgspec import Struct

S = TypeVar("S")

SILENT_AFTER = 8.0
"""Seconds. At least two signs must be missing, so that nobody counts as silent for being busy; and
`tenure exec`, which waits for 10 s, can say that the agent is."""

LOOK_EVERY = 1.0
"""Seconds between two looks."""


class Ear(Struct):
    """One connection: when it was last heard, and which units it has spoken for."""

    heard_at: float
    units: dict[str, None]
    silent: bool = False


class Hearing(Generic[S]):
    """`S` is what stands for a connection; any value that can be a key."""

    def __init__(self) -> None:
        self._ears: dict[S, Ear] = {}
        self._looked_at: float | None = None

    def speaks_for(self, now: float, speaker: S, unit: str) -> None:
        """The connection speaks for this unit from now on, as far as nobody newer does."""
        self._ears.setdefault(speaker, Ear(now, {})).units[unit] = None

    def heard(self, now: float, speaker: S) -> bool:
        """Something came in on the connection. Whether it had counted as silent."""
        ear = self._ears.get(speaker)
        if ear is None:
            return False
        was, ear.heard_at, ear.silent = ear.silent, now, False
        return was

    def forget(self, speaker: S) -> None:
        """The connection is gone."""
        self._ears.pop(speaker, None)

    def units_of(self, speaker: S) -> Iterable[str]:
        """The units that the connection has spoken for."""
        ear = self._ears.get(speaker)
        return () if ear is None else tuple(ear.units)

    def silent_since(self, speaker: S) -> float | None:
        """The instant of the last word of a connection that is silent; None if it is not."""
        ear = self._ears.get(speaker)
        return ear.heard_at if ear is not None and ear.silent else None

    def look(self, now: float) -> list[S]:
        """The connections that have fallen silent since the last look; to be asked often."""
        since = LOOK_EVERY if self._looked_at is None else now - self._looked_at
        if since < LOOK_EVERY:
            return []
        self._looked_at = now
        if since > 2 * LOOK_EVERY:
            self._excuse(since)
        fallen = [
            speaker
            for speaker, ear in self._ears.items()
            if not ear.silent and now - ear.heard_at >= SILENT_AFTER
        ]
        for speaker in fallen:
            self._ears[speaker].silent = True
        return fallen

    def _excuse(self, gap: float) -> None:
        """The controller did not listen for so many seconds, at most."""
        for ear in self._ears.values():
            ear.heard_at += gap
