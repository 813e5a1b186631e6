"""What a context reads: one snapshot, but for what the context itself has written (T4).

**Which reads are fresh** is the awkward part. A context's first read asks the controller, and so
does the first after the context wrote; all others repeat the *snapshot*. A write that was refused
may have dropped the snapshot or not. Reads and writes of one context that overlap are served in an
order that nobody sees. So a read is judged only as far as it is sure what it was: a fresh one must
fit the order of all operations (`history.py`), one that repeats must equal the snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from msgspec import Struct

from tenure.simulation.checkers.common import Hears
from tenure.simulation.facts import (
    AgentEnded,
    HookEnded,
    ReadBegan,
    ReadEnded,
    WriteBegan,
    WriteEnded,
)
from tenure.simulation.judge import Checker

Settings = Mapping[str, str]


class _Reading(Struct):
    """A read under way. `repeats`: the snapshot that it must return."""

    context: str
    began: int
    fresh: bool
    repeats: Settings | None = None
    is_blurred: bool = False
    """Something of its context overlaps it."""


class _Snapshot(Struct):
    """What a context has read; None: nothing yet, or it cannot be known."""

    settings: Settings | None = None
    is_dropped: Literal["no", "maybe", "yes"] = "no"
    is_blurred: bool = False


class Reads:
    """Tells fresh reads from those that repeat a snapshot. Instants are numbers of the caller's."""

    def __init__(self) -> None:
        self._snapshots: dict[str, dict[str, _Snapshot]] = {}
        """Of each unit's contexts."""
        self._readings: dict[str, _Reading] = {}
        self._writing: dict[str, dict[str, str]] = {}
        """Of each unit, the writes under way, and their agents."""

    def began(self, fact: ReadBegan, at: int) -> None:
        """A read was called."""
        snapshot = self._snapshots.setdefault(fact.unit, {}).setdefault(fact.context, _Snapshot())
        reading = _Reading(fact.context, at, fact.fresh)
        if self._writing.get(fact.unit):
            reading.is_blurred = True
        elif snapshot.settings is not None and snapshot.is_dropped == "no":
            reading.repeats = snapshot.settings
        else:
            for other in self._of(fact.context):
                other.is_blurred = reading.is_blurred = True
        self._readings[fact.call] = reading

    def _of(self, context: str) -> list[_Reading]:
        return [reading for reading in self._readings.values() if reading.context == context]

    def ended(self, fact: ReadEnded) -> tuple[_Reading, bool] | None:
        """A read returned settings: what it was, and whether it surely was fresh."""
        reading = self._readings.pop(fact.call, None)
        if reading is None or fact.settings is None:
            return None
        if reading.repeats is not None and not reading.is_blurred:
            return reading, False
        snapshot = self._snapshots.setdefault(fact.unit, {}).setdefault(fact.context, _Snapshot())
        was, snapshot.settings = snapshot.settings, None
        dropped, snapshot.is_dropped = snapshot.is_dropped, "no"
        was_blurred, snapshot.is_blurred = snapshot.is_blurred, reading.is_blurred
        reading.repeats = None
        if reading.is_blurred:
            return reading, False
        snapshot.settings = fact.settings
        is_new = was is None or dropped == "yes" or was != fact.settings
        return reading, reading.fresh and is_new and not was_blurred

    def write_began(self, fact: WriteBegan) -> None:
        """The unit's snapshots may be dropped from now on."""
        self._writing.setdefault(fact.unit, {})[fact.call] = fact.agent
        for context, snapshot in self._snapshots.get(fact.unit, {}).items():
            if snapshot.is_dropped == "no":
                snapshot.is_dropped = "maybe"
            for reading in self._of(context):
                reading.is_blurred = True

    def write_ended(self, fact: WriteEnded) -> None:
        """One that was done surely dropped what was read before it."""
        self._writing.get(fact.unit, {}).pop(fact.call, None)
        if fact.outcome == "done":
            for snapshot in self._snapshots.get(fact.unit, {}).values():
                snapshot.is_dropped = "yes"

    def context_ended(self, unit: str, agent: str, context: str = "") -> None:
        """What the agent's tools had under way in it comes to nothing for the next one."""
        writing = self._writing.get(unit, {})
        for call in [call for call, owner in writing.items() if owner == agent]:
            del writing[call]
        self._snapshots.get(unit, {}).pop(context, None)


class ReadsChecker(Checker):
    """The base of those that must know which reads are fresh."""

    def __init__(self) -> None:
        super().__init__()
        self._reads = Reads()

    def _write_began(self, fact: WriteBegan) -> None:
        self._reads.write_began(fact)

    def _write_ended(self, fact: WriteEnded) -> None:
        self._reads.write_ended(fact)

    def _context_ended(self, fact: HookEnded) -> None:
        self._reads.context_ended(fact.unit, fact.agent, fact.context)

    def _agent_ended(self, fact: AgentEnded) -> None:
        self._reads.context_ended(fact.unit, fact.agent)

    hears: ClassVar[Hears] = {
        WriteBegan: _write_began,
        WriteEnded: _write_ended,
        HookEnded: _context_ended,
        AgentEnded: _agent_ended,
    }


class SnapshotStable(ReadsChecker):
    """All reads of a context return the same, but for what the context itself has written."""

    clause = "T4"

    def _read_began(self, fact: ReadBegan) -> None:
        self._reads.began(fact, 0)

    def _read_ended(self, fact: ReadEnded) -> None:
        found = self._reads.ended(fact)
        if found is not None and found[0].repeats not in (None, fact.settings):
            self.broken(
                fact.at, f"{fact.context} read {found[0].repeats} first, and then {fact.settings}"
            )

    hears: ClassVar[Hears] = {
        **ReadsChecker.hears,
        ReadBegan: _read_began,
        ReadEnded: _read_ended,
    }
