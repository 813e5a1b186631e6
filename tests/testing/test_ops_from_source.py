"""Charms on ops from their sources, with the interpreter and the packages of the test."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.examples.running import EXAMPLES
from tests.support.environments import environment
from tests.support.pytestruns import run_pytest

WITNESS = Path(__file__).parents[1] / "charmlibs" / "witness"
PYTEST = "pytest==9.2.0"

pytestmark = pytest.mark.long


def _source(charm: Path, copy: Path) -> None:
    """A charm as its repository has it: nothing is packed, and it has no dispatch."""
    shutil.copytree(charm, copy, ignore=shutil.ignore_patterns("dispatch", "venv"))


WITNESS_TEST = """
import json

def seen(unit):
    return [json.loads(line) for line in (unit.charm / "seen").read_text().splitlines()]

def test_each_event_tells_who_leads(stage):
    web = stage.deploy("witness", units=2)
    assert {line["ops"] for unit in web for line in seen(unit)} == {VERSION}
    assert web[0].hooks.names[:3] == ["install", "peers-relation-created", "leader-elected"]
    web.configure({"word": "second"})
    assert [seen(unit)[-1]["word"] for unit in web] == ["second", "second"]
    web.elect(web[1])
    assert web[1].hooks.names[-2:] == ["leader-elected", "peers-relation-changed"]
    web[0].update_status()
    assert seen(web[0])[-1] == {
        "ops": VERSION, "event": "update_status", "hook": "hooks/update-status", "leads": False,
        "word": "second", "names": {"witness/1": "I am witness/1"}, "leader": "witness/1",
    }
"""


@pytest.mark.parametrize("version", ["2.23.6", "3.9.0"])
def test_a_charm_on_ops_runs_from_its_source(tmp_path: Path, version: str) -> None:
    """H1, H2, O1: what tests/charmlibs finds with `tenure up`, in virtual time"""
    python = environment(tmp_path / "venv", PYTEST, f"ops=={version}")
    _source(WITNESS, tmp_path / "witness")
    done = run_pytest(tmp_path, f"VERSION = {version!r}\n{WITNESS_TEST}", python=str(python))
    assert done.returncode == 0, done.stdout


PEERS_TEST = """
def test_the_leader_founds_the_cluster_and_whoever_leads_keeps_it(stage):
    web = stage.deploy("ops-peers", "web", units=3, config={"motto": "all as one"})
    token = web.bag("cluster")["token"]
    said = {unit.status.message for unit in web}
    assert len(said) == 1 and said.pop().startswith("all as one: 3 members, token ")
    refused = web[1].run("new-token")
    assert (refused.status, "only the leader makes tokens" in refused.message) == ("failed", True)
    web[0].cut_off()
    stage.pass_time("61s")
    assert web.leader is not web[0]
    assert web.bag("cluster")["token"] == token
    web[0].reconnect()
    assert web.leader.run("new-token", {"reason": "a test"}).code == 0
    assert web.bag("cluster")["token"] != token
    assert len({unit.status.message for unit in web}) == 1
"""


def test_the_example_of_a_charmcraft_project_runs_as_it_is(tmp_path: Path) -> None:
    """G2: its dispatch is made by the stage, which packs and fetches nothing"""
    python = environment(tmp_path / "venv", PYTEST, "ops==3.9.0")
    _source(EXAMPLES / "ops-peers", tmp_path / "ops-peers")
    done = run_pytest(tmp_path, PEERS_TEST, python=str(python))
    assert done.returncode == 0, done.stdout


STATE_TRANSITIONS = """
import sys
from dataclasses import replace

from ops import testing

sys.path.insert(0, "deferred-elected/src")
from charm import DeferringCharm

PRIMARY = testing.ActiveStatus("leader; primary: careless and careful")

def context():
    return testing.Context(DeferringCharm)

def test_the_leader_becomes_the_primary():
    on = context().on
    state = testing.State(leader=True, config={"ready": True})
    assert context().run(on.leader_elected(), state).unit_status == PRIMARY

def test_a_leader_that_is_not_ready_waits_and_becomes_the_primary_later():
    ctx = context()
    waits = ctx.run(ctx.on.leader_elected(), testing.State(leader=True, config={"ready": False}))
    assert waits.unit_status == testing.ActiveStatus("leader; primary: none")
    assert len(waits.deferred) == 2
    ready = ctx.run(ctx.on.config_changed(), replace(waits, config={"ready": True}))
    assert (ready.deferred, ready.unit_status) == ([], PRIMARY)

def test_a_minion_is_not_the_primary():
    ctx = context()
    state = testing.State(leader=False, config={"ready": True})
    minion = ctx.run(ctx.on.config_changed(), state)
    assert minion.unit_status == testing.ActiveStatus("minion; primary: none")
"""

BOTH_SIDES = """
def test_one_unit_is_the_primary(stage):
    web = stage.deploy("deferred-elected", "web", units=3)
    web.elect(web[1])
    web.configure({"ready": True})
    primaries = [unit.name for unit in web if "careless" in unit.status.message]
    assert primaries == ["web/1"]
"""


def test_what_state_transitions_do_not_show_the_stage_does(tmp_path: Path) -> None:
    """H3: each event of one unit is right, and yet there are two primaries"""
    python = environment(tmp_path / "venv", PYTEST, "ops[testing]==3.9.0")
    _source(EXAMPLES / "deferred-elected", tmp_path / "deferred-elected")
    passed = run_pytest(tmp_path, STATE_TRANSITIONS, python=str(python))
    assert (passed.returncode, "3 passed" in passed.stdout) == (0, True), passed.stdout
    failed = run_pytest(tmp_path, BOTH_SIDES, python=str(python))
    assert "assert ['web/0', 'web/1'] == ['web/1']" in failed.stdout, failed.stdout
    assert re.search(r"web/0 config-changed: status-set .*blocked .*careless", failed.stdout)
