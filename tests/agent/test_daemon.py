"""The agent's loop: handing over, stopping, halting, leaving, and giving up a silent connection."""

from __future__ import annotations

import asyncio
import random
from functools import partial
from pathlib import Path
from typing import Any

from tenure.agent.charm.copy import find_hook
from tenure.agent.daemon import Agent
from tenure.agent.hooks.log import UnitLog
from tenure.agent.observer import Observer
from tenure.agent.unit import PUSHES, Unit
from tenure.core.effects import Push
from tenure.leadership import claimant
from tenure.testing.bare import unit_of
from tenure.testing.machine import Machine
from tenure.testing.time.loop import new_process
from tenure.testing.time.waiting import in_virtual_time, settle
from tenure.wire.messages import Claims, Hello, Resolve
from tests.support.stage import Stage


async def busy(stage: Stage, machine: Machine) -> None:
    """Its update-status runs until the test ends it."""
    machine.runner.held.add("update-status")
    machine.unit.schedule.update_at = machine.clock.now()
    machine.agent.wake()
    await stage.until(lambda: machine.running == "update-status", within=2.0)


def leads(machine: Machine) -> bool:
    return machine.leads


def said(machine: Machine, kind: type[Any]) -> list[Any]:
    return [message for message in machine.line.said if isinstance(message, kind)]


def test_every_push_of_the_controller_is_handled() -> None:
    """L4, B5, U4, L5, H7"""
    assert PUSHES.keys().isdisjoint(claimant.PUSHES)
    assert PUSHES.keys() | claimant.PUSHES.keys() == {*Push.__args__, Resolve}


# -- the end of an agent


@in_virtual_time
async def test_a_leader_that_stops_cleanly_hands_over_at_once(tmp_path: Path) -> None:
    """U4, F, G11"""
    stage = await Stage.open(tmp_path, units=2)
    old, new = await stage.led()
    old.agent.stop()
    assert await stage.until(lambda: new.leads, within=2.0) < 0.2
    await stage.until(lambda: not old.alive, within=1.0)
    assert old.hooks[-2:] == ["leader-deposed", "leader-settings-changed"]


@in_virtual_time
async def test_who_stops_seeks_leadership_no_more(tmp_path: Path) -> None:
    """U4"""
    stage = await Stage.open(tmp_path, units=2)
    old, other = await stage.led()
    await other.crash()
    await busy(stage, old)
    old.agent.stop()
    await stage.pass_time(9.0)
    assert old.alive
    old.hook.end()
    await stage.until(lambda: not old.alive, within=1.0)
    assert stage.holder is None and stage.lease.term == 1


@in_virtual_time
async def test_a_stopping_minion_lets_its_hook_end_for_ten_seconds(tmp_path: Path) -> None:
    """H8"""
    stage = await Stage.open(tmp_path, units=2)
    _, minion = await stage.led()
    await busy(stage, minion)
    hook = minion.hook
    minion.agent.stop()
    await stage.pass_time(9.5)
    assert minion.alive and hook.kills == 0
    await stage.until(lambda: not minion.alive, within=1.0)
    assert hook.kills == 1
    assert minion.disk.kept is not None and minion.disk.kept.running is None


