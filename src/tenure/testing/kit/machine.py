"""A unit's machine on a stage: a real agent in virtual time, whose hooks are real processes."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tenure.agent.config import UnitConfig
from tenure.agent.daemon import Agent
from tenure.agent.hooks.output import Captured
from tenure.agent.hooks.process import HookResult, Log
from tenure.agent.hooks.warden_client import Warden
from tenure.agent.observer import Observer
from tenure.agent.tools import run_tool
from tenure.agent.tools.base import Context as ToolContext
from tenure.agent.tools.base import ReadStdin
from tenure.clock import Clock
from tenure.core.localstate import RunHook
from tenure.errors import Unsure
from tenure.leadership.claimant import LeadershipUnknown
from tenure.leadership.connection import Answer, Connection
from tenure.testing.bare import BareMachine
from tenure.testing.charm import QuickFiles
from tenure.testing.kit.disturbances import Disturbances
from tenure.testing.kit.errors import KitError, one_line
from tenure.testing.kit.halts import UNANSWERED, Holds
from tenure.testing.kit.records import Call, HookRun, HookRuns
from tenure.testing.kit.turns import StageRunner, TurnHook, Turns
from tenure.testing.lines import Line
from tenure.testing.time.loop import Process, running_loop
from tenure.wire import tools as wire

MOST_CALLS = 1000
"""Tool calls of one hook at one instant, after which it waits for what will not come."""

UNANSWERED_FOR = "no answer from the controller within 10 s"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all machines of a stage share. `charm_of` gives the folder and the revision of the charm
    that a unit is to run; `number` counts what happens; `tell` adds a line to the story."""

    folder: Path
    sockets: Path
    turns: Turns
    warden: Warden
    charm_of: Callable[[str], tuple[str, int]]
    now: Callable[[], float]
    number: Callable[[], int]
    tell: Callable[[str], None]
    disturbances: Disturbances
    fail: Callable[[Exception], None]
    """The stage cannot go on for this reason: whatever runs it raises that."""


