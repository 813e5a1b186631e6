"""The only place that reads a clock.

Leases live on CLOCK_BOOTTIME (G4): it goes on during suspend, unlike `time.monotonic()`, and nobody
can set it, unlike the wall clock. Wall time is for people's eyes only and never decides anything.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """What the shells ask for the time; the simulation hands in its own."""

    def now(self) -> float:
        """Seconds since boot, suspend included. Only differences on one machine mean anything."""
        ...

    def wall(self) -> float:
        """Seconds since 1970, for people."""
        ...


class SystemClock:
    """This machine's clock."""

    def now(self) -> float:
        """Seconds of CLOCK_BOOTTIME."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time()


def boot_id() -> str:
    """The kernel's id of this boot: instants of another boot mean nothing in this one (U1)."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
