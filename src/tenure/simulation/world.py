"""A simulated world: who and what there is in it, its time, and all that is seen and told of it.

It is one Tenure in virtual time: the real controller, agents and tools, on machines that are drawn
from the world's seed (`nature`). What goes wrong in it stands in `faults`, how it is lived from its
beginning to its end in `life`. Whatever happens is told as facts to the checkers, and as lines to
the story.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any

from tenure.simulation.facts import Believed, Doubted, Fact, Heard
from tenure.simulation.host import Host
from tenure.simulation.judge import Judge, Violation
from tenure.simulation.machine import Machine
from tenure.simulation.nature import SPANS, drawn_clock, drawn_disk, drawn_loading, drawn_nature
from tenure.simulation.network import Link
from tenure.simulation.operators import Operators
from tenure.simulation.peer_charm import drawn
from tenure.simulation.story import told
from tenure.testing.time.loop import START, Process, VirtualLoop, process_now

LOOK_EVERY = 0.2
"""Seconds between two looks at whether what is waited for has come."""

PATIENCE = 60.0
"""Seconds that the beginning of a world may take."""


class World:
    """See the module. `keep` keeps the story."""

    def __init__(self, seed: int, *, keep: bool = False) -> None:
        self.seed = seed
        self.rng = random.Random(f"tenure {seed}")
        self.loop = VirtualLoop(self.rng, late=0.05)
        self.nature = drawn_nature(self.rng, drawn(seed))
        self.temper = self.nature.temper
        self.update_every = self.nature.update_every
        self.peer_charm = self.nature.peer_charm
        self.machines: list[Machine] = []
        self.retired: list[Machine] = []
        disk = drawn_disk(self.rng)
        disk.takes = self.quick_commit
        self.host = Host(
            self, disk, drawn_clock(self.loop, self.rng, self.nature),
            grace=self.duration * 0.3, offer_for=min(1.0, self.duration / 10),
            loading=drawn_loading(seed, self.duration),
        )  # fmt: skip
        self.operators = Operators(self)
        self.keep = keep
        self.story: list[str] = []
        self.counts: dict[str, int] = {}
        """How many facts of each kind were told."""
        self.complaints: list[Violation] = []
        self.judge = Judge([])
        self.tasks: list[asyncio.Task[Any]] = []
        """The world's own: they are part of no process."""
        self._calls = 0
        self._believed: dict[Machine, int] = {}

    # -- what was drawn

    @property
    def duration(self) -> float:
        """Seconds of a lease, as the applications are created."""
        return self.nature.duration

    @property
    def guarantee(self) -> float:
        """Seconds."""
        return self.nature.guarantee

    def quick_commit(self) -> float:
        """Seconds that half a commit takes in good times."""
        return self.rng.uniform(0.0, 0.001)

    def span(self) -> float:
        """How long something lasts, in seconds."""
        return self.rng.choice(SPANS) * self.duration

    # -- who there is

    def anyone(self) -> Machine:
        """Any machine."""
        return self.rng.choice(self.machines)

    def leader_or_anyone(self) -> Machine:
        """The leader's machine half of the time, if there is one."""
        leaders = [machine for machine in self.machines if machine.believes() is not None]
        return self.rng.choice(leaders) if leaders and self.rng.random() < 0.6 else self.anyone()

    def any_application(self) -> str:
        """Any application's name."""
        return self.rng.choice(self.nature.applications)

    def units(self) -> list[str]:
        """The names of the units that have a machine, clones apart."""
        return list(dict.fromkeys(machine.unit for machine in self.machines if not machine.gone))

    def add_machine(self, unit: str, *, clone: bool = False) -> Machine:
        """A machine for a unit, not started yet."""
        instance = unit.replace("/", "-")
        if clone:
            instance = f"{instance}-clone-{self._next()}"
        link = Link(self.loop, self.rng, self.host, unit, instance)
        self.host.links.append(link)
        machine = Machine(
            self, self.rng, link, drawn_clock(self.loop, self.rng, self.nature), unit, instance
        )
        self.machines.append(machine)
        return machine

    def retire(self, machine: Machine) -> None:
        """A machine is taken away for ever."""
        if machine in self.machines:
            machine.be_well()
            machine.kill()
            machine.gone = True
            self.machines.remove(machine)
            self.retired.append(machine)
            self.note(f"{machine.instance} is taken away")

    def restart(self, machine: Machine, after: float) -> None:
        """Its agent is started again, as `tenure up` would."""

        def start() -> None:
            if not machine.alive and not machine.gone and machine in self.machines:
                machine.start()

        self.later(after, start)

    def start_controller(self) -> None:
        """It is started again, unless it runs."""
        if not self.host.alive:
            self.host.start()

    # -- time

    def later(self, seconds: float, do: Callable[[], object]) -> None:
        """The world does something later; never part of a process."""
        self.loop.call_later(seconds, do, context=Context())

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Somebody who is no process does something that takes its time."""
        self.tasks.append(self.loop.create_task(coroutine, context=Context()))

    async def until(self, is_so: Callable[[], bool], within: float = PATIENCE) -> bool:
        """Wait for it; False if it did not come to be in so many seconds."""
        deadline = self.loop.time() + within
        while not is_so():
            if self.loop.time() > deadline:
                return False
            await asyncio.sleep(LOOK_EVERY)
        return True

    # -- telling

    def call_id(self) -> str:
        return f"v{self._next()}"

    def _next(self) -> int:
        self._calls += 1
        return self._calls

    def tell(self, fact: Fact) -> None:
        """A fact, at once or when the process that tells it comes to it."""
        process = process_now()
        if process is not None and process.ahead:
            self.loop.call_at(
                self.loop.time(), self._hear_late, process, fact, context=Context()
            )  # fmt: skip
        else:
            self._hear(fact)

    def _hear_late(self, process: Process, fact: Fact) -> None:
        if not process.dead:
            self._hear(fact)

    def _hear(self, fact: Fact) -> None:
        kind = type(fact).__name__
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.judge.hear(fact)
        if self.keep and not isinstance(fact, Heard):
            self.story.append(f"{fact.at - START:10.4f}  {told(fact)}")

    def note(self, text: str) -> None:
        """A line of the story."""
        if self.keep:
            self.story.append(f"{self.loop.time() - START:10.4f}  * {text}")

    def complain(self, text: str) -> None:
        """Something that must never be: the text begins with the clause."""
        clause = text.partition(":")[0] if text[1:2].isdigit() else "F"
        self.complaints.append(Violation("World", clause, self.loop.time(), text))

    # -- looking

    def look(self) -> None:
        """Who believes, after every round of steps (G1)."""
        ran = self.loop.ran
        if not ran and not self._believed:
            return
        began: list[tuple[Machine, int]] = []
        believed = self._believed
        for machine in [*self.machines, *self.retired] if self.retired else self.machines:
            if machine.process not in ran and machine not in believed:
                continue  # because belief begins in a step of its own
            term = machine.believes()
            before = believed.get(machine)
            if before is not None and term != before:
                self._doubted(machine, before)
            if term is not None and before != term:
                began.append((machine, term))
                believed[machine] = term
        ran.clear()
        for machine, term in began:
            self._hear(
                Believed(at=self.loop.time(), unit=machine.unit, agent=machine.instance, term=term)
            )

    def _doubted(self, machine: Machine, term: int) -> None:
        del self._believed[machine]
        self._hear(
            Doubted(
                at=self.loop.time(), unit=machine.unit, agent=machine.instance, term=term,
                willing=machine.alive and machine.given_up == term,
                late=machine.stepdown.late(term, self.loop.time()) if machine.stepdown else 0.0,
            )
        )  # fmt: skip
