"""A unit's state, and how it gets to the disk (H5).

Four ways to save, by what depends on it: `must_save` for what may not be acted on before it is
durable (a new belief, a hook that begins), `remember` for what is so already and is saved again
later if that fails, `owe` for what the next save takes along, `renew` for what keeps nobody waiting
for a disk. None raises: a full disk is written to the log, and the unit goes on as far as it may.
"""

from __future__ import annotations

from collections.abc import Callable

from tenure.core.localstate import LocalState
from tenure.leadership.statefile import StateFile, StateNotSaved

SAVE_AGAIN = 1.0
"""Seconds after a save that failed."""

SAVE_SOON = 0.05
"""Seconds until what is owed is saved for its own sake."""


class Record:
    """The newest state of a unit, saved or not. `state` is what it begins with, saved already."""

    def __init__(
        self,
        state: LocalState,
        file: StateFile[LocalState],
        now: Callable[[], float],
        complain: Callable[[str], None],
    ) -> None:
        self.state = state
        self.save_at: float | None = None
        """When to save again what is not durable yet; None while all of it is."""
        self.hold_until = float("-inf")
        """Until then nothing is begun that must be saved first: such a save has just failed."""
        self._file = file
        self._now = now
        self._complain = complain

    def must_save(self, state: LocalState) -> bool:
        """Make it durable before it is acted on; False, and nothing changed, if that failed."""
        if not self._save(state):
            self.hold_until = self._now() + SAVE_AGAIN
            return False
        self.state = state
        return True

    def remember(self, state: LocalState, *, durable: bool = True) -> None:
        """It is so already; save it, and again later if that fails."""
        if state == self.state:
            return
        self.state = state
        if durable:
            self._save(state)
            return
        try:
            self._file.save_soon(state)
        except StateNotSaved as fault:
            self._failed(fault)

    def renew(self, state: LocalState) -> None:
        """A belief that is durable is sure for longer (U1): saved beside the loop."""
        self.state = state
        try:
            self._file.save_beside(state)
        except StateNotSaved as fault:
            self._failed(fault)

    def owe(self, state: LocalState) -> None:
        """It is so; what is done next saves it on its way: a hook that begins, or a release."""
        self.state = state
        if self.save_at is None:
            self.save_at = self._now() + SAVE_SOON

    def settle(self) -> bool:
        """Make durable what is not; False if that failed."""
        return self.save_at is None or self._save(self.state)

    def settle_if_due(self, now: float) -> None:
        """The same, once its time has come; what could not be saved beside the loop is due again
        in a moment."""
        fault = self._file.fault()
        if fault is not None and self.save_at is None:
            self._failed(fault)
        if self.save_at is not None and now >= self.save_at:
            self.settle()

    def _save(self, state: LocalState) -> bool:
        try:
            self._file.save(state)
        except StateNotSaved as fault:
            self._failed(fault)
            return False
        self.save_at = None
        return True

    def _failed(self, fault: StateNotSaved) -> None:
        self.save_at = self._now() + SAVE_AGAIN
        self._complain(str(fault))
