"""The disk of an agent's machine in a simulated world: what of a unit's state survives what.

`save` is durable on return; `save_soon` survives the process and not the machine. Both may find the
disk full. A slow disk stalls the agent in the middle of its step, as a blocking fsync does.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from tenure.core.localstate import ELECTED, LocalState
from tenure.leadership.statefile import StateFile, StateNotSaved
from tenure.testing.time.loop import Process


class Died(BaseException):
    """The process was killed at this very point; nothing of it runs on."""


class StateDisk:
    """What survives the agent. `on_durable(before, now)` hears of every durable save."""

    def __init__(self, rng: random.Random) -> None:
        self.kept: LocalState | None = None
        self.full = False
        self.stalls = 0.0
        """Seconds that a durable save takes, at most; 0: none."""
        self.slow_election = 0.0
        """Seconds that the next save takes that is made for a leader-elected to begin; 0: none."""
        self.dies_at: int | None = None
        """At which durable save from now on, counted from 1, the process is killed."""
        self.on_durable: Callable[[LocalState | None, LocalState], None] = lambda before, now: None
        self._synced: LocalState | None = None
        self._rng = rng

    def power_loss(self) -> None:
        """What was not synced may be gone."""
        if self._rng.random() < 0.5:
            self.kept = self._synced
        self._synced = self.kept

    def write(self, value: LocalState, *, durable: bool) -> None:
        """Keep the value. Raises StateNotSaved."""
        if self.full:
            raise StateNotSaved('cannot save "state.json": no space left on device')
        self.kept = value
        if durable:
            before, self._synced = self._synced, value
            self.on_durable(before, value)

    def is_fatal(self) -> bool:
        """Whether the process dies at this durable save."""
        if self.dies_at is None:
            return False
        self.dies_at -= 1
        if self.dies_at > 0:
            return False
        self.dies_at = None
        return True

    def lands(self) -> bool:
        """Whether the save at which the process dies reaches the disk all the same."""
        return self._rng.random() < 0.5

    def stall(self, value: LocalState) -> float:
        """Seconds that a durable save of this takes."""
        if self.slow_election and value.running and value.running.plan.hook == ELECTED:
            seconds, self.slow_election = self.slow_election, 0.0
            return seconds
        return self._rng.uniform(0.0, self.stalls) if self.stalls else 0.0


class SimStateFile(StateFile[LocalState]):
    """One process' handle on the disk. `on_death` is called when it dies at a save."""

    def __init__(self, disk: StateDisk, process: Process, on_death: Callable[[], None]) -> None:
        super().__init__(Path("state.json"), LocalState)
        self._disk = disk
        self._process = process
        self._on_death = on_death

    def load(self) -> LocalState | None:
        return self._disk.kept

    def save(self, value: LocalState) -> None:
        self._check_alive()
        if self._disk.is_fatal():
            if self._disk.lands():
                self._disk.write(value, durable=True)
            self._on_death()
            raise Died
        self._process.stall(self._disk.stall(value))
        self._disk.write(value, durable=True)

    def save_soon(self, value: LocalState) -> None:
        self._check_alive()
        self._disk.write(value, durable=False)

    def _check_alive(self) -> None:
        if self._process.dead:
            raise Died
