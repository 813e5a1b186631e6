"""The agent dies at each of its durable writes: nothing owed is lost, nothing paid re-run (H5)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tenure.core.localstate import LocalState
from tenure.testing.machine import Machine
from tenure.testing.time.waiting import in_virtual_time, settle
from tests.support.stage import Stage


async def survive(stage: Stage, machine: Machine) -> None:
    """Start the machine again as often as it dies, until it is quiet."""
    for _ in range(3):
        await stage.pass_time(8.0)
        if machine.alive:
            return
        machine.start()
    raise AssertionError("it dies again and again")


def paid(state: LocalState | None) -> set[str]:
    """The hooks that the disk says are done."""
    if state is None:
        return set()
    done = {
        "install": state.installed, "config-changed": state.configured, "start": state.started,
        "leader-elected": state.elected_for > 0, "stop": state.stopped, "remove": state.removed,
        "leader-deposed": state.deposition is not None and state.deposition.told,
    }  # fmt: skip
    return {hook for hook, is_done in done.items() if is_done}


FIRST = ("install", "leader-elected", "config-changed", "start")
POINTS = [(n, lands) for n in range(1, 13) for lands in (True, False)]


@in_virtual_time
@pytest.mark.parametrize(("dies_at", "lands"), POINTS)
async def test_a_first_start_survives_a_crash_at_any_write(
    tmp_path: Path, dies_at: int, lands: bool
) -> None:
    """H5, H4, U1"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.disk.dies_at, unit.disk.lands = dies_at, lands
    unit.start()
    await stage.pass_time(2.0)
    died = not unit.alive
    at_death, ran_before, kept = paid(unit.disk.kept), len(unit.ran), unit.disk.kept
    await survive(stage, unit)
    assert unit.leads
    counts = Counter(unit.hooks)
    assert set(counts) == set(FIRST), "each of them ran, at least once"
    again = [ran.hook for ran in unit.ran[ran_before:]]
    assert not at_death & set(again), "what was paid is not run again"
    interrupted = kept.running.plan.hook if died and kept and kept.running else None
    assert all(count == 1 or hook == interrupted for hook, count in counts.items())
    state = unit.unit.state
    assert (state.installed, state.configured, state.started) == (True, True, True)
    assert state.elected_for == unit.term
    await stage.pass_time(60.0)
    assert Counter(unit.hooks) == counts


@in_virtual_time
@pytest.mark.parametrize(("dies_at", "lands"), POINTS[:16])
async def test_a_deposition_survives_a_crash_at_any_write(
    tmp_path: Path, dies_at: int, lands: bool
) -> None:
    """H5, H3, H4"""
    stage = await Stage.open(tmp_path, units=2)
    unit, other = await stage.led()
    unit.disk.dies_at, unit.disk.lands = dies_at, lands
    await stage.post("/v1/applications/web/revoke")
    await stage.until(lambda: other.leads, within=5.0)
    await stage.pass_time(1.0)
    kept, ran_before = unit.disk.kept, len(unit.ran)
    died = not unit.alive
    at_death = paid(kept)
    await survive(stage, unit)
    assert other.leads
    assert unit.unit.state.deposition is None
    assert unit.count("leader-settings-changed") >= 1
    assert unit.count("leader-deposed") >= 1
    again = {ran.hook for ran in unit.ran[ran_before:]}
    assert not at_death & again
    interrupted = kept.running.plan.hook if died and kept and kept.running else None
    for hook in ("leader-deposed", "leader-settings-changed"):
        assert unit.count(hook) == 1 or hook == interrupted
    assert Counter(unit.hooks)["leader-elected"] == 1


@in_virtual_time
@pytest.mark.parametrize(("dies_at", "lands"), POINTS[:12])
async def test_a_hand_over_survives_a_crash_at_any_write(
    tmp_path: Path, dies_at: int, lands: bool
) -> None:
    """H5, U4, O1"""
    stage = await Stage.open(tmp_path, units=2)
    unit, other = await stage.led()
    unit.disk.dies_at, unit.disk.lands = dies_at, lands
    asked = stage.ask("/v1/applications/web/elect", {"unit": "web/1"})
    await stage.pass_time(2.0)
    await survive(stage, unit)
    await stage.until(lambda: other.leads, within=65.0)
    await stage.until(lambda: unit.count("leader-settings-changed") >= 1, within=2.0)
    assert unit.count("leader-elected") == 1
    assert not unit.leads
    await asked


@in_virtual_time
@pytest.mark.parametrize(("dies_at", "lands"), POINTS[:16])
async def test_a_removal_survives_a_crash_at_any_write(
    tmp_path: Path, dies_at: int, lands: bool
) -> None:
    """H5, H1, U4"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    unit.disk.dies_at, unit.disk.lands = dies_at, lands
    await stage.post("/v1/units/web/0/remove", {})
    await stage.pass_time(2.0)
    for _ in range(2):
        if "web/0" in stage.disk.persisted().units:
            if not unit.alive:
                unit.start()
            await stage.pass_time(3.0)
    assert "web/0" not in stage.disk.persisted().units
    assert unit.count("stop") >= 1 and unit.count("remove") >= 1
    assert unit.hooks.index("stop") < unit.hooks.index("remove")
    assert not unit.alive


@in_virtual_time
async def test_an_interrupted_hook_is_owed_again_and_its_context_is_over(tmp_path: Path) -> None:
    """H5, T8"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.held.add("config-changed")
    unit.start()
    await stage.until(lambda: unit.running == "config-changed", within=2.0)
    context_id = unit.hook.command.context_id
    await unit.crash()
    unit.start()
    await stage.until(lambda: unit.count("config-changed") == 2, within=2.0)
    assert unit.unit.contexts.by_id(context_id) is None
    assert "config-changed was interrupted: it is owed again" in unit.log_text()
    unit.hook.end()
    await stage.until(lambda: unit.count("start") == 1, within=2.0)


@in_virtual_time
async def test_a_failed_hook_is_still_failed_after_a_restart(tmp_path: Path) -> None:
    """H4, H7"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.failing["config-changed"] = 2
    unit.start()
    await stage.until(lambda: unit.unit.state.failure is not None, within=2.0)
    await unit.crash()
    unit.start()
    await stage.until(lambda: unit.count("config-changed") == 2, within=2.0)
    assert unit.disk.kept is not None and unit.disk.kept.failure is not None
    assert unit.disk.kept.failure.attempts == 2
    await stage.until(lambda: unit.count("start") == 1, within=15.0)


@in_virtual_time
async def test_restarts_run_no_hook_of_a_quiet_unit(tmp_path: Path) -> None:
    """H4"""
    stage = await Stage.open(tmp_path, units=2)
    machines = await stage.led()
    before = [list(machine.hooks) for machine in machines]
    for _ in range(4):
        for machine in machines:
            await machine.crash()
            machine.start()
        await stage.pass_time(3.0)
    assert [machine.hooks for machine in machines] == before
    assert machines[0].term == 1


@in_virtual_time
async def test_each_life_of_an_agent_speaks_in_newer_sessions(tmp_path: Path) -> None:
    """L9"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    numbers = []
    for _ in range(3):
        unit.line.cut()
        await stage.pass_time(1.0)
        await unit.crash()
        unit.start()
        await stage.pass_time(1.0)
        assert stage.controller is not None
        numbers.append(stage.controller.model.sessions["web/0"].number)
    assert numbers == sorted(set(numbers))
    await settle()
