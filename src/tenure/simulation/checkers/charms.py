"""What hooks run from: their unit's copy of the charm, which is whole."""

from __future__ import annotations

from typing import ClassVar

from tenure.simulation.checkers.common import Hears
from tenure.simulation.judge import Checker
from tenure.simulation.peer_facts import HookRunsFrom


class CharmWhole(Checker):
    """A hook runs from one revision of the charm, all of whose files are of that one, whatever a
    hook made of them before; and upgrade-charm from the one that it tells of."""

    clause = "P3"

    def _runs(self, fact: HookRunsFrom) -> None:
        sources = set(fact.files.values())
        if fact.unfinished or len(sources) > 1:
            self.broken(
                fact.at,
                f"{fact.hook} of {fact.unit} runs from a charm of several revisions: {fact.files}",
            )
        elif fact.source is not None and sources != {fact.source}:
            self.broken(
                fact.at,
                f"{fact.hook} of {fact.unit} tells of {fact.source}, and runs from {fact.files}",
            )

    hears: ClassVar[Hears] = {HookRunsFrom: _runs}
