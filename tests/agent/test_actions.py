"""Operators' actions: each runs in its turn, in a context of its own, and answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tenure.agent.context.action import ActionRefused, ActionRun
from tenure.testing.machine import Machine
from tenure.testing.time.waiting import in_virtual_time
from tenure.wire.exec import ActionDone
from tests.support.charmstage import busy, calm, charmed, end, said
from tests.support.stage import Stage


class Acted:
    """An action that was asked for: its run, what it logged, and how it ended."""

    def __init__(self, machine: Machine, *, must_lead: bool = False, **params: Any) -> None:
        actions = machine.folder / "charm" / "actions"
        actions.mkdir(exist_ok=True)
        (actions / "backup").touch(mode=0o755)
        machine.runner.held.add("actions/backup")
        self.logged: list[str] = []
        self.run = ActionRun("backup", params, self.logged.append)
        self.done: asyncio.Future[ActionDone] = asyncio.ensure_future(
            machine.unit.actions.run(self.run, must_lead=must_lead)
        )


async def acting(stage: Stage, machine: Machine, **params: Any) -> Acted:
    acted = Acted(machine, **params)
    await stage.until(lambda: machine.running == "actions/backup")
    return acted


@in_virtual_time
async def test_an_action_runs_in_its_own_world_and_answers(tmp_path: Path) -> None:
    """H9"""
    stage = await charmed(tmp_path, units=1)
    [unit] = await stage.led()
    acted = await acting(stage, unit, where="/tmp", deep={"er": 3})
    env: Mapping[str, str] = unit.ran[-1].env
    assert env["JUJU_ACTION_NAME"] == "backup" and env["JUJU_ACTION_UUID"] == acted.run.id
    assert env["JUJU_DISPATCH_PATH"] == "actions/backup"
    assert await said(unit, "action-get", "deep.er") == "3\n"
    await said(unit, "action-log", "half", "way")
    await said(unit, "action-set", "out.size=12", "out.name=x")
    await end(unit)
    done = await acted.done
    assert acted.logged == ["half way"]
    assert (done.status, done.exit) == ("completed", 0)
    assert done.results == {"out": {"size": "12", "name": "x"}}


@in_virtual_time
async def test_an_action_fails_by_its_own_word_or_its_exit_code(tmp_path: Path) -> None:
    stage = await charmed(tmp_path, units=1)
    [unit] = await stage.led()
    acted = await acting(stage, unit)
    await said(unit, "action-fail", "no room")
    await end(unit)
    assert ((await acted.done).status, (await acted.done).message) == ("failed", "no room")
    acted = await acting(stage, unit)
    await end(unit, "failed", "exit status 9", 3)
    done = await acted.done
    assert (done.status, done.exit, done.message) == ("failed", 3, "exit status 9")
    assert unit.unit.state.failure is None, "the unit is not in error for that"


@in_virtual_time
async def test_an_action_waits_for_the_running_hook_and_hooks_for_the_action(
    tmp_path: Path,
) -> None:
    """H6"""
    stage = await charmed(tmp_path, units=1)
    [unit] = await stage.led()
    await busy(stage, unit)
    acted = Acted(unit)
    await stage.pass_time(1.0)
    assert unit.running == "update-status"
    await end(unit)
    await stage.until(lambda: unit.running == "actions/backup")
    await stage.post("/v1/applications/web/config", {"put": {"size": "4"}})
    await stage.pass_time(1.0)
    assert unit.running == "actions/backup"
    await end(unit)
    await acted.done
    await stage.until(lambda: unit.count("config-changed") == 2)


@in_virtual_time
async def test_an_action_runs_also_while_the_unit_is_in_error(tmp_path: Path) -> None:
    """H7"""
    stage = await charmed(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.failing["config-changed"] = 100
    unit.start()
    await stage.until(lambda: unit.unit.state.failure is not None)
    acted = await acting(stage, unit)
    await end(unit)
    assert (await acted.done).status == "completed"
    assert unit.unit.state.failure is not None


@in_virtual_time
async def test_an_action_for_the_leader_runs_only_where_it_leads(tmp_path: Path) -> None:
    """G3"""
    stage = await charmed(tmp_path)
    leader, minion = await calm(stage)
    with pytest.raises(ActionRefused, match="web/1 does not lead"):
        await Acted(minion, must_lead=True).done
    acted = Acted(leader, must_lead=True)
    await stage.until(lambda: leader.running == "actions/backup")
    await end(leader)
    assert (await acted.done).status == "completed"


@in_virtual_time
async def test_an_action_that_was_interrupted_is_not_run_again(tmp_path: Path) -> None:
    """H4, H5"""
    stage = await charmed(tmp_path, units=1)
    [unit] = await stage.led()
    acted = await acting(stage, unit)
    acted.done.cancel()
    await unit.crash()
    unit.start()
    await stage.until(lambda: unit.unit.claimant.accepted)
    await stage.pass_time(2.0)
    assert unit.count("actions/backup") == 1
    assert "actions/backup was interrupted: it is not run again" in unit.log_text()
    assert unit.unit.state.running is None


@in_virtual_time
async def test_an_action_without_a_file_is_refused(tmp_path: Path) -> None:
    stage = await charmed(tmp_path, units=1)
    [unit] = await stage.led()
    with pytest.raises(ActionRefused, match="has no file for"):
        await unit.unit.actions.run(ActionRun("none", {}, print), must_lead=False)


@in_virtual_time
async def test_what_a_good_action_leaves_pending_is_kept(tmp_path: Path) -> None:
    stage = await charmed(tmp_path)
    leader, _ = await calm(stage)
    acted = await acting(stage, leader)
    await said(leader, "relation-set", "-r", "0", "--app", "saved=yes")
    await end(leader)
    assert (await acted.done).status == "completed"
    [bag] = [bag for bag in stage.disk.persisted().bags["web"] if bag.owner == "web"]
    assert bag.settings == {"saved": "yes"}


@in_virtual_time
async def test_what_an_action_writes_for_all_reaches_a_charm_that_acts_when_it_is_told(
    tmp_path: Path,
) -> None:
    """P2: also a charm of one unit, which nobody else would tell"""
    stage = await charmed(tmp_path, units=1)
    [leader] = await calm(stage)
    acted = await acting(stage, leader)
    await said(leader, "relation-set", "-r", "0", "--app", "asked=yes")
    await end(leader)
    assert (await acted.done).status == "completed"
    await stage.until(lambda: leader.hooks[-1] == "peers-relation-changed")
    assert leader.ran[-1].env["JUJU_REMOTE_UNIT"] == ""