class RealMachine(BareMachine):
    """One unit's machine. `hooks` are the runs of all lives of its agent."""

    def __init__(self, unit: str, line: Line, around: Surroundings) -> None:
        super().__init__(unit, around.folder / "units", line)
        self.around = around
        self.folder.mkdir(parents=True, exist_ok=True)
        self.hooks = HookRuns()
        self.calls: list[Call] = []
        self.holds = Holds()
        self.source, self.revision = around.charm_of(unit)
        self.shims = around.folder / "shims"
        self.observer = _Watch(self)
        self.run_tool = self._run_tool
        self.frozen = False
        self.cut_off = False
        self.runner: StageRunner
        self.files: QuickFiles

    # -- how its agent begins

    def config(self) -> UnitConfig:
        return UnitConfig(
            unit=self.name, instance=self.instance, boot_id=self.boot,
            charm=self.folder / "charm", tools=self.around.folder / "tools",
            socket=self.around.sockets / self.name.replace("/", "-"),
            model_name="tenure", model_uuid="stage",
            inherited={k: v for k, v in os.environ.items() if k in ("PATH", "HOME")},
            update_every=self.update_every, shims=self.shims, charm_revision=self.revision,
        )  # fmt: skip

    def begin_files(self, log: Log) -> QuickFiles:
        self.files = QuickFiles(self.folder, log.log)
        return self.files

    def runner_of(self, log: Log) -> StageRunner:
        around = self.around
        self.runner = StageRunner(
            self.name, around.turns, around.warden, log, self.holds, self._hook_begins
        )
        return self.runner

    def connection_of(self, agent: Agent) -> Connection:
        return cast(Connection, _Answering(agent.connection))

    def take_up_charm(self) -> None:
        self.source, self.revision = self.around.charm_of(self.name)
        is_new = not 0 < self.revision <= self.unit.state.charm_copied
        if is_new or not self.files.is_whole():
            self.files.refresh_now(self.source)
            self.unit.upgrade.copied(self.revision)
        self.unit.upgrade.look()
        self.files.facts()

    def start(self) -> None:
        super().start()
        assert self.life is not None
        self.life.add_done_callback(self._ended, context=Context())

    def _ended(self, life: asyncio.Task[None]) -> None:
        assert self.process is not None
        if not life.cancelled() and (fault := life.exception()) and not self.process.dead:
            self.around.fail(KitError(f"the agent of {self.name} has ended: {one_line(fault)}"))

    async def live(self) -> None:
        await self.tools.start()
        try:
            await self.agent.run()
        finally:
            self._close_soon()

    def hooks_died(self) -> None:
        for hook in self.my_hooks():
            hook.die()
            if hook.pid is not None:
                self.hook_ended(hook.run, HookResult("killed", ""))
        self._close_soon()

    def _close_soon(self) -> None:
        self.runner.close()
        closing = Context().run(asyncio.get_running_loop().create_task, self.tools.close())
        self._closing = closing  # because the loop keeps no reference of it

    def my_hooks(self) -> list[TurnHook]:
        """Those that run or wait for their turn."""
        last = getattr(self, "runner", None) and self.runner.last
        return [last] if last is not None and not last.over else []

    # -- hooks and calls

    def _hook_begins(self, run: HookRun) -> None:
        run.began, run.number = self.around.now(), self.around.number()
        if run.hook:
            self.hooks.append(run)

    def hook_ended(self, run: HookRun, result: HookResult) -> None:
        """How it ended in the end, what it left pending included."""
        around = self.around
        run.ended, run.ended_number = around.now(), around.number()
        run.result, run.detail = result.kind, result.detail
        run.stdout, run.stderr = text_of(result.stdout), text_of(result.stderr)
        said = f" ({run.detail})" if run.detail else ""
        if run.result == "failed" and (last := _last_line(run.stderr)):
            said = f"{said}: {last}"
        around.tell(f"{self.name} {run.hook or 'exec'}: {_ENDED[result.kind]}{said}")

    def how_it_failed(self) -> str:
        """The hook that failed: its exit status, the last that it wrote to stderr, and its log."""
        failure = self.unit.state.failure
        assert failure is not None
        runs = [run for run in self.hooks if run.hook == failure.hook]
        last = _last_line(runs[-1].stderr) if runs else ""
        return f"{failure.detail}{f': {last}' if last else ''} (see the log of {self.name})"

    async def _run_tool(
        self, context: ToolContext, call: wire.Call, read_stdin: ReadStdin
    ) -> wire.ToolReply:
        hook = self.around.turns.by_context(call.context_id)
        if hook is None:
            return await run_tool(context, call, read_stdin)
        around, run = self.around, hook.run
        made = Call(call.tool, call.args, run.hook, around.now(), number=around.number())
        run.calls.append(made)
        self.calls.append(made)
        self._look_for_loops(run)
        hook.served += 1
        try:
            reply = await self._held_or_run(
                context, call, _served(hook, around.turns.real, read_stdin), hook
            )
            await around.turns.turn_of(hook)
        finally:
            hook.served -= 1
            hook.asked_at = around.turns.real.now()
        made.code = reply.exit_code
        made.stdout = reply.stdout.decode("utf-8", "replace")
        made.stderr = reply.stderr.decode("utf-8", "replace")
        around.tell(f"{self.name} {run.hook or 'exec'}: {told(made)}")
        return reply

    def _look_for_loops(self, run: HookRun) -> None:
        calls = run.calls
        if len(calls) % MOST_CALLS == 0 and calls[-1].at - calls[-MOST_CALLS].at < 1.0:
            self.around.fail(
                KitError(
                    f"{self.name}'s {run.hook or 'command'} has called {MOST_CALLS} tools at one "
                    f"instant, {calls[-1].tool} last: does it wait for something? time stands "
                    "still while a hook works: see halt()"
                )
            )

    async def _held_or_run(
        self, context: ToolContext, call: wire.Call, read_stdin: ReadStdin, hook: TurnHook
    ) -> wire.ToolReply:
        fails = await self.around.disturbances.on_call(self.name, hook.run)
        fails = await self.holds.keep(hook.run, call.tool, "before") or fails
        UNANSWERED.set(fails)
        asked = cast(ToolContext, _Unanswered(context)) if fails else context
        reply = await run_tool(asked, call, read_stdin)
        await self.holds.keep(hook.run, call.tool, "after")
        return reply

    # -- faults

    def freeze(self, span: float) -> None:
        """The machine is suspended for so long: its timers do not count that time."""
        process = self.process
        assert process is not None
        self.frozen = True
        self.around.turns.frozen_units.add(self.name)
        process.stop("suspend")
        for hook in self.my_hooks():
            hook.frozen = True
            self.around.turns.freeze(hook)
        self.runner.signal(signal.SIGSTOP)
        running_loop().call_later(span, self._thaw, process, span, context=Context())

    def _thaw(self, process: Process, span: float) -> None:
        self.frozen = False
        self.around.turns.frozen_units.discard(self.name)
        if process.dead or process is not self.process:
            return
        running_loop().delay_timers({process}, span)
        process.go_on("suspend")
        hooks = self.my_hooks()
        self.runner.signal(signal.SIGCONT, but=[hook.pid for hook in hooks])
        for hook in hooks:
            hook.go_on()
        self.around.tell(f"{self.name} goes on")


