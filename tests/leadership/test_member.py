"""`tenure.leadership` stands alone: members without hooks, over a real controller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tenure.core.localstate import LocalState
from tenure.leadership.claimant import LeadershipUnknown
from tenure.leadership.record import Record
from tenure.leadership.statefile import StateFile
from tenure.testing.time.waiting import in_virtual_time
from tests.leadership.member import Member, member
from tests.support.stage import Stage


class Members:
    """Two members of an application, each with a machine's line and clock of its own."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.lines = [machine.line for machine in stage.machines]
        self.all: list[Member] = []
        self.files: list[Any] = []

    async def until(self, is_so: object, within: float = 70.0) -> float:
        return await self.stage.until(is_so, within=within)  # type: ignore[arg-type]

    @property
    def leader(self) -> Member | None:
        leaders = [each for each in self.all if each.leads]
        assert len(leaders) <= 1, "G1"
        return leaders[0] if leaders else None


@asynccontextmanager
async def members(
    folder: Path, kind: type[StateFile[LocalState]] = StateFile[LocalState]
) -> AsyncIterator[Members]:
    stage = await Stage.open(folder, units=2)
    found, running = Members(stage), []
    for number, machine in enumerate(stage.machines):
        file = kind(folder / f"state-{number}.json", LocalState)
        found.files.append(file)
        made, loop = member(machine.name, file, machine.clock, machine.line.dial)
        found.all.append(made)

        running.append(asyncio.get_running_loop().create_task(loop.run()))
        if number == 0:
            await found.until(lambda: found.all[0].leads)
    await found.until(lambda: all(each.claimant.tracker.answered for each in found.all))
    try:
        yield found
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def asks(member: Member, asker: str = "somebody") -> bool:
    return await member.claimant.leads(asker, 5.0, lambda: False)


@in_virtual_time
async def test_a_member_claims_believes_and_renews(tmp_path: Path) -> None:
    """G2, G3, L1: and nobody else leads"""
    async with members(tmp_path) as found:
        first, second = found.all
        assert await asks(first) and not await asks(second)
        await found.stage.pass_time(600.0)
        assert found.leader is first and first.claimant.tracker.term == 1
        assert await first.claimant.believed_term(5.0) == 1
        assert await second.claimant.believed_term(5.0) is None


@in_virtual_time
async def test_a_member_that_is_cut_off_is_deposed_by_its_own_clock(tmp_path: Path) -> None:
    """G5, U2, U5, T3: and owes the deposition durably"""
    async with members(tmp_path) as found:
        first, second = found.all
        found.lines[0].partition()
        await found.stage.pass_time(35.0)
        with pytest.raises(LeadershipUnknown):
            await asks(first)
        await found.until(lambda: second.leads)
        assert not first.leads and not await asks(first)
        await found.until(lambda: first.record.state.term is None, within=1.0)
        assert first.record.state.deposition is not None
        assert second.claimant.tracker.term == 2


@in_virtual_time
async def test_a_member_steps_down_and_keeps_what_it_promised(tmp_path: Path) -> None:
    """U4, G3, O1: no promise is cut short; a promise whose asker is done holds nothing up"""
    async with members(tmp_path) as found:
        first, second = found.all
        assert await asks(first, "a long job")
        asked = found.stage.ask("/v1/applications/web/elect", {"unit": second.unit})
        await found.until(lambda: first.claimant.tracker.stepping_down)
        assert not await asks(first)
        await found.stage.pass_time(20.0)
        assert first.leads and not second.leads
        first.claimant.tracker.context_ended("a long job")
        assert await found.until(lambda: second.leads) < 2.0
        assert (await asked)["unit_to"] == second.unit


@in_virtual_time
async def test_a_member_that_comes_back_in_time_goes_on_in_its_term(tmp_path: Path) -> None:
    """U1, G8"""
    async with members(tmp_path) as found:
        first, _ = found.all
        machine = found.stage.machines[0]
        file = StateFile(tmp_path / "state-0.json", LocalState)
        found.lines[0].cut()
        again, loop = member(first.unit, file, machine.clock, machine.line.dial)
        found.all[0] = again
        running = asyncio.get_running_loop().create_task(loop.run())
        await found.until(lambda: again.leads)
        assert again.claimant.tracker.term == 1
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class Counting(StateFile[LocalState]):
    """Counts the saves that keep the loop waiting for the disk."""

    saves = 0

    def save(self, value: LocalState) -> None:
        self.saves += 1
        super().save(value)


async def renews_beside_the_loop(folder: Path) -> None:
    async with members(folder, Counting) as found:
        first, _ = found.all
        file = found.files[0]
        saved, sure_until = file.saves, first.claimant.tracker.sure_until
        await found.stage.pass_time(300.0)
        assert first.claimant.tracker.sure_until > sure_until + 290.0
        assert file.saves == saved
        kept = StateFile(folder / "state-0.json", LocalState)
        assert file.settled(10.0)
        assert _sure_until(kept) == first.claimant.tracker.sure_until


def _sure_until(file: StateFile[LocalState]) -> float:
    state = file.load()
    return state.sure_until if state is not None else 0.0


@in_virtual_time
async def test_a_renewal_keeps_no_loop_waiting_for_a_disk(tmp_path: Path) -> None:
    """U1: only a new term must be durable before it is acted on"""
    await renews_beside_the_loop(tmp_path)


@in_virtual_time
async def test_renewals_that_are_saved_in_the_loop_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U1: the guard of the test above, taken away"""
    monkeypatch.setattr(Record, "renew", Record.remember)
    with pytest.raises(AssertionError):
        await renews_beside_the_loop(tmp_path)
