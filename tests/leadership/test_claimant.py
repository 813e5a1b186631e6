"""A unit whose agent, controller or disk fails it: what it goes on believing (U1, G9, H5)."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tenure.core.effects import Revoked
from tenure.leadership.claimant import LEAST_WAIT
from tenure.testing.machine import Machine
from tenure.testing.time.waiting import in_virtual_time, settle
from tests.support.stage import Stage

IN_HAND = 59.4 - 30.0
"""Seconds after a renewal during which `True` needs no other."""


async def with_hook_running(stage: Stage, machine: Machine) -> None:
    """The machine's update-status begins, and runs until the test ends it."""
    machine.runner.held.add("update-status")
    machine.unit.schedule.update_at = machine.clock.now()
    machine.agent.wake()
    await stage.until(lambda: machine.running == "update-status", within=2.0)


async def renewed(stage: Stage, machine: Machine) -> None:
    """Return right after a renewal was answered."""
    before = machine.unit.claimant.tracker.sure_until
    await stage.until(lambda: machine.unit.claimant.tracker.sure_until > before, within=20.0)


# -- a restart of the agent


@in_virtual_time
async def test_an_agent_back_in_time_goes_on_in_the_same_term(tmp_path: Path) -> None:
    """U1, H4, F"""
    stage = await Stage.open(tmp_path, units=2)
    first, second = await stage.led()
    before = list(first.hooks)
    await first.crash()
    await stage.pass_time(40.0)
    first.start()
    await stage.until(lambda: first.leads, within=2.0)
    assert first.term == 1
    await stage.pass_time(10.0)
    assert first.hooks == before and not second.leads


@in_virtual_time
async def test_what_it_remembers_is_no_true_before_the_controller_has_answered(
    tmp_path: Path,
) -> None:
    """U1"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    await renewed(stage, unit)
    await unit.crash()
    unit.line.refusing = True
    unit.update_every = 1.0
    unit.runner.held.add("update-status")
    unit.start()
    await settle()
    assert not unit.leads
    context, _ = await unit.unit.contexts.open()
    asking = asyncio.ensure_future(context.is_leader())
    await stage.pass_time(4.0)
    assert not asking.done()
    unit.line.refusing = False
    assert await asking is True
    assert unit.term == 1


@in_virtual_time
async def test_an_agent_back_too_late_names_no_term(tmp_path: Path) -> None:
    """U1, L2, F"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    await stage.post("/v1/applications/web/pin", {"reason": "upgrade", "seconds": 3600})
    await unit.crash()
    await stage.pass_time(60.0)
    unit.start()
    await stage.until(lambda: unit.leads, within=2.0)
    assert unit.term == 2
    await stage.until(lambda: unit.count("leader-elected") == 2, within=1.0)


@in_virtual_time
async def test_what_another_boot_wrote_is_not_believed(tmp_path: Path) -> None:
    """U1, G4"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    await unit.crash()
    unit.boot = "boot-2"
    unit.start()
    await stage.until(lambda: unit.leads, within=2.0)
    assert unit.term == 2


@in_virtual_time
async def test_a_dead_leaders_place_is_taken_when_its_lease_has_run_out(tmp_path: Path) -> None:
    """F, G11"""
    stage = await Stage.open(tmp_path, units=3)
    first, *others = await stage.led()
    await first.crash()
    took = await stage.until(lambda: any(m.leads for m in others), within=61.0)
    assert took <= 60.2


@in_virtual_time
async def test_nobody_notices_a_controller_that_is_back_within_a_renewal(tmp_path: Path) -> None:
    """G9, F"""
    stage = await Stage.open(tmp_path, units=2)
    first, _ = await stage.led()
    await with_hook_running(stage, first)
    hooks = [list(machine.hooks) for machine in stage.machines]
    await stage.kill_controller()
    for _ in range(5):
        assert await first.is_leader() is True
        await stage.pass_time(1.0)
    await stage.start_controller()
    await stage.pass_time(90.0)
    assert first.term == 1
    assert [machine.hooks for machine in stage.machines] == hooks


@in_virtual_time
async def test_after_a_long_absence_of_the_controller_the_same_unit_resumes(tmp_path: Path) -> None:
    """G9: with a new term"""
    stage = await Stage.open(tmp_path, units=3)
    first, *_ = await stage.led()
    await stage.kill_controller()
    await stage.pass_time(300.0)
    assert not any(machine.leads for machine in stage.machines)
    await stage.start_controller()
    await stage.until(lambda: first.leads, within=5.0)
    assert first.term == 2


# -- a disk that cannot save


@in_virtual_time
async def test_no_belief_begins_that_could_not_be_saved(tmp_path: Path) -> None:
    """U1, H5"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.start()
    await settle(1)
    unit.disk.full = True
    await stage.pass_time(10.0)
    assert not unit.leads and unit.count("leader-elected") == 0
    unit.disk.full = False
    await stage.until(lambda: unit.leads, within=9.0)
    await stage.until(lambda: unit.count("start") == 1, within=3.0)


