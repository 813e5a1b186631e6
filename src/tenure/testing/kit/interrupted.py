"""A story, lived again and again: in each world another tool call of a hook is interrupted.

The first life is plain, and its calls are counted. Every other is lived on a fresh stage, to the
same call: what came before is the same, because time and turns are the stage's.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tenure.errors import TenureError
from tenure.names import application_of
from tenure.testing.kit.engine import Engine
from tenure.testing.kit.errors import KitError, WorldsFailed, one_line
from tenure.testing.kit.machine import RealMachine
from tenure.testing.kit.records import HookRun
from tenure.testing.kit.spans import Span
from tenure.testing.kit.stage import PATIENCE, Stage, engine_of
from tenure.testing.kit.turns import unit_order

FAULTS = ("kill", "cut-off", "depose", "fail")
BEYOND = 1.0
"""Seconds after a lease has surely run out."""

Story = Callable[[Stage], object]


@dataclass(frozen=True, slots=True)
class World:
    """What happens in it: before that call of the unit's hook, counted from 1 over all runs of it,
    comes the fault."""

    unit: str
    hook: str
    call: int
    fault: str
    tool: str

    @property
    def name(self) -> str:
        """`web/1 leader-elected 2 fail`"""
        return f"{self.unit} {self.hook} {self.call} {self.fault}"


def interrupted(
    story: Story,
    *,
    hook: str,
    by: Iterable[str] = FAULTS,
    then: Story | None = None,
    only: str | None = None,
    order: int = 0,
    patience: Span = PATIENCE,
) -> list[str]:
    """Live the story once, and once more for each tool call that the hook made in it and each
    fault, on a fresh stage each; the names of these worlds. The fault comes before that call:

    - "kill": the agent is killed (its hook with it) and started again;
    - "cut-off": nothing passes between it and the controller until its lease has run out;
    - "depose": an operator elects another unit, or revokes the lease where there is no other;
    - "fail": the call ends as when the controller does not answer (T7), the connection stays.

    Then the hook goes on, and the rest of the story; the stage settles, and `then(stage)` checks.
    Raises WorldsFailed, which names every world that failed: `only` lives such a one alone. What is
    wrong already when nothing is interrupted is raised as it is. Raises KitError.
    """
    faults = _checked(by)
    first = _Life(order, patience)
    try:
        first.live(story, then)
    except BaseException as fault:
        fault.add_note("nothing was interrupted yet: it is so when the story is lived as it is")
        raise
    worlds = _worlds(first.calls(hook), hook, faults)
    if only is not None:
        worlds = _the_one(worlds, only)
    failures: list[_Failure] = []
    for world in worlds:
        life = _Life(order, patience, world)
        try:
            life.live(story, then)
        except _what_fails() as fault:
            failures.append(_Failure(world, fault, life.story))
    if failures:
        raise _error(failures, len(worlds)) from failures[0].fault
    return [world.name for world in worlds]


def _what_fails() -> tuple[type[BaseException], ...]:
    """What a test fails by; where pytest runs it, also by `pytest.fail`."""
    pytest = sys.modules.get("pytest")
    return (Exception,) if pytest is None else (Exception, pytest.fail.Exception)


def _checked(by: Iterable[str]) -> Sequence[str]:
    faults = [by] if isinstance(by, str) else list(dict.fromkeys(by))
    for fault in faults:
        if fault not in FAULTS:
            raise KitError(f"there is no fault {fault!r}: by= takes {', '.join(FAULTS)}")
    if not faults:
        raise KitError(f"by= names no fault: it takes {', '.join(FAULTS)}")
    return faults


def _worlds(calls: dict[str, list[str]], hook: str, faults: Sequence[str]) -> list[World]:
    if not calls:
        raise KitError(f"{hook} never ran in the story: is it spelt so, and in the charm?")
    worlds = [
        World(unit, hook, number, fault, tool)
        for unit, tools in calls.items()
        for number, tool in enumerate(tools, 1)
        for fault in faults
    ]
    if not worlds:
        raise KitError(f"{hook} called no tool in the story: there is nothing to come before")
    return worlds


def _the_one(worlds: list[World], only: str) -> list[World]:
    name = " ".join(only.split())
    found = [world for world in worlds if world.name == name]
    if not found:
        known = f"{len(worlds)}, from {worlds[0].name!r} to {worlds[-1].name!r}"
        raise KitError(f"only={only!r} names no world of this story: there are {known}")
    return found


@dataclass(frozen=True, slots=True)
class _Failure:
    world: World
    fault: BaseException
    story: str


def _error(failures: list[_Failure], of: int) -> WorldsFailed:
    lines = [f"{len(failures)} of {of} worlds failed:"]
    lines += [
        f"{failure.world.name} (before its {failure.world.tool}): {_first_line(failure.fault)}"
        for failure in failures
    ]
    lines.append(f"to live one alone: interrupted(..., only={failures[0].world.name!r})")
    return WorldsFailed("\n".join(lines), failures[0].story)


def _first_line(fault: BaseException) -> str:
    """Of many, where pytest explains what an assert compared."""
    said = str(fault).strip().splitlines()
    return f"{type(fault).__name__}: {said[0]}" if said else type(fault).__name__


class _Life:
    """One life of a story, on a stage of its own."""

    def __init__(self, order: int, patience: Span, world: World | None = None) -> None:
        self._stage = Stage(order=order, patience=patience)
        self._engine = engine_of(self._stage)
        self._fault = None if world is None else _Interruption(self._engine, world)

    def live(self, story: Story, then: Story | None) -> None:
        """To its end; then the stage is closed. Raises whatever is wrong with it."""
        try:
            if self._fault is not None:
                self._engine.disturbances.on_call = self._fault.on_call
            story(self._stage)
            self._stage.settle()
            if self._fault is not None:
                self._fault.check()
            if then is not None:
                then(self._stage)
        finally:
            self._stage.close()

    @property
    def story(self) -> str:
        """The last lines of what happened."""
        return self._stage.story.last()

    def calls(self, hook: str) -> dict[str, list[str]]:
        """The tools that it called, of each unit that ran it."""
        machines = sorted(self._engine.machines.items(), key=lambda item: unit_order(item[0]))
        runs = {unit: [run for run in known.hooks if run.hook == hook] for unit, known in machines}
        return {
            unit: [call.tool for run in each for call in run.calls]
            for unit, each in runs.items()
            if each
        }


class _Interruption:
    """The fault of one world."""

    def __init__(self, engine: Engine, world: World) -> None:
        self._engine = engine
        self._world = world
        self._name = application_of(world.unit)
        self._seen = 0
        self._wrong: Exception | None = None

    def check(self) -> None:
        """Raises KitError if it did not come, and whatever went wrong as it came."""
        if self._wrong is not None:
            raise self._wrong
        if self._seen < self._world.call:
            raise KitError(
                "this call did not come again: does the charm draw lots, or look at a clock?"
            )

    async def on_call(self, unit: str, run: HookRun) -> bool:
        """A tool is called. Returns once the fault has come, if it is the call."""
        world = self._world
        if (unit, run.hook) != (world.unit, world.hook):
            return False
        self._seen += 1
        if self._seen != world.call:
            return False
        self._engine.tell(f"{unit} {run.hook}: {world.fault} before {world.tool}")
        if world.fault == "fail":
            return True
        over = asyncio.Event()
        come = self._come(self._doing(), over)
        self._engine.disturbances.begin(f"{unit} is interrupted: {world.fault}", come)
        await over.wait()
        return False

    async def _come(self, doing: Coroutine[Any, Any, None], over: asyncio.Event) -> None:
        try:
            await doing
        except Exception as wrong:
            self._wrong = wrong
        finally:
            over.set()

    def _doing(self) -> Coroutine[Any, Any, None]:
        faults: dict[str, Callable[[RealMachine], Coroutine[Any, Any, None]]] = {
            "kill": self._kill, "cut-off": self._cut_off, "depose": self._depose,
        }  # fmt: skip
        return faults[self._world.fault](self._engine.machines[self._world.unit])

    async def _kill(self, machine: RealMachine) -> None:
        await machine.crash()
        machine.start()

    async def _cut_off(self, machine: RealMachine) -> None:
        cut_off_by_story = machine.cut_off
        if not cut_off_by_story:
            machine.cut_off = True
            machine.line.partition()
        await asyncio.sleep(self._lease() + BEYOND)
        if not cut_off_by_story:
            machine.cut_off = False
            machine.line.heal()
            self._engine.tell(f"{machine.name} reaches the controller again")
            await self._engine.quiet()

    async def _depose(self, machine: RealMachine) -> None:
        for _ in range(2):  # because deploy() starts the others only when the first one rests
            await self._engine.quiet()
        new = self._successor()
        path = f"/v1/applications/{self._name}/{'elect' if new else 'revoke'}"
        body = {"unit": new} if new else None
        try:
            async with asyncio.timeout(self._lease() + BEYOND):
                await self._engine.call("POST", path, body)
        except (TenureError, TimeoutError) as fault:
            self._engine.tell(f"{new or machine.name}: {one_line(fault)}")
        await self._engine.quiet()

    def _lease(self) -> float:
        return self._engine.persisted().applications[self._name].duration

    def _successor(self) -> str | None:
        """Who is to lead instead: the first unit that can and does not, this one if no other."""
        now = self._engine.persisted()
        holder = now.applications[self._name].holder
        able = [
            name
            for name, machine in self._engine.machines.items()
            if application_of(name) == self._name and name in now.units
            and machine.alive and not machine.cut_off and not machine.frozen
            and (holder is None or name != holder.unit)
        ]  # fmt: skip
        return min(
            able, key=lambda name: (name == self._world.unit, unit_order(name)), default=None
        )
