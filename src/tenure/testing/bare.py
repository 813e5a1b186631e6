"""One unit's machine with a real agent on it: its clock, its disk and its line.

The `Agent`, the `Unit` and the tool server are the real ones. The agent is a process of the virtual
loop: it can be killed, stopped and stalled. What survives that is what the disk holds. How its
hooks run, whoever derives from it says.
"""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from tenure.agent.beginning import take_up
from tenure.agent.charm.files import Charm, CharmFiles
from tenure.agent.config import UnitConfig
from tenure.agent.daemon import Agent
from tenure.agent.dispatcher import FindHook
from tenure.agent.hooks.log import UnitLog
from tenure.agent.hooks.process import Log, Runner
from tenure.agent.observer import Observer
from tenure.agent.tools import run_tool
from tenure.agent.toolserver import RunTool, ToolServer
from tenure.agent.unit import Unit
from tenure.clock import Clock
from tenure.leadership.connection import Connection
from tenure.testing.lines import Line
from tenure.testing.statedisk import DiskFile, StateDisk
from tenure.testing.time.clock import MachineClock
from tenure.testing.time.loop import Process, new_process
from tenure.testing.time.waiting import settle


def unit_of(
    agent: Agent, config: UnitConfig, file: DiskFile, *, clock: Clock, rng: random.Random,
    runner: Runner, log: Log, find_hook: FindHook, charm: Charm | None, observer: Observer,
    connection: Connection | None = None,
) -> Unit:  # fmt: skip
    """An agent's unit, over what the disk holds. Raises what `take_up` does, and Died."""
    record = take_up(config, file, runner=runner, clock=clock, log=log)
    return Unit(
        config, record, clock=clock, rng=rng, find_hook=find_hook, runner=runner, log=log,
        connection=connection or agent.connection, wake=agent.wake, charm=charm, observer=observer,
    )  # fmt: skip


class HeardLog(UnitLog):
    """A unit's log that somebody listens to."""

    def __init__(self, path: Path, unit: str, clock: Clock, on_line: Callable[[str], None]) -> None:
        super().__init__(path, unit, clock)
        self._on_line = on_line

    def log(self, level: str, message: str, source: str = "") -> None:
        super().log(level, message, source)
        self._on_line(message)


