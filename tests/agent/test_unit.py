"""A unit's belief, over a real controller and in virtual time (G3-G5, U1-U5, T3)."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from tenure.core.effects import ClaimUnsure
from tenure.testing.machine import Machine
from tenure.testing.time.waiting import in_virtual_time, settle
from tenure.wire.messages import Claims, Verdicts
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


def left(machine: Machine) -> float:
    """The seconds of belief that are left."""
    return machine.unit.claimant.tracker.sure_until - machine.clock.now()


# -- what a grant lets it believe


@in_virtual_time
async def test_a_guarantee_counts_from_before_the_request(tmp_path: Path) -> None:
    """G4"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.line.delay = 2.0
    unit.start()
    await stage.until(lambda: unit.leads)
    sent_at = next(
        at for at, said in zip(unit.line.said_at, unit.line.said, strict=True)
        if isinstance(said, Claims)
    )  # fmt: skip
    sent_at_by_its_clock = unit.clock.now() - (asyncio.get_running_loop().time() - sent_at)
    assert unit.unit.claimant.tracker.sure_until == pytest.approx(
        sent_at_by_its_clock + 59.4, abs=0.02
    )


@in_virtual_time
async def test_leaders_renew_at_half_of_what_they_can_spare(tmp_path: Path) -> None:
    """L1: 14.7 s by default"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    unit.line.said_at.clear()
    unit.line.said.clear()
    await stage.pass_time(100.0)
    at = [
        at for at, said in zip(unit.line.said_at, unit.line.said, strict=True)
        if isinstance(said, Claims)
    ]  # fmt: skip
    gaps = [after - before for before, after in pairwise(at)]
    assert len(gaps) >= 5 and all(14.6 <= gap <= 14.8 for gap in gaps)


@in_virtual_time
async def test_true_needs_no_waiting_in_ordinary_times(tmp_path: Path) -> None:
    """L1, U2"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    await with_hook_running(stage, unit)
    loop = asyncio.get_running_loop()
    for _ in range(60):
        asked_at = loop.time()
        assert await unit.is_leader() is True
        assert loop.time() == asked_at
        await stage.pass_time(1.0)


@in_virtual_time
async def test_true_is_kept_for_the_guarantee_whatever_happens_to_the_network(
    tmp_path: Path,
) -> None:
    """G3, G5"""
    stage = await Stage.open(tmp_path, units=2)
    first, second = await stage.led()
    await with_hook_running(stage, first)
    await stage.pass_time(10.0)
    assert await first.is_leader() is True
    first.line.partition()
    told_at = first.clock.now()
    await stage.until(lambda: not first.leads, within=60.0)
    assert first.clock.now() - told_at >= 30.0
    assert not second.leads


@in_virtual_time
async def test_a_unit_that_is_cut_off_stops_before_another_may_start(tmp_path: Path) -> None:
    """G5, U5, F: no later than the controller may appoint another"""
    stage = await Stage.open(tmp_path, units=2)
    first, second = await stage.led()
    await renewed(stage, first)
    first.line.partition()
    stopped = await stage.until(lambda: not first.leads, within=60.0)
    assert stopped == pytest.approx(59.4, abs=0.3)
    started = await stage.until(lambda: second.leads, within=5.0)
    assert stopped + started <= 61.5
    assert stage.lease.term == 2


@in_virtual_time
async def test_losing_leadership_is_noticed_and_told_without_the_controller(tmp_path: Path) -> None:
    """U5, H3, F"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    await stage.kill_controller()
    await stage.until(lambda: unit.count("leader-settings-changed") == 1, within=70.0)
    assert unit.hooks[-2:] == ["leader-deposed", "leader-settings-changed"]
    assert unit.ran[-1].env["TENURE_REASON"] == "deposed"
    assert not unit.leads


@in_virtual_time
async def test_cut_off_it_says_true_then_nothing_then_false(tmp_path: Path) -> None:
    """T3, U2, F"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    await with_hook_running(stage, unit)
    await renewed(stage, unit)
    await stage.kill_controller()
    await stage.pass_time(IN_HAND - 1.0)
    assert await unit.is_leader() is True
    await stage.pass_time(2.0)
    asked_at = unit.clock.now()
    said = await unit.is_leader()
    assert said.startswith("ERROR leadership status unknown: no controller answers at the socket")
    assert unit.clock.now() - asked_at == pytest.approx(5.0, abs=0.01)
    await stage.until(lambda: left(unit) < 2.0)
    asked_at = unit.clock.now()
    assert await unit.is_leader() is False
    assert unit.clock.now() - asked_at <= 2.0, "less if the lease ends sooner"
    asked_at = unit.clock.now()
    assert await unit.is_leader() is False
    assert unit.clock.now() == asked_at


