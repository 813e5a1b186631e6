"""Statuses of applications: what is acknowledged is durable, and stays whoever leads."""

from __future__ import annotations

from typing import ClassVar

from tenure.simulation.checkers.common import Hears
from tenure.simulation.facts import Wrote
from tenure.simulation.judge import Checker
from tenure.simulation.peer_facts import StatusAtEnd, StatusSaid, StatusWrote


class StatusKept(Checker):
    """A status whose tool returned is durable, and in the end operators are shown the last one,
    whoever said it."""

    clause = "P4"

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, str] = {}
        self._ever: set[str] = set()

    def _wrote(self, fact: StatusWrote) -> None:
        self._last[fact.application] = fact.message
        self._ever.add(fact.message)

    def _said(self, fact: StatusSaid) -> None:
        if fact.message not in self._ever:
            self.broken(fact.at, f"the status {fact.message} of {fact.unit} is not durable")

    def _removed(self, fact: Wrote) -> None:
        if fact.removed:
            self._last.pop(fact.application, None)

    def _shown(self, fact: StatusAtEnd) -> None:
        last = self._last.get(fact.application)
        if fact.message != last:
            self.broken(
                fact.at,
                f"the status of {fact.application} is {fact.message}, and was set to {last}",
            )

    hears: ClassVar[Hears] = {
        StatusWrote: _wrote,
        StatusSaid: _said,
        Wrote: _removed,
        StatusAtEnd: _shown,
    }
