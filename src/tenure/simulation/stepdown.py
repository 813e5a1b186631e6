"""Whether a machine's unit gives up in time what it steps down from (U4)."""

from __future__ import annotations

from tenure.core.tracker import Tracker
from tenure.simulation.statedisk import DrawnDisk
from tenure.testing.time.clock import MachineClock
from tenure.testing.time.loop import Process


class StepDown:
    """What one life of an agent stepped down from last, and by when that must be over."""

    def __init__(self, clock: MachineClock, disk: DrawnDisk, process: Process) -> None:
        self._clock, self._disk, self._process = clock, disk, process
        self._term: int | None = None
        self._by = 0.0

    def begins(self, tracker: Tracker) -> None:
        """It promises nothing any more, and has one guarantee to give up what it holds."""
        self._disk.refused = False
        self._term = tracker.term
        self._by = max(self._clock.now() + tracker.guarantee, tracker.promised_until())

    def late(self, term: int, at: float) -> float:
        """By how many seconds it gave this term up too late, though it was free to. Who could not
        save that it forgets the term had to wait (L5); who is dead or stopped did nothing."""
        process = self._process
        if term != self._term or self._disk.refused or process.dead or process.waits:
            return 0.0
        return max(0.0, at - max(self._clock.when(self._by), process.free_at))
