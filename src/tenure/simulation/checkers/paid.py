"""What a hook pays: never more than it was run for."""

from __future__ import annotations

from typing import ClassVar

from tenure.names import application_of
from tenure.simulation.checkers.common import Hears
from tenure.simulation.facts import HookBegan, HookEnded, Paid, Wrote
from tenure.simulation.judge import Checker
from tenure.simulation.peer_facts import HookSettled

SETTINGS = "leader-settings-changed"


class PaidForTarget(Checker):
    """A unit has seen a revision when its leader-settings-changed ran for that one, or for the one
    before its own writes. A hook that an operator skipped pays without: it did not end well."""

    clause = "H5"

    def __init__(self) -> None:
        super().__init__()
        self._targets: dict[str, int] = {}
        self._last: dict[str, tuple[str, int]] = {}
        """How an agent's last leader-settings-changed ended, and what it was run for."""
        self._writers: dict[tuple[str, int], str] = {}

    def _began(self, fact: HookBegan) -> None:
        if fact.hook == SETTINGS:
            self._targets[fact.context] = fact.target

    def _ended(self, fact: HookEnded) -> None:
        if fact.hook == SETTINGS:
            self._last[fact.agent] = fact.how, self._targets.pop(fact.context, 0)

    def _settled(self, fact: HookSettled) -> None:
        if fact.how != "done" and fact.agent in self._last:
            self._last[fact.agent] = fact.how, self._last[fact.agent][1]

    def _wrote(self, fact: Wrote) -> None:
        if not fact.removed:
            self._writers[fact.application, fact.revision] = fact.unit

    def _paid(self, fact: Paid) -> None:
        how, target = self._last.get(fact.agent, ("", 0))
        if fact.hook != SETTINGS or how != "done":
            return
        application = application_of(fact.unit)
        for revision in range(target + 1, fact.revision + 1):
            writer = self._writers.get((application, revision))
            if writer not in (None, fact.unit):
                self.broken(
                    fact.at,
                    f"{fact.unit} ran its hook for revision {target} and counts revision "
                    f"{revision} as seen, which {writer} wrote",
                )
                return

    hears: ClassVar[Hears] = {
        HookBegan: _began,
        HookEnded: _ended,
        HookSettled: _settled,
        Wrote: _wrote,
        Paid: _paid,
    }
