"""A unit's hooks: which run, when, how often, and with what in hand (H1-H8, H10)."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from tenure.testing.machine import Machine
from tenure.testing.time.waiting import in_virtual_time, settle
from tests.support.stage import Stage


def starts(machine: Machine, hook: str) -> list[float]:
    return [ran.at for ran in machine.ran if ran.hook == hook]


async def write(machine: Machine, *pairs: str) -> None:
    """The leader writes, as an operator's command."""
    context, _ = await machine.unit.contexts.open()
    reply = await machine.tool("leader-set", *pairs, context=context.context_id)
    assert reply.exit_code == 0, reply
    machine.unit.contexts.close(context)
    await settle()


# -- order


@in_virtual_time
async def test_a_unit_starts_with_its_hooks_in_order(tmp_path: Path) -> None:
    """H1"""
    stage = await Stage.open(tmp_path, units=2)
    leader, minion = await stage.led()
    assert leader.hooks == ["install", "leader-elected", "config-changed", "start"]
    assert minion.hooks == ["install", "leader-settings-changed", "config-changed", "start"]


@in_virtual_time
async def test_a_charm_that_lacks_hooks_starts_without_delay(tmp_path: Path) -> None:
    """H6, H1: a missing hook is a success"""
    stage = await Stage.open(tmp_path, units=1, hooks=("start",))
    [unit] = stage.machines
    unit.start()
    assert await stage.until(lambda: unit.hooks == ["start"], within=5.0) < 0.1
    assert "leader-elected skipped" in unit.log_text()


@in_virtual_time
async def test_operators_see_what_is_owed_until_it_is_done(tmp_path: Path) -> None:
    """O3, H4"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.held.add("install")

    async def hook() -> tuple[str | None, str | None, bool]:
        status = await stage.get("/v1/status")
        shown = status["applications"]["web"]["units"]["web/0"]["hook"]
        return shown["running"], shown["owed"], shown["queued"]

    assert (await hook())[2], "its agent has not come yet"
    unit.start()
    await stage.until(lambda: unit.running == "install" and unit.leads)
    await stage.pass_time(0.1)
    assert await hook() == ("install", "leader-elected", True)
    unit.hook.end()
    await stage.until(lambda: unit.hooks[-1] == "start")
    await stage.pass_time(0.1)
    assert await hook() == (None, None, False)


@in_virtual_time
async def test_a_unit_is_in_error_while_its_hook_fails_and_then_as_its_charm_said(
    tmp_path: Path,
) -> None:
    """P4, H7"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    context, _ = await unit.unit.contexts.open()
    await unit.tool("status-set", "active", "ready", context=context.context_id)
    unit.unit.contexts.close(context)
    await stage.pass_time(5.0)

    async def shown() -> tuple[str, str, str]:
        status = (await stage.get("/v1/status"))["applications"]["web"]
        unit_is, all_is = status["units"]["web/0"]["status"], status["status"]
        assert unit_is == all_is, "it is its application's worst"
        return unit_is["current"], unit_is["message"], unit_is["since"]

    before = await shown()
    assert before[:2] == ("active", "ready")
    unit.runner.failing["update-status"] = 2
    unit.unit.schedule.update_after(unit.clock.now(), 0.0)
    unit.agent.wake()
    await stage.until(lambda: unit.unit.state.failure is not None)
    await stage.pass_time(0.1)
    error = await shown()
    assert error[:2] == ("error", 'hook failed: "update-status"') and error[2] > before[2]
    await stage.until(lambda: unit.count("update-status") == 2, within=20.0)
    await stage.pass_time(0.1)
    assert await shown() == error, "since it failed first"
    await stage.until(lambda: unit.unit.state.failure is None, within=30.0)
    await stage.pass_time(0.1)
    assert await shown() == before


@in_virtual_time
async def test_one_hook_runs_at_a_time(tmp_path: Path) -> None:
    """H6"""
    stage = await Stage.open(tmp_path, units=2)
    _, minion = await stage.led()
    minion.runner.held.update(("leader-settings-changed", "leader-elected"))
    await stage.post("/v1/applications/web/revoke")
    await stage.until(lambda: minion.running == "leader-elected", within=2.0)
    await stage.post("/v1/applications/web/revoke")
    await stage.pass_time(5.0)
    assert minion.running == "leader-elected"
    minion.hook.end()
    await stage.until(lambda: minion.running == "leader-settings-changed", within=1.0)
    minion.hook.end()


