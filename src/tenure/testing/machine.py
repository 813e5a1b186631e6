"""A machine with one agent: its clock, its disk, its line, and hooks that end when a test says.

The `Agent`, the `Unit` and the tool server are the real ones. The agent is a process of the virtual
loop: it can be killed, stopped and stalled. What survives that is what the disk holds.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tenure.agent.beginning import take_up
from tenure.agent.charm.files import Charm
from tenure.agent.config import UnitConfig
from tenure.agent.daemon import Agent
from tenure.agent.dispatcher import FindHook
from tenure.agent.hooks.log import UnitLog
from tenure.agent.hooks.process import Log, Runner
from tenure.agent.observer import Observer
from tenure.agent.tools import run_tool
from tenure.agent.toolserver import ToolServer
from tenure.agent.unit import Unit
from tenure.clock import Clock
from tenure.testing.charm import ALL_HOOKS, QuickFiles, make_charm
from tenure.testing.hooks import HookPlayer, PlayedHook, Ran
from tenure.testing.lines import Line
from tenure.testing.statedisk import DiskFile, StateDisk
from tenure.testing.time.clock import MachineClock
from tenure.testing.time.loop import Process, new_process
from tenure.testing.time.waiting import settle
from tenure.wire.tools import Call, ToolReply


def unit_of(
    agent: Agent, config: UnitConfig, file: DiskFile, *, clock: Clock, rng: random.Random,
    runner: Runner, log: Log, find_hook: FindHook, charm: Charm | None, observer: Observer,
) -> Unit:  # fmt: skip
    """An agent's unit, over what the disk holds. Raises what `take_up` does, and Died."""
    record = take_up(config, file, runner=runner, clock=clock, log=log)
    return Unit(
        config, record, clock=clock, rng=rng, find_hook=find_hook, runner=runner, log=log,
        connection=agent.connection, wake=agent.wake, charm=charm, observer=observer,
    )  # fmt: skip


class HeardLog(UnitLog):
    """A unit's log that somebody listens to."""

    def __init__(self, path: Path, unit: str, clock: Clock, on_line: Callable[[str], None]) -> None:
        super().__init__(path, unit, clock)
        self._on_line = on_line

    def log(self, level: str, message: str, source: str = "") -> None:
        super().log(level, message, source)
        self._on_line(message)


class Machine:
    """One unit's machine. `start` begins an agent's life; `crash`, `agent.stop` and `agent.halt`
    end it. Its clock shows `offset` when true time is 0, and runs at `rate`."""

    def __init__(
        self, unit: str, folder: Path, line: Line, *, hooks: tuple[str, ...] = ALL_HOOKS,
        offset: float = 0.0, rate: float = 1.0, instance: str | None = None,
    ) -> None:  # fmt: skip
        self.name = unit
        self.line = line
        self.clock = MachineClock(asyncio.get_running_loop(), offset, rate)
        self.disk = StateDisk()
        self.boot = "boot-1"
        self.instance = instance or f"instance-of-{unit}"
        self.update_every = 300.0
        self.shims: Path | None = None
        self.revision = 0
        """Of the charm that its folder holds when its agent starts; 0 if that is not known."""
        self.folder = folder / (instance or unit).replace("/", "-")
        make_charm(self.folder / "charm", hooks)
        self.files = QuickFiles(self.folder)
        self.log_file = self.folder / "log"
        self.runner = HookPlayer(self.clock, self._find_server)
        self.observer = Observer()
        self.on_line: Callable[[str], None] = lambda message: None
        """Hears each line of the unit's log, at the moment it is written."""
        self.lives = 0
        self.process: Process | None = None
        """The agent's, of the present life or the last one."""
        self.life: asyncio.Task[None] | None = None
        self.agent: Agent
        self.unit: Unit
        self.tools: ToolServer

    # -- a life

    def start(self) -> None:
        """A new agent process over what the disk holds."""
        assert not self.alive, "it runs already"
        self.lives += 1
        self.process = new_process(f"{self.name} agent {self.lives}")
        self.files = QuickFiles(self.folder)
        self.life = self.process.context.run(self._begun, self.process)

    def _begun(self, process: Process) -> asyncio.Task[None]:
        rng = random.Random(self.name)
        self.agent = Agent(self.clock, rng, self.line.dial, 4242)
        log = HeardLog(self.log_file, self.name, self.clock, self._hear)
        loop = asyncio.get_running_loop()
        try:
            self.unit = unit_of(
                self.agent, self.config(), self.new_file(process),
                clock=self.clock, rng=rng, runner=self.runner, log=log,
                find_hook=self.files.find_hook, charm=self.files,
                observer=self.observer,
            )  # fmt: skip
        except BaseException as fault:
            return loop.create_task(_fallen(fault))
        self.unit.upgrade.copied(self.revision)
        self.tools = ToolServer(self.config().socket, self.unit.contexts.by_id)
        self.agent.add(self.unit)
        return loop.create_task(self.agent.run())

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
            charm_revision=self.revision,
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
        self.runner.agent_died()
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

    def slow_copies(self, fault: Exception | None = None) -> QuickFiles:
        """From now on copies of its charm take until their gate is opened, and fail like this."""
        self.files.gate, self.files.fault = asyncio.Event(), fault
        return self.files

    def _find_server(self) -> tuple[Process, ToolServer] | None:
        return (self.process, self.tools) if self.process is not None and self.alive else None

    # -- what is seen of it

    @property
    def leads(self) -> bool:
        """Whether it believes, at this very instant, by its own clock."""
        return self.alive and self.unit.claimant.tracker.believes(self.clock.now())

    @property
    def term(self) -> int | None:
        return self.unit.claimant.tracker.term if self.leads else None

    @property
    def ran(self) -> list[Ran]:
        """The hooks that were started, in all lives."""
        return self.runner.ran

    @property
    def hooks(self) -> list[str]:
        """The hooks that were started, in all lives."""
        return [ran.hook for ran in self.runner.ran]

    def count(self, hook: str) -> int:
        return self.hooks.count(hook)

    @property
    def running(self) -> str | None:
        """The hook that runs now."""
        plan = self.unit.dispatcher.running if self.alive else None
        return plan.hook if plan is not None else None

    @property
    def hook(self) -> PlayedHook:
        """The hook that was started last."""
        assert self.runner.last is not None
        return self.runner.last

    def log_text(self) -> str:
        return self.log_file.read_text() if self.log_file.exists() else ""

    # -- hook tools

    async def tool(self, name: str, *args: str, context: str | None = None) -> ToolReply:
        """Call a tool as the running hook would, at this very instant."""
        context_id = context or self.hook.command.context_id
        found = self.unit.contexts.by_id(context_id)
        assert found is not None, f"the context {context_id} is over"
        call = Call(context_id=context_id, tool=name, args=args, cwd="/")
        return await run_tool(found, call, _no_stdin)

    async def is_leader(self) -> Any:
        """What `is-leader` says: True, False, or the error's line."""
        reply = await self.tool("is-leader")
        said = {b"True\n": True, b"False\n": False}
        return said[reply.stdout] if reply.exit_code == 0 else reply.stderr.decode()


async def _fallen(fault: BaseException) -> None:
    """A process that fell before its loop turned."""
    raise fault


async def _no_stdin(path: str = "") -> bytes:
    return b""
