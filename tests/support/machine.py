"""A machine with one agent: its clock, its disk, its line, and hooks that end when a test says.

The `Agent` and the `Unit` are the real ones. What survives a crash is what `Disk` holds.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

from msgspec import Struct

from tenure.agent.beginning import take_up
from tenure.agent.charm.copy import find_hook
from tenure.agent.charm.files import CharmFiles
from tenure.agent.config import UnitConfig
from tenure.agent.daemon import Agent
from tenure.agent.hooks.log import UnitLog
from tenure.agent.hooks.process import HookCommand, HookResult, end_leftovers
from tenure.agent.tools import run_tool
from tenure.agent.unit import Unit
from tenure.core.localstate import LocalState
from tenure.leadership.statefile import StateFile, StateNotSaved
from tenure.wire.tools import Call, ToolReply
from tests.support.network import Line
from tests.support.virtual import VirtualClock

ALL_HOOKS = (
    "install", "leader-elected", "leader-deposed", "leader-settings-changed", "config-changed",
    "start", "update-status", "stop", "remove",
)  # fmt: skip


class Ran(Struct, frozen=True):
    """A hook that was started."""

    hook: str
    at: float
    env: dict[str, str]


class FakeHook:
    """A started hook, until the test ends it."""

    pid: int | None = None

    def __init__(self, command: HookCommand) -> None:
        self.command = command
        self._result: asyncio.Future[HookResult] = asyncio.get_running_loop().create_future()
        self.kills = 0

    async def wait(self) -> HookResult:
        return await asyncio.shield(self._result)

    def end(
        self,
        kind: Literal["done", "failed", "killed"] = "done",
        detail: str = "",
        exit_code: int | None = None,
    ) -> None:
        """It ends like this."""
        if not self._result.done():
            self._result.set_result(HookResult(kind, detail, exit_code))

    def kill(self) -> None:
        self.kills += 1
        self.end("killed", "signal: killed")

    def terminate(self) -> None:
        self.end("killed", "signal: terminated")


class FakeRunner:
    """Runs nothing. A hook named in `held` runs until the test ends it; all others end at once,
    well unless `failing` counts them down."""

    def __init__(self, ran: list[Ran], clock: VirtualClock) -> None:
        self.ran = ran
        self._clock = clock
        self.held: set[str] = set()
        self.failing: dict[str, int] = {}
        self.last: FakeHook | None = None

    def end_leftovers(self, pid: int | None, context_id: str) -> None:
        end_leftovers(pid, context_id)

    def start(self, command: HookCommand) -> FakeHook:
        hook = self.last = FakeHook(command)
        self.ran.append(Ran(command.hook, self._clock.now(), dict(command.env)))
        if self.failing.get(command.hook, 0) > 0:
            self.failing[command.hook] -= 1
            hook.end("failed", "exit status 1")
        elif command.hook not in self.held:
            hook.end()
        return hook


class Disk:
    """What survives the agent, and what is planned for it."""

    def __init__(self) -> None:
        self.kept: LocalState | None = None
        self.saves: list[LocalState] = []
        self.full = False
        self.dies_at: int | None = None
        """At which durable save from now on, counted from 1, the process is gone."""
        self.lands = True
        """Whether that last save still reaches the disk."""


class Died(BaseException):
    """The process is no more; nothing of it runs on."""


class DiskFile(StateFile[LocalState]):
    """A process's handle on the disk; a dead one's writes no more."""

    def __init__(self, disk: Disk, on_death: Callable[[], None]) -> None:
        super().__init__(Path("/nowhere/state.json"), LocalState)
        self._disk = disk
        self._on_death = on_death
        self.dead = False

    def load(self) -> LocalState | None:
        return self._disk.kept

    def save(self, value: LocalState) -> None:
        if self._disk.dies_at is not None and not self.dead:
            self._disk.dies_at -= 1
            if self._disk.dies_at == 0:
                self._disk.dies_at = None
                if self._disk.lands:
                    self._write(value)
                self.dead = True
                self._on_death()
                raise Died
        self._write(value)
        self._disk.saves.append(value)

    def save_soon(self, value: LocalState) -> None:
        self._write(value)

    def _write(self, value: LocalState) -> None:
        if self.dead:
            raise Died
        if self._disk.full:
            raise StateNotSaved('cannot save "state.json": no space left on device')
        self._disk.kept = value


class HeardLog(UnitLog):
    """A unit's log that somebody listens to."""

    on_line: Callable[[str], None]

    def log(self, level: str, message: str, source: str = "") -> None:
        super().log(level, message, source)
        self.on_line(message)


class QuickFiles(CharmFiles):
    """Copies in the loop itself: virtual time knows no threads. With a `gate`, a copy takes until
    that is set, and fails with `fault` if there is one."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, lambda level, line: None)
        self.gate: asyncio.Event | None = None
        self.fault: Exception | None = None
        self.interrupted = False

    async def refresh(self, source: str) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        self.refresh_now(source)

    def interrupt(self) -> None:
        self.interrupted = True

    def open_gate(self) -> None:
        """What waits goes on."""
        assert self.gate is not None
        self.gate.set()


def slow(machine: Machine, fault: Exception | None = None) -> QuickFiles:
    """The machine's copies take as long as the test wants, or fail as it wants."""
    machine.files.gate, machine.files.fault = asyncio.Event(), fault
    return machine.files