@in_virtual_time
async def test_a_belief_ends_also_when_that_cannot_be_saved(tmp_path: Path) -> None:
    """U1, U5, H5"""
    stage = await Stage.open(tmp_path, units=2)
    first, second = await stage.led()
    first.disk.full = True
    await stage.post("/v1/applications/web/revoke")
    await stage.until(lambda: second.leads, within=2.0)
    assert not first.leads
    await stage.pass_time(5.0)
    assert first.count("leader-deposed") == 0, "no hook begins unrecorded"
    first.disk.full = False
    await stage.until(lambda: first.count("leader-settings-changed") == 1, within=3.0)
    assert first.count("leader-deposed") == 1


@in_virtual_time
async def test_renewals_need_no_disk(tmp_path: Path) -> None:
    """L7, U1"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    unit.disk.full = True
    await stage.pass_time(200.0)
    assert unit.term == 1


@in_virtual_time
async def test_a_unit_that_cannot_save_does_not_keep_the_others_from_leading(
    tmp_path: Path,
) -> None:
    """G11"""
    stage = await Stage.open(tmp_path, units=2)
    first, second = stage.machines
    first.start()
    await settle(1)
    first.disk.full = True
    await stage.pass_time(2.0)
    second.start()
    await stage.until(lambda: second.leads, within=65.0)


@in_virtual_time
async def test_a_lease_is_given_up_only_once_that_is_on_record(tmp_path: Path) -> None:
    """L5, H5: or an agent that restarts would believe in what another unit has"""
    stage = await Stage.open(tmp_path, units=2, duration=90.0)
    first, second = await stage.led()
    first.disk.full = True
    stage.ask("/v1/applications/web/elect", {"unit": "web/1"})
    await stage.pass_time(40.0)
    assert stage.holder == "web/0" and not second.leads, "it is surely asked to, and 30 s are over"
    first.disk.full = False
    await stage.until(lambda: second.leads, within=3.0)
    assert first.disk.kept is not None and first.disk.kept.term is None


@in_virtual_time
async def test_what_could_not_be_saved_is_saved_again_by_itself(tmp_path: Path) -> None:
    """H5: nothing else happens that would save it on its way"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    await with_hook_running(stage, unit)
    unit.disk.full = True
    unit.line.cut()
    unit.line.refusing = True
    await stage.until(lambda: not unit.leads, within=61.0)
    await stage.pass_time(0.5)
    assert unit.disk.kept is not None and unit.disk.kept.term == 1
    unit.disk.full = False
    await stage.pass_time(2.0)
    assert unit.disk.kept.term is None and unit.disk.kept.deposition is not None


@in_virtual_time
async def test_a_revocation_of_another_term_means_nothing(tmp_path: Path) -> None:
    """L5: it was said of a term that is over"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    await stage.post("/v1/applications/web/revoke")
    await stage.until(lambda: unit.term == 2, within=2.0)
    unit.unit.claimant.pushed(Revoked(unit=unit.name, term=1))
    assert unit.leads and unit.term == 2


# -- waits


@in_virtual_time
async def test_a_wait_that_is_shorter_than_a_clock_can_show_still_lets_time_pass(
    tmp_path: Path,
) -> None:
    """Else who waits so would begin again and again at one instant."""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    assert began_at + 1e-15 == began_at
    await unit.unit.claimant.wait(1e-15)
    assert loop.time() >= began_at + LEAST_WAIT
