"""The disk of an agent's machine in a simulated world: how it fails is drawn from the seed.

A slow disk stalls the agent in the middle of its step, as a blocking fsync does.
"""

from __future__ import annotations

import asyncio
import random

from tenure.core.localstate import ELECTED, LocalState
from tenure.simulation.load import Load
from tenure.testing.statedisk import StateDisk


class DrawnDisk(StateDisk):
    """See the module."""

    def __init__(self, rng: random.Random, name: str, load: Load) -> None:
        super().__init__()
        self.stalls = 0.0
        """Seconds that a durable save takes, at most; 0: none."""
        self.slow_election = 0.0
        """Seconds that the next save takes that is made for a leader-elected to begin; 0: none."""
        self.refused_at = float("-inf")
        """When something could last not be saved."""
        self._load = load
        self._rng = rng
        # drawn apart, so that all else in a world is what it would be without
        self._threads = random.Random(name)

    def write(self, value: LocalState, *, durable: bool) -> None:
        """Keep the value. Raises StateNotSaved."""
        if self.full:
            self.refused_at = asyncio.get_running_loop().time()
        super().write(value, durable=durable)

    def power_loss(self) -> None:
        """What was not synced may be gone."""
        if self._rng.random() < 0.5:
            self.kept = self._synced
        self._synced = self.kept

    def lands_after(self) -> float:
        return self._threads.choice((0.0, 0.0, 0.0, 0.001, 0.05, 0.5, 3.0))

    def last_lands(self) -> bool:
        return self._rng.random() < 0.5

    def stall(self, value: LocalState) -> float:
        if self.slow_election and value.running and value.running.plan.hook == ELECTED:
            seconds, self.slow_election = self.slow_election, 0.0
            return seconds
        slow = self._rng.uniform(0.0, self.stalls) if self.stalls else 0.0
        return slow + self._load.takes()
