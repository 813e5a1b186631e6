"""A simulated machine with one agent: its clock, its disk, its link, its hooks.

The `Agent` and the `Unit` are the real ones, and so is the tool server. What survives a crash is
what `StateDisk` holds.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextvars import Context
from pathlib import Path
from typing import Literal, Protocol

from tenure.agent.config import UnitConfig
from tenure.agent.daemon import Agent
from tenure.agent.hooks.process import HookCommand, HookResult
from tenure.agent.observer import Observer
from tenure.agent.toolserver import ToolServer
from tenure.agent.unit import Unit
from tenure.core.localstate import CONFIG, ELECTED, INSTALL, SETTINGS, START, LocalState, RunHook
from tenure.errors import TenureError
from tenure.simulation.facts import AgentBegan, AgentEnded, Fact, Heard, Paid
from tenure.simulation.load import STARVED
from tenure.simulation.network import USUAL_DELAY, Link
from tenure.simulation.peer_charm import CharmDisk, CopiedCharm, PeerCharm
from tenure.simulation.peer_facts import BagSet
from tenure.simulation.peer_machine import aim_of, may_name, runs_from, settled_of, told_of
from tenure.simulation.simhooks import Hook, NoLog, Temper, began, said_true
from tenure.simulation.statedisk import DrawnDisk
from tenure.simulation.stepdown import StepDown
from tenure.testing.bare import unit_of
from tenure.testing.statedisk import DiskFile
from tenure.testing.time.clock import MachineClock
from tenure.testing.time.loop import ENDLESS, Process, Stuck, VirtualLoop

HOOKS = frozenset({
    "install", "leader-elected", "leader-deposed", "leader-settings-changed", "config-changed",
    "start", "update-status", "stop", "remove",
})  # fmt: skip

ONCE = {INSTALL: "installed", CONFIG: "configured", START: "started"}
"""Hooks that are paid once for ever, and where that is recorded."""

Belief = tuple[bool, int | None, float]
"""Answered, term, sure until (the machine's clock)."""


class WorldView(Protocol):
    """What a machine needs of its world."""

    loop: VirtualLoop
    temper: Temper
    update_every: float
    peer_charm: PeerCharm | None

    def tell(self, fact: Fact) -> None: ...

    def complain(self, text: str) -> None: ...

    def call_id(self) -> str: ...


class Machine:
    """See the module. `start` begins an agent's life; `kill`, `power_off` and `agent.stop` end it.

    `unit` is the unit's name, `instance` the id in its state folder: a clone has another (L9).
    """

    def __init__(
        self, world: WorldView, rng: random.Random, link: Link, clock: MachineClock,
        unit: str, instance: str,
    ) -> None:  # fmt: skip
        self.world = world
        self.loop = world.loop
        self.rng = rng
        self.link = link
        self.clock = clock
        self.unit = unit
        self.instance = instance
        self.disk = DrawnDisk(rng, instance, link.load)
        self.disk.on_durable = self._saved
        self.charm = CharmDisk()
        self.process: Process | None = None
        self.agent: Agent | None = None
        self.inner: Unit | None = None
        self.lives = 0
        self.boots = 1
        self.gone = False
        """The unit has left for ever, or its agent must never come back."""
        self._tools: ToolServer | None = None
        self._hooks: dict[str, Hook] = {}
        self._pids = 100
        self.given_up: int | None = None  # the last term that it stepped down from by itself (U4)
        self.ambush: Callable[[], None] | None = None
        """Done when a hook has written the application's bag."""
        self.stepdown: StepDown | None = None
        self._frozen: Belief | None = None
        self._ended = True

    # -- HookWorld and ActWorld

    @property
    def temper(self) -> Temper:
        return self.world.temper

    @property
    def calm(self) -> bool:
        return self.temper.calm

    @property
    def peers(self) -> PeerCharm | None:
        return self.world.peer_charm

    def tell(self, fact: Fact) -> None:
        self.world.tell(fact)
        if self.ambush and isinstance(fact, BagSet) and fact.owner != self.unit:
            self.loop.call_soon(self.ambush, context=Context())

    def complain(self, text: str) -> None:
        self.world.complain(f"{self.unit}: {text}")

    def call_id(self) -> str:
        return self.world.call_id()

    def tool_server(self) -> tuple[Process, ToolServer] | None:
        if self.process is None or self.process.dead or self._tools is None:
            return None
        return self.process, self._tools

    def promise_ends(self) -> float:
        assert self.inner is not None
        return self.clock.when(self.clock.now() + self.inner.claimant.tracker.guarantee)

    def believed_term(self) -> int | None:
        assert self.inner is not None
        return self.inner.claimant.tracker.term

    # -- a life

    @property
    def alive(self) -> bool:
        """Whether its agent process runs, or could if it were not stopped."""
        return not self._ended

    def start(self) -> None:
        """A new agent process over what the disk holds."""
        assert not self.alive, "it runs already"
        self.lives += 1
        self._ended = False
        self._frozen = None
        self.agent = self.inner = None
        self.process = self.loop.process(f"{self.instance} agent {self.lives}")
        self.process.on_stall = self._freeze
        self.stepdown = StepDown(self.clock, self.disk, self.process)
        self.link.process = self.process
        self.process.spawn(self._live(self.process))

    async def _live(self, process: Process) -> None:
        self.tell(AgentBegan(at=self.loop.time(), unit=self.unit, agent=self.instance))
        rng = random.Random(self.rng.random())
        observer = _Watch(self)
        self.agent = Agent(self.clock, rng, self.link.dial, self._pids, observer)
        config = UnitConfig(
            unit=self.unit, instance=self.instance, boot_id=f"boot-{self.boots}",
            charm=Path("charm"), tools=Path("tools"), socket=Path("tool.sock"),
            model_name="tenure", model_uuid="uuid", inherited={},
            update_every=self.world.update_every,
        )  # fmt: skip
        try:
            self.inner = unit = unit_of(
                self.agent, config, DiskFile(self.disk, process, self._dies),
                clock=self.clock, rng=rng, runner=_Runner(self), log=NoLog(),
                find_hook=self._find_hook, observer=observer,
                charm=CopiedCharm(self.charm, self._copy_takes) if self.peers else None,
            )  # fmt: skip
        except TenureError:
            self._end("stopped")
            return
        unit.upgrade.look()
        self._tools = ToolServer(
            config.socket, unit.contexts.by_id, on_refused=unit.contexts.tool_refused
        )
        self.agent.add(unit)
        try:
            await self.agent.run()
        except Exception as fault:
            self.complain(f"the agent fell: {fault!r}")
        self.gone = self.gone or unit.membership.gone
        self._end("left" if unit.membership.gone else "stopped")

    @property
    def is_clone(self) -> bool:
        """Whether its unit was started a second time on it (L9)."""
        return "clone" in self.instance

    def be_well(self) -> None:
        """All is well again with it; but who is suspended wakes in its own time."""
        self.link.delay = USUAL_DELAY
        self.disk.full = False
        self.disk.stalls = 0.0
        self.link.load.heavy = False
        self.disk.dies_at = None
        self.ambush = None
        self.disk.slow_election = 0.0
        self.link.lift()
        self.clock.go_on()
        if self.process is not None:
            self.process.go_on()
            self.process.go_on("hypervisor")
            self.process.go_on(STARVED)

    def be_busy(self) -> None:
        """Its update-status is due now: something happens on it."""
        if self.process is not None and self.alive:
            self.loop.call_soon(self._update, context=self.process.context)

    def _update(self) -> None:
        if self.inner is not None and self.agent is not None:
            self.inner.schedule.update_after(self.clock.now(), 0.0)
            self.agent.wake()

    def _copy_takes(self) -> float:
        """Seconds that bringing the charm's copy up to date takes; below 0: it fails then."""
        if self.temper.calm:
            return 0.0
        return self.rng.choice((0.0, 0.01, 0.3)) * self.rng.choice((1.0, 1.0, 1.0, -1.0))

    def _find_hook(self, hook: str) -> tuple[str, ...] | None:
        there = hook in HOOKS or (self.peers is not None and hook in self.peers.hooks)
        return (f"hooks/{hook}",) if there else None

    def _end(self, how: Literal["died", "stopped", "left"], *, silently: bool = False) -> None:
        """The process is no more; its hooks went with it (H8). `silently`: so did its kernel."""
        if self._ended:
            return
        self._ended = True
        self._tools = None
        assert self.process is not None
        self.process.dead = True
        self.disk.process_ended(self.loop.time())
        if how == "died" and not silently and self.rng.random() < 0.3:
            # because the warden takes its time: whoever comes next must end them first (H5)
            self.loop.call_later(self.rng.choice((0.01, 0.5, 2.0)), self._end_these, self.hooks,
                                 context=Context())  # fmt: skip
        else:
            self.end_hooks()
        self.tell(AgentEnded(at=self.loop.time(), unit=self.unit, agent=self.instance, how=how))
        self.link.agent_gone(silently=silently)

    def _dies(self) -> None:
        """Killed at a save: it is stuck in the kernel no more."""
        if self.process is not None:
            self.process.ahead = 0.0
        self._end("died")

    def kill(self) -> None:
        """kill -9: nothing is said, nothing is saved, the kernel closes the connection."""
        if self.process is None or self._ended:
            return
        if self.process.ahead:
            self.loop.call_later(self.process.ahead + 1e-6, self.kill)
            return
        self._end("died")

    def power_off(self) -> None:
        """The machine is gone at once: nobody is told, and what was not synced may be lost."""
        if not self._ended:
            assert self.process is not None
            self.process.ahead = 0.0
            self._end("died", silently=True)
        self.end_hooks()  # also those that outlived an agent that was killed before
        self.disk.power_loss()
        self.boots += 1
        self.clock.boot(self.rng.uniform(1.0, 1e5))

    # -- what one who sees everything sees

    def _freeze(self) -> None:
        """The agent is stuck in the middle of a step: what it believed before is what counts."""
        if self.inner is not None:
            self._frozen = self._belief_of(self.inner)

    @staticmethod
    def _belief_of(unit: Unit) -> Belief:
        tracker = unit.claimant.tracker
        return tracker.answered, tracker.term, tracker.sure_until

    @property
    def belief(self) -> Belief:
        """What the agent believes at this instant, whether it runs, is stopped, or is stuck."""
        if self._ended or self.inner is None or self.process is None:
            return False, None, 0.0
        if self.process.ahead and self._frozen is not None:
            return self._frozen
        return self._belief_of(self.inner)

    def believes(self) -> int | None:
        """The term that it believes in at this instant (U1)."""
        if self._ended:
            return None
        answered, term, sure_until = self.belief
        return term if answered and term is not None and self.clock.now() < sure_until else None

    # -- hooks

    def start_hook(self, command: HookCommand) -> Hook:
        """A hook begins."""
        assert self.process is not None and self.inner is not None
        self._pids += 1
        running = self.inner.state.running
        target = running.plan.target_revision if running is not None else 0
        self.tell(began(self, command, target))
        named = may_name(running.plan.event) if running is not None else ()
        text = str(dict(command.env))
        self.tell(Heard(at=self.loop.time(), unit=self.unit, text=text, named=named))
        if self.peers and running is not None:
            if aim := aim_of(self, running):
                self.tell(aim)
            self.tell(runs_from(self, running, self.inner.parts.remote.charm, self.charm))
        if command.hook == ELECTED:
            self.tell(said_true(self, command.context_id, self.inner.claimant.tracker.term))
        hook = Hook(self, command, self._pids, self.process)
        self._hooks = {c: h for c, h in self._hooks.items() if not h.over}
        self._hooks[command.context_id] = hook
        self.process.stall(self.link.load.takes())
        return hook

    def end_hooks(self) -> None:
        """The warden's work, and that of the agent which comes after it (H5, H8)."""
        self._end_these(self.hooks)

    @staticmethod
    def _end_these(hooks: list[Hook]) -> None:
        for hook in hooks:
            hook.kill()

    @property
    def hooks(self) -> list[Hook]:
        """The hooks that run now."""
        return [hook for hook in self._hooks.values() if not hook.over]

    # -- the disk

    def _saved(self, before: LocalState | None, now: LocalState) -> None:
        """Tell what was durably recorded as done (H4)."""
        before = before or LocalState(unit=self.unit)
        if now.elected_for != before.elected_for:
            self._paid(ELECTED, term=now.elected_for)
        if now.seen_revision != before.seen_revision:
            self._paid(SETTINGS, revision=now.seen_revision)
        if self.peers and (told := told_of(self, before, now)):
            self.tell(told)
        for hook, field in ONCE.items():
            if getattr(now, field) and not getattr(before, field):
                self._paid(hook)

    def _paid(self, hook: str, *, term: int | None = None, revision: int = 0) -> None:
        at, unit, agent = self.loop.time(), self.unit, self.instance
        self.tell(Paid(at=at, unit=unit, hook=hook, term=term, revision=revision, agent=agent))


class _Watch(Observer):
    """Sees what only the agent itself knows."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._turns, self._at = 0, 0.0

    def turns(self) -> None:
        """An agent that turns on and on while no time passes is stuck, though its loop is not."""
        now = self._machine.loop.time()
        self._turns, self._at = (self._turns + 1, now) if now == self._at else (0, now)
        if self._turns > ENDLESS:
            raise Stuck(f"{self._machine.instance} turns on and on while no time passes")

    def steps_down(self, term: int | None) -> None:
        machine, self._machine.given_up = self._machine, term
        if machine.inner and machine.stepdown:
            machine.stepdown.begins(machine.inner.claimant.tracker)

    def hook_ended(self, hook: RunHook, result: HookResult) -> None:
        """Tell what the agent makes of each hook's end."""
        unit = self._machine.inner
        running = unit.state.running if unit is not None else None
        if self._machine.peers and running is not None and running.plan.hook == hook.hook:
            self._machine.tell(settled_of(self._machine, running.context_id, result))


class _Runner:
    """What the unit runs its hooks with."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def start(self, command: HookCommand) -> Hook:
        return self._machine.start_hook(command)

    def end_leftovers(self, pid: int | None, context_id: str) -> None:
        self._machine.end_hooks()
