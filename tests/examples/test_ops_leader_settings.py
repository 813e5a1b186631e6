"""examples/ops-leader-settings: what its README tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.charmlibs import packed

from .charms import WITHIN, asked, at_rest, messages
from .house import EXAMPLES, SHORT_LEASE, House, others

CHARM = EXAMPLES / "ops-leader-settings"
NAME = "ops-leader-settings"


def _on(application: dict[str, Any], schema: int) -> bool:
    """Whether all three units are on that schema."""
    return at_rest(application, 3) and set(messages(application).values()) == {
        f"on schema {schema}"
    }


def test_each_migration_is_done_once_whoever_leads(house: House, short: Path) -> None:
    """B1, B5, G6, H2: three migrations under two leaders"""
    house.up(packed(CHARM, short / NAME), "--units", "3", *SHORT_LEASE)
    first = house.until(lambda now: _on(now, 1), WITHIN)
    house.run("config", NAME, "schema=2")
    house.until(lambda now: _on(now, 2), WITHIN)

    second = others(first)[0]
    house.run("elect", second)
    house.until(lambda now: now["leader"] == second and _on(now, 2), WITHIN)
    house.run("config", NAME, "schema=3")
    house.until(lambda now: _on(now, 3), WITHIN)

    done = f"1:{first['leader']} 2:{first['leader']} 3:{second}"
    for unit in first["units"]:
        assert asked(house, unit, "leader-get", "done") == done
    assert house.application()["revision"] == 3
