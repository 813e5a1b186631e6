"""What an agent must get over: a unit that waits for ever serves nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure.agent.context.charm import MAX_PENDING
from tenure.agent.context.hook import HookContext
from tenure.agent.tools import run_tool
from tenure.errors import BadRequest
from tenure.testing.machine import Machine
from tenure.testing.time.waiting import in_virtual_time, settle
from tenure.wire.tools import Call
from tests.agent.test_actions import Acted
from tests.support.charmstage import CHARM, busy, calm, charmed, end, give, refused, said, source_of
from tests.support.stage import Stage


async def _no_stdin(path: str = "") -> bytes:
    return b""


async def leading_in_install(tmp_path: Path) -> tuple[Stage, Machine]:
    """A unit that leads already while its `install` runs, until the test ends it."""
    stage = await charmed(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.held.add("install")
    unit.start()
    await stage.until(lambda: unit.leads and unit.running == "install")
    return stage, unit


@in_virtual_time
async def test_a_fault_of_a_commit_that_nobody_foresaw_is_a_failed_hook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H7, T10: and its words, which may hold a value, are not told"""
    stage = await charmed(tmp_path, units=1)
    [unit] = await stage.led()
    await busy(stage, unit)
    await said(unit, "state-set", "a=secret")

    async def falls(self: HookContext) -> None:
        raise MemoryError("secret")

    monkeypatch.setattr(HookContext, "commit", falls)
    await end(unit)
    await stage.until(lambda: unit.unit.state.failure is not None)
    assert "internal fault (MemoryError)" in unit.log_text()
    assert "secret" not in unit.log_text()


@in_virtual_time
async def test_a_hook_that_was_tried_again_after_a_crash_is_paid_once(tmp_path: Path) -> None:
    """H4: config-changed failed, and its agent was killed"""
    stage = await charmed(tmp_path, units=1)
    [unit] = await stage.led()
    unit.runner.failing["config-changed"] = 1
    await stage.post("/v1/applications/web/config", {"put": {"size": "5"}})
    await stage.until(lambda: unit.unit.state.failure is not None)
    await unit.crash()
    unit.start()
    await stage.until(lambda: unit.count("config-changed") == 3, within=20.0)
    await stage.pass_time(10.0)
    assert unit.count("config-changed") == 3 and unit.unit.state.failure is None


@in_virtual_time
async def test_a_skip_that_waits_for_an_action_outlives_the_agent(tmp_path: Path) -> None:
    """H7, H4"""
    stage = await charmed(tmp_path, units=1)
    [unit] = stage.machines
    unit.start()
    await stage.until(lambda: "start" in unit.hooks)
    unit.runner.failing["config-changed"] = 1
    await stage.post("/v1/applications/web/config", {"put": {"size": "5"}})
    await stage.until(lambda: unit.unit.state.failure is not None)
    acted = Acted(unit)
    await stage.until(lambda: unit.running == "actions/backup")
    await stage.post("/v1/units/web/0/resolve", {"retry": False})
    await settle()
    acted.done.cancel()
    await unit.crash()
    unit.start()
    await stage.pass_time(10.0)
    assert unit.count("config-changed") == 2 and unit.unit.state.failure is None


@in_virtual_time
async def test_leadership_does_not_wait_for_a_store_that_hangs(tmp_path: Path) -> None:
    """H2"""
    stage, unit = await leading_in_install(tmp_path)
    assert stage.store is not None
    stage.store.open.clear()
    await end(unit)
    await stage.until(lambda: "leader-elected" in unit.hooks, within=7.0)
    stage.store.open.set()


# -- relations


@in_virtual_time
async def test_a_unit_takes_part_in_those_relations_that_it_asked_for_and_no_other(
    tmp_path: Path,
) -> None:
    """H1, H5: a charm with one more endpoint is handed in while the answer is on its way"""
    stage, unit = await leading_in_install(tmp_path)
    assert stage.store is not None
    stage.store.open.clear()
    await end(unit)
    giving = stage.ask(
        "/v1/applications/web/charm",
        {**CHARM, "source": str(source_of(tmp_path)), "peers": ["peers", "more"]},
    )
    await settle()
    stage.store.open.set()
    await giving
    await stage.until(lambda: "more-relation-created" in unit.hooks or unit.count("start") == 1)
    await stage.pass_time(3.0)
    owners = {(bag.relation, bag.owner) for bag in stage.disk.persisted().bags["web"]}
    assert owners == {(0, "web/0"), (1, "web/0")}


@in_virtual_time
async def test_what_a_unit_takes_part_in_is_for_the_controller_to_say(tmp_path: Path) -> None:
    """H5: it enters again whatever it is not in"""
    stage = await charmed(tmp_path)
    leader, minion = await calm(stage)
    assert stage.controller is not None
    stage.controller.model.peers.leave("web/1")
    await minion.crash()
    minion.start()
    await stage.until(lambda: minion.unit.claimant.accepted)
    await stage.until(lambda: stage_members(stage) == {"web/0", "web/1"})
    assert leader.alive


def stage_members(stage: Stage) -> set[str]:
    return {bag.owner for bag in stage.disk.persisted().bags["web"] if bag.present}


