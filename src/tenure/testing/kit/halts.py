"""Points at which a test holds a hook: before or after a tool call, at its begin or its end."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Literal

from tenure.testing.kit.records import HookRun

When = Literal["before", "after"]
BEGIN, END = "begin", "end"

UNANSWERED: ContextVar[bool] = ContextVar("unanswered", default=False)
"""Whether the controller does not answer what is asked now."""


class Hold:
    """One point. It is reached once, and let go once."""

    def __init__(self, hook: str, tool: str, when: When, nth: int) -> None:
        self.hook = hook
        self.tool = tool
        self.when = when
        self.nth = nth
        self.run: HookRun | None = None
        """The hook that it holds, or held."""
        self.fails = False
        self.over = False
        """It was let go, or its hook is gone."""
        self.died = False
        """Its hook was gone before it was let go."""
        self._seen = 0
        self._open: asyncio.Event = asyncio.Event()

    @property
    def holds(self) -> bool:
        """Whether a hook is held by it now."""
        return self.run is not None and not self.over

    def takes(self, hook: str, tool: str, when: When) -> bool:
        """Whether this is the point that it waits for; each call of the tool counts once."""
        if self.over or self.run is not None or (hook, tool) != (self.hook, self.tool):
            return False
        if when != self.when:
            return False
        self._seen += 1
        return self._seen == self.nth

    async def keep(self, run: HookRun) -> bool:
        """Hold it until it is let go; whether the call is to fail."""
        self.run = run
        try:
            await self._open.wait()
        finally:  # because whoever called the tool may be gone
            self.died = self.died or not self.over
            self.over = True
        return self.fails

    def let_go(self, *, fails: bool = False) -> None:
        """What it holds goes on; what comes is not held any more."""
        self.fails = fails
        self.over = True
        self._open.set()


class Holds:
    """All points of one unit."""

    def __init__(self) -> None:
        self._all: list[Hold] = []

    def add(self, hold: Hold) -> None:
        """From now on it is looked for."""
        self._all.append(hold)

    @property
    def holding(self) -> list[Hold]:
        """Those that hold a hook now."""
        return [each for each in self._all if each.holds]

    def at(self, hook: str, tool: str, when: When) -> list[Hold]:
        """The points that are reached now. Every point counts what passes it."""
        return [each for each in self._all if each.takes(hook, tool, when)]

    async def keep(self, run: HookRun, tool: str, when: When) -> bool:
        """Hold the hook if this is such a point; whether the call is to fail."""
        fails = [await hold.keep(run) for hold in self.at(run.hook, tool, when)]
        return any(fails)

    def hook_died(self, run: HookRun) -> None:
        """Nobody is held any more whose hook is gone."""
        for each in self._all:
            if each.run is run and not each.over:
                each.over = each.died = True
