"""A unit and its charm: configuration, upgrades, what the charm keeps, and operators' actions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tenure.agent.context.action import ActionRefused, ActionRun
from tenure.agent.hooks.process import HookResult
from tenure.errors import NotFound
from tenure.testing.machine import Machine
from tenure.testing.time.waiting import in_virtual_time, settle
from tenure.wire.exec import ActionDone
from tests.support.charmstage import CHARM, CONFIG_YAML, busy, calm, charmed, end, refused, said
from tests.support.stage import Stage


def make_source(folder: Path, **files: str) -> Path:
    """A charm's source with a `dispatch` and these files."""
    source = folder / "source"
    source.mkdir(exist_ok=True)
    for name, text in {"dispatch": "#!/bin/sh\n", "config_yaml": CONFIG_YAML, **files}.items():
        path = source / name.replace("_", ".")
        path.write_text(text)
        path.chmod(0o755)
    return source


# -- configuration


@in_virtual_time
async def test_configuration_is_typed_and_has_its_defaults(tmp_path: Path) -> None:
    stage = await charmed(tmp_path)
    leader, _ = await calm(stage)
    await busy(stage, leader)
    assert await said(leader, "config-get", "--format", "json") == '{"size":3}\n'
    assert await said(leader, "config-get", "--all", "--format", "json") == (
        '{"motto":null,"size":3}\n'
    )


@in_virtual_time
async def test_every_unit_is_told_of_a_new_configuration_once(tmp_path: Path) -> None:
    """H1, H4"""
    stage = await charmed(tmp_path)
    machines = await calm(stage)
    await stage.post("/v1/applications/web/config", {"put": {"size": "7"}})
    for machine in machines:
        await stage.until(lambda machine=machine: machine.count("config-changed") == 2)
        await machine.crash()
        machine.start()
        await stage.until(lambda machine=machine: machine.unit.claimant.accepted)
    await stage.post("/v1/applications/web/config", {"put": {"size": "7"}})
    await stage.pass_time(3.0)
    assert [machine.count("config-changed") for machine in machines] == [2, 2]


@in_virtual_time
async def test_a_hook_sees_one_configuration(tmp_path: Path) -> None:
    """T4: as it is with the leader settings"""
    stage = await charmed(tmp_path)
    leader, _ = await calm(stage)
    await busy(stage, leader)
    assert await said(leader, "config-get", "size") == "3\n"
    await stage.post("/v1/applications/web/config", {"put": {"size": "8"}})
    await settle()
    assert await said(leader, "config-get", "size") == "3\n"
    leader.runner.held.add("config-changed")
    await end(leader)
    await stage.until(lambda: leader.running == "config-changed")
    assert await said(leader, "config-get", "size") == "8\n"


@in_virtual_time
async def test_configuration_is_waited_for_until_the_controller_is_there(tmp_path: Path) -> None:
    """H1: install does not wait for the controller, but config-get in it does, a while"""
    stage = await charmed(tmp_path, units=1)
    [unit] = stage.machines
    await stage.kill_controller()
    unit.runner.held.add("install")
    unit.start()
    await stage.until(lambda: unit.running == "install")
    asked = asyncio.ensure_future(said(unit, "config-get", "size"))
    await stage.pass_time(1.0)
    assert not asked.done()
    await stage.start_controller()
    assert await asked == "3\n"


@in_virtual_time
async def test_configuration_that_cannot_be_known_says_why(tmp_path: Path) -> None:
    """G7"""
    stage = await charmed(tmp_path, units=1)
    [unit] = stage.machines
    await stage.kill_controller()
    unit.runner.held.add("install")
    unit.start()
    await stage.until(lambda: unit.running == "install")
    began = asyncio.get_running_loop().time()
    assert await refused(unit, "config-get", "size")
    assert asyncio.get_running_loop().time() - began == pytest.approx(5.0, abs=0.5)


@in_virtual_time
async def test_a_value_that_does_not_fit_leaves_the_default(tmp_path: Path) -> None:
    """The charm's copy is of another revision than the one that the value was checked against."""
    stage = await charmed(tmp_path, units=1)
    (stage.machines[0].folder / "charm" / "config.yaml").write_text(
        "options: {size: {type: boolean, default: true}}"
    )
    [unit] = await stage.led()
    await stage.post("/v1/applications/web/config", {"put": {"size": "9"}})
    await settle()
    await busy(stage, unit)
    assert await said(unit, "config-get", "size") == "True\n"
    assert "option size keeps its default" in unit.log_text()


# -- upgrades


@in_virtual_time
async def test_a_new_charm_is_copied_and_then_told_of(tmp_path: Path) -> None:
    """H1, H9"""
    stage = await charmed(tmp_path)
    leader, minion = await calm(stage)
    source = make_source(tmp_path, flag="new")
    await stage.post("/v1/applications/web/charm", {**CHARM, "source": str(source)})
    for machine in (leader, minion):
        await stage.until(
            lambda machine=machine: machine.hooks[-2:] == ["upgrade-charm", "config-changed"]
        )
        assert (machine.folder / "charm" / "flag").read_text() == "new"
        assert machine.unit.state.charm_revision == 2
    await leader.crash()
    leader.start()
    await stage.until(lambda: leader.unit.claimant.accepted)
    await stage.pass_time(2.0)
    assert leader.count("upgrade-charm") == 1


