"""The life of a world: it begins well, then faults strike, then all is healed, and it is judged.

The faults are handed in. Each world knows some of them, as drawn; they strike one after the other,
while the real controller, agents and tools do their work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from traceback import format_exception
from typing import Any

from msgspec import Struct

from tenure.agent.unit import Unit
from tenure.errors import TenureError
from tenure.simulation.checkers import all_checkers
from tenure.simulation.facts import BucketAtEnd, UnitAtEnd
from tenure.simulation.healing import Healing
from tenure.simulation.judge import Judge, Violation
from tenure.simulation.linear import SearchTooLarge
from tenure.simulation.machine import Machine
from tenure.simulation.nature import drawn_apart, drawn_climate
from tenure.simulation.peer_facts import PeersAtEnd, StatusAtEnd
from tenure.simulation.world import World
from tenure.testing.statedisk import Died
from tenure.testing.time.loop import START, Stuck

STRIKES = 40


class Fault(Struct, frozen=True):
    """Something that can go wrong: a row of the table in `faults`.

    `weight`: how often it strikes, compared with others. `hardware`: it needs a disk that can lose
    what was not synced; `of_peers`: a charm with peer relations. `apart`: which worlds know it is
    drawn apart, so that the others are what they would be without it.
    """

    name: str
    weight: int
    strike: Callable[[World], None]
    hardware: bool = False
    of_peers: bool = False
    apart: bool = False


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a world."""

    seed: int
    violations: tuple[Violation, ...]
    story: tuple[str, ...]
    virtual: float
    """Virtual seconds."""
    counts: dict[str, int]
    """How many facts of each kind there were."""


class Life:
    """See the module. It is lived once."""

    def __init__(self, world: World, faults: Sequence[Fault]) -> None:
        self._world = world
        self._climate = drawn_climate(
            world.rng, world.nature, faults, hardware=world.host.has_hardware
        ) + drawn_apart(world.seed, faults)
        self._healing = Healing(world)

    def run(self) -> Outcome:
        """Live it to its end."""
        world = self._world
        world.judge = Judge(all_checkers(world.nature.slack))
        world.loop.set_exception_handler(self._fell)
        world.loop.after = world.look
        try:
            world.loop.run_until_complete(self._live())
            self._find_internal_faults()
        except Stuck as stuck:
            world.complain(f"the world stood still: {stuck}")
        except Exception as fault:  # because a failure must name its seed, whatever fell
            world.complain(f"the world itself fell: {''.join(format_exception(fault))}")
        finally:
            self._bury()
        self._close_judge()
        return self._outcome()

    async def _live(self) -> None:
        self._describe()
        await self._begin()
        await self._suffer()
        await self._healing.heal()
        self._end()

    def _describe(self) -> None:
        world, nature = self._world, self._world.nature
        names = ", ".join(fault.name for fault in self._climate)
        world.note(
            f"world {world.seed}: leases of {nature.duration:g} s, "
            f"guarantee {nature.guarantee:g} s; "
            f"{type(world.host.disk).__name__}; {nature.time}; knows {names}"
        )
        if nature.peer_charm is not None:
            world.note(
                f"its charm has {' and '.join(nature.peer_charm.endpoints)}, and lacks "
                f"{', '.join(sorted(nature.peer_charm.lacks)) or 'nothing'}"
            )

    async def _begin(self) -> None:
        world = self._world
        world.host.start()
        await world.until(lambda: world.host.serves)
        for name in world.nature.applications:
            await world.operators.create(name)
            for _ in range(world.rng.choice((2, 3, 3, 4)) if name == "web" else 2):
                await world.operators.create_unit(name)
        world.operators.start_agents()

    async def _suffer(self) -> None:
        world, duration = self._world, self._world.duration
        weights = [fault.weight for fault in self._climate]
        pace = duration * world.rng.choice((0.05, 0.15, 0.3 if duration < 60 else 0.05))
        for _ in range(STRIKES):
            await asyncio.sleep(world.rng.expovariate(1 / pace))
            if world.machines:
                world.rng.choices(self._climate, weights)[0].strike(world)

    # -- the end

    def _end(self) -> None:
        world, at = self._world, self._world.loop.time()
        for machine in world.machines:
            unit = machine.inner
            if unit is not None and machine.alive:
                is_sound = self._healing.is_sound(machine, unit)
                world.tell(_unit_at_end(at, machine, unit, is_sound))
                if world.peer_charm and is_sound:
                    world.tell(_peers_at_end(at, unit))
        told = world.host.told
        for name, revision in told.revisions.items():
            world.tell(
                BucketAtEnd(
                    at=at, application=name, revision=revision,
                    settings=world.host.disk.persisted().buckets[name].settings,
                    last_writer=told.writers.get(name),
                )
            )  # fmt: skip

        self._show_statuses(at)

    def _show_statuses(self, at: float) -> None:
        service = self._world.host.service
        for application in service.model.known() if service is not None else ():
            status = application.status
            message = None if status is None else status.message
            self._world.tell(StatusAtEnd(at=at, application=application.name, message=message))

    def _fell(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        fault = context.get("exception")
        if not isinstance(fault, Died):
            self._world.complain(f"a step fell: {context.get('message')}: {fault!r}")

    def _find_internal_faults(self) -> None:
        for process in self._world.loop.processes:
            for fault in process.faults():
                if not isinstance(fault, TenureError | Died):
                    self._world.complain(f"{process.name} fell: {fault!r}")

    def _bury(self) -> None:
        """End what is left of it; nothing is told of that any more."""
        world = self._world
        world.loop.set_exception_handler(lambda loop, context: None)
        world.judge, judge = Judge([]), world.judge
        world.keep = False
        for task in world.tasks:
            task.cancel()
        with suppress(Stuck):  # because what it was is told already, and the story is wanted
            world.loop.bury()
        world.judge = judge
        world.loop.close()

    def _close_judge(self) -> None:
        world = self._world
        try:
            world.judge.close()
        except SearchTooLarge as fault:
            world.complain(f"G6: it cannot be told whether the bucket is linearizable: {fault}")
        except Exception as fault:
            world.complain(f"a checker fell: {''.join(format_exception(fault))}")

    def _outcome(self) -> Outcome:
        world = self._world
        found = [*world.judge.found, *world.complaints]
        return Outcome(
            seed=world.seed,
            violations=tuple(sorted(found, key=lambda violation: violation.at)),
            story=tuple(world.story),
            virtual=world.loop.time() - START,
            counts=world.counts,
        )


def _unit_at_end(at: float, machine: Machine, unit: Unit, is_sound: bool) -> UnitAtEnd:
    term, state = machine.believes(), unit.state
    return UnitAtEnd(
        at=at, unit=machine.unit, leads=term is not None, term=term, quiet=is_sound,
        in_error=state.failure is not None,
        elected_for=state.elected_for, seen_revision=state.seen_revision,
    )  # fmt: skip


def _peers_at_end(at: float, unit: Unit) -> PeersAtEnd:
    state = unit.state
    return PeersAtEnd(
        at=at, unit=unit.unit, relations=state.relations, config=state.config_seen,
        charm=state.charm_revision, in_error=state.failure is not None,
    )  # fmt: skip