@in_virtual_time
async def test_a_hook_that_the_stop_ended_is_run_again_after_the_next_start(tmp_path: Path) -> None:
    """H8, H5: queued again, not failed"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.held.add("config-changed")
    unit.start()
    await stage.until(lambda: unit.running == "config-changed", within=1.0)
    unit.agent.stop()
    await stage.until(lambda: not unit.alive, within=45.0)
    assert unit.disk.kept is not None and unit.disk.kept.failure is None
    unit.runner.held.clear()
    unit.start()
    await stage.until(lambda: unit.count("start") == 1, within=40.0)
    assert unit.count("config-changed") == 2


@in_virtual_time
async def test_when_the_house_stops_nobody_takes_over(tmp_path: Path) -> None:
    """U1, H4: halt"""
    stage = await Stage.open(tmp_path, units=2)
    old, new = await stage.led()
    hooks = [list(m.hooks) for m in stage.machines]
    for machine in stage.machines:
        machine.agent.halt()
    await stage.until(lambda: not old.alive and not new.alive, within=1.0)
    assert stage.holder == "web/0"
    await stage.pass_time(5.0)
    new.start()
    old.start()
    await stage.until(lambda: old.leads, within=2.0)
    await stage.pass_time(5.0)
    assert old.term == 1 and [m.hooks for m in stage.machines] == hooks


@in_virtual_time
async def test_a_halting_agent_that_waits_for_its_hook_takes_no_lease_over(tmp_path: Path) -> None:
    """G2, H8: nobody hands over when all of it stops, and nobody takes over either"""
    stage = await Stage.open(tmp_path, units=2, duration=6.0, guarantee=3.0)
    old, new = await stage.led()
    await busy(stage, new)
    for machine in stage.machines:
        machine.agent.halt()
    await stage.until(lambda: not old.alive, within=1.0)
    await stage.pass_time(9.5)
    assert new.alive and not new.leads and stage.lease.term == 1


@in_virtual_time
async def test_a_halting_agent_begins_no_hook_and_ends_the_one_that_runs(tmp_path: Path) -> None:
    """H8"""
    stage = await Stage.open(tmp_path, units=2)
    leader, minion = await stage.led()
    await busy(stage, minion)
    context, _ = await leader.unit.contexts.open()
    await leader.tool("leader-set", "k=v", context=context.context_id)
    leader.unit.contexts.close(context)
    minion.agent.halt()
    await stage.pass_time(5.0)
    assert minion.alive
    minion.hook.end()
    await stage.until(lambda: not minion.alive, within=1.0)
    assert minion.count("leader-settings-changed") == 1
    minion.start()
    await stage.until(lambda: minion.count("leader-settings-changed") == 2, within=2.0)


@in_virtual_time
async def test_an_agent_without_a_controller_can_be_stopped(tmp_path: Path) -> None:
    """U4"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    await stage.kill_controller()
    unit.agent.stop()
    await stage.until(lambda: not unit.alive, within=45.0)


# -- removal


@in_virtual_time
async def test_a_unit_that_is_removed_steps_down_runs_its_last_hooks_and_is_gone(
    tmp_path: Path,
) -> None:
    """U4, H1, H3, L5"""
    stage = await Stage.open(tmp_path, units=2)
    old, new = await stage.led()
    await stage.post("/v1/units/web/0/remove", {})
    await stage.until(lambda: not old.alive, within=5.0)
    assert old.hooks[-3:] == ["leader-deposed", "stop", "remove"]
    assert old.count("leader-settings-changed") == 0, "never on a unit that is being removed"
    assert new.leads
    assert "web/0" not in stage.disk.persisted().units
    entries = (await stage.get("/v1/applications/web/history"))["entries"]
    kinds = [entry["kind"] for entry in entries]
    assert kinds.index("unit-removing") < kinds.index("released") < kinds.index("unit-removed")


@in_virtual_time
async def test_a_removal_waits_for_the_agent_to_come_back(tmp_path: Path) -> None:
    """U4"""
    stage = await Stage.open(tmp_path, units=2)
    _, minion = await stage.led()
    await minion.crash()
    await settle()
    answer = await stage.post("/v1/units/web/1/remove", {})
    assert "leaves when its agent is back" in answer["note"]
    minion.start()
    await stage.until(lambda: not minion.alive, within=5.0)
    assert minion.hooks[-2:] == ["stop", "remove"]


@in_virtual_time
async def test_a_removal_goes_on_when_its_goodbye_could_not_be_saved(tmp_path: Path) -> None:
    """U4, G7"""
    stage = await Stage.open(tmp_path, units=2)
    _, minion = await stage.led()
    await stage.post("/v1/units/web/1/remove", {})
    stage.disk.full = True
    await stage.pass_time(10.0)
    assert minion.alive and minion.hooks[-1] == "remove"
    assert minion.line.dials < 60, "it is patient"
    assert len(minion.line.said) < 300, "it is patient"
    stage.disk.full = False
    await stage.until(lambda: not minion.alive, within=10.0)
    assert minion.count("remove") == 1
    assert "web/1" not in stage.disk.persisted().units


