"""Each unit has an address of its own on this machine, whatever else its user runs there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence

import pytest

from .conftest import Place, new_place

METADATA = """\
name: web
summary: it is told the addresses of its peers
description: and nothing else
peers:
  ring: {interface: ring}
"""


@pytest.fixture(scope="module")
def one() -> Iterator[Place]:
    """Two units with peers, and another application beside them."""
    with new_place() as place:
        (place.charm / "metadata.yaml").write_text(METADATA)
        place.call("up", str(place.charm), "--units", "2", "--detach")
        place.text("deploy", str(place.charm), "db")
        place.settles(["web/0", "web/1"])
        place.settles(["db/0"], application="db")
        yield place


def told(place: Place, units: Sequence[str]) -> list[str]:
    """What each unit's hooks take for its address."""
    return [place.text("exec", unit, "--", "unit-get", "private-address").strip() for unit in units]


def seen(place: Place, units: Sequence[str]) -> list[str]:
    """What operators take for its address."""
    applications = place.status().applications
    return [applications[unit.partition("/")[0]].units[unit].address for unit in units]


UNITS = ("web/0", "web/1", "db/0")


def test_every_unit_is_told_its_own_and_status_shows_it(one: Place) -> None:
    """O3"""
    found = told(one, UNITS)
    assert len(set(found)) == 3 and found == seen(one, UNITS)
    table = one.text("status")
    assert all(address in table for address in found)
    network = one.text("exec", "web/1", "--", "network-get", "ring", "--ingress-address")
    assert network.strip() == found[1]
    bag = one.text(
        "exec", "web/0", "--", "relation-get", "-r", "ring:0", "private-address", "web/1"
    )
    assert bag.strip() == found[1]


def test_the_same_names_in_another_folder_have_others_at_the_same_time(one: Place) -> None:
    """What listens on all ports of its address meets nobody"""
    with new_place() as two:
        two.call("up", str(one.charm), "--units", "2", "--detach")
        two.settles(["web/0", "web/1"])
        assert not set(told(two, UNITS[:2])) & set(told(one, UNITS))


def test_a_copy_of_a_folder_that_runs_is_refused_and_may_have_other_addresses(one: Place) -> None:
    """L9's sister: both would be that address. They are kept whenever nobody else has them"""
    before = told(one, UNITS)
    one.text("down")
    with new_place() as two:
        shutil.copytree(one.state, two.state, symlinks=True)
        one.call("up", "--detach")
        one.settles(["web/0", "web/1"])
        assert told(one, UNITS) == before
        refused = two.call("up", "--detach")
        assert refused.returncode == 1
        said = refused.stderr.decode()
        assert f"the units of {two.state} have addresses of 127." in said
        assert f"and so has {one.state} (its controller runs as " in said
        assert "tenure up --new-addresses" in said
        two.call("up", "--detach", "--new-addresses")
        two.settles(["web/0", "web/1"])
        after = told(two, UNITS)
        assert not set(after) & set(before) and after == seen(two, UNITS)
        asked = ("relation-get", "-r", "ring:0", "private-address", "web/1")
        assert two.text("exec", "web/0", "--", *asked).strip() == after[1]
