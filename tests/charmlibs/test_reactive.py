"""A charm on charms.reactive runs as it is: flags, handlers, leader settings, and peers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tests.examples.charms import WITHIN
from tests.examples.running import Tenure, others, wait_until
from tests.support.charmlibs import libraries

CHARM = Path(__file__).parent / "reactive"


def _seen(tenure: Tenure, unit: str, what: str) -> list[dict[str, Any]]:
    """What a unit's handlers of that name wrote down."""
    file = tenure.charm_of(unit) / "seen"
    lines = file.read_text().splitlines() if file.exists() else []
    return [line for line in map(json.loads, lines) if line["what"] == what]


def test_a_reactive_charm_makes_a_secret_once_and_all_have_it(tenure: Tenure, short: Path) -> None:
    """G1, G6, H1, H3, T4"""
    charm = short / "reactive"
    shutil.copytree(CHARM, charm, symlinks=True)
    (charm / "lib").symlink_to(libraries("charms.reactive==1.5.3"))
    tenure.up(charm, "--units", "2", "--no-restart", "--update-status-interval", "10s")
    tenure.until(lambda now: now["leader"] is not None and len(now["units"]) == 2, WITHIN)
    leader, (minion,) = tenure.application()["leader"], others(tenure.application())

    wait_until(lambda: _seen(tenure, leader, "made"), WITHIN)
    secret = tenure.run("exec", leader, "--", "leader-get", "secret").strip()
    assert secret
    wait_until(lambda: _secret(tenure, minion) == secret, WITHIN)
    for unit, other in ((leader, minion), (minion, leader)):
        wait_until(lambda unit=unit, other=other: _peers(tenure, unit) == [other], WITHIN)

    tenure.run("config", "reactive", "word=second")
    wait_until(
        lambda: "second" in [line["word"] for line in _seen(tenure, minion, "configured")], WITHIN
    )
    tenure.run("elect", minion)
    wait_until(lambda: _status(tenure, minion) == "leads", WITHIN)
    wait_until(lambda: _status(tenure, leader) == "follows", WITHIN)
    assert tenure.run("exec", minion, "--", "leader-get", "secret").strip() == secret


def _secret(tenure: Tenure, unit: str) -> str | None:
    lines = _seen(tenure, unit, "follows")
    return lines[-1]["secret"] if lines else None


def _peers(tenure: Tenure, unit: str) -> list[str]:
    return [name for line in _seen(tenure, unit, "peers")[-1:] for name in line["names"]]


def _status(tenure: Tenure, unit: str) -> str:
    return str(tenure.application()["units"][unit]["status"]["message"])
