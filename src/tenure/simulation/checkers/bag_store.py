"""What several checkers keep of bags: what is in them now."""

from __future__ import annotations

from collections.abc import Mapping

from tenure.simulation.facts import Wrote
from tenure.simulation.peer_facts import Bag, BagGone, BagWrote

Settings = Mapping[str, str]
Place = tuple[str, int, str]
"""A bag: application, relation, owner."""


class Store:
    """All bags as the store has them now, and as they were on the way there in its last commit.
    `hear` says what a write added: values that were not there."""

    def __init__(self) -> None:
        self.bags: dict[Place, BagWrote] = {}
        self._lately: dict[Place, list[Settings]] = {}
        self._is_over = False

    def hear(self, fact: BagWrote) -> set[str]:
        """One more write."""
        place = fact.application, fact.relation, fact.owner
        before = self.bags[place].settings if place in self.bags else {}
        self.bags[place] = fact
        if self._is_over:
            self._lately, self._is_over = {}, False
        self._lately.setdefault(place, [before]).append(fact.settings)
        return set(fact.settings.values()) - set(before.values())

    def landed(self) -> None:
        """That was all of the commit."""
        self._is_over = True

    def lose(self, fact: BagGone) -> None:
        """A bag is no more."""
        self.bags.pop((fact.application, fact.relation, fact.owner), None)

    def removed(self, fact: Wrote) -> None:
        """If the application was removed, so were its bags."""
        if fact.removed:
            for place in [place for place in self.bags if place[0] == fact.application]:
                del self.bags[place]

    def held(self, application: str, pending: Mapping[Bag, Settings]) -> bool:
        """Whether each bag was as somebody wants it, at least on the way: another write of the same
        commit may have changed it again."""
        return all(
            any(_has(settings, changes) for settings in self._states((application, *bag)))
            for bag, changes in pending.items()
        )

    def _states(self, place: Place) -> list[Settings]:
        if place in self._lately:
            return self._lately[place]
        return [self.bags[place].settings if place in self.bags else {}]


def _has(settings: Settings, changes: Settings) -> bool:
    return all(settings.get(key, "") == value for key, value in changes.items())
