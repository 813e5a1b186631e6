"""The bucket, call by call: what became durable against what was asked for.

Nothing here needs a search: each write is looked at when it becomes durable, when its call ends,
and when somebody reads it. The order of all operations is judged in `history.py`.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from tenure.names import application_of
from tenure.simulation.checkers.common import Hears
from tenure.simulation.checkers.settings import Settings, real_changes
from tenure.simulation.facts import BucketAtEnd, ReadEnded, WriteBegan, WriteEnded, Wrote
from tenure.simulation.judge import Checker


def difference(before: Settings, after: Settings) -> dict[str, str]:
    """The changes that make one bucket of the other."""
    removed = {key: "" for key in before if key not in after}
    return {**real_changes(before, after), **removed}


class _Call(Struct):
    """A write that was called. `took_effect`: some durable write can be no other's."""

    name: str
    unit: str
    changes: Settings
    is_refused: bool = False
    took_effect: bool = False


class NothingHalf(Checker):
    """Each durable write is one call's, whole, by that call's unit, once, and not a refused one's.

    The calls that could have made a write are those whose real changes are just what it changed.
    Where several could, it is left open which did.
    """

    clause = "G6, G7"

    def __init__(self) -> None:
        super().__init__()
        self._buckets: dict[str, Settings] = {}
        self._calls: dict[str, _Call] = {}
        self._by_change: dict[tuple[str, str, str], list[_Call]] = {}

    def _write_began(self, fact: WriteBegan) -> None:
        call = _Call(fact.call, fact.unit, fact.changes)
        self._calls[fact.call] = call
        for key, value in fact.changes.items():
            self._by_change.setdefault((fact.unit, key, value), []).append(call)

    def _wrote(self, fact: Wrote) -> None:
        before = self._buckets.get(fact.application, {})
        self._buckets[fact.application] = fact.settings
        changed = difference(before, fact.settings)
        if fact.removed or not changed:
            return
        key, value = next(iter(changed.items()))
        possible = [
            call
            for call in self._by_change.get((fact.unit, key, value), ())
            if real_changes(before, call.changes) == changed
        ]
        if not possible:
            self.broken(
                fact.at,
                f"revision {fact.revision} of {fact.application} changed {changed}: "
                f"no call of {fact.unit} asked for just that",
            )
        elif len(possible) == 1:
            self._took_effect(fact, possible[0])

    def _took_effect(self, fact: Wrote, call: _Call) -> None:
        if call.took_effect:
            self.broken(fact.at, f"{call.name} of {call.unit} took effect twice")
        call.took_effect = True
        if call.is_refused:
            self.broken(fact.at, f"{call.name} of {call.unit} took effect after it was refused")

    def _write_ended(self, fact: WriteEnded) -> None:
        call = self._calls.get(fact.call)
        if call is None or fact.outcome != "refused":
            return
        call.is_refused = True
        if call.took_effect:
            self.broken(fact.at, f"{call.name} of {call.unit} was refused, and took effect")

    hears: ClassVar[Hears] = {
        WriteBegan: _write_began,
        WriteEnded: _write_ended,
        Wrote: _wrote,
    }


class RefusedChangedNothing(Checker):
    """What only refused writes would have set is never read, and never in the store."""

    clause = "G7"

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[str, WriteBegan] = {}
        self._setters: dict[tuple[str, str, str], set[str]] = {}
        """For each setting of an application: the calls, not refused yet, that set it."""
        self._seen: dict[tuple[str, str, str], str] = {}

    def _write_began(self, fact: WriteBegan) -> None:
        self._calls[fact.call] = fact
        for setting in _settings_of(fact):
            self._setters.setdefault(setting, set()).add(fact.call)

    def _write_ended(self, fact: WriteEnded) -> None:
        began = self._calls.pop(fact.call, None)
        if began is None or fact.outcome != "refused":
            return
        for setting in _settings_of(began):
            self._setters[setting].discard(fact.call)
            if not self._setters[setting] and setting in self._seen:
                self._tell(fact.at, setting, f"{self._seen[setting]} before it was refused")

    def _see(self, at: float, application: str, settings: Settings, where: str) -> None:
        for key, value in settings.items():
            setting = application, key, value
            if setting in self._setters and setting not in self._seen:
                self._seen[setting] = where
                if not self._setters[setting]:
                    self._tell(at, setting, where)

    def _tell(self, at: float, setting: tuple[str, str, str], where: str) -> None:
        application, key, value = setting
        self.broken(at, f"{key}={value} of {application} was only refused, and {where}")

    def _read(self, fact: ReadEnded) -> None:
        if fact.settings:
            self._see(fact.at, application_of(fact.unit), fact.settings, f"read by {fact.unit}")

    def _wrote(self, fact: Wrote) -> None:
        self._see(fact.at, fact.application, fact.settings, f"durable in revision {fact.revision}")

    def _at_end(self, fact: BucketAtEnd) -> None:
        self._see(fact.at, fact.application, fact.settings, "there at the end")

    hears: ClassVar[Hears] = {
        WriteBegan: _write_began,
        WriteEnded: _write_ended,
        ReadEnded: _read,
        Wrote: _wrote,
        BucketAtEnd: _at_end,
    }


def _settings_of(write: WriteBegan) -> list[tuple[str, str, str]]:
    application = application_of(write.unit)
    return [(application, key, value) for key, value in write.changes.items() if value]
