"""What the walked objects stand on: a clock that stands still, no luck, and the coarse time.

A *blink* is the shortest time that passes, a *tick* the usual one. Both are such that a clock at
the margin (1 % slow, G4) shows them without rounding: the walk looks at the very instants at which
a lease and a belief end.
"""

from __future__ import annotations

import random

BLINK = 25 / 4096
TICK = 128 * BLINK
"""Seconds, less than the stall at which a controller lengthens its leases (L8)."""

MARGIN = 0.99
"""The rate of the slowest clock that there may be, as a controller's sees it."""


class Still:
    """Every instant is told relative to now (`graph.let_pass`)."""

    def now(self) -> float:
        return 0.0

    def wall(self) -> float:
        return 0.0


class NoLuck(random.Random):
    """Jitter of one length."""

    def uniform(self, a: float, b: float) -> float:
        return b


STILL = Still()
NO_LUCK = NoLuck(0)


def nobody(*said: object) -> None:
    """Nobody hears it."""
