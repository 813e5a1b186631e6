"""Whether a machine's unit gives up in time what it steps down from (U4)."""

from __future__ import annotations

from tenure.core.tracker import Tracker
from tenure.simulation.statedisk import DrawnDisk
from tenure.testing.time.clock import MachineClock
from tenure.testing.time.loop import Process

AGAIN = 1.0
"""Seconds after which who could not save tries anew, and in which who was suspended notices."""


class StepDown:
    """What one life of an agent stepped down from last, and by when that must be over."""

    def __init__(self, clock: MachineClock, disk: DrawnDisk, process: Process) -> None:
        self._clock, self._disk, self._process = clock, disk, process
        self._term: int | None = None
        self._by = 0.0

    def begins(self, tracker: Tracker) -> None:
        """It promises nothing any more, and has one guarantee to give up what it holds."""
        self._term = tracker.term
        self._by = max(self._clock.now() + tracker.guarantee, tracker.promised_until())

    def late(self, term: int, at: float) -> float:
        """For how many seconds it could have given this term up, and had to, and did not."""
        process = self._process
        if term != self._term or process.dead:
            return 0.0
        due = self._due()
        return max(0.0, at - due - process.away(due, at))

    def _due(self) -> float:
        """Who cannot save that it forgets the term keeps it until the next try (L5). A suspend is
        noticed when the loop turns next, since timers did not count it."""
        held_up = max(self._disk.refused_at, self._process.delayed_at)
        return max(self._clock.when(self._by), held_up + AGAIN)
