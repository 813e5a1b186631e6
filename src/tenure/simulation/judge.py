"""Judges a run: hands each fact to the checkers that want it, and gathers what they find.

A checker is a small class for one promise. Its `hears` table says which kinds of fact it wants; it
calls `self.broken` when its promise is. It keeps of the past only what it needs, so that a run of
any length can be judged while it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from msgspec import Struct

from tenure.simulation.facts import Fact


class Violation(Struct, frozen=True):
    """A promise that was broken: by which checker it was found, the clause, when, and how."""

    checker: str
    clause: str
    at: float
    text: str

    def __str__(self) -> str:
        return f"{self.clause} broken at {self.at:.3f} s ({self.checker}): {self.text}"


class Checker:
    """The base: a subclass names its clause, and fills `hears`."""

    clause: ClassVar[str]
    hears: ClassVar[Mapping[type[Fact], Callable[[Any, Any], None]]]

    def __init__(self) -> None:
        self.found: list[Violation] = []

    def broken(self, at: float, text: str) -> None:
        """The promise was broken."""
        self.found.append(Violation(type(self).__name__, self.clause, at, text))

    def close(self) -> None:
        """The run is over: look at what needs its end."""


class Judge:
    """The checkers of one run. `found` is what they found, in order."""

    def __init__(self, checkers: Sequence[Checker]) -> None:
        self.checkers = checkers
        self._wanted: dict[type[Fact], list[Callable[[Any], None]]] = {}
        for checker in checkers:
            for kind, method in checker.hears.items():
                self._wanted.setdefault(kind, []).append(method.__get__(checker))

    def hear(self, fact: Fact) -> None:
        """One more fact; they come in order of time."""
        for hear in self._wanted.get(type(fact), ()):
            hear(fact)

    def close(self) -> None:
        """No more facts."""
        for checker in self.checkers:
            checker.close()

    @property
    def found(self) -> list[Violation]:
        """Every violation so far, by time."""
        found = [violation for checker in self.checkers for violation in checker.found]
        return sorted(found, key=lambda violation: violation.at)


def judge(facts: Iterable[Fact], checkers: Sequence[Checker]) -> list[Violation]:
    """What these checkers find in a whole run."""
    court = Judge(checkers)
    for fact in facts:
        court.hear(fact)
    court.close()
    return court.found
