"""Charms on ops from 1.5 to the latest run as they are: what each event tells, over two units.

All four versions run on Python 3.11 from their wheels, with today's PyYAML.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.examples.charms import WITHIN
from tests.examples.running import Tenure, others, wait_until
from tests.support.charmlibs import libraries

WITNESS = Path(__file__).parent / "witness"
VERSIONS = ("3.9.0", "2.23.6", "2.5.1", "1.5.4")
STATUS = "3s"
"""Often enough, and leaves the machine some time between: each hook is a process of Python."""


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """A version of ops."""
    return str(request.param)


@pytest.fixture
def witnesses(tenure: Tenure, short: Path, version: str) -> Tenure:
    """Two units of the witness, each with that ops in its venv, at rest."""
    charm = short / "witness"
    shutil.copytree(WITNESS, charm)
    (charm / "venv").symlink_to(libraries(f"ops=={version}"))
    tenure.up(charm, "--units", "2", "--no-restart", "--update-status-interval", STATUS)
    tenure.until(lambda now: _all_heard(tenure, now), WITHIN)
    return tenure


def _seen(tenure: Tenure, unit: str) -> list[dict[str, Any]]:
    """What a unit wrote down, event by event."""
    file = tenure.charm_of(unit) / "seen"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _all_heard(tenure: Tenure, application: dict[str, Any]) -> bool:
    """Whether both units, when last idle, knew the other's name and who leads."""
    units = set(application["units"])
    return len(units) == 2 and all(
        _has_heard(_seen(tenure, unit), application["leader"], units - {unit}) for unit in units
    )


def _has_heard(lines: list[dict[str, Any]], leader: str | None, rest: set[str]) -> bool:
    if not lines or lines[-1]["hook"] != "hooks/update-status" or leader is None:
        return False
    names = {other: f"I am {other}" for other in rest}
    return (lines[-1]["names"], lines[-1]["leader"]) == (names, leader)


def test_a_charm_on_any_ops_is_told_who_leads_and_what_its_peers_say(
    witnesses: Tenure, version: str
) -> None:
    """G1, G10, H1, H2, O1: each event of a start, a new configuration, another leader"""
    application = witnesses.application()
    leader, (minion,) = application["leader"], others(application)
    for unit in (leader, minion):
        _check_start(_seen(witnesses, unit), version)
    _check_leadership(_seen(witnesses, leader), _seen(witnesses, minion))

    witnesses.run("config", "witness", "word=second")
    wait_until(
        lambda: {_seen(witnesses, unit)[-1]["word"] for unit in (leader, minion)} == {"second"}
    )
    witnesses.run("elect", minion)
    wait_until(lambda: "leader-elected" in _hooks(_seen(witnesses, minion)), WITHIN)
    witnesses.until(lambda now: now["leader"] == minion and _all_heard(witnesses, now), WITHIN)
    assert _hooks(_seen(witnesses, minion)).count("leader-elected") == 1
    assert not _seen(witnesses, leader)[-1]["leads"]


def _check_start(lines: list[dict[str, Any]], version: str) -> None:
    assert {line["ops"] for line in lines} == {version}
    assert {line["word"] for line in lines} == {"first"}
    assert _hooks(lines)[:2] == ["install", "peers-relation-created"]
    assert {"config-changed", "start", "update-status"} <= set(_hooks(lines))
    assert {"peers-relation-joined", "peers-relation-changed"} <= set(_hooks(lines))


def _check_leadership(leader: list[dict[str, Any]], minion: list[dict[str, Any]]) -> None:
    assert _hooks(leader)[2:5] == ["leader-elected", "config-changed", "start"]
    assert all(line["leads"] for line in leader[2:])
    assert "leader-elected" not in _hooks(minion)
    assert not any(line["leads"] for line in minion)


def _hooks(lines: list[dict[str, Any]]) -> list[str]:
    return [line["hook"].removeprefix("hooks/") for line in lines]
