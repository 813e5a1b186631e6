"""A machine's clock in a simulated world: it starts anywhere, and runs a little fast or slow.

It is `CLOCK_BOOTTIME`: a suspended machine's clock goes on. What it shows while the hypervisor
holds the whole machine is lost, and no clock ever tells (`hold`).
"""

from __future__ import annotations

from tenure.testing.time.loop import SimLoop

WALL = 1_700_000_000.0


class MachineClock:
    """`rate`: seconds that it shows in a true second."""

    def __init__(self, loop: SimLoop, offset: float, rate: float) -> None:
        self._loop = loop
        self._offset = offset
        self.rate = rate
        self.wall_offset = 0.0
        self._held_at: float | None = None

    def now(self) -> float:
        """Seconds of BOOTTIME."""
        if self._held_at is not None:
            return self._held_at
        return self._loop.time() * self.rate + self._offset

    def wall(self) -> float:
        """Seconds since 1970, as far as this machine knows."""
        return WALL + self._loop.time() + self.wall_offset

    def when(self, shown: float) -> float:
        """The true instant at which it shows this."""
        return (shown - self._offset) / self.rate

    def hold(self) -> None:
        """Time passes unseen from now on."""
        self._held_at = self.now()

    def go_on(self) -> None:
        """The hypervisor lets the machine go on: it shows what it showed, and runs again."""
        if self._held_at is not None:
            self._offset = self._held_at - self._loop.time() * self.rate
            self._held_at = None

    def boot(self, offset: float) -> None:
        """The machine starts anew: it shows something else."""
        self._offset = offset - self._loop.time() * self.rate
