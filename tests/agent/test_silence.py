"""Alive means answering: a stopped agent is silent, and one that is well never is (G11)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tenure.controller.hearing import SILENT_AFTER
from tenure.errors import Refused
from tenure.testing.time.waiting import in_virtual_time
from tests.support.stage import Stage


async def units_of(stage: Stage) -> Mapping[str, Any]:
    """What operators see of each unit."""
    status = await stage.get("/v1/status")
    units: Mapping[str, Any] = status["applications"]["web"]["units"]
    return units


async def why(stage: Stage, what: str) -> Mapping[str, str]:
    told: Mapping[str, str] = await stage.get(f"/v1/{what}/why")
    return told


@pytest.mark.parametrize(("duration", "guarantee"), [(5.0, 2.5), (60.0, 30.0), (300.0, 1.0)])
@in_virtual_time
async def test_an_idle_agent_is_never_silent_however_long_its_lease(
    tmp_path: Path, duration: float, guarantee: float
) -> None:
    """G11: who is well may always be elected"""
    stage = await Stage.open(tmp_path, units=3, duration=duration, guarantee=guarantee)
    await stage.led()
    for _ in range(200):
        await stage.pass_time(3.1)
        for unit, found in (await units_of(stage)).items():
            seen = found["agent"], found["silent_for"], found["eligible"]
            assert seen == ("connected", None, True), unit


@in_virtual_time
async def test_a_controller_that_was_stopped_for_long_finds_nobody_silent(tmp_path: Path) -> None:
    """L8"""
    stage = await Stage.open(tmp_path, units=2)
    await stage.led()
    await stage.pass_time(10.0)
    assert stage.process is not None
    stage.process.stop()
    await stage.pass_time(14.0)
    stage.process.go_on()
    for _ in range(40):
        await stage.pass_time(0.25)
        assert [found["agent"] for found in (await units_of(stage)).values()] == ["connected"] * 2


@in_virtual_time
async def test_a_stopped_agent_is_silent_everywhere_until_it_goes_on(tmp_path: Path) -> None:
    """O1, O3, O5: and its first word ends that"""
    stage = await Stage.open(tmp_path, units=2)
    _, other = await stage.led()
    assert other.process is not None
    other.process.stop()
    await stage.pass_time(17.0)
    found = (await units_of(stage))["web/1"]
    assert (found["agent"], found["eligible"], found["pid"]) == ("silent", False, 4242)
    assert 15.0 <= found["silent_for"] <= 17.5
    told = await why(stage, "units/web/1")
    assert "its agent has been silent for 1" in told["answer"]
    assert "tenure elect" not in told["next"] and "kill -CONT 4242" in told["next"]
    with pytest.raises(Refused, match="web/1 cannot lead: its agent has been silent for 1"):
        await stage.post("/v1/applications/web/elect", {"unit": "web/1"})
    with pytest.raises(Refused, match="no other unit is connected and answers"):
        await stage.post("/v1/applications/web/step-down")
    other.process.go_on()
    await stage.pass_time(3.0)
    found = (await units_of(stage))["web/1"]
    assert (found["agent"], found["silent_for"], found["eligible"]) == ("connected", None, True)
    answer = await stage.post("/v1/applications/web/elect", {"unit": "web/1"})
    assert answer["unit_to"] == "web/1"


@in_virtual_time
async def test_a_freed_lease_passes_by_who_is_silent_without_waiting(tmp_path: Path) -> None:
    """G11, L4: the offer's length is for those who are not known to be unresponsive"""
    stage = await Stage.open(tmp_path, units=3)
    first, *others = await stage.led()
    next_in_line = stage.lease.line[0]
    silent, well = sorted(others, key=lambda machine: machine.name != next_in_line)
    assert silent.process is not None
    silent.process.stop()
    await stage.pass_time(SILENT_AFTER + 2)
    first.agent.stop()
    await stage.until(lambda: stage.holder not in (None, "web/0"), within=40.0)
    assert stage.holder == well.name and well.leads
    assert stage.lease.granted_at is not None and stage.lease.freed_at is not None
    assert stage.lease.granted_at - stage.lease.freed_at < 0.1


@in_virtual_time
async def test_who_was_stopped_while_the_leaders_release_was_committed_leads_at_once(
    tmp_path: Path,
) -> None:
    """G11: it was on offer to it, and taken back, before anybody could be told"""
    stage = await Stage.open(tmp_path, units=2)
    leader, other = await stage.led()
    assert other.process is not None and stage.store is not None
    stage.store.open.clear()
    other.process.stop()
    leader.agent.stop()
    await stage.pass_time(SILENT_AFTER + 2.5)
    other.process.go_on()
    await stage.pass_time(0.5)
    stage.store.open.set()
    await stage.until(lambda: other.leads, within=0.1)


@in_virtual_time
async def test_a_leader_that_was_stopped_is_offered_the_free_lease_at_its_first_word(
    tmp_path: Path,
) -> None:
    """G11: it is the only one there, and need not wait until it would claim by itself"""
    stage = await Stage.open(tmp_path, units=1, duration=10.0, guarantee=3.0)
    (only,) = await stage.led()
    assert only.process is not None
    only.process.stop()
    await stage.pass_time(9.5)
    told = await why(stage, "applications/web")
    assert "; its agent has been silent for " in told["answer"]
    assert "another unit leads when the lease has run out" in told["next"]
    await stage.pass_time(3.0)
    told = await why(stage, "applications/web")
    assert "no unit that could lead answers" in told["answer"]
    assert "silent: `ps -o pid,stat,wchan -p 4242`" in told["next"]
    only.process.go_on()
    await stage.until(lambda: only.leads, within=1.0)


@in_virtual_time
async def test_one_whose_silent_connection_was_given_up_is_lost_and_was_silent(
    tmp_path: Path,
) -> None:
    """O3, O5: its process may still be there, so its pid is"""
    stage = await Stage.open(tmp_path, units=2)
    _, other = await stage.led()
    assert other.process is not None
    other.process.stop()
    await stage.pass_time(20.0)
    other.line.cut()
    await stage.pass_time(1.0)
    found = (await units_of(stage))["web/1"]
    assert (found["agent"], found["pid"]) == ("lost", 4242) and found["silent_for"] >= 19.0
    told = await why(stage, "units/web/1")
    assert "was given up, and has been silent for" in told["answer"]
    other.process.go_on()
    await stage.pass_time(5.0)
    found = (await units_of(stage))["web/1"]
    assert (found["agent"], found["silent_for"]) == ("connected", None)
