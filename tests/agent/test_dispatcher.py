"""Hooks that fail or are killed, and what operators can do about it (H7, H8)."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from tenure.testing.charm import make_charm
from tenure.testing.machine import Machine
from tenure.testing.time.waiting import in_virtual_time, settle
from tenure.wire.messages import Report
from tests.support.stage import Stage


def reports(machine: Machine) -> list[Report]:
    return [said for said in machine.line.said if isinstance(said, Report)]


def starts(machine: Machine, hook: str) -> list[float]:
    return [ran.at for ran in machine.ran if ran.hook == hook]


def has_run(machine: Machine, hook: str, times: int) -> bool:
    return machine.count(hook) == times


async def write(machine: Machine, *pairs: str) -> None:
    """The leader writes, as an operator's command."""
    context, _ = await machine.unit.contexts.open()
    reply = await machine.tool("leader-set", *pairs, context=context.context_id)
    assert reply.exit_code == 0, reply
    machine.unit.contexts.close(context)
    await settle()


# -- failures


@in_virtual_time
async def test_a_failed_hook_is_retried_after_five_seconds_and_then_ever_later(
    tmp_path: Path,
) -> None:
    """H7"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.failing["config-changed"] = 10
    unit.start()
    await stage.pass_time(2400.0)
    gaps = [after - before for before, after in pairwise(starts(unit, "config-changed"))]
    wanted = [5, 10, 20, 40, 80, 160, 300, 300, 300, 300]
    assert len(gaps) == 10
    for gap, most in zip(gaps, wanted, strict=True):
        assert 0.79 * most <= gap <= most + 1.0
    assert unit.count("start") == 1, "it goes on from where it was"


@in_virtual_time
async def test_a_unit_in_error_runs_no_other_hook(tmp_path: Path) -> None:
    """H7"""
    stage = await Stage.open(tmp_path, units=2)
    leader, minion = await stage.led()
    minion.runner.failing["leader-settings-changed"] = 1
    await write(leader, "k=1")
    await stage.until(lambda: minion.unit.state.failure is not None, within=1.0)
    ran = len(minion.ran)
    await write(leader, "k=2")
    minion.unit.schedule.update_at = minion.clock.now()
    minion.agent.wake()
    await stage.pass_time(3.0)
    assert len(minion.ran) == ran
    await stage.until(lambda: minion.unit.state.failure is None, within=4.0)
    assert 'ERROR   web/1: hook failed: "leader-settings-changed": exit' in minion.log_text()


@in_virtual_time
async def test_an_operator_can_have_a_failed_hook_retried_at_once(tmp_path: Path) -> None:
    """H7, O2"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.failing["config-changed"] = 5
    unit.start()
    await stage.pass_time(60.0)
    tried = unit.count("config-changed")
    unit.runner.failing.clear()
    answer = await stage.post("/v1/units/web/0/resolve", {})
    assert 'hook failed: "config-changed"' in answer["note"]
    took = await stage.until(lambda: unit.count("start") == 1, within=60.0)
    assert took < 0.1 and unit.count("config-changed") == tried + 1


@in_virtual_time
@pytest.mark.parametrize("hook", ["install", "leader-elected", "config-changed", "start"])
async def test_an_operator_can_skip_a_failed_hook(tmp_path: Path, hook: str) -> None:
    """H7, O2"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.failing[hook] = 100
    unit.start()
    await stage.until(lambda: unit.unit.state.failure is not None, within=2.0)
    await stage.pass_time(0.5)
    await stage.post("/v1/units/web/0/resolve", {"retry": False})
    await stage.until(lambda: unit.unit.state.started, within=2.0)
    assert unit.count(hook) == 1


@in_virtual_time
async def test_what_a_failed_hook_wrote_stays(tmp_path: Path) -> None:
    """H7, G6"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.held.add("leader-elected")
    unit.start()
    await stage.until(lambda: unit.running == "leader-elected", within=1.0)
    assert (await unit.tool("leader-set", "k=v")).exit_code == 0
    unit.hook.end("failed", "exit status 1")
    await stage.pass_time(1.0)
    answer = await stage.get("/v1/applications/web/settings")
    assert answer["settings"] == {"k": "v"}


@in_virtual_time
async def test_a_killed_hook_is_queued_again_and_has_not_failed(tmp_path: Path) -> None:
    """H8"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.held.add("config-changed")
    unit.start()
    await stage.until(lambda: unit.running == "config-changed", within=2.0)
    unit.hook.end("killed", "signal: terminated")
    await stage.until(lambda: unit.count("config-changed") == 2, within=2.0)
    assert unit.unit.state.failure is None
    unit.hook.end()
    await stage.until(lambda: unit.count("start") == 1, within=2.0)
    assert not any(report.error for report in reports(unit))


async def killed(folder: Path, times: int) -> tuple[Stage, Machine]:
    """The unit's config-changed was killed so often, each time as soon as it ran."""
    stage = await Stage.open(folder, units=1)
    [unit] = stage.machines
    unit.runner.held.add("config-changed")
    unit.start()
    for n in range(1, times + 1):
        await stage.until(partial(has_run, unit, "config-changed", n), within=20.0)
        unit.hook.end("killed", "signal: killed")
    return stage, unit


@in_virtual_time
async def test_a_hook_that_is_killed_again_and_again_is_not_started_in_a_rush(
    tmp_path: Path,
) -> None:
    """H8"""
    _, unit = await killed(tmp_path, 5)
    at = starts(unit, "config-changed")
    assert at[-1] - at[0] >= 7.0
    unit.hook.end()