@in_virtual_time
async def test_an_idle_unit_updates_its_status_every_five_minutes(tmp_path: Path) -> None:
    """H1: give or take a fifth"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    await stage.pass_time(3600.0)
    gaps = [after - before for before, after in pairwise(starts(unit, "update-status"))]
    assert len(gaps) >= 8 and all(239.0 <= gap <= 361.0 for gap in gaps)
    assert len({round(gap) for gap in gaps}) > 3


@in_virtual_time
async def test_a_hook_knows_why_it_runs(tmp_path: Path) -> None:
    """H10"""
    stage = await Stage.open(tmp_path, units=2)
    leader, minion = await stage.led()
    await write(leader, "a=1", "b=2")
    await stage.until(lambda: minion.count("leader-settings-changed") == 2, within=1.0)
    told = {ran.hook: ran.env for ran in leader.ran}
    assert told["leader-elected"]["TENURE_REASON"] == "elected"
    assert told["leader-elected"]["TENURE_TERM"] == "1"
    first, second = (r.env for r in minion.ran if r.hook == "leader-settings-changed")
    assert first["TENURE_REASON"] == "started" and "TENURE_TERM" not in first
    assert second["TENURE_REASON"] == "settings"
    assert second["TENURE_CHANGED_KEYS"] == "a\nb"


# -- leader-elected


@in_virtual_time
async def test_leader_elected_runs_once_in_each_term(tmp_path: Path) -> None:
    """H2"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    await stage.pass_time(120.0)
    assert unit.count("leader-elected") == 1
    await stage.post("/v1/applications/web/revoke")
    await stage.until(lambda: unit.count("leader-elected") == 2, within=70.0)
    assert [r.env["TENURE_TERM"] for r in unit.ran if r.hook == "leader-elected"] == ["1", "2"]
    await stage.pass_time(120.0)
    assert unit.count("leader-elected") == 2


@in_virtual_time
async def test_leader_elected_starts_with_the_guarantee_in_hand(tmp_path: Path) -> None:
    """H2, G3"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.held.update(("install", "leader-elected"))
    unit.start()
    await stage.until(lambda: unit.leads, within=1.0)
    unit.line.refusing = True
    unit.line.cut()
    await stage.pass_time(35.0)
    unit.hook.end()
    await stage.pass_time(5.0)
    assert unit.leads and unit.running is None, "unknown: it is postponed"
    unit.line.refusing = False
    await stage.until(lambda: unit.running == "leader-elected", within=3.0)
    assert unit.unit.claimant.tracker.sure_until - unit.ran[-1].at >= 30.0
    assert await unit.is_leader() is True
    unit.hook.end()


@in_virtual_time
async def test_a_leader_elected_that_has_begun_is_a_promise(tmp_path: Path) -> None:
    """G3, U4: as if it had been told True"""
    stage = await Stage.open(tmp_path, units=2)
    first, second = stage.machines
    first.runner.held.add("leader-elected")
    first.start()
    await stage.until(lambda: first.running == "leader-elected", within=1.0)
    second.start()
    await stage.pass_time(1.0)
    asked = stage.ask("/v1/applications/web/elect", {"unit": "web/1"})
    await stage.pass_time(20.0)
    assert first.leads and not second.leads and not asked.done()
    first.hook.end()
    await stage.until(lambda: second.leads, within=1.0)


@in_virtual_time
async def test_while_it_is_not_sure_other_hooks_go_on(tmp_path: Path) -> None:
    """H2"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    unit.runner.held.add("update-status")
    unit.unit.schedule.update_at = unit.clock.now()
    unit.agent.wake()
    await stage.until(lambda: unit.running == "update-status")
    await stage.post("/v1/applications/web/revoke")
    await stage.until(lambda: unit.term == 2, within=2.0)
    unit.line.refusing = True
    unit.line.cut()
    await stage.pass_time(35.0)
    unit.hook.end()
    unit.runner.held.clear()
    await stage.pass_time(1.0)
    unit.unit.schedule.update_at = unit.clock.now()
    unit.agent.wake()
    await stage.pass_time(1.0)
    assert unit.count("update-status") == 2 and unit.count("leader-elected") == 1


@in_virtual_time
async def test_a_term_that_ended_before_its_hook_could_start_owes_no_hook(tmp_path: Path) -> None:
    """H2"""
    stage = await Stage.open(tmp_path, units=2)
    first, _ = stage.machines
    first.runner.held.add("install")
    first.start()
    await stage.until(lambda: first.leads, within=1.0)
    stage.machines[1].start()
    await stage.pass_time(1.0)
    await stage.post("/v1/applications/web/revoke")
    await stage.pass_time(1.0)
    first.hook.end()
    await stage.until(lambda: first.count("start") == 1, within=2.0)
    assert first.count("leader-elected") == 0
    assert first.count("leader-settings-changed") == 1


