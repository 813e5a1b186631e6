"""What planted bugs are registered with, and how worlds are searched for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count, islice

import pytest

from tenure.simulation.judge import Violation
from tenure.simulation.peer_charm import drawn
from tenure.simulation.world import live

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]

PLANTS: dict[Plant, tuple[str, ...]] = {}
"""Each bug, and the checkers that may be the first to find it."""

OF_PEERS: set[Plant] = set()
"""Those that only worlds with peer relations can find."""

SEARCHED = 200


def found_by(*checkers: str, of_peers: bool = False) -> Callable[[Plant], Plant]:
    """Registers a bug."""

    def register(plant: Plant) -> Plant:
        PLANTS[plant] = checkers
        if of_peers:
            OF_PEERS.add(plant)
        return plant

    return register


def worlds(plant: Plant) -> list[int]:
    """The worlds that are searched for a bug: the first that can find it."""
    able = (seed for seed in count() if plant not in OF_PEERS or drawn(seed))
    return list(islice(able, SEARCHED))


def found(seeds: Iterable[int]) -> tuple[int, tuple[Violation, ...]] | None:
    """The first of these worlds that breaks a promise, and what was found in it."""
    for seed in seeds:
        outcome = live(seed)
        if outcome.violations:
            return seed, outcome.violations
    return None
