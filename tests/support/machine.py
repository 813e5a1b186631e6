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

from tenure.agent.charm.copy import find_hook
from tenure.agent.charm.files import CharmFiles
from tenure.agent.daemon import Agent
from tenure.agent.hooks.log import UnitLog
from tenure.agent.hooks.process import HookCommand, HookResult, end_leftovers
from tenure.agent.tools import run_tool
from tenure.agent.tools.base import Call, ToolReply
from tenure.agent.unit import Unit, UnitConfig
from tenure.core.resolver import LocalState
from tenure.leadership.statefile import StateFile, StateNotSaved
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

    def end(self, kind: Literal["done", "failed", "killed"] = "done", detail: str = "") -> None:
        """It ends like this."""
        if not self._result.done():
            self._result.set_result(HookResult(kind, detail))

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


class QuickFiles(CharmFiles):
    """A charm's files that are copied without a thread: virtual time knows none."""

    async def refresh(self, source: str) -> None:
        self.refresh_now(source)


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
        self.unit = Unit(
            self._place(), clock=self.clock, rng=rng, file=self.new_file(),
            find_hook=partial(find_hook, self.folder / "charm"), runner=runner,
            log=UnitLog(self.log_file, self.name, self.clock),
            connection=self.agent.connection, wake=self.agent.wake,
            charm=QuickFiles(self.folder, lambda level, line: None),
        )  # fmt: skip
        self.life = asyncio.get_running_loop().create_task(self._live())

    async def _live(self) -> None:
        self.unit.load()
        self.unit.copied(self.revision)
        self.agent.add(self.unit)
        await self.agent.run()

    def new_file(self) -> DiskFile:
        """A handle on the disk for one more process."""
        self.file = DiskFile(self.disk, self._die)
        return self.file

    def _place(self) -> UnitConfig:
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
        assert self.life is not None
        self.life.cancel()
        for task in (self.unit._task, *self.unit._asked):
            if task is not None:
                task.add_done_callback(_forget)
                task.cancel()
        self.line.cut()

    @property
    def alive(self) -> bool:
        """Whether its agent process runs."""
        return self.life is not None and not self.life.done()

    # -- what a test looks at

    @property
    def leads(self) -> bool:
        """Whether it believes, at this very instant, by its own clock."""
        return self.alive and self.unit.tracker.believes(self.clock.now())

    @property
    def term(self) -> int | None:
        return self.unit.tracker.term if self.leads else None

    @property
    def hooks(self) -> list[str]:
        """The hooks that were started, in all lives."""
        return [ran.hook for ran in self.ran]

    def count(self, hook: str) -> int:
        return self.hooks.count(hook)

    @property
    def running(self) -> str | None:
        """The hook that runs now."""
        plan = self.unit._running_plan if self.alive else None
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
        found = self.unit.context(context_id)
        assert found is not None, f"the context {context_id} is over"
        call = Call(context_id=context_id, tool=name, args=args, cwd="/")
        return await run_tool(found, call, _no_stdin)

    async def is_leader(self) -> Any:
        """What `is-leader` says: True, False, or the error's line."""
        reply = await self.tool("is-leader")
        said = {b"True\n": True, b"False\n": False}
        return said[reply.stdout] if reply.exit_code == 0 else reply.stderr.decode()


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
