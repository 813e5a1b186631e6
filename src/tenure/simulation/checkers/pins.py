"""Pins: a lease that is pinned does not run out."""

from __future__ import annotations

from typing import ClassVar

from tenure.simulation.checkers.common import Hears
from tenure.simulation.facts import Wrote
from tenure.simulation.judge import Checker
from tenure.simulation.peer_facts import Expired, Pinned, Unpinned

LEEWAY = 0.5
"""Seconds before its end in which a pin is not looked at: a commit lies between deciding and it."""


class PinsHold(Checker):
    """No lease runs out while it is durably pinned."""

    clause = "L6"

    def __init__(self) -> None:
        super().__init__()
        self._pins: dict[str, dict[str, tuple[float, float]]] = {}
        """application -> reason -> since when and until when it holds."""

    def _pinned(self, fact: Pinned) -> None:
        self._pins.setdefault(fact.application, {})[fact.reason] = fact.at, fact.until

    def _unpinned(self, fact: Unpinned) -> None:
        self._pins.get(fact.application, {}).pop(fact.reason, None)

    def _removed(self, fact: Wrote) -> None:
        if fact.removed:
            self._pins.pop(fact.application, None)

    def _expired(self, fact: Expired) -> None:
        for reason, (since, until) in self._pins.get(fact.application, {}).items():
            if since < fact.at < until - LEEWAY:
                self.broken(
                    fact.at,
                    f"the lease of {fact.unit} ran out, and is pinned on behalf of {reason}",
                )

    hears: ClassVar[Hears] = {
        Pinned: _pinned,
        Unpinned: _unpinned,
        Wrote: _removed,
        Expired: _expired,
    }