@in_virtual_time
async def test_a_hook_that_is_killed_again_and_again_shows_with_how_often_and_when_next(
    tmp_path: Path,
) -> None:
    """H8, O3, O5"""
    stage, unit = await killed(tmp_path, 3)
    await settle()
    hook = (await stage.get("/v1/status"))["applications"]["web"]["units"]["web/0"]["hook"]
    assert (hook["killed"], hook["kills"], hook["killed_by"]) == (
        "config-changed", 3, "signal: killed",
    )  # fmt: skip
    assert 0 < hook["retry_in"] <= 2 and hook["error"] is None
    why = await stage.get("/v1/units/web/0/why")
    assert "its hook config-changed was killed 3 times in a row (signal: killed)" in why["answer"]
    assert "`dmesg`" in why["next"]
    await stage.until(partial(has_run, unit, "config-changed", 4), within=20.0)
    unit.hook.end()
    await stage.until(lambda: unit.count("start") == 1, within=2.0)
    await settle()
    hook = (await stage.get("/v1/status"))["applications"]["web"]["units"]["web/0"]["hook"]
    assert (hook["killed"], hook["retry_in"]) == (None, None)


# -- ending one that hangs


async def hanging(
    tmp_path: Path, hook: str = "config-changed", within: float = 2.0
) -> tuple[Stage, Machine]:
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.held.add(hook)
    unit.start()
    await stage.until(lambda: unit.running == hook, within=within)
    return stage, unit


@in_virtual_time
async def test_an_operator_ends_a_hook_that_hangs_and_it_has_failed_and_is_tried_again(
    tmp_path: Path,
) -> None:
    """H7, O2, O5"""
    stage, unit = await hanging(tmp_path)
    await stage.pass_time(100.0)
    why = await stage.get("/v1/units/web/0/why")
    assert "its hook config-changed has been running for at least 1" in why["answer"]
    assert "`tenure kill-hook web/0` ends it" in why["next"]
    unit.unit.resolve(retry=True, kill="start")
    await stage.pass_time(0.5)
    assert unit.running == "config-changed", "another was meant, which is over"
    await stage.post("/v1/units/web/0/kill-hook", {})
    await stage.pass_time(0.5)
    failure = unit.unit.state.failure
    assert failure is not None and failure.detail == "ended by an operator"
    why = await stage.get("/v1/units/web/0/why")
    assert 'hook failed: "config-changed" (ended by an operator), which runs' in why["answer"]
    await stage.until(partial(has_run, unit, "config-changed", 2), within=6.0)
    unit.hook.end()


@in_virtual_time
async def test_a_hook_that_runs_for_longer_than_it_may_is_ended_and_has_failed(
    tmp_path: Path,
) -> None:
    """H7"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.hook_timeout = 40.0
    unit.runner.held.add("config-changed")
    unit.start()
    await stage.until(lambda: unit.running == "config-changed", within=2.0)
    await stage.pass_time(39.0)
    assert unit.running == "config-changed"
    await stage.pass_time(2.0)
    failure = unit.unit.state.failure
    assert failure is not None
    assert failure.detail == "it ran for longer than 40s (--hook-timeout)"
    assert failure.detail in unit.log_text()


@in_virtual_time
async def test_a_hook_may_take_for_ever_where_nobody_said_otherwise(tmp_path: Path) -> None:
    """H7: as in Juju"""
    stage, unit = await hanging(tmp_path)
    await stage.pass_time(7_200.0)
    assert unit.running == "config-changed" and unit.count("config-changed") == 1
    unit.hook.end()


# -- tools that were refused


@in_virtual_time
async def test_a_tool_that_was_refused_is_logged_and_told_until_its_hook_ends_well_without_one(
    tmp_path: Path,
) -> None:
    """O5, T10"""
    stage, unit = await hanging(tmp_path, "update-status", within=400.0)
    for words in (("is-leader", "--nope=s3cret"), ("state-get", "--strict", "nothing")):
        assert (await unit.hook.tool(*words))[0] != 0
    await stage.pass_time(0.5)
    log = unit.log_text()
    assert "update-status: is-leader was refused: its arguments are wrong" in log
    assert 'update-status: state-get was refused: "nothing" not found' in log
    assert "s3cret" not in log

    async def told() -> str:
        answer: str = (await stage.get("/v1/units/web/0/why"))["answer"]
        return answer

    refused = 'the last tool that was refused: state-get in update-status: "nothing" not found'
    assert refused in await told()
    unit.hook.end()
    await stage.until(partial(has_run, unit, "update-status", 2), within=400.0)
    assert refused in await told()
    assert (await unit.hook.tool("is-leader"))[0] == 0
    unit.hook.end()
    await stage.pass_time(0.5)
    assert "refused" not in await told()


@in_virtual_time
async def test_a_hook_that_cannot_be_run_fails_and_says_why(tmp_path: Path) -> None:
    """H6, H7"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    (unit.folder / "charm" / "hooks" / "config-changed").chmod(0o644)
    unit.start()
    await stage.until(lambda: unit.unit.state.failure is not None, within=2.0)
    assert "hooks/config-changed is not executable" in unit.log_text()
    make_charm(unit.folder / "charm", ("config-changed",))
    await stage.until(lambda: unit.count("start") == 1, within=10.0)


@in_virtual_time
async def test_the_controller_hears_of_each_change_once(tmp_path: Path) -> None:
    """O3"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    said = len(reports(unit))
    await stage.pass_time(100.0)
    assert len(reports(unit)) == said
    unit.line.cut()
    await stage.pass_time(2.0)
    assert len(reports(unit)) == said + 1
    status = await stage.get("/v1/status")
    assert status["applications"]["web"]["units"]["web/0"]["hook"]["last"] == "start"
    await asyncio.sleep(0)
