"""How long to wait before a process that ended is started again. Pure.

A process that fails at once would fail a thousand times a second; one that ran for a while deserves
a quick return. So the wait doubles from 1 s to 30 s, and begins anew after a run of a minute.
"""

from __future__ import annotations

from msgspec import Struct

FIRST, LONGEST = 1.0, 30.0
CALM = 60.0
"""Seconds of running after which earlier failures are forgotten."""


class Backoff(Struct, frozen=True):
    """The next wait, in seconds."""

    delay: float = FIRST

    def after(self, ran_for: float) -> Backoff:
        """The wait that a run of `ran_for` seconds leads to."""
        return Backoff() if ran_for >= CALM else self

    def doubled(self) -> Backoff:
        """The wait to have ready for the next time."""
        return Backoff(min(self.delay * 2, LONGEST))
