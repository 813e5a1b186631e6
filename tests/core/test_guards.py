"""Every guard is tested by taking it away: then a named check must fail.

A plant is a bug in the core; beside it stands the check, the same function that the real tests run,
that must find it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from . import unit_plants  # noqa: F401, it adds its own to PLANTS
from .plants import PLANTS, Patch, Plant


@pytest.mark.parametrize(("plant", "check"), PLANTS)
def test_a_guard_taken_away_is_missed(
    plant: Plant, check: Callable[[], None], monkeypatch: Patch
) -> None:
    """G1, G3, G4, G5, G6, G8, L2, L3, L4, L6, L8, L9, U1, U4, B4, B5: each guard is needed"""
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        check()


def test_the_checks_pass_when_no_guard_is_missing() -> None:
    """G1, G3, G5"""
    for check in {param.values[1] for param in PLANTS}:
        check()


def test_there_are_enough_planted_bugs() -> None:
    """G1: at least one for each of the guards of G, L, U"""
    assert len({param.values[0] for param in PLANTS}) >= 30
