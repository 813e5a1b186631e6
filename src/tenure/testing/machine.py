"""A machine whose hooks end when a test says, or play a script."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tenure.agent.hooks.process import Log
from tenure.agent.tools import run_tool
from tenure.agent.toolserver import ToolServer
from tenure.testing.bare import BareMachine
from tenure.testing.charm import ALL_HOOKS, QuickFiles, make_charm
from tenure.testing.hooks import HookPlayer, PlayedHook, Ran
from tenure.testing.lines import Line
from tenure.testing.time.loop import Process
from tenure.wire.tools import Call, ToolReply


class Machine(BareMachine):
    """One unit's machine; its charm has `hooks`."""

    def __init__(
        self, unit: str, folder: Path, line: Line, *, hooks: tuple[str, ...] = ALL_HOOKS,
        offset: float = 0.0, rate: float = 1.0, instance: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(unit, folder, line, offset=offset, rate=rate, instance=instance)
        make_charm(self.folder / "charm", hooks)
        self.files = QuickFiles(self.folder)
        self.runner = HookPlayer(self.clock, self._find_server)

    def begin_files(self, log: Log) -> QuickFiles:
        self.files = QuickFiles(self.folder)
        return self.files

    def runner_of(self, log: Log) -> HookPlayer:
        return self.runner

    def take_up_charm(self) -> None:
        self.unit.upgrade.copied(self.revision)

    def hooks_died(self) -> None:
        self.runner.agent_died()

    def slow_copies(self, fault: Exception | None = None) -> QuickFiles:
        """From now on copies of its charm take until their gate is opened, and fail like this."""
        self.files.gate, self.files.fault = asyncio.Event(), fault
        return self.files

    def _find_server(self) -> tuple[Process, ToolServer] | None:
        return (self.process, self.tools) if self.process is not None and self.alive else None

    # -- what is seen of it

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
    def hook(self) -> PlayedHook:
        """The hook that was started last."""
        assert self.runner.last is not None
        return self.runner.last

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


async def _no_stdin(path: str = "") -> bytes:
    return b""
