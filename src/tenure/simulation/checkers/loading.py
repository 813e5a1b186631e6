"""Loading: however long it takes, it frees no lease."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tenure.names import application_of
from tenure.simulation.checkers.common import Hears
from tenure.simulation.facts import ControllerBegan, Led
from tenure.simulation.judge import Checker
from tenure.simulation.peer_facts import Expired

SLOWEST = 0.94
"""Part of a lease that it lasts at least in true time, on any clock that a world has."""


class LeasesOutliveLoading(Checker):
    """A lease that a controller found when it began runs out no sooner than its holder may believe,
    counted from when all was loaded."""

    clause = "G9, L8"

    def __init__(self) -> None:
        super().__init__()
        self._began_at = float("-inf")
        self._longest: Mapping[str, float] = {}
        self._led_at: dict[str, float] = {}

    def _began(self, fact: ControllerBegan) -> None:
        self._began_at, self._longest = fact.at, fact.longest

    def _led(self, fact: Led) -> None:
        self._led_at[application_of(fact.unit)] = fact.at

    def _expired(self, fact: Expired) -> None:
        held_for = fact.at - self._began_at
        was_found = self._led_at.get(fact.application, self._began_at) < self._began_at
        if was_found and held_for < SLOWEST * self._longest.get(fact.application, 0.0):
            self.broken(
                fact.at,
                f"the lease of {fact.unit} ran out {held_for:.3f} s after its controller began",
            )

    hears: ClassVar[Hears] = {ControllerBegan: _began, Led: _led, Expired: _expired}