@in_virtual_time
async def test_configuration_and_start_wait_until_the_unit_is_in_its_relations(
    tmp_path: Path,
) -> None:
    """H1: leadership does not"""
    stage, unit = await leading_in_install(tmp_path)
    stage.disk.full = True
    await end(unit)
    await stage.pass_time(10.0)
    assert unit.hooks == ["install", "leader-elected"]
    stage.disk.full = False
    await stage.until(lambda: "start" in unit.hooks, within=20.0)
    assert unit.hooks[2:5] == ["peers-relation-created", "config-changed", "start"]


@in_virtual_time
async def test_hooks_that_need_the_controller_wait_for_its_first_word(tmp_path: Path) -> None:
    """H5: an interrupted one, and one of a relation that had failed"""
    stage = await charmed(tmp_path)
    _, minion = await calm(stage)
    minion.runner.held.add("config-changed")
    await stage.post("/v1/applications/web/config", {"put": {"size": "5"}})
    await stage.until(lambda: minion.running == "config-changed")
    await minion.crash()
    await stage.kill_controller()
    before = len(minion.hooks)
    minion.start()
    await stage.pass_time(10.0)
    assert len(minion.hooks) == before
    await stage.start_controller()
    await stage.until(lambda: minion.running == "config-changed")
    assert await said(minion, "config-get", "size") == "5\n"


# -- skipping


@in_virtual_time
async def test_a_hook_that_is_skipped_while_an_action_runs_does_not_run_again(
    tmp_path: Path,
) -> None:
    """H7"""
    stage = await charmed(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.failing["config-changed"] = 1
    unit.start()
    await stage.until(lambda: unit.unit.state.failure is not None)
    acted = Acted(unit)
    await stage.until(lambda: unit.running == "actions/backup")
    await stage.post("/v1/units/web/0/resolve", {"retry": False})
    await settle()
    assert unit.unit.state.running is not None, "the action is still recorded"
    await end(unit)
    assert (await acted.done).status == "completed"
    await stage.until(lambda: "start" in unit.hooks, within=3.0)
    assert unit.count("config-changed") == 1


# -- what tools may do


@in_virtual_time
async def test_a_tool_whose_hook_ends_under_it_is_told_so(tmp_path: Path) -> None:
    """T8, G7: and not that it is done"""
    stage = await charmed(tmp_path, units=1)
    [unit] = await stage.led()
    await busy(stage, unit)
    context = unit.unit.contexts.by_id(unit.hook.command.context_id)
    assert context is not None
    await end(unit)
    for tool, *args in (
        ("relation-set", "-r", "0", "a=1"), ("open-port", "80"), ("state-set", "a=1"),
    ):  # fmt: skip
        call = Call(context_id="over", tool=tool, args=tuple(args), cwd="/")
        reply = await run_tool(context, call, _no_stdin)
        assert (reply.exit_code, reply.stderr) == (
            1, b'ERROR bad request: wrong context ID; got "over"\n',
        )  # fmt: skip


@in_virtual_time
async def test_what_a_hook_leaves_pending_is_bounded(tmp_path: Path) -> None:
    """B6: the tool itself says so, and the hook may still end well"""
    stage = await charmed(tmp_path, units=1)
    [unit] = await stage.led()
    await busy(stage, unit)
    value = "x" * (MAX_PENDING // 8)
    for number in range(7):
        await said(unit, "relation-set", "-r", "0", f"k{number}={value}")
    words = await refused(unit, "relation-set", "-r", "0", f"k={value}", f"l={value}")
    assert str(MAX_PENDING) in words and "xxx" not in words
    for number in range(7):
        await said(unit, "relation-set", "-r", "0", f"k{number}=")


@in_virtual_time
async def test_no_value_of_the_configuration_reaches_the_log(tmp_path: Path) -> None:
    """T10"""
    stage = await charmed(tmp_path, units=1)
    config = "options: {motto: {type: int, default: 1}}"
    (stage.machines[0].folder / "charm" / "config.yaml").write_text(config)
    [unit] = await stage.led()
    await stage.post("/v1/applications/web/config", {"put": {"motto": "hunter2"}})
    await settle()
    await busy(stage, unit)
    assert await said(unit, "config-get", "motto") == "1\n"
    assert "motto keeps its default" in unit.log_text() and "hunter2" not in unit.log_text()


@in_virtual_time
async def test_what_a_charm_may_do_to_its_machine_follows_the_operators_word(
    tmp_path: Path,
) -> None:
    """H9: at the next hook, without a restart"""
    stage = await charmed(tmp_path, units=1)
    [unit] = stage.machines
    shims = tmp_path / "shims"
    unit.shims = shims
    unit.start()
    await stage.until(lambda: "start" in unit.hooks)
    assert str(shims) in unit.ran[-1].env["PATH"]
    await give(stage, source_of(tmp_path), allow_host_changes=True, update_status_interval=1.0)
    await stage.until(lambda: unit.hooks[-1] == "config-changed")
    assert str(shims) not in unit.ran[-1].env["PATH"]
    await stage.until(lambda: unit.count("update-status") == 2, within=300.0)
    first, second = [ran.at for ran in unit.ran if ran.hook == "update-status"][-2:]
    assert second - first < 2.0


@in_virtual_time
async def test_a_source_that_no_file_can_have_is_refused_before_any_unit_hears_of_it(
    tmp_path: Path,
) -> None:
    stage = await charmed(tmp_path, units=1)
    await stage.led()
    with pytest.raises(BadRequest):
        await stage.post("/v1/applications/web/charm", {**CHARM, "source": "/a\0b"})