@in_virtual_time
async def test_a_charm_without_the_hook_is_upgraded_all_the_same(tmp_path: Path) -> None:
    """H6"""
    hooks = ("install", "leader-elected", "leader-settings-changed", "config-changed", "start")
    stage = await charmed(tmp_path, units=1, hooks=hooks)
    [unit] = await stage.led()
    source = tmp_path / "source"
    (source / "hooks").mkdir(parents=True)
    (source / "hooks" / "start").touch(mode=0o755)
    await stage.post("/v1/applications/web/charm", {**CHARM, "source": str(source)})
    await stage.until(lambda: unit.count("config-changed") == 2)
    assert "upgrade-charm skipped" in unit.log_text()


@in_virtual_time
async def test_a_charm_that_cannot_be_copied_is_an_error_that_is_tried_again(
    tmp_path: Path,
) -> None:
    """H7"""
    stage = await charmed(tmp_path, units=1)
    [unit] = await stage.led()
    gone = tmp_path / "source"
    await stage.post("/v1/applications/web/charm", {**CHARM, "source": str(gone)})
    await stage.until(lambda: unit.unit.state.failure is not None)
    assert 'hook failed: "upgrade-charm"' in unit.log_text() and str(gone) in unit.log_text()
    make_source(tmp_path)
    await stage.until(lambda: unit.count("upgrade-charm") == 1, within=20.0)
    await stage.until(lambda: unit.unit.state.failure is None)


@in_virtual_time
async def test_a_charm_handed_in_before_install_is_over_is_taken_up_after_it(
    tmp_path: Path,
) -> None:
    """H1"""
    stage = await charmed(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.held.add("install")
    unit.start()
    await stage.until(lambda: unit.running == "install" and unit.unit.claimant.accepted)
    source = make_source(tmp_path)
    await stage.post("/v1/applications/web/charm", {**CHARM, "source": str(source)})
    await end(unit)
    await stage.until(lambda: "start" in unit.hooks)
    assert unit.hooks[:3] == ["install", "upgrade-charm", "peers-relation-created"]


@in_virtual_time
async def test_a_new_peer_endpoint_is_entered(tmp_path: Path) -> None:
    stage = await charmed(tmp_path)
    leader, _ = await calm(stage)
    source = make_source(tmp_path)
    given = {**CHARM, "source": str(source), "peers": ["peers", "cluster"]}
    await stage.post("/v1/applications/web/charm", given)
    await stage.until(lambda: "cluster-relation-changed" in leader.hooks)
    new = [hook for hook in leader.hooks if hook.startswith("cluster")]
    assert new == [f"cluster-relation-{kind}" for kind in ("created", "joined", "changed")]


# -- what the charm keeps


@in_virtual_time
async def test_what_a_charm_keeps_outlives_its_agent(tmp_path: Path) -> None:
    """H5"""
    stage = await charmed(tmp_path, units=1)
    [unit] = await stage.led()
    await busy(stage, unit)
    for tool, *args in (
        ("state-set", "a=1"), ("open-port", "80/tcp"), ("application-version-set", "1.2"),
    ):  # fmt: skip
        await said(unit, tool, *args)
    assert await said(unit, "state-get", "a") == "1\n"
    await end(unit)
    await unit.crash()
    unit.start()
    await stage.until(lambda: unit.unit.claimant.accepted)
    await busy(stage, unit)
    assert await said(unit, "state-get", "a") == "1\n"
    assert await said(unit, "opened-ports") == "80/tcp\n"
    found = (await stage.get("/v1/status"))["applications"]["web"]
    assert found["version"] == "1.2" and found["units"]["web/0"]["ports"] == ("80/tcp",)


@in_virtual_time
async def test_a_command_that_ended_well_leaves_what_it_wrote(tmp_path: Path) -> None:
    """As a hook does; without a word of its end, it is dropped."""
    stage = await charmed(tmp_path, units=1)
    [unit] = await stage.led()
    for committed, seen in ((False, ""), (True, "1\n")):
        context, _ = await unit.unit.contexts.open()
        await unit.tool("state-set", "a=1", context=context.context_id)
        if committed:
            ended = await unit.unit.contexts.conclude(context, HookResult("done", ""))
            assert ended.kind == "done"
        unit.unit.contexts.close(context)
        await busy(stage, unit)
        assert await said(unit, "state-get", "a") == seen
        await end(unit)


# -- actions


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
async def test_an_application_that_goes_takes_its_bags_and_configuration_along(
    tmp_path: Path,
) -> None:
    """B1, G8"""
    stage = await charmed(tmp_path)
    machines = await calm(stage)
    await stage.post("/v1/applications/web/config", {"put": {"size": "4"}})
    await stage.post("/v1/applications/web/remove", {})
    for machine in machines:
        await stage.until(lambda machine=machine: not machine.alive)
        assert machine.hooks[-2:] == ["stop", "remove"]
    kept = stage.disk.persisted()
    assert not kept.bags and not kept.configs and not kept.charms
    with pytest.raises(NotFound):
        await stage.get("/v1/applications/web/settings")