class BareMachine(ABC):
    """`start` begins an agent's life; `crash`, `agent.stop` and `agent.halt` end it. Its clock
    shows `offset` when true time is 0, and runs at `rate`."""

    def __init__(
        self, unit: str, folder: Path, line: Line, *,
        offset: float = 0.0, rate: float = 1.0, instance: str | None = None,
    ) -> None:  # fmt: skip
        self.name = unit
        self.line = line
        self.clock = MachineClock(asyncio.get_running_loop(), offset, rate)
        self.disk = StateDisk()
        self.boot = "boot-1"
        self.instance = instance or f"instance-of-{unit}"
        self.update_every = 300.0
        self.hook_timeout = 0.0
        self.shims: Path | None = None
        self.revision = 0
        """Of the charm that its folder holds when its agent starts; 0 if that is not known."""
        self.folder = folder / (instance or unit).replace("/", "-")
        self.log_file = self.folder / "log"
        self.run_tool: RunTool = run_tool
        self.observer = Observer()
        self.on_line: Callable[[str], None] = lambda message: None
        """Hears each line of the unit's log, at the moment it is written."""
        self.lives = 0
        self.process: Process | None = None
        """The agent's, of the present life or the last one."""
        self.life: asyncio.Task[None] | None = None
        self._log: HeardLog | None = None
        self.agent: Agent
        self.unit: Unit
        self.tools: ToolServer

    # -- what derives from it says

    @abstractmethod
    def begin_files(self, log: Log) -> CharmFiles:
        """The charm's files, as a new agent sees them."""

    @abstractmethod
    def runner_of(self, log: Log) -> Runner:
        """What runs the hooks of a new agent."""

    @abstractmethod
    def take_up_charm(self) -> None:
        """The agent is about to begin: its copy of the charm is what it is."""

    @abstractmethod
    def hooks_died(self) -> None:
        """The agent was killed: what runs dies with it (H8)."""

    def connection_of(self, agent: Agent) -> Connection:
        """What its unit asks the controller by."""
        return agent.connection

    async def live(self) -> None:
        """An agent's life, from its first moment on."""
        await self.agent.run()

    # -- a life

    def start(self) -> None:
        """A new agent process over what the disk holds."""
        assert not self.alive, "it runs already"
        self.lives += 1
        self.process = new_process(f"{self.name} agent {self.lives}")
        self.life = self.process.context.run(self._begun, self.process)

    def _begun(self, process: Process) -> asyncio.Task[None]:
        rng = random.Random(self.name)
        self.agent = Agent(self.clock, rng, self.line.dial, 4242)
        self.close_log()
        log = self._log = HeardLog(self.log_file, self.name, self.clock, self._hear)
        files = self.begin_files(log)
        loop = asyncio.get_running_loop()
        try:
            self.unit = unit_of(
                self.agent, self.config(), self.new_file(process),
                clock=self.clock, rng=rng, runner=self.runner_of(log), log=log,
                find_hook=files.find_hook, charm=files, observer=self.observer,
                connection=self.connection_of(self.agent),
            )  # fmt: skip
            self.take_up_charm()
        except BaseException as fault:
            return loop.create_task(_fallen(fault))
        contexts = self.unit.contexts
        self.tools = ToolServer(
            self.config().socket, contexts.by_id, run=self.run_tool,
            on_refused=contexts.tool_refused,
        )  # fmt: skip
        self.agent.add(self.unit)
        return loop.create_task(self.live())

    def _hear(self, message: str) -> None:
        self.on_line(message)

    def new_file(self, process: Process) -> DiskFile:
        """A process's handle on the disk."""
        return DiskFile(self.disk, process, self._die)

    def config(self) -> UnitConfig:
        """What its agent is started with."""
        return UnitConfig(
            unit=self.name, instance=self.instance, boot_id=self.boot,
            charm=self.folder / "charm", tools=self.folder / "tools",
            socket=self.folder / "tool.sock", model_name="tenure", model_uuid="uuid",
            inherited={}, update_every=self.update_every, shims=self.shims,
            charm_revision=self.revision, hook_timeout=self.hook_timeout,
        )  # fmt: skip

    async def crash(self) -> None:
        """kill -9: nothing is said, nothing is saved, the kernel closes the connection."""
        self._die()
        await settle()

    def _die(self) -> None:
        assert self.process is not None
        self.process.kill()
        if self.life is not None:
            self.life.cancel()  # which a loop of real time needs: it knows no dead processes
        self.hooks_died()
        self.line.cut()

    @property
    def alive(self) -> bool:
        """Whether its agent process runs."""
        return (
            self.process is not None
            and not self.process.dead
            and self.life is not None
            and not self.life.done()
        )

    # -- what is seen of it

    @property
    def leads(self) -> bool:
        """Whether it believes, at this very instant, by its own clock."""
        return self.alive and self.unit.claimant.tracker.believes(self.clock.now())

    @property
    def term(self) -> int | None:
        return self.unit.claimant.tracker.term if self.leads else None

    @property
    def running(self) -> str | None:
        """The hook that runs now."""
        plan = self.unit.dispatcher.running if self.alive else None
        return plan.hook if plan is not None else None

    def close_log(self) -> None:
        """Its file is not needed any more."""
        if self._log is not None:
            self._log.close()

    def log_text(self) -> str:
        return self.log_file.read_text() if self.log_file.exists() else ""


async def _fallen(fault: BaseException) -> None:
    """A process that fell before its loop turned."""
    raise fault