class Machine:
    """One unit's machine. `start` begins an agent's life, `crash`, `stop` and `halt` end it."""

    def __init__(
        self, unit: str, folder: Path, line: Line, *, hooks: tuple[str, ...] = ALL_HOOKS,
        offset: float = 0.0, rate: float = 1.0, instance: str | None = None,
    ) -> None:  # fmt: skip
        self.name = unit
        self.line = line
        self.clock = VirtualClock(offset, rate)
        self.disk = Disk()
        self.boot = "boot-1"
        self.instance = instance or f"instance-of-{unit}"
        self.ran: list[Ran] = []
        self.update_every = 300.0
        self.shims: Path | None = None
        self.revision = 0
        """Of the charm that its folder holds when its agent starts; 0 if that is not known."""
        self.folder = folder / (instance or unit).replace("/", "-")
        make_charm(self.folder / "charm", hooks)
        self.log_file = self.folder / "log"
        self.runner = FakeRunner(self.ran, self.clock)
        self.agent: Agent = cast(Agent, None)
        self.unit: Unit = cast(Unit, None)
        self.file: DiskFile = cast(DiskFile, None)
        self.files = QuickFiles(self.folder)
        self.on_line: Callable[[str], None] = lambda message: None
        """Hears each line of the unit's log, at the moment it is written."""
        self.life: asyncio.Task[None] | None = None

    # -- a life

    def start(self) -> None:
        """A new agent process over what the disk holds."""
        assert self.life is None or self.life.done(), "it runs already"
        rng = random.Random(self.name)
        runner = FakeRunner(self.ran, self.clock)
        runner.held, runner.failing = self.runner.held, self.runner.failing
        self.runner = runner
        self.agent = Agent(self.clock, rng, self.line.dial, 4242)
        self.files = QuickFiles(self.folder)
        self.life = None
        try:
            self.unit = self._begun(rng)
        except BaseException as fault:
            self.life = asyncio.get_running_loop().create_task(_fallen(fault))
        else:
            self.agent.add(self.unit)
            self.life = asyncio.get_running_loop().create_task(self.agent.run())

    def _begun(self, rng: random.Random) -> Unit:
        """The unit over what the disk holds. Raises what `take_up` does, and Died."""
        config, log = self.config(), HeardLog(self.log_file, self.name, self.clock)
        log.on_line = lambda message: self.on_line(message)
        record = take_up(config, self.new_file(), runner=self.runner, clock=self.clock, log=log)
        unit = Unit(
            config, record, clock=self.clock, rng=rng,
            find_hook=partial(find_hook, self.folder / "charm"), runner=self.runner,
            log=log, connection=self.agent.connection, wake=self.agent.wake, charm=self.files,
        )  # fmt: skip
        unit.upgrade.copied(self.revision)
        return unit

    def new_file(self) -> DiskFile:
        """A handle on the disk for one more process."""
        self.file = DiskFile(self.disk, self._die)
        return self.file

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
        assert self.life is not None
        await asyncio.gather(self.life, return_exceptions=True)

    def _die(self) -> None:
        self.file.dead = True
        if self.life is not None:
            self.life.cancel()
        tasks = (
            (self.unit.dispatcher._task, *self.unit.parts.requests._under_way) if self.unit else ()
        )
        for task in tasks:
            if task is not None:
                task.add_done_callback(_forget)
                task.cancel()
        self.line.cut()

    def _tasks(self) -> tuple[asyncio.Task[None] | None, ...]:
        if self.unit is None:
            return ()
        return self.unit.dispatcher._task, *self.unit.parts.requests._under_way

    @property
    def alive(self) -> bool:
        """Whether its agent process runs."""
        return self.life is not None and not self.life.done()

    # -- what a test looks at

    @property
    def leads(self) -> bool:
        """Whether it believes, at this very instant, by its own clock."""
        return (
            self.alive and bool(self.unit) and self.unit.claimant.tracker.believes(self.clock.now())
        )

    @property
    def term(self) -> int | None:
        return self.unit.claimant.tracker.term if self.leads else None

    @property
    def hooks(self) -> list[str]:
        """The hooks that were started, in all lives."""
        return [ran.hook for ran in self.ran]

    def count(self, hook: str) -> int:
        return self.hooks.count(hook)

    @property
    def running(self) -> str | None:
        """The hook that runs now."""
        plan = self.unit.dispatcher.running if self.alive and self.unit else None
        return plan.hook if plan is not None else None

    @property
    def hook(self) -> FakeHook:
        """The hook that was started last."""
        assert self.runner.last is not None
        return self.runner.last

    def log_text(self) -> str:
        return self.log_file.read_text() if self.log_file.exists() else ""

    # -- hook tools

    async def tool(self, name: str, *args: str, context: str | None = None) -> ToolReply:
        """Call a tool as the running hook would."""
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


def _forget(task: asyncio.Task[None]) -> None:
    """How a dead process's task ended is nobody's business: asyncio would print it much later."""
    if not task.cancelled():
        task.exception()


async def _no_stdin() -> bytes:
    return b""


def make_charm(charm: Path, hooks: tuple[str, ...]) -> None:
    """A charm that has these hooks; they are never run."""
    (charm / "hooks").mkdir(parents=True, exist_ok=True)
    for hook in hooks:
        path = charm / "hooks" / hook
        path.touch()
        path.chmod(0o755)
