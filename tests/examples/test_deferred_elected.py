"""examples/deferred-elected: what its README tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.charmlibs import packed

from .charms import WITHIN, at_rest, messages
from .running import EXAMPLES, Tenure, others

CHARM = EXAMPLES / "deferred-elected"

LEADS, FOLLOWS = "leader; primary: none", "minion; primary: none"
PROMOTED = "leader; primary: careless and careful"
FAULT = "minion; primary: careless"


def _started(application: dict[str, Any]) -> bool:
    """Whether all have run all hooks of a start, the leader's leader-elected among them."""
    return at_rest(application, 3) and all(
        unit["hook"]["last"] == "start" for unit in application["units"].values()
    )


def _until_told(tenure: Tenure, told: dict[str, str]) -> dict[str, Any]:
    """Wait until the units say this, and rest."""
    return dict(tenure.until(lambda now: at_rest(now, 3) and messages(now) == told, WITHIN))


def test_a_deferred_election_makes_a_minion_the_primary_unless_it_asks_again(
    tenure: Tenure, short: Path
) -> None:
    """H2, H3, O1: elected while not ready, deposed, ready: one handler of two has the fault"""
    tenure.up(packed(CHARM, short / "deferred-elected"), "--units", "3")
    now = tenure.until(_started, WITHIN)
    first, (second, third) = now["leader"], others(now)
    assert messages(now) == {first: LEADS, second: FOLLOWS, third: FOLLOWS}

    tenure.run("elect", second)
    _until_told(tenure, {first: FOLLOWS, second: LEADS, third: FOLLOWS})

    tenure.run("config", "deferred-elected", "ready=true")
    now = _until_told(tenure, {first: FAULT, second: PROMOTED, third: FOLLOWS})
    assert now["leader"] == second
    assert now["units"][first]["status"]["current"] == "blocked"

    tenure.run("elect", third)
    _until_told(tenure, {first: FAULT, second: FOLLOWS, third: PROMOTED})