@in_virtual_time
async def test_a_failed_leader_elected_whose_term_is_gone_clears_the_error(tmp_path: Path) -> None:
    """H2, H7"""
    stage = await Stage.open(tmp_path, units=2)
    first, second = stage.machines
    first.runner.failing["leader-elected"] = 100
    first.start()
    await stage.until(lambda: first.count("leader-elected") == 1, within=2.0)
    second.start()
    await stage.pass_time(1.0)
    status = await stage.get("/v1/status")
    unit = status["applications"]["web"]["units"]["web/0"]
    assert unit["hook"]["error"] == 'hook failed: "leader-elected"'
    await stage.post("/v1/applications/web/revoke")
    await stage.until(lambda: first.count("start") == 1, within=2.0)
    assert first.unit.state.failure is None
    assert second.leads


# -- leader-settings-changed


@in_virtual_time
async def test_minions_hear_of_every_write_and_the_leader_of_none(tmp_path: Path) -> None:
    """H3, B5"""
    stage = await Stage.open(tmp_path, units=3)
    leader, *minions = await stage.led()
    for n in range(3):
        await write(leader, f"k={n}")
        await stage.pass_time(1.0)
    await write(leader, "k=2")
    await stage.pass_time(1.0)
    assert [m.count("leader-settings-changed") for m in minions] == [4, 4]
    assert leader.count("leader-settings-changed") == 0


@in_virtual_time
async def test_a_burst_of_writes_may_be_told_as_one(tmp_path: Path) -> None:
    """B5, H3, H10"""
    stage = await Stage.open(tmp_path, units=2)
    leader, minion = await stage.led()
    minion.runner.held.add("leader-settings-changed")
    for n in range(4):
        await write(leader, f"k{n}=v")
    await stage.until(lambda: minion.running == "leader-settings-changed", within=1.0)
    minion.hook.end()
    await stage.until(lambda: minion.count("leader-settings-changed") == 3, within=1.0)
    assert minion.ran[-1].env["TENURE_CHANGED_KEYS"] == "k1\nk2\nk3"
    minion.hook.end()
    await stage.pass_time(1.0)
    assert minion.count("leader-settings-changed") == 3


@in_virtual_time
async def test_a_minion_that_was_away_learns_of_what_it_missed(tmp_path: Path) -> None:
    """H3: an agent is told the current revision whenever it connects"""
    stage = await Stage.open(tmp_path, units=2)
    leader, minion = await stage.led()
    minion.line.refusing = True
    minion.line.cut()
    await write(leader, "a=1")
    await write(leader, "b=1")
    await stage.pass_time(2.0)
    assert minion.count("leader-settings-changed") == 1
    minion.line.refusing = False
    await stage.until(lambda: minion.count("leader-settings-changed") == 2, within=3.0)
    assert minion.ran[-1].env["TENURE_CHANGED_KEYS"] == "a\nb"


@in_virtual_time
async def test_a_hook_sees_at_least_the_revision_it_was_run_for(tmp_path: Path) -> None:
    """H5, T4"""
    stage = await Stage.open(tmp_path, units=2)
    leader, minion = await stage.led()
    minion.runner.held.add("leader-settings-changed")
    await write(leader, "k=1")
    await stage.until(lambda: minion.running == "leader-settings-changed", within=1.0)
    await write(leader, "k=2")
    assert (await minion.tool("leader-get", "k")).stdout == b"2\n"
    minion.hook.end()


@in_virtual_time
async def test_what_is_still_owed_is_dropped_when_the_unit_leads_again(tmp_path: Path) -> None:
    """H3: the new term's leader-elected takes its place"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    unit.runner.held.add("update-status")
    unit.unit.schedule.update_at = unit.clock.now()
    unit.agent.wake()
    await stage.until(lambda: unit.running == "update-status")
    await stage.post("/v1/applications/web/revoke")
    await stage.until(lambda: unit.term == 2, within=2.0)
    unit.hook.end()
    await stage.pass_time(2.0)
    assert unit.hooks[-2:] == ["update-status", "leader-elected"]
    assert unit.count("leader-deposed") == unit.count("leader-settings-changed") == 0
