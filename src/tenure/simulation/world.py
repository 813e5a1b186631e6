"""One number is a world: a house in virtual time in which everything goes wrong, and its judge.

The world is drawn from its seed: how long leases are, how many applications and units, what clocks
they have, what store, which faults it knows. Then the faults strike, as drawn, while the real
controller, agents and tools do their work; then all is healed, and what is owed must come to be.
Whatever happens is told as facts to the checkers, and as lines to the story.
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Callable
from contextvars import Context
from functools import partial
from traceback import format_exception
from typing import Any

from msgspec import Struct

from tenure.agent.phase import Phase
from tenure.agent.unit import Unit
from tenure.core import resolver
from tenure.core.localstate import UPDATE
from tenure.errors import TenureError
from tenure.names import application_of
from tenure.simulation.checkers import all_checkers
from tenure.simulation.disk import ModelDisk
from tenure.simulation.facts import (
    Believed,
    BucketAtEnd,
    Doubted,
    Fact,
    Healed,
    Heard,
    UnitAtEnd,
)
from tenure.simulation.faults import FAULTS, SPANS, Fault, usual, usual_disk
from tenure.simulation.host import Host
from tenure.simulation.judge import Judge, Violation
from tenure.simulation.linear import SearchTooLarge
from tenure.simulation.machine import Machine
from tenure.simulation.network import Link
from tenure.simulation.peer_charm import drawn
from tenure.simulation.peer_facts import PeersAtEnd
from tenure.simulation.peer_faults import PEER_FAULTS
from tenure.simulation.simhooks import Temper
from tenure.simulation.statedisk import Died
from tenure.simulation.story import told
from tenure.stores.memory import MemoryDisk
from tenure.testing.time.clock import MachineClock
from tenure.testing.time.loop import START, Process, SimLoop, Stuck, process_now

LEASES = ((2.0, 1.0), (2.0, 0.8), (4.0, 2.0), (4.0, 2.0), (10.0, 5.0), (10.0, 4.0), (60.0, 30.0))
SOUND_RATES = (0.9955, 1.0, 1.0045)
WILD_RATES = (0.95, 0.98, 1.0, 1.02, 1.05)
TIMES = ("sound clocks",) * 8 + ("wild clocks", "unseen pauses")
"""What a world may know of time. Nothing is promised of clocks that differ by more than the margin
(G4), or of pauses that no clock shows: but what is fenced stays fenced."""

SLACK = {"sound clocks": 0.0, "wild clocks": 0.18, "unseen pauses": 20.0}
"""How many leases two beliefs may then overlap."""
COMING_BACK = 13.0
"""Seconds in which agents are back, whatever they were waiting for: a dial or a welcome that is not
answered takes 5 s, the next try 2 s, and who was refused tries again after 5 s."""

LOOK_EVERY = 0.2

PATIENCE = 60.0
"""Virtual seconds that the beginning of a world may take."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a world."""

    seed: int
    violations: tuple[Violation, ...]
    story: tuple[str, ...]
    virtual: float
    """Virtual seconds."""
    counts: dict[str, int]
    """How many facts of each kind there were."""


