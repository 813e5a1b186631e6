"""A state folder that an earlier version made: today's Tenure carries on with it."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tenure.wire.operators import ApplicationStatus

from .conftest import Place, new_place, wait_for

DATA = Path(__file__).parent.parent / "data"
UNITS = ("web/0", "web/1", "web/2")
MOVED = "ring-relation-changed"
FAILED = "web/1"
"""Its leader-settings-changed failed, and that of web/2 was never begun."""

Hooks = dict[str, list[str]]


@pytest.fixture(scope="module")
def before() -> Iterator[Place]:
    """What 0.1.0 left behind: see tests/data/README.md."""
    archive = DATA / "state-folder-0.1.0.tar.gz"
    with new_place() as place:
        subprocess.run(["tar", "-xzf", archive, "-C", place.folder], check=True)
        place.move_to(place.folder / "state")
        yield place


@pytest.fixture(scope="module")
def paid(before: Place) -> Hooks:
    """The hooks that each unit ran under 0.1.0."""
    return {unit: _ran(before, unit) for unit in UNITS}


@pytest.fixture(scope="module")
def after(before: Place, paid: Hooks) -> Place:
    """The same folder, with today's `up` on it, at rest."""
    store = before.state / "controller" / "controller.db"
    with closing(sqlite3.connect(store)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (2,)
    (_charm(before, FAILED) / "broken").unlink()
    before.begin("up")
    before.settles(UNITS)
    wait_for(lambda: all(_owed(before, unit, paid) for unit in UNITS), "what is owed")
    before.settles(UNITS)
    return before


def test_what_was_owed_runs_and_what_was_paid_does_not(after: Place, paid: Hooks) -> None:
    """H1, H4"""
    ran = {unit: _owed(after, unit, paid) for unit in UNITS}
    leader = ran.pop(str(after.leader()))
    assert leader in (["leader-elected"], ["leader-settings-changed", "leader-elected"])
    assert list(ran.values()) == [["leader-settings-changed"]] * 2


def test_units_get_addresses_of_their_own_and_peers_are_told(after: Place, paid: Hooks) -> None:
    """What two applications could share is no unit's any more"""
    units = _web(after).units
    addresses = {unit: units[unit].address for unit in UNITS}
    assert len(set(addresses.values())) == 3 and "" not in addresses.values()
    for unit in UNITS:
        assert (
            after.text("exec", unit, "--", "unit-get", "private-address").strip()
            == (addresses[unit])
        )
        ran = _ran(after, unit)[len(paid[unit]) :]
        assert ran.count(MOVED) == 2
    asked = ("relation-get", "-r", "ring:0", "ingress-address", "web/2")
    assert after.text("exec", FAILED, "--", *asked).strip() == addresses["web/2"]


def _owed(place: Place, unit: str, paid: Hooks) -> list[str]:
    """What ran since, but for the news of its peers' addresses."""
    return [hook for hook in _ran(place, unit)[len(paid[unit]) :] if hook != MOVED]


def test_terms_settings_and_configuration_go_on_from_where_they_were(after: Place) -> None:
    """G8, G9: web/0 had let go of term 2 when it ended"""
    web = _web(after)
    assert (web.term, web.revision) == (3, 3)
    assert (web.lease.duration, web.lease.guarantee) == (60, 20)
    assert after.text("settings", "web") == "colour: blue\npassword: first\n"
    for unit in UNITS:
        assert after.text("exec", unit, "--", "leader-get", "colour") == "blue\n"
    assert after.text("exec", FAILED, "--", "config-get", "port") == "8080\n"
    assert after.text("exec", FAILED, "--", "config-get", "motd") == "hi\n"


def test_bags_and_history_are_kept(after: Place) -> None:
    """O4"""
    asked = ("relation-get", "-r", "ring:0", "name", "web/2")
    assert after.text("exec", FAILED, "--", *asked) == "I am web/2\n"
    told = [line.split() for line in after.text("history", "web").splitlines()[1:]]
    what = [line[2] for line in told]
    assert what[:7] == ["created", "charm", "config", *["unit-added"] * 4]
    assert what.count("granted") == 3
    assert what.index("unit-removed") < len(what) - 1


def test_a_removed_units_number_is_not_used_again(after: Place) -> None:
    """L9: and a new unit runs the charm wherever it lies today"""
    after.text("refresh", "web", str(after.folder / "web"))
    assert after.text("add-unit", "web") == "web/4\n"
    after.settles([*UNITS, "web/4"])
    assert _ran(after, "web/4")[0] == "install"


def _web(place: Place) -> ApplicationStatus:
    return place.status().applications["web"]


def _charm(place: Place, unit: str) -> Path:
    return place.state / "units" / unit.replace("/", "-") / "charm"


def _ran(place: Place, unit: str) -> list[str]:
    """The hooks that a unit ever ran to their end, in order."""
    return (_charm(place, unit) / "ran").read_text().split()