@in_virtual_time
async def test_with_too_little_left_it_renews_and_then_answers(tmp_path: Path) -> None:
    """U2"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    await with_hook_running(stage, unit)
    await renewed(stage, unit)
    unit.line.refusing = True
    unit.line.cut()
    await stage.pass_time(IN_HAND + 1.0)
    asking = asyncio.ensure_future(unit.is_leader())
    await stage.pass_time(1.0)
    assert not asking.done()
    unit.line.refusing = False
    assert await asking is True


@in_virtual_time
async def test_before_its_first_answer_a_tool_waits(tmp_path: Path) -> None:
    """U2"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.held.add("install")
    unit.line.refusing = True
    unit.start()
    await stage.until(lambda: unit.running == "install", within=1.0)
    asked_at = unit.clock.now()
    assert "leadership status unknown" in await unit.is_leader()
    assert unit.clock.now() - asked_at == pytest.approx(5.0, abs=0.01)
    asking = asyncio.ensure_future(unit.is_leader())
    await stage.pass_time(0.5)
    unit.line.refusing = False
    assert await asking is True


@in_virtual_time
async def test_leadership_never_waits_for_install(tmp_path: Path) -> None:
    """H1, G2"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.held.add("install")
    unit.start()
    await stage.until(lambda: unit.running == "install", within=1.0)
    assert await unit.is_leader() is True
    assert unit.hooks == ["install"]


@in_virtual_time
async def test_who_saw_false_and_is_elected_sees_true_in_the_same_hook(tmp_path: Path) -> None:
    """U3"""
    stage = await Stage.open(tmp_path, units=2)
    first, second = await stage.led()
    await with_hook_running(stage, second)
    assert await second.is_leader() is False
    first.agent.stop()
    await stage.until(lambda: second.leads, within=2.0)
    assert await second.is_leader() is True


@in_virtual_time
async def test_a_unit_that_is_denied_while_it_believes_is_a_minion_at_once(tmp_path: Path) -> None:
    """U1"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    unit.line.partition()
    await stage.post("/v1/applications/web/revoke")
    assert unit.leads, "it cannot know yet"
    unit.line.heal()
    await stage.until(lambda: unit.unit.claimant.tracker.term != 1, within=3.0)
    await stage.until(lambda: unit.disk.kept is not None and unit.disk.kept.term != 1, within=1.0)


@in_virtual_time
async def test_a_revoked_unit_is_a_minion_at_once(tmp_path: Path) -> None:
    """L5"""
    stage = await Stage.open(tmp_path, units=2)
    first, second = await stage.led()
    await stage.post("/v1/applications/web/revoke")
    took = await stage.until(lambda: second.leads, within=2.0)
    assert not first.leads and took < 0.1
    assert stage.lease.term == 2


@in_virtual_time
async def test_on_waking_from_a_suspend_it_is_a_minion_before_it_answers_anything(
    tmp_path: Path,
) -> None:
    """F, G4, U5"""
    stage = await Stage.open(tmp_path, units=2)
    first, second = await stage.led()
    await with_hook_running(stage, first)
    assert await first.is_leader() is True
    first.clock.skip(61.0)  # no timer of its own has fired yet
    asking = asyncio.ensure_future(first.tool("is-leader"))
    writing = asyncio.ensure_future(first.tool("leader-set", "k=v"))
    await settle()
    assert (await asking).stdout == b"False\n"
    assert (await writing).exit_code == 1
    await stage.pass_time(2.0)
    assert not second.leads or not first.leads


@in_virtual_time
async def test_an_unsure_controller_lets_nothing_be_concluded(tmp_path: Path) -> None:
    """L8, G7"""
    stage = await Stage.open(tmp_path, units=2)
    first, second = await stage.led()
    assert stage.store is not None
    stage.disk.faults = ["unsure-not-landed"]
    stage.store.seat_refused = True
    stage.ask("/v1/applications/web/pin", {"reason": "r", "seconds": 5})
    await stage.pass_time(20.0)
    assert first.leads and not second.leads
    told = [v for m in first.line.heard if isinstance(m, Verdicts) for v in m.verdicts]
    assert any(isinstance(verdict, ClaimUnsure) for verdict in told)
    stage.store.seat_refused = False
    await stage.pass_time(30.0)
    assert first.leads and first.term == 1
    assert first.count("leader-elected") == 1
