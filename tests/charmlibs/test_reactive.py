"""A charm on charms.reactive runs as it is: flags, handlers, leader settings, and peers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tests.examples.charms import WITHIN
from tests.examples.house import SHORT_LEASE, House, others, wait_until
from tests.support.charmlibs import libraries

CHARM = Path(__file__).parent / "reactive"


def _seen(house: House, unit: str, what: str) -> list[dict[str, Any]]:
    """What a unit's handlers of that name wrote down."""
    file = house.charm_of(unit) / "seen"
    lines = file.read_text().splitlines() if file.exists() else []
    return [line for line in map(json.loads, lines) if line["what"] == what]


def test_a_reactive_charm_makes_a_secret_once_and_all_have_it(house: House, short: Path) -> None:
    """G1, G6, H1, H3, T4"""
    charm = short / "reactive"
    shutil.copytree(CHARM, charm, symlinks=True)
    (charm / "lib").symlink_to(libraries("charms.reactive==1.5.3"))
    house.up(charm, "--units", "2", "--no-restart", "--update-status-interval", "1s", *SHORT_LEASE)
    house.until(lambda now: now["leader"] is not None and len(now["units"]) == 2, WITHIN)
    leader, (minion,) = house.application()["leader"], others(house.application())

    wait_until(lambda: _seen(house, leader, "made"), WITHIN)
    secret = house.run("exec", leader, "--", "leader-get", "secret").strip()
    assert secret
    wait_until(lambda: _secret(house, minion) == secret, WITHIN)
    for unit, other in ((leader, minion), (minion, leader)):
        wait_until(lambda unit=unit, other=other: _peers(house, unit) == [other], WITHIN)

    house.run("config", "reactive", "word=second")
    wait_until(
        lambda: "second" in [line["word"] for line in _seen(house, minion, "configured")], WITHIN
    )
    house.run("elect", minion)
    wait_until(lambda: _status(house, minion) == "leads", WITHIN)
    wait_until(lambda: _status(house, leader) == "follows", WITHIN)
    assert house.run("exec", minion, "--", "leader-get", "secret").strip() == secret


def _secret(house: House, unit: str) -> str | None:
    lines = _seen(house, unit, "follows")
    return lines[-1]["secret"] if lines else None


def _peers(house: House, unit: str) -> list[str]:
    return [name for line in _seen(house, unit, "peers")[-1:] for name in line["names"]]


def _status(house: House, unit: str) -> str:
    return str(house.application()["units"][unit]["status"]["message"])
