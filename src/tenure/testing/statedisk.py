"""The disk of an agent's machine: what of a unit's state survives what.

`save` is durable on return; `save_soon` survives the process and not the machine; so does what is
saved beside, once it has landed: until then it is gone with the process. All may find the disk
full. The process may die in the middle of a save, or be stuck in one.
"""

from __future__ import annotations

import asyncio
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
        self._late: tuple[LocalState, float] | None = None
        """What is being saved beside the loop, and when it lands."""

    def power_loss(self) -> None:
        """What was not synced is gone."""
        self.kept = self._synced

    def write(self, value: LocalState, *, durable: bool) -> None:
        """Keep the value. Raises StateNotSaved."""
        if self.full:
            raise StateNotSaved('cannot save "state.json": no space left on device')
        self.kept, self._late = value, None
        if durable:
            before, self._synced = self._synced, value
            self.saves.append(value)
            self.on_durable(before, value)

    def write_beside(self, value: LocalState, now: float) -> None:
        """Have the value kept a little later, unless the process is gone by then. Raises
        StateNotSaved."""
        after = self.lands_after()
        if after and not self.full:
            self._settle(now)
            self._late = value, now + after
        else:
            self.write(value, durable=False)

    def process_ended(self, now: float) -> None:
        """What has not landed by now never will."""
        self._settle(now)
        self._late = None

    def _settle(self, now: float) -> None:
        if self._late is not None and now >= self._late[1]:
            self.kept = self._late[0]

    def lands_after(self) -> float:
        """Seconds until what is saved beside the loop reaches the disk."""
        return 0.0

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
        self._not_saved: StateNotSaved | None = None

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

    def save_beside(self, value: LocalState) -> None:
        self._check_alive()
        try:
            self._disk.write_beside(value, asyncio.get_running_loop().time())
        except StateNotSaved as fault:
            self._not_saved = fault

    def fault(self) -> StateNotSaved | None:
        fault, self._not_saved = self._not_saved, None
        return fault

    def _check_alive(self) -> None:
        if self._process.dead:
            raise Died
