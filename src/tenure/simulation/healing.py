"""The end of all faults: everything runs and is connected again, and what is owed must come to be.

G2, G11, H2 and H3 promise what happens once all is well, so here it is made well, for good. How
long a leader may then take to appear is counted from the slowest thing that may still be under way.
"""

from __future__ import annotations

import asyncio

from tenure.agent.phase import Phase
from tenure.agent.unit import Unit
from tenure.core import resolver
from tenure.core.localstate import UPDATE
from tenure.names import application_of
from tenure.simulation.facts import Healed
from tenure.simulation.machine import Machine
from tenure.simulation.simhooks import Temper
from tenure.simulation.world import World

COMING_BACK = 13.0
"""Seconds in which agents are back, whatever they were waiting for: a dial or a welcome that is not
answered takes 5 s, the next try 2 s, and who was refused tries again after 5 s."""

HOOKS_WITHIN = 60.0
"""Seconds after which, somebody leading, no hook may be owed any more."""


class Healing:
    """See the module. It is used once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._asleep: Machine | None = None

    async def heal(self) -> None:
        """Every fault is over, for good; what is owed must come to be (G2, G11, H2, H3)."""
        world = self._world
        world.note("every fault is over")
        world.temper = Temper(calm=True, spans=(0.0,))
        self._mend_controller()
        for machine in list(world.machines):
            machine.be_well()
            if machine.is_clone:
                world.retire(machine)
        # because faults that were under way may still end, or begin
        await asyncio.sleep(2.0 * world.duration + 0.1)
        await self._set_right()
        await self._see_what_comes()

    async def _see_what_comes(self) -> None:
        world, now = self._world, self._world.loop.time()
        offers = world.host.offer_for * len(world.machines)
        lead_by = now + self._longest() * 1.1 + offers * 1.1 + COMING_BACK
        must_lead = tuple(name for name in world.nature.applications if self._candidates(name))
        world.tell(
            Healed(at=now, lead_by=lead_by, quiet_by=lead_by + HOOKS_WITHIN, must_lead=must_lead)
        )
        await world.until(lambda: self._is_quiet(must_lead), within=lead_by + HOOKS_WITHIN - now)
        await asyncio.sleep(0.2)  # because what is on its way is still owed
        await world.until(lambda: self._is_quiet(must_lead), within=10.0)

    def _mend_controller(self) -> None:
        world = self._world
        world.host.mend_disk()
        world.host.loading = 0.0
        world.host.disk.takes = world.quick_commit
        if world.host.process is not None:
            world.host.process.go_on()
        world.start_controller()

    async def _set_right(self) -> None:
        world = self._world
        self._mend_controller()
        await world.until(lambda: world.host.serves)
        for machine in list(world.machines):
            machine.be_well()
            for hook in machine.hooks:
                hook.end("killed", "signal: killed")
            if machine.is_clone or self._is_removed(machine.unit):
                world.retire(machine)
            elif not machine.gone:
                if machine.inner is not None and Phase.STOPPING in machine.inner.phase:
                    machine.kill()  # because it would end when all is healed
                world.restart(machine, 0.0)
        await world.operators.unpin_all()
        world.operators.start_agents()
        self._leave_one_asleep()

    def _leave_one_asleep(self) -> None:
        """One agent may stay stopped for ever, just when the leader's is killed: the others must do
        without both (G11)."""
        world = self._world
        minions = [m for m in world.machines if m.believes() is None and m.alive]
        minions = [m for m in minions if len(self._candidates(application_of(m.unit))) > 2]
        if not minions or world.rng.random() < 0.5:
            return
        asleep = self._asleep = world.rng.choice(minions)
        world.note(f"SIGSTOP of the agent of {asleep.instance}, for ever")
        assert asleep.process is not None
        asleep.process.stop("asleep")
        asleep.link.watch()
        for leader in self._candidates(application_of(asleep.unit)):
            if leader.believes() is not None:
                world.note(f"kill -9 of the agent of {leader.instance}")
                leader.kill()
                world.restart(leader, self._longest() * 1.2 + 2 * COMING_BACK)

    # -- what must come

    def _is_removed(self, unit: str) -> bool:
        found = self._world.host.application(application_of(unit))
        return found is None or unit not in found.units

    def _longest(self) -> float:
        """The longest lease that somebody may still believe in, in seconds."""
        host = self._world.host
        longest = [application.lease.longest for application in host.applications()]
        return max(host.grace, *longest, self._world.duration)

    def _candidates(self, application: str) -> list[Machine]:
        """The machines whose unit may lead."""
        found = self._world.host.application(application)
        if found is None:
            return []
        staying = {unit for unit, record in found.units.items() if not record.removing}
        return [
            machine
            for machine in self._world.machines
            if machine.unit in staying and machine is not self._asleep
        ]

    def is_sound(self, machine: Machine, unit: Unit) -> bool:
        """Whether everything must come to it that is owed."""
        return machine in self._candidates(application_of(machine.unit)) and unit.claimant.accepted

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
        if self._world.peer_charm and tracker.has_run_out(machine.clock.now()):
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