_ENDED = {"done": "ended well", "failed": "failed", "killed": "was killed"}


class _Watch(Observer):
    """Hears how a machine's hooks end."""

    def __init__(self, machine: RealMachine) -> None:
        self._machine = machine

    def hook_ended(self, hook: RunHook, result: HookResult) -> None:
        runs = self._machine.hooks
        if runs and runs[-1].hook == hook.hook and runs[-1].ended is None:
            self._machine.hook_ended(runs[-1], result)


class _Answering:
    """The unit's connection, but for requests that the test lets go without an answer."""

    def __init__(self, real: Connection) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def request(self, build: Any, within: float) -> Answer:
        if UNANSWERED.get():
            raise Unsure(UNANSWERED_FOR)
        return await self._real.request(build, within)


class _Unanswered:
    """A hook's context while the controller does not answer."""

    def __init__(self, real: ToolContext) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def is_leader(self) -> bool:
        raise LeadershipUnknown(UNANSWERED_FOR)


def _served(hook: TurnHook, real: Clock, read_stdin: ReadStdin) -> ReadStdin:
    """While it is the client who is to send something, its hook works."""

    async def read(path: str = "") -> bytes:
        hook.served -= 1
        hook.asked_at = real.now()
        try:
            return await read_stdin(path)
        finally:
            hook.served += 1

    return read


def told(call: Call) -> str:
    """A call in a line: `leader-set owner=web/1 -> 1 not the leader`."""
    words = " ".join([call.tool, *map(_shown, call.args)])
    said = _shown((call.stderr if call.code else call.stdout).strip().removeprefix("ERROR "))
    return f"{words} -> {call.code}{f' {said}' if said else ''}"


MAX_SHOWN = 40
MAX_ERROR = 120


def _last_line(text: str) -> str:
    """The last line that is not empty, cut."""
    lines = [line for line in text.splitlines() if line.strip()]
    line = lines[-1].strip() if lines else ""
    return line if len(line) <= MAX_ERROR else f"{line[: MAX_ERROR - 1]}…"


def _shown(text: str) -> str:
    line = text.replace("\n", "\\n")
    return line if len(line) <= MAX_SHOWN else f"{line[: MAX_SHOWN - 1]}…"


def text_of(captured: Captured | None) -> str:
    """What was captured of a stream, as text."""
    return "" if captured is None else bytes(captured.content).decode("utf-8", "replace")
