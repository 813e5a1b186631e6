"""Slow disks: who leads where commits take long, and what an agent's slow saves hold up (G11, U4).

A commit is the controller's; a save, which stops the agent's loop, is the agent's own.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from tenure.core.localstate import LocalState
from tenure.testing.machine import Machine
from tenure.testing.statedisk import StateDisk
from tenure.testing.time.waiting import in_virtual_time, settle
from tests.support.stage import Stage


class SlowDisk(StateDisk):
    """Every save takes so many seconds, or every one of a new term; the agent does nothing else
    meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self.seconds_for_a_term = 0.0

    def stall(self, value: LocalState) -> float:
        is_new = self.kept is not None and value.term not in (None, self.kept.term)
        return self.seconds_for_a_term if is_new else self.seconds


def slow(machine: Machine) -> SlowDisk:
    """The machine, not started yet, has such a disk."""
    machine.disk = disk = SlowDisk()
    return disk


def said_at(machine: Machine, words: str) -> list[float]:
    """When, by its own clock, its log has lines with these words from now on."""
    found: list[float] = []

    def hear(line: str) -> None:
        if words in line:
            found.append(machine.clock.now())

    machine.on_line = hear
    return found


# -- slow commits


@pytest.mark.parametrize(
    ("duration", "guarantee", "commit"), [(60.0, 30.0, 12.0), (5.0, 2.0, 2.0), (5.0, 2.5, 4.0)]
)
def test_somebody_leads_where_commits_are_slow(
    tmp_path: Path, duration: float, guarantee: float, commit: float
) -> None:
    """G11, L2, G4: an answer is used as long as it is of use"""

    @in_virtual_time
    async def lead() -> None:
        stage = await Stage.open(tmp_path, units=2, duration=duration, guarantee=guarantee)
        stage.disk.takes = lambda: commit / 2
        for machine in stage.machines:
            machine.start()
        await stage.until(lambda: any(m.leads for m in stage.machines), within=3 * commit + 1)
        leader = next(machine for machine in stage.machines if machine.leads)
        term = leader.term
        assert term is not None and term <= 2
        await stage.pass_time(10 * commit)
        assert leader.term == term, "it goes on in its term"
        context, _ = await leader.unit.contexts.open()
        assert await context.is_leader() is True

    lead()


@in_virtual_time
async def test_a_hand_over_that_is_said_to_have_worked_has_worked(tmp_path: Path) -> None:
    """O1, G11: also where commits are slow"""
    stage = await Stage.open(tmp_path, units=2, duration=5.0, guarantee=2.0)
    first, second = await stage.led()
    stage.disk.takes = lambda: 1.5
    told = await stage.post("/v1/applications/web/elect", {"unit": "web/1"})
    assert told["unit_to"] == "web/1"
    await settle()
    assert second.leads and second.term == told["term"] and not first.leads


@in_virtual_time
async def test_a_lost_answer_is_given_up_when_it_would_be_of_no_use_any_more(
    tmp_path: Path,
) -> None:
    """U2, G11: else a unit whose claim was lost would never claim again"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    assert stage.store is not None
    stage.store.open.clear()
    unit.start()
    await stage.pass_time(59.0)
    assert unit.line.dials == 1
    await stage.pass_time(2.0)
    stage.store.open.set()
    await stage.until(lambda: unit.leads, within=20.0)
    assert unit.line.dials > 1


# -- slow saves


@in_virtual_time
async def test_a_grant_that_was_saved_too_late_owes_no_deposition(tmp_path: Path) -> None:
    """H3, U1: for a term that was never believed in; and another unit may have more luck (G11)"""
    stage = await Stage.open(tmp_path, units=2, duration=5.0, guarantee=2.0)
    first, second = stage.machines
    disk = slow(first)
    disk.seconds_for_a_term = 6.0
    first.start()
    second.start()
    await stage.until(lambda: second.leads, within=15.0)
    await stage.pass_time(10.0)
    assert any(state.seen_term and state.term is None for state in disk.saves)
    assert all(state.deposition is None for state in disk.saves)
    assert first.count("leader-deposed") == 0 and second.leads


@in_virtual_time
async def test_what_fell_due_while_the_agent_saved_is_done_right_after_it(tmp_path: Path) -> None:
    """U4: one guarantee in all, though a save takes its time just then"""
    stage = await Stage.open(tmp_path, units=2)
    first, second = stage.machines
    disk = slow(first)
    first.runner.held.add("update-status")
    await stage.led()
    first.unit.schedule.update_at = first.clock.now()
    first.agent.wake()
    await stage.until(lambda: first.running == "update-status", within=2.0)
    down = said_at(first, "stepping down")
    asking = stage.ask("/v1/applications/web/step-down")
    await settle()
    released = said_at(first, "released the lease")
    await stage.pass_time(29.9)
    disk.seconds = 0.3
    record = first.unit.parts.record
    record.owe(replace(record.state, status=("active", "busy")))
    first.agent.wake()
    await stage.until(lambda: second.leads, within=3.0)
    assert released[0] - down[0] < 30.0 + 0.3 + 0.1
    await asking


@in_virtual_time
async def test_the_end_of_a_lease_is_noted_at_its_instant_while_a_claim_waits(
    tmp_path: Path,
) -> None:
    """U5: the claim that is due and cannot be sent hides it from nobody"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    await stage.kill_controller()
    unit.line.refusing = True
    ends_at = unit.unit.claimant.tracker.sure_until
    noted = said_at(unit, "no longer leader")
    await stage.pass_time(62.0)
    assert noted[0] - ends_at == pytest.approx(0.0, abs=0.06)  # a timer may be late by 50 ms
