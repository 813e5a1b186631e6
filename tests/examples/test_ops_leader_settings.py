"""examples/ops-leader-settings: what its README tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.charmlibs import packed

from .charms import WITHIN, asked, at_rest, messages
from .running import EXAMPLES, Tenure, others

CHARM = EXAMPLES / "ops-leader-settings"
NAME = "ops-leader-settings"


def _on(application: dict[str, Any], schema: int) -> bool:
    """Whether all three units are on that schema."""
    return at_rest(application, 3) and set(messages(application).values()) == {
        f"on schema {schema}"
    }


def test_each_migration_is_done_once_whoever_leads(tenure: Tenure, short: Path) -> None:
    """B1, B5, G6, H2: three migrations under two leaders"""
    tenure.up(packed(CHARM, short / NAME), "--units", "3")
    first = tenure.until(lambda now: _on(now, 1), WITHIN)
    tenure.run("config", NAME, "schema=2")
    tenure.until(lambda now: _on(now, 2), WITHIN)

    second = others(first)[0]
    tenure.run("elect", second)
    tenure.until(lambda now: now["leader"] == second and _on(now, 2), WITHIN)
    tenure.run("config", NAME, "schema=3")
    tenure.until(lambda now: _on(now, 3), WITHIN)

    done = f"1:{first['leader']} 2:{first['leader']} 3:{second}"
    for unit in first["units"]:
        assert asked(tenure, unit, "leader-get", "done") == done
    assert tenure.application()["revision"] == 3
