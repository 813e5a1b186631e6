"""Units that are there have agents; those that are known to be gone have none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from msgspec.structs import replace

from tenure.clock import SystemClock
from tenure.up import restarter
from tenure.up.agents import Agents
from tenure.up.child import Child
from tenure.up.restarter import Restarter
from tenure.wire.operators import CharmStatus, Status
from tests.support.patience import HANG
from tests.support.tool_world import until
from tests.up.test_plan import application, status

from .conftest import OBEDIENT, Start


def knows(*units: str, unsure: str | None = None) -> Status:
    """The controller knows of these units."""
    charm = CharmStatus(source="/x", revision=1)
    web = replace(application(charm=charm), units=dict.fromkeys(units))  # type: ignore[arg-type]
    found = status(web=web)
    return replace(found, controller=replace(found.controller, unsure=unsure))


class Stage:
    """Agents over a status that the test sets. `begun` is who was started, in order."""

    def __init__(self, start: Start) -> None:
        self.status: Status | None = knows("web/0", "web/1")
        self.begun: list[tuple[str, Child]] = []
        self.said: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._start = start
        self.agents = Agents(
            self._begin, look=self._look, make_restarter=self._restarter, spawn=self._spawn
        )

    async def _look(self) -> Status | None:
        return self.status

    def _begin(self, unit: str, charm: CharmStatus) -> Child:
        self.begun.append((unit, self._start(OBEDIENT)))
        return self.begun[-1][1]

    def _restarter(
        self, what: str, start: Callable[[], Child], is_wanted: Callable[[], Any]
    ) -> Restarter:
        return Restarter(
            what,
            start,
            say=self.said.append,
            clock=SystemClock(),
            restart=True,
            is_wanted=is_wanted,
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(work))

    async def follow(self, found: Status) -> None:
        self.status = found
        assert await self.agents.follow() is not None

    def of(self, unit: str) -> list[Child]:
        return [child for name, child in self.begun if name == unit]


@pytest.fixture
async def stage(start: Start, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(restarter, "GRACE", 0.05)
    made = Stage(start)
    async with asyncio.timeout(HANG):
        await made.follow(knows("web/0", "web/1"))
        await until(lambda: len(made.begun) == 2)
        yield made
    for task in made.tasks:
        task.cancel()
    await asyncio.gather(*made.tasks, return_exceptions=True)


async def test_the_agent_of_a_removed_unit_ends_and_is_not_started_again(stage: Stage) -> None:
    await stage.follow(knows("web/0"))
    await stage.of("web/1")[0].ended
    await until(lambda: "agent of web/1 is gone, as its unit is" in stage.said)
    assert len(stage.of("web/1")) == 1 and not stage.of("web/0")[0].ended.done()


async def test_an_unsure_status_dismisses_nobody(stage: Stage) -> None:
    """G7: whom it does not have may be there all the same"""
    await stage.follow(knows("web/0", unsure="the disk is full"))
    await asyncio.wait([stage.of("web/1")[0].ended], timeout=4 * restarter.GRACE)
    assert not stage.of("web/1")[0].ended.done()


async def test_an_agent_that_ends_while_the_controller_is_unsure_is_started_again(
    stage: Stage,
) -> None:
    """G7"""
    stage.status = knows("web/0", unsure="the disk is full")
    stage.of("web/1")[0].kill()
    await until(lambda: len(stage.of("web/1")) == 2)


async def test_an_unsure_status_starts_units_that_are_new(stage: Stage) -> None:
    """L8: the store may hang while `up` begins"""
    await stage.follow(knows("web/2", unsure="the store has not answered"))
    await until(lambda: len(stage.of("web/2")) == 1)


async def test_a_unit_that_is_there_again_keeps_its_agent(stage: Stage) -> None:
    await stage.follow(knows("web/0"))
    await stage.follow(knows("web/0", "web/1"))
    await asyncio.wait([stage.of("web/1")[0].ended], timeout=4 * restarter.GRACE)
    assert not stage.of("web/1")[0].ended.done()
    stage.of("web/1")[0].kill()
    await until(lambda: len(stage.of("web/1")) == 2)


async def test_a_unit_that_is_there_again_once_its_agent_ended_gets_another(stage: Stage) -> None:
    await stage.follow(knows("web/0"))
    await until(lambda: "agent of web/1 is gone, as its unit is" in stage.said)
    await stage.follow(knows("web/0", "web/1"))
    await until(lambda: len(stage.of("web/1")) == 2)
    assert not stage.of("web/1")[1].ended.done()


async def test_that_an_unsure_status_dismisses_nobody_is_missed_when_it_is_not_so(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G7: the guard is needed"""
    monkeypatch.setattr(Status, "unsure", None)
    with pytest.raises(AssertionError):
        await test_an_unsure_status_dismisses_nobody(stage)
