"""What the search of `linear` stands on: operations, what a bucket holds, and what may be so when.

A situation is what is possible at an instant: what the bucket holds, and which of the operations
under way have taken effect. Of many, those are kept that no other one makes needless.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import le

from msgspec import Struct

Settings = Mapping[str, str]
Setting = tuple[str, str]


class Write(Struct, frozen=True):
    """A write under way from `began` to `ended`; None if nobody knows whether it took effect.

    `clears`: what was there before is gone first, as when an application is removed; this is known.
    """

    name: str
    began: int
    ended: int | None
    changes: Settings
    clears: bool = False


class Read(Struct, frozen=True):
    """A read of everything."""

    name: str
    began: int
    ended: int
    settings: Settings


Operation = Write | Read


class Situation(Struct, frozen=True):
    """What may be so at an instant. The numbers are those of the search's operations."""

    state: int
    used: tuple[int, ...]
    """How many of each kind of unknown writes took effect: the oldest ones."""
    applied: frozenset[int] = frozenset()
    """The other writes under way that took effect."""
    served: frozenset[int] = frozenset()
    """The reads under way that took effect."""

    def spares(self, other: Situation) -> bool:
        """Whether it makes the other one, of the same state and applied writes, needless."""
        return self.served >= other.served and all(map(le, self.used, other.used))


class Situations:
    """A set of them, without those that another one makes needless."""

    def __init__(self) -> None:
        self._groups: dict[tuple[int, frozenset[int]], list[Situation]] = {}

    def add(self, situation: Situation) -> bool:
        """False if it is needless."""
        group = self._groups.setdefault((situation.state, situation.applied), [])
        if any(known.spares(situation) for known in group):
            return False
        group[:] = [known for known in group if not situation.spares(known)]
        group.append(situation)
        return True

    def __iter__(self) -> Iterator[Situation]:
        return (situation for group in self._groups.values() for situation in group)


class Bucket:
    """The states of the bucket, numbered as they are met, and what each write makes of each."""

    def __init__(self) -> None:
        self._states: list[dict[str, str]] = []
        self._numbers: dict[frozenset[Setting], int] = {}
        self._after: dict[tuple[int, int], int] = {}

    def number_of(self, settings: Settings) -> int:
        """The number of a state."""
        key = frozenset(settings.items())
        if key not in self._numbers:
            self._numbers[key] = len(self._states)
            self._states.append(dict(settings))
        return self._numbers[key]

    def settings(self, state: int) -> dict[str, str]:
        """What the bucket holds in it."""
        return self._states[state]

    def after(self, state: int, number: int, write: Write) -> int:
        """What this write, which has this number, makes of a state."""
        found = self._after.get((state, number))
        if found is None:
            settings = {**({} if write.clears else self._states[state]), **write.changes}
            found = self.number_of({key: value for key, value in settings.items() if value})
            self._after[state, number] = found
        return found
