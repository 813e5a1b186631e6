"""Clocks of machines in virtual time: they start anywhere, and run a little fast or slow.

A machine's clock is `CLOCK_BOOTTIME`: a suspended machine's clock goes on. What it shows while the
hypervisor holds the whole machine is lost, and no clock ever tells (`hold`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tenure.testing.time.loop import START

WALL = 1_700_000_000.0
"""What wall clocks show when true time is 0."""


class TrueTime(Protocol):
    """Whoever knows the true time: a virtual loop, or a world without one."""

    def time(self) -> float:
        """Seconds."""
        ...


class MachineClock:
    """`rate`: seconds that it shows in a true second; `offset`: what it shows when that is 0."""

    def __init__(self, true: TrueTime, offset: float = 0.0, rate: float = 1.0) -> None:
        self._true = true
        self._offset = offset
        self.rate = rate
        self.wall_offset = 0.0
        self.on_read: Callable[[], None] = lambda: None
        """Called when somebody has read it, and knows nothing newer yet."""
        self._held_at: float | None = None

    def now(self) -> float:
        """Seconds of BOOTTIME."""
        shown = self._held_at
        if shown is None:
            shown = self._true.time() * self.rate + self._offset
        self.on_read()
        return shown

    def wall(self) -> float:
        """Seconds since 1970, as far as this machine knows."""
        return WALL + self._true.time() + self.wall_offset

    def when(self, shown: float) -> float:
        """The true instant at which it shows this."""
        return (shown - self._offset) / self.rate

    def skip(self, seconds: float) -> None:
        """Be later at once: a pause that no timer saw, as when the machine was suspended."""
        self._offset += seconds
        self.wall_offset += seconds

    def hold(self) -> None:
        """Time passes unseen from now on."""
        self._held_at = self.now()

    def go_on(self) -> None:
        """The hypervisor lets the machine go on: it shows what it showed, and runs again."""
        if self._held_at is not None:
            self._offset = self._held_at - self._true.time() * self.rate
            self._held_at = None

    def boot(self, offset: float) -> None:
        """The machine starts anew: it shows something else."""
        self._offset = offset - self._true.time() * self.rate


class HandClock:
    """A clock that stands still until somebody sets `at`."""

    def __init__(self, at: float = START) -> None:
        self.at = at

    def now(self) -> float:
        """Seconds of BOOTTIME."""
        return self.at

    def wall(self) -> float:
        """Seconds since 1970."""
        return WALL + self.at
