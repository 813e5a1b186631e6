"""Hooks without processes: each ends when somebody says so, or plays a script.

A script is a coroutine that is handed its hook and does what a charm would: it calls hook tools,
takes its time, and fails. It runs in a process of its own, as a hook does, and dies with its agent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from msgspec import Struct

from tenure.agent.hooks.leftovers import end_leftovers
from tenure.agent.hooks.process import HookCommand, HookResult
from tenure.agent.toolserver import ToolServer
from tenure.clock import Clock
from tenure.testing.time.loop import Process, running_loop
from tenure.testing.toolcall import ToolCall

FindServer = Callable[[], tuple[Process, ToolServer] | None]
"""The agent's process and its tool server, if one serves now."""


class Ran(Struct, frozen=True):
    """A hook that was started."""

    hook: str
    at: float
    env: dict[str, str]


class PlayedHook:
    """A started hook, as its agent sees it, and as a script does."""

    pid: int | None = None

    def __init__(self, command: HookCommand, find_server: FindServer) -> None:
        self.command = command
        self.kills = 0
        """How often it was killed."""
        self.process: Process | None = None
        """Its own, if it plays a script."""
        self._find_server = find_server
        self._result: asyncio.Future[HookResult] = asyncio.get_running_loop().create_future()

    # -- what its agent does (agent.hooks.process.HookProcess)

    async def wait(self) -> HookResult:
        return await asyncio.shield(self._result)

    def kill(self) -> None:
        self.kills += 1
        self.end("killed", "signal: killed")

    def terminate(self) -> None:
        self.end("killed", "signal: terminated")

    # -- what a test or a script does

    def end(
        self,
        kind: Literal["done", "failed", "killed"] = "done",
        detail: str = "",
        exit_code: int | None = None,
    ) -> None:
        """It ends like this, unless it is over."""
        if not self._result.done():
            self._result.set_result(HookResult(kind, detail, exit_code))
        if self.process is not None:
            self.process.kill()

    async def tool(self, name: str, *args: str) -> tuple[int, str, str]:
        """Call a hook tool: its exit code, stdout and stderr."""
        return await ToolCall(self._find_server, self.command.context_id).run(name, *args)

    def play(self, script: Script) -> None:
        """Do what the script says; when it is over, the hook ends well."""
        self.process = running_loop().process(f"hook {self.command.hook}")
        self.process.spawn(self._live(script))

    async def _live(self, script: Script) -> None:
        try:
            await script(self)
        except Exception as fault:
            self.end("failed", f"its script fell: {fault!r}")
            raise
        self.end()


Script = Callable[[PlayedHook], Awaitable[None]]


class HookPlayer:
    """Runs the hooks of one agent. One that has a script plays it; one that is named in `held` runs
    until it is ended; all others end at once, well unless `failing` counts them down."""

    def __init__(self, clock: Clock, find_server: FindServer) -> None:
        self.ran: list[Ran] = []
        """The hooks that were started, in all lives of the agent."""
        self.held: set[str] = set()
        self.failing: dict[str, int] = {}
        self.scripts: dict[str, Script] = {}
        self.last: PlayedHook | None = None
        self._clock = clock
        self._find_server = find_server

    def start(self, command: HookCommand) -> PlayedHook:
        hook = self.last = PlayedHook(command, self._find_server)
        self.ran.append(Ran(command.hook, self._clock.now(), dict(command.env)))
        if self.failing.get(command.hook, 0) > 0:
            self.failing[command.hook] -= 1
            hook.end("failed", "exit status 1")
        elif command.hook in self.scripts:
            hook.play(self.scripts[command.hook])
        elif command.hook not in self.held:
            hook.end()
        return hook

    def end_leftovers(self, pid: int | None, context_id: str) -> None:
        end_leftovers(pid, context_id)

    def agent_died(self) -> None:
        """What plays a script dies with its agent (H8)."""
        if self.last is not None and self.last.process is not None:
            self.last.process.kill()
