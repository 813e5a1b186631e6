"""The disk of an agent's machine: what of a unit's state survives what.

`save` is durable on return; `save_soon` survives the process and not the machine. Both may find the
disk full. The process may die in the middle of a save, or be stuck in one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tenure.core.localstate import LocalState
from tenure.leadership.statefile import StateFile, StateNotSaved
from tenure.testing.time.loop import Process


class Died(BaseException):
    """The process was killed at this very point; nothing of it runs on."""


class StateDisk:
    """What survives the agent, and what is planned for it."""

    def __init__(self) -> None:
        self.kept: LocalState | None = None
        self.saves: list[LocalState] = []
        """All that was ever saved durably."""
        self.full = False
        self.dies_at: int | None = None
        """At which durable save from now on, counted from 1, the process is killed."""
        self.lands = True
        """Whether that save still reaches the disk."""
        self.on_durable: Callable[[LocalState | None, LocalState], None] = lambda before, now: None
        """Hears of every durable save: what was durable before, and what is now."""
        self._synced: LocalState | None = None

    def power_loss(self) -> None:
        """What was not synced is gone."""
        self.kept = self._synced

    def write(self, value: LocalState, *, durable: bool) -> None:
        """Keep the value. Raises StateNotSaved."""
        if self.full:
            raise StateNotSaved('cannot save "state.json": no space left on device')
        self.kept = value
        if durable:
            before, self._synced = self._synced, value
            self.saves.append(value)
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

    def last_lands(self) -> bool:
        """Whether the save at which the process dies reaches the disk all the same."""
        return self.lands

    def stall(self, value: LocalState) -> float:
        """Seconds that a durable save of this takes; the agent can do nothing meanwhile."""
        return 0.0


class DiskFile(StateFile[LocalState]):
    """One process' handle on the disk; a dead one's writes no more. `on_death` is called when it
    dies at a save."""

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
            if self._disk.last_lands():
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