@in_virtual_time
async def test_a_unit_that_never_was_installed_has_nothing_to_undo(tmp_path: Path) -> None:
    """H1, U4"""
    stage = await Stage.open(tmp_path, units=2)
    _, unit = stage.machines
    await stage.post("/v1/units/web/1/remove", {})
    unit.runner.failing["install"] = 100
    unit.start()
    await stage.until(lambda: not unit.alive, within=5.0)
    assert set(unit.hooks) <= {"install"}


# -- the connection


@in_virtual_time
async def test_a_controller_that_does_not_answer_a_claim_is_given_up(tmp_path: Path) -> None:
    """U2, L2"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    dials = unit.line.dials
    unit.line.partition()
    await stage.until(lambda: unit.line.dials > dials, within=25.0)
    unit.line.heal()
    await stage.pass_time(3.0)
    assert unit.leads and unit.term == 1


@in_virtual_time
async def test_an_agent_comes_back_from_any_break_of_its_connection(tmp_path: Path) -> None:
    """G11, L4"""
    stage = await Stage.open(tmp_path, units=2)
    first, second = await stage.led()
    for _ in range(20):
        first.line.cut()
        second.line.cut()
        await stage.pass_time(0.7)
    assert first.term == 1
    assert stage.controller is not None
    assert set(stage.controller.model.sessions) == {"web/0", "web/1"}


@in_virtual_time
async def test_one_agent_of_many_units_claims_for_all_in_one_message(tmp_path: Path) -> None:
    """L1"""
    stage = await Stage.open(tmp_path, units=1)
    for name in ("a", "b", "c"):
        await stage.post("/v1/applications", {"name": name})
        await stage.post(f"/v1/applications/{name}/units")
    machines = [stage.add_machine(f"{name}/0") for name in ("a", "b", "c")]
    stage.machines = []
    for machine in machines:
        machine.start()
    await settle()
    for machine in machines:
        await machine.crash()
    shared = machines[0]
    agent = Agent(shared.clock, random.Random(1), shared.line.dial, 1)
    for machine in machines:
        machine.agent = agent
        machine.clock = shared.clock
        unit = rebuilt(machine, agent)
        agent.add(unit)
    shared.line.said.clear()
    running = asyncio.ensure_future(agent.run())
    await stage.until(
        lambda: all(u.claimant.tracker.believes(shared.clock.now()) for u in agent.units),
        within=70.0,
    )
    await stage.pass_time(60.0)
    hellos, claims = said(shared, Hello), said(shared, Claims)
    assert [len(hello.units) for hello in hellos] == [3]
    assert all(len(each.claims) == 3 for each in claims[1:])
    running.cancel()


def rebuilt(machine: Machine, agent: Agent) -> Unit:
    """The machine's unit, in another agent."""
    file = machine.new_file(new_process("another agent"))
    return unit_of(
        agent, machine.config(), file, clock=machine.clock, rng=random.Random(2),
        runner=machine.runner, log=UnitLog(machine.log_file, machine.name, machine.clock),
        find_hook=partial(find_hook, machine.folder / "charm"), charm=None, observer=Observer(),
    )  # fmt: skip


# -- two of one unit


@in_virtual_time
async def test_the_same_unit_started_twice_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    """L9, F"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    clone = stage.add_machine("web/0", instance="a-clone")
    clone.start()
    await stage.pass_time(120.0)
    assert unit.term == 1 and not clone.leads and "leader-elected" not in clone.hooks
    assert "another instance of web/0 is connected" in clone.log_text()
    status = await stage.get("/v1/status")
    assert "another instance" in status["applications"]["web"]["units"]["web/0"]["refused"]


@in_virtual_time
async def test_a_refused_instance_tries_again_and_is_accepted_in_the_end(tmp_path: Path) -> None:
    """L9, G11"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    clone = stage.add_machine("web/0", instance="a-clone")
    await unit.crash()
    clone.start()
    await stage.pass_time(30.0)
    assert not clone.leads
    await stage.until(lambda: clone.leads, within=40.0)
    assert clone.term == 2
    assert clone.line.dials < 60, "it does not hammer"
