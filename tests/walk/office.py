"""The controller's process and its store, moved by hand.

A turn is the loop's own, and so is all that follows a commit. Only *when* is the walk's to say: a
commit that was begun waits until a move says how it ends, and after a doubt the store is taken up
anew by another move. What is copied of `Controller._was_unsure` is its last line.
"""

from collections.abc import Sequence
from typing import Any

from tenure.controller.loop import Controller
from tenure.controller.service import Service
from tenure.core.changes import (
    ApplicationPut,
    Change,
    HistoryAdded,
    SettingsMerged,
)
from tenure.stores.memory import MemoryDisk, MemoryStore
from tenure.wire.messages import FromController

from .graph import drive
from .still import STILL

APP = "web"


class Later(BaseException):
    """The store is taken up anew by a move of its own."""


class HandTurned(Controller):
    """The real loop, of which each commit ends when a move says so."""

    def _start(self, coroutine: Any) -> None:
        coroutine.close()

    async def _recovered(self, names: Any) -> bool:
        raise Later

    @property
    def commits(self) -> bool:
        """Whether a commit is under way."""
        return self._pending.committing is not None

    @property
    def dirty(self) -> bool:
        """Whether something is decided that is not durable yet, or has an unknown outcome."""
        return APP in self.model.unsure or APP in self._pending.before()

    @property
    def has_mail(self) -> bool:
        """Whether something came in that the next turn steps."""
        return bool(self._inbox)

    @property
    def resigned(self) -> bool:
        """Whether it found that the seat is another's."""
        return self._fatal is not None

    def commit_ends(self) -> None:
        """The commit under way comes to its end in the store."""
        assert self._pending.committing is not None
        try:
            drive(self._carry_out(self._pending.committing))
        except Later:
            return

    def recover(self) -> None:
        """The seat is taken anew and what is unsure is loaded, if that can be (L8)."""
        if drive(Controller._recovered(self, tuple(self.model.unsure))):
            self.trouble = None

    def under_way(self) -> Sequence[Change]:
        """What a commit under way would write."""
        batch = self._pending.batch()
        return batch.changes if batch is not None else ()


class Office(Service):
    """The real service around that loop."""

    def __init__(self, store: MemoryStore, offer_for: float) -> None:
        super().__init__(store, STILL, grace=0.0, offer_for=offer_for, least_duration=0.1)
        self.hand_turned = HandTurned(store, STILL, self.model, self, grace=0.0)
        self.controller = self.hand_turned


class Disk(MemoryDisk):
    """The store's disk, without history. `wrong` tells of what must never be written."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong = ""

    def apply(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if isinstance(change, HistoryAdded):
                continue
            if isinstance(change, SettingsMerged) and "term" in change.put:
                self._look_at_write(int(change.put["term"]))
            elif isinstance(change, ApplicationPut) and change.record.term < self.term:
                self.wrong = f"G8: the term goes back on the disk, from {self.term}"
            super().apply([change])

    def _look_at_write(self, term: int) -> None:
        record = self._applications[APP]
        if record.holder is None or record.term != term:
            self.wrong = f"G6: a write of term {term} lands, and that term is over"

    @property
    def is_late(self) -> bool:
        """Whether a commit is still under way that nobody waits for."""
        return bool(self._late)

    @property
    def term(self) -> int:
        """The term on record."""
        return self._applications[APP].term if self._applications else 0


class Mouth:
    """Where a conversation's words leave."""

    def __init__(self) -> None:
        self.out: list[FromController] = []
        self.closing = False

    def flush(self, messages: list[FromController]) -> None:
        self.out += messages

    def close(self) -> None:
        self.closing = True