class World:
    """See the module. `keep` keeps the story. `faults` strike one after the other."""

    def __init__(self, seed: int, *, keep: bool = False, strikes: int = 40) -> None:
        self.seed = seed
        self.rng = random.Random(f"tenure {seed}")
        self.loop = SimLoop(self.rng)
        self.keep = keep
        self.strikes = strikes
        self.peer_charm = drawn(seed)
        self.story: list[str] = []
        self.counts: dict[str, int] = {}
        self.complaints: list[Violation] = []
        self.duration, self.guarantee = self.rng.choice(LEASES)
        self.update_every = max(0.5, self.duration * self.rng.choice((0.1, 0.4, 1.0)))
        self.time = self.rng.choice(TIMES)
        self.rates = WILD_RATES if self.time == "wild clocks" else SOUND_RATES
        self.slack = SLACK[self.time] * self.duration
        self.temper = self._temper()
        self.applications = ["web", "db"][: self.rng.choice((1, 1, 1, 2))]
        self.machines: list[Machine] = []
        self.retired: list[Machine] = []
        self.most_units = 6
        self.asleep: Machine | None = None
        self.host = Host(
            self, self._disk(), self._clock(), grace=self.duration * 0.3,
            offer_for=min(1.0, self.duration / 10),
        )  # fmt: skip
        self.climate = self._climate()
        self.judge = Judge([])
        self._calls = 0
        self._believed: dict[Machine, int] = {}
        self._told_at = 0.0

    # -- drawing it

    def _temper(self) -> Temper:
        choice, guarantee = self.rng.choice, self.guarantee
        return Temper(
            steps=choice((2, 4, 8)),
            fails=choice((0.0, 0.05, 0.2)),
            hangs=choice((0.0, 0.0, 0.03)),
            leaves_child=choice((0.0, 0.05)),
            spans=choice(((0.0, 0.02), (0.0, 0.1 * guarantee), (0.02, guarantee, 2 * guarantee))),
        )

    def _disk(self) -> MemoryDisk | ModelDisk:
        disk = MemoryDisk() if self.rng.random() < 0.4 else ModelDisk(self.rng)
        disk.takes = self.quick_commit
        return disk

    def _clock(self) -> MachineClock:
        return MachineClock(self.loop, self.rng.uniform(0, 1e5), self.rng.choice(self.rates))

    def _climate(self) -> list[Fault]:
        hardware = isinstance(self.host.disk, ModelDisk)
        every = (*FAULTS, *PEER_FAULTS) if self.peer_charm else FAULTS
        known = [fault for fault in every if hardware or not fault.hardware]
        if self.time != "unseen pauses":
            known = [fault for fault in known if fault.name != "hypervisor-pause"]
        return [fault for fault in known if self.rng.random() < 0.55] or known

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
        return self.rng.choice(self.applications)

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
        machine = Machine(self, self.rng, link, self._clock(), unit, instance)
        self.machines.append(machine)
        return machine

    def retire(self, machine: Machine) -> None:
        """A machine is taken away for ever."""
        if machine in self.machines:
            usual(machine)
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

    # -- operators

    def operate(self, words: str, path: str, body: Any = None) -> None:
        """An operator asks for something; whatever is answered is noted."""
        if not self.host.serves:
            return
        self.note(f"operator: {words}")

        async def operating() -> None:
            answer = await self.host.ask("POST", path, body)
            self.note(f"operator: {words}: {answer}")

        self._spawn(operating())

    def join(self, application: str) -> None:
        """An operator adds a unit, and starts its agent."""

        async def joining() -> None:
            answer = await self.host.ask("POST", f"/v1/applications/{application}/units")
            self.note(f"operator: add-unit {application}: {answer}")
            self._meet()

        if self.host.serves:
            self._spawn(joining())

    def _meet(self) -> None:
        """Start an agent for every unit that has none, as `tenure up` would."""
        controller = self.host.controller
        for application in controller.model.known() if controller else ():
            for unit in application.units:
                known = any(machine.unit == unit for machine in (*self.machines, *self.retired))
                if not known and not application.units[unit].removing:
                    self.add_machine(unit).start()

    def recreate(self, application: str) -> None:
        """An operator removes an application and creates it again, with two new units."""
        controller = self.host.controller
        if controller is None or not self.host.serves or self.host.process is None:
            return
        self.note(f"operator: remove-application {application}, and create it again")
        applications = controller.model.applications

        async def remove() -> None:
            try:
                await controller.ask(
                    application, lambda now: applications.remove_application(now, application)
                )
            except TenureError as fault:
                self.note(f"operator: remove-application {application}: refused: {fault}")
                return
            for machine in [m for m in self.machines if m.unit.startswith(f"{application}/")]:
                self.later(self.span(), partial(self.retire, machine))

        removing = self.host.process.spawn(remove())
        removing.add_done_callback(lambda task: task.cancelled() or task.exception())
        for again in (0.5, 1.5, 3.0):
            self.later(again * self.duration, lambda: self._found(application))

    def _found(self, application: str) -> None:
        """Create the application, unless it is there, and give it units, unless it has some."""
        controller = self.host.controller
        if controller is None or not self.host.serves:
            return
        found = controller.model.find(application)
        if found is None or not found.alive:
            self.operate(f"create {application}", "/v1/applications", self._lease_of(application))
        elif len(found.units) < 2:
            self.join(application)

    def _lease_of(self, name: str) -> dict[str, Any]:
        settings = {"name": name, "duration": self.duration, "guarantee": self.guarantee}
        if self.peer_charm is None:
            return settings
        return {**settings, "charm": self.peer_charm.given(name, self.update_every)}

    # -- time

    def later(self, seconds: float, do: Callable[[], object]) -> None:
        """The world does something later; never part of a process."""
        self.loop.call_later(seconds, do, context=Context())

    def _spawn(self, coroutine: Any) -> None:
        task = self.loop.create_task(coroutine, context=Context())
        self._own.append(task)

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

    def _look(self) -> None:
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
            )
        )  # fmt: skip

    # -- its life

    def run(self) -> Outcome:
        """Live it to its end."""
        self._own: list[asyncio.Task[Any]] = []
        self.judge = Judge(all_checkers(self.slack))
        self.loop.set_exception_handler(self._fell)
        self.loop.after = self._look
        try:
            self.loop.run_until_complete(self._live())
            self._find_internal_faults()
        except Stuck as stuck:
            self.complain(f"the world stood still: {stuck}")
        except Exception as fault:  # because a failure must name its seed, whatever fell
            self.complain(f"the world itself fell: {''.join(format_exception(fault))}")
        finally:
            self._bury()
        try:
            self.judge.close()
        except SearchTooLarge as fault:
            self.complain(f"G6: it cannot be told whether the bucket is linearizable: {fault}")
        except Exception as fault:
            self.complain(f"a checker fell: {''.join(format_exception(fault))}")
        found = [*self.judge.found, *self.complaints]
        return Outcome(
            seed=self.seed,
            violations=tuple(sorted(found, key=lambda violation: violation.at)),
            story=tuple(self.story),
            virtual=self.loop.time() - START,
            counts=self.counts,
        )

    async def _live(self) -> None:
        self._describe()
        await self._begin()
        await self._suffer()
        await self._heal()
        self._end()

    def _describe(self) -> None:
        disk = type(self.host.disk).__name__
        names = ", ".join(fault.name for fault in self.climate)
        self.note(
            f"world {self.seed}: leases of {self.duration:g} s, guarantee {self.guarantee:g} s; "
            f"{disk}; {self.time}; knows {names}"
        )
        if self.peer_charm is not None:
            self.note(
                f"its charm has {' and '.join(self.peer_charm.endpoints)}, and lacks "
                f"{', '.join(sorted(self.peer_charm.lacks)) or 'nothing'}"
            )

    async def _begin(self) -> None:
        self.host.start()
        await self._until(lambda: self.host.serves)
        for name in self.applications:
            await self.host.ask("POST", "/v1/applications", self._lease_of(name))
            for _ in range(self.rng.choice((2, 3, 3, 4)) if name == "web" else 2):
                await self.host.ask("POST", f"/v1/applications/{name}/units")
        self._meet()

    async def _until(self, is_so: Callable[[], bool], within: float = PATIENCE) -> bool:
        deadline = self.loop.time() + within
        while not is_so():
            if self.loop.time() > deadline:
                return False
            await asyncio.sleep(LOOK_EVERY)
        return True

    async def _suffer(self) -> None:
        weights = [fault.weight for fault in self.climate]
        pace = self.duration * self.rng.choice((0.05, 0.15, 0.3 if self.duration < 60 else 0.05))
        for _ in range(self.strikes):
            await asyncio.sleep(self.rng.expovariate(1 / pace))
            if self.machines:
                self.rng.choices(self.climate, weights)[0].strike(self)

    # -- healing

    async def _heal(self) -> None:
        """Every fault is over, for good; what is owed must come to be (G2, G11, H2, H3)."""
        self.note("every fault is over")
        self.temper = Temper(calm=True, spans=(0.0,))
        usual_disk(self.host.disk)
        self.host.disk.takes = self.quick_commit
        if self.host.process is not None:
            self.host.process.go_on()
        self.start_controller()
        for machine in list(self.machines):
            usual(machine)
            if "clone" in machine.instance:
                self.retire(machine)
        # because faults that were under way may still end, or begin
        await asyncio.sleep(2.0 * self.duration + 0.1)
        await self._set_right()
        now = self.loop.time()
        offers = self.host.offer_for * len(self.machines)
        lead_by = now + self._longest() * 1.1 + offers * 1.1 + COMING_BACK
        must_lead = tuple(name for name in self.applications if self._candidates(name))
        self.tell(Healed(at=now, lead_by=lead_by, quiet_by=lead_by + 60, must_lead=must_lead))
        await self._until(lambda: self._is_quiet(must_lead), within=lead_by + 60 - now)
        await asyncio.sleep(0.2)  # because what is on its way is still owed
        await self._until(lambda: self._is_quiet(must_lead), within=10.0)

    async def _set_right(self) -> None:
        usual_disk(self.host.disk)
        self.host.disk.takes = self.quick_commit
        if self.host.process is not None:
            self.host.process.go_on()
        self.start_controller()
        await self._until(lambda: self.host.serves)
        for machine in list(self.machines):
            usual(machine)
            for hook in machine.hooks:
                hook.end("killed", "signal: killed")
            if "clone" in machine.instance or self._is_removed(machine.unit):
                self.retire(machine)
            elif not machine.gone:
                if machine.inner is not None and Phase.STOPPING in machine.inner.phase:
                    machine.kill()  # because it would end when all is healed
                self.restart(machine, 0.0)
        for name in self.applications:
            for reason in ("upgrade", "backup"):
                await self.host.ask(
                    "POST", f"/v1/applications/{name}/unpin", {"reason": reason}
                )  # fmt: skip
        self._meet()
        self._leave_one_asleep()

    def _leave_one_asleep(self) -> None:
        """One agent may stay stopped for ever, just when the leader's is killed: the others must do
        without both (G11)."""
        minions = [m for m in self.machines if m.believes() is None and m.alive]
        minions = [m for m in minions if len(self._candidates(_application(m))) > 2]
        if not minions or self.rng.random() < 0.5:
            return
        self.asleep = self.rng.choice(minions)
        self.note(f"SIGSTOP of the agent of {self.asleep.instance}, for ever")
        assert self.asleep.process is not None
        self.asleep.process.stop("asleep")
        self.asleep.link.watch()
        for leader in self._candidates(_application(self.asleep)):
            if leader.believes() is not None:
                self.note(f"kill -9 of the agent of {leader.instance}")
                leader.kill()
                self.restart(leader, self._longest() * 1.2 + 2 * COMING_BACK)

    def _is_removed(self, unit: str) -> bool:
        controller = self.host.controller
        assert controller is not None
        found = controller.model.find(application_of(unit))
        return found is None or unit not in found.units

    def _longest(self) -> float:
        """The longest lease that somebody may still believe in, in seconds."""
        controller = self.host.controller
        assert controller is not None
        applications = controller.model.known()
        return max(self.host.grace, *(a.lease.longest for a in applications), self.duration)

    def _candidates(self, application: str) -> list[Machine]:
        controller = self.host.controller
        found = controller.model.find(application) if controller else None
        if found is None:
            return []
        staying = {unit for unit, record in found.units.items() if not record.removing}
        return [
            machine
            for machine in self.machines
            if machine.unit in staying and machine is not self.asleep
        ]

    def _is_quiet(self, must_lead: tuple[str, ...]) -> bool:
        for name in must_lead:
            candidates = self._candidates(name)
            if not any(machine.believes() for machine in candidates):
                return False
            if not all(self._owes_nothing(machine) for machine in candidates):
                return False
        return True

    def _owes_nothing(self, machine: Machine) -> bool:
        unit = machine.inner
        if unit is None or not unit.claimant.accepted or machine.hooks:
            return False
        tracker = unit.claimant.tracker
        if not tracker.answered:
            return False
        if self.peer_charm and tracker.has_run_out(machine.clock.now()):
            return False  # because who is suspended still has to find out
        if unit.state.failure is not None:
            unit.resolve(retry=True)
            unit.parts.wake()
            return False
        known = unit.snapshot()
        to_enter = resolver.to_enter(unit.state, known.relations)
        if known.entering or unit.upgrade.busy or to_enter:
            return False
        plan = resolver.next_hook(unit.state, known)
        return plan is None or plan.hook == UPDATE

    def _end(self) -> None:
        at = self.loop.time()
        for machine in self.machines:
            unit = machine.inner
            if unit is not None and machine.alive:
                self.tell(self._unit_at_end(at, machine, unit))
                if self.peer_charm and self._is_sound(machine, unit):
                    self.tell(_peers_at_end(at, unit))
        told = self.host._told
        for name, revision in told.revisions.items():
            self.tell(
                BucketAtEnd(
                    at=at, application=name, revision=revision,
                    settings=self.host.disk.persisted().buckets[name].settings,
                    last_writer=told.writers.get(name),
                )
            )  # fmt: skip

    def _unit_at_end(self, at: float, machine: Machine, unit: Unit) -> UnitAtEnd:
        return UnitAtEnd(
            at=at, unit=machine.unit, leads=machine.believes() is not None,
            term=machine.believes(), quiet=self._is_sound(machine, unit),
            in_error=unit.state.failure is not None,
            elected_for=unit.state.elected_for, seen_revision=unit.state.seen_revision,
        )  # fmt: skip

    def _is_sound(self, machine: Machine, unit: Unit) -> bool:
        return machine in self._candidates(_application(machine)) and unit.claimant.accepted

    # -- when it is over

    def _fell(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        fault = context.get("exception")
        if not isinstance(fault, Died):
            self.complain(f"a step fell: {context.get('message')}: {fault!r}")

    def _find_internal_faults(self) -> None:
        for process in self.loop.processes:
            for fault in process.faults():
                if not isinstance(fault, TenureError | Died):
                    self.complain(f"{process.name} fell: {fault!r}")

    def _bury(self) -> None:
        self.loop.set_exception_handler(lambda loop, context: None)
        self.judge, judge = Judge([]), self.judge
        self.keep = False
        for task in self._own:
            task.cancel()
        self.loop.bury()
        self.judge = judge
        self.loop.close()


def _peers_at_end(at: float, unit: Unit) -> PeersAtEnd:
    state = unit.state
    return PeersAtEnd(
        at=at, unit=unit.unit, relations=state.relations, config=state.config_seen,
        charm=state.charm_revision, in_error=state.failure is not None,
    )  # fmt: skip


def _application(machine: Machine) -> str:
    return machine.unit.rpartition("/")[0]


def live(seed: int, *, keep: bool = False) -> Outcome:
    """One world from its beginning to its end."""
    # because a collection in the middle costs a tenth of the time, and a world is small
    collects = gc.isenabled()
    gc.disable()
    try:
        return World(seed, keep=keep).run()
    finally:
        if collects:
            gc.enable()
            gc.collect(0)  # because nothing else may allocate between two worlds
