"""Handing leadership over: demote, keep promises, release, promote (O1, U4)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tenure.errors import Refused, Unsure
from tenure.testing.machine import Machine
from tenure.testing.time.waiting import in_virtual_time, settle
from tenure.wire.messages import Release
from tests.support.stage import Stage


async def busy(stage: Stage, machine: Machine) -> None:
    """Its update-status runs until the test ends it."""
    machine.runner.held.add("update-status")
    machine.unit.schedule.update_at = machine.clock.now()
    machine.agent.wake()
    await stage.until(lambda: machine.running == "update-status", within=2.0)


def is_running(machine: Machine, hook: str) -> bool:
    return machine.running == hook


def leads(machine: Machine) -> bool:
    return machine.leads


def said(machine: Machine, kind: type[Any]) -> list[Any]:
    return [message for message in machine.line.said if isinstance(message, kind)]


# -- handing over


@in_virtual_time
async def test_elect_demotes_before_it_promotes(tmp_path: Path) -> None:
    """O1, U4, H10: deposed, settings, release, elected"""
    stage = await Stage.open(tmp_path, units=2)
    old, new = await stage.led()
    held = ("leader-deposed", "leader-settings-changed")
    old.runner.held.update(held)
    asked = stage.ask("/v1/applications/web/elect", {"unit": "web/1"})
    for hook in held:
        await stage.until(partial(is_running, old, hook), within=1.0)
        await stage.pass_time(3.0)
        assert not said(old, Release) and new.count("leader-elected") == 0
        old.hook.end()
    await stage.until(lambda: new.count("leader-elected") == 1, within=1.0)
    answer = await asked
    assert (answer["unit_from"], answer["unit_to"], answer["term"]) == ("web/0", "web/1", 2)
    assert 6.0 <= answer["stepping_down_for"] <= 6.1
    assert answer["taking_over_for"] <= 0.1
    assert old.hooks[-2:] == list(held)


@in_virtual_time
async def test_the_unit_that_was_elected_leads_and_no_other(tmp_path: Path) -> None:
    """O1: also when others stood in line before it"""
    stage = await Stage.open(tmp_path, units=5)
    machines = await stage.led()
    for target in (4, 2, 3, 0, 1):
        answer = await stage.post("/v1/applications/web/elect", {"unit": f"web/{target}"})
        assert answer["unit_to"] == f"web/{target}"
        await stage.until(partial(leads, machines[target]), within=1.0)
        await stage.pass_time(2.0)


@in_virtual_time
async def test_a_promise_is_kept_until_its_hook_has_ended(tmp_path: Path) -> None:
    """U4, G3"""
    stage = await Stage.open(tmp_path, units=2)
    old, new = await stage.led()
    await busy(stage, old)
    assert await old.is_leader() is True
    stage.ask("/v1/applications/web/elect", {"unit": "web/1"})
    await stage.pass_time(12.0)
    assert old.leads and not new.leads
    assert await old.is_leader() is False, "it promises nothing any more"
    assert (await old.tool("leader-set", "k=v")).exit_code == 0, "but it may finish its work"
    old.hook.end()
    assert await stage.until(lambda: new.leads, within=1.0) < 0.2


@in_virtual_time
async def test_stepping_down_takes_one_guarantee_at_most_whatever_hooks_do(tmp_path: Path) -> None:
    """U4"""
    stage = await Stage.open(tmp_path, units=2)
    old, new = await stage.led()
    await busy(stage, old)
    await stage.pass_time(7.0)
    assert await old.is_leader() is True
    stage.ask("/v1/applications/web/elect", {"unit": "web/1"})
    took = await stage.until(lambda: new.leads, within=40.0)
    assert took == pytest.approx(30.0, abs=0.3)
    assert old.running == "update-status"
    assert (await old.tool("leader-set", "k=v")).exit_code == 1
    old.hook.end()
    await stage.until(lambda: old.count("leader-settings-changed") == 1, within=1.0)


@in_virtual_time
async def test_a_hook_that_was_told_nothing_does_not_hold_leadership(tmp_path: Path) -> None:
    """U4: but it is let end first, and its deposition runs before the release"""
    stage = await Stage.open(tmp_path, units=2)
    old, new = await stage.led()
    await busy(stage, old)
    stage.ask("/v1/applications/web/elect", {"unit": "web/1"})
    await stage.pass_time(3.0)
    assert not new.leads
    old.hook.end()
    assert await stage.until(lambda: new.leads, within=1.0) < 0.2
    assert old.hooks[-2:] == ["leader-deposed", "leader-settings-changed"]


@in_virtual_time
async def test_a_failing_deposition_does_not_hold_leadership(tmp_path: Path) -> None:
    """U4, H7"""
    stage = await Stage.open(tmp_path, units=2)
    old, new = await stage.led()
    old.runner.failing["leader-deposed"] = 1
    asked = stage.ask("/v1/applications/web/elect", {"unit": "web/1"})
    assert await stage.until(lambda: new.leads, within=5.0) < 0.2
    await asked
    await stage.until(lambda: old.count("leader-settings-changed") == 1, within=10.0)


@in_virtual_time
async def test_if_the_elected_unit_does_not_take_it_the_old_leader_goes_on(tmp_path: Path) -> None:
    """O1: with a new term"""
    stage = await Stage.open(tmp_path, units=3)
    old, new, third = await stage.led()
    new.line.partition()
    answer = await stage.post("/v1/applications/web/elect", {"unit": "web/1"})
    assert (answer["unit_to"], answer["term"]) == ("web/0", 2)
    assert "web/1 does not lead" in answer["note"]
    await stage.until(lambda: old.leads, within=0.1)
    assert not third.leads and answer["taking_over_for"] <= 1.2


@in_virtual_time
async def test_elect_says_why_it_cannot_be(tmp_path: Path) -> None:
    """O1"""
    stage = await Stage.open(tmp_path, units=3)
    old, new, third = await stage.led()
    await new.crash()
    await settle()
    with pytest.raises(Refused, match="web/1 is not connected"):
        await stage.post("/v1/applications/web/elect", {"unit": "web/1"})
    await busy(stage, third)
    third.agent.stop()
    await stage.pass_time(0.1)
    with pytest.raises(Refused, match="web/2 is not eligible: its agent is stopping"):
        await stage.post("/v1/applications/web/elect", {"unit": "web/2"})
    answer = await stage.post("/v1/applications/web/elect", {"unit": "web/0"})
    assert answer["note"] == "web/0 leads already" and old.leads


@in_virtual_time
async def test_an_elect_whose_leader_is_gone_waits_for_its_lease(tmp_path: Path) -> None:
    """O1, G5"""
    stage = await Stage.open(tmp_path, units=2)
    old, new = await stage.led()
    await old.crash()
    answer = await stage.post("/v1/applications/web/elect", {"unit": "web/1"})
    assert answer["unit_to"] == "web/1" and 40.0 <= answer["stepping_down_for"] <= 60.1
    await stage.until(lambda: new.leads, within=0.5)


@in_virtual_time
async def test_an_elect_whose_grant_was_unsure_is_answered_all_the_same(tmp_path: Path) -> None:
    """O1, G7, L8"""
    stage = await Stage.open(tmp_path, units=2)
    _, new = await stage.led()
    stage.disk.faults = ["none", "unsure-landed"]
    asked = stage.ask("/v1/applications/web/elect", {"unit": "web/1"})
    await stage.until(lambda: new.leads, within=10.0)
    answer = await asked
    assert isinstance(answer, Unsure) or answer["unit_to"] == "web/1", answer


@in_virtual_time
async def test_a_leader_that_comes_back_is_asked_to_step_down_again(tmp_path: Path) -> None:
    """U4, O1"""
    stage = await Stage.open(tmp_path, units=2)
    old, new = await stage.led()
    await busy(stage, old)
    assert await old.is_leader() is True
    stage.ask("/v1/applications/web/elect", {"unit": "web/1"})
    await stage.pass_time(1.0)
    await old.crash()
    old.start()
    await stage.until(lambda: new.leads, within=32.0)
    await stage.pass_time(1.0)
    assert old.count("leader-settings-changed") >= 1
