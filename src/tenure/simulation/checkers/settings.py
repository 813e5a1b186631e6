"""The bucket as its store sees it, write by write: who may write, and who is told.

An application that is removed takes its bucket with it (B1): `Wrote.removed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct

from tenure.names import application_of
from tenure.simulation.checkers.common import Hears
from tenure.simulation.facts import (
    Led,
    ToldRevision,
    WriteBegan,
    WriteEnded,
    Wrote,
)
from tenure.simulation.judge import Checker

Settings = Mapping[str, str]


def real_changes(settings: Settings, changes: Settings) -> dict[str, str]:
    """What these changes would really change (B4); "" stands for a removal."""
    return {key: value for key, value in changes.items() if settings.get(key, "") != value}


class _Fence(Struct):
    """One application: who may write now, and what the bucket holds."""

    led: tuple[int, str] | None = None
    revision: int = 0
    settings: Settings = {}
    under_way: dict[str, Settings] = {}
    """Calls whose changes the bucket has not held since they began."""


class WritesFenced(Checker):
    """Each durable write is the latest term's leader's, and the next revision; what was
    acknowledged is in the store, or was there already."""

    clause = "G6, B4"

    def __init__(self) -> None:
        super().__init__()
        self._fences: dict[str, _Fence] = {}

    def _of(self, application: str) -> _Fence:
        return self._fences.setdefault(application, _Fence())

    def _led(self, fact: Led) -> None:
        self._of(fact.application).led = fact.term, fact.unit

    def _wrote(self, fact: Wrote) -> None:
        fence = self._of(fact.application)
        if not fact.removed:
            self._check(fence, fact)
        fence.revision, fence.settings = fact.revision, fact.settings
        fence.under_way = {
            call: changes
            for call, changes in fence.under_way.items()
            if real_changes(fact.settings, changes)
        }

    def _check(self, fence: _Fence, fact: Wrote) -> None:
        wrote = f"{fact.unit} wrote revision {fact.revision} of {fact.application}"
        if fence.led is not None and (fact.term, fact.unit) != fence.led:
            term, leader = fence.led
            self.broken(fact.at, f"{wrote} under term {fact.term}; {leader} leads in term {term}")
        if fact.revision != fence.revision + 1:
            self.broken(fact.at, f"{wrote}, after revision {fence.revision}")
        if fact.settings == fence.settings:
            self.broken(fact.at, f"{wrote}, which changed nothing")

    def _write_began(self, fact: WriteBegan) -> None:
        fence = self._of(application_of(fact.unit))
        if real_changes(fence.settings, fact.changes):
            fence.under_way[fact.call] = fact.changes

    def _write_ended(self, fact: WriteEnded) -> None:
        lost = self._of(application_of(fact.unit)).under_way.pop(fact.call, None)
        if lost is not None and fact.outcome == "done":
            self.broken(
                fact.at,
                f"{fact.call} of {fact.unit} was acknowledged, and the store has not {lost}",
            )

    hears: ClassVar[Hears] = {
        Led: _led,
        Wrote: _wrote,
        WriteBegan: _write_began,
        WriteEnded: _write_ended,
    }


class WriterNotTold(Checker):
    """Who wrote a revision is not told of it."""

    clause = "B5"

    def __init__(self) -> None:
        super().__init__()
        self._writers: dict[tuple[str, int], str] = {}
        self._told: dict[tuple[str, int], set[str]] = {}
        """Revisions of which somebody was told before they were durable."""

    def _wrote(self, fact: Wrote) -> None:
        revision = fact.application, fact.revision
        if not fact.removed:
            self._writers[revision] = fact.unit
            if fact.unit in self._told.pop(revision, ()):
                self._tell(fact.at, fact.unit, fact.revision)

    def _told_revision(self, fact: ToldRevision) -> None:
        revision = application_of(fact.unit), fact.revision
        writer = self._writers.get(revision)
        if writer is None:
            self._told.setdefault(revision, set()).add(fact.unit)
        elif writer == fact.unit:
            self._tell(fact.at, fact.unit, fact.revision)

    def _tell(self, at: float, unit: str, revision: int) -> None:
        self.broken(at, f"{unit} was told of revision {revision}, which it wrote")

    hears: ClassVar[Hears] = {Wrote: _wrote, ToldRevision: _told_revision}
