"""What a hook sees of its charm: configuration, what the charm keeps, what is pending."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tenure.agent.hooks.process import HookResult
from tenure.testing.time.waiting import in_virtual_time, settle
from tests.support.charmstage import busy, calm, charmed, end, refused, said


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
