"""Faults that come while a test's own call runs the stage, and go their way beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from typing import Any

from tenure.testing.kit.records import HookRun

OnCall = Callable[[str, HookRun], Awaitable[bool]]
"""Given the unit and the run of its hook that calls a tool, before anything is decided: it may hold
the call, and says whether it is to fail."""


async def _let_pass(unit: str, run: HookRun) -> bool:
    return False


class Disturbances:
    """Those of one stage. While one is under way, the stage is not settled."""

    def __init__(self) -> None:
        self.on_call: OnCall = _let_pass
        self._under_way: dict[asyncio.Task[None], str] = {}

    def begin(self, what: str, doing: Coroutine[Any, Any, None]) -> None:
        """Have it done. It belongs to no process of the stage: none can take it along."""
        task = asyncio.get_running_loop().create_task(doing, context=Context())
        self._under_way[task] = what

    def owing(self) -> list[str]:
        """What is under way."""
        return [what for task, what in self._under_way.items() if not task.done()]
