"""Hooks of a stage begin one at a time, and time stands still while one is at work.

A hook that fell due waits for its turn: the order is that in which they fell due, then units' own,
or drawn. It begins once nothing in the loop is ready and no other is at work. A hook is at work
while its process lives, none of its tool calls is being served, and it is neither held nor frozen.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from msgspec.structs import replace

from tenure.agent.hooks.process import HookCommand, HookResult, HookRunner, Log, RunningHook
from tenure.agent.hooks.warden_client import Warden, group_lives
from tenure.clock import Clock
from tenure.testing.kit.errors import KitError
from tenure.testing.kit.halts import BEGIN, END, Hold, Holds
from tenure.testing.kit.records import HookRun

GONE_WITHIN = 5.0


class TurnHook:
    """A hook of one unit, as its agent sees it; its process begins when its turn comes."""

    def __init__(
        self, turns: Turns, unit: str, command: HookCommand, run: HookRun, holds: Holds,
        start: Callable[[], RunningHook],
    ) -> None:  # fmt: skip
        self.unit = unit
        self.run = run
        self.due = turns.now()
        self.served = 0
        """Of its tool calls, how many are being served."""
        self.frozen = False
        self.asked_at = 0.0
        """Real time: when it asked something last, or began."""
        self.pid: int | None = None
        self.command = command
        self._turns = turns
        self._holds = holds
        self._start = start
        self._running: RunningHook | None = None
        self._begun: asyncio.Future[HookResult | None]
        self._begun = asyncio.get_running_loop().create_future()

    @property
    def lives(self) -> bool:
        """Whether its process does."""
        return self._running is not None and not self._running.has_ended

    @property
    def is_at_work(self) -> bool:
        """Whether time waits for it."""
        return self.lives and not self.served and not self.frozen

    def begin(self) -> None:
        """It is its turn: nothing else is ready."""
        self._running = self._start()
        self.pid = self._running.pid
        self.asked_at = self._turns.real.now()
        if not self._begun.done():
            self._begun.set_result(None)

    # -- what its agent does (agent.hooks.process.HookProcess)

    async def wait(self) -> HookResult:
        early = await self._begun
        if early is not None:
            return early
        assert self._running is not None
        result = await self._running.wait()
        if (hold := self._holds.at(self.run.hook, END, "before")) is not None:
            await hold.keep(self.run)
        self._turns.over(self)
        return result

    def kill(self) -> None:
        if self._running is not None:
            self._running.kill()
        elif not self._begun.done():
            self._turns.over(self)
            self._begun.set_result(HookResult("killed", "signal: killed"))

    # -- what the stage does

    def die(self) -> None:
        """Its agent was killed: it ends at once, as by the warden, and nobody hears of it."""
        self._turns.over(self)
        self._holds.hook_died(self.run)
        if self._running is not None:
            self._running.die()

    def signal(self, number: signal.Signals) -> None:
        """To its whole group."""
        if self.pid is not None and self.lives:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)


class Turns:
    """Whose hooks run on a stage, and whose turn it is."""

    def __init__(
        self, now: Callable[[], float], real: Clock, patience: float, rng: random.Random | None
    ) -> None:
        self.now = now
        self.real = real
        self.patience = patience
        """Real seconds that a hook may work without asking anything."""
        self._rng = rng
        self._waiting: list[TurnHook] = []
        self._running: list[TurnHook] = []
        self.frozen_units: set[str] = set()

    def wants(self, hook: TurnHook) -> None:
        """It is due."""
        self._waiting.append(hook)

    def over(self, hook: TurnHook) -> None:
        """It has ended, or never began."""
        for hooks in (self._waiting, self._running):
            if hook in hooks:
                hooks.remove(hook)

    @property
    def running(self) -> list[TurnHook]:
        """Those whose processes were begun and are not over."""
        return list(self._running)

    @property
    def waiting(self) -> list[TurnHook]:
        """Those that wait for their turn, and may have one."""
        return [hook for hook in self._waiting if hook.unit not in self.frozen_units]

    def by_context(self, context_id: str) -> TurnHook | None:
        """The hook that runs in this context."""
        return next((each for each in self._running if each.command.context_id == context_id), None)

    def begin_next(self) -> bool:
        """Begin the hook whose turn it is; whether there was one."""
        waiting = self.waiting
        if not waiting:
            return False
        waiting.sort(key=lambda hook: (hook.due, unit_order(hook.unit)))
        hook = waiting[0] if self._rng is None else self._rng.choice(waiting)
        self._waiting.remove(hook)
        self._running.append(hook)
        hook.begin()
        return True

    def real_time_left(self) -> float | None:
        """Real seconds that whoever works may go on; None: nobody works."""
        working = [hook for hook in self._running if hook.is_at_work]
        if not working:
            return None
        return max(0.0, min(hook.asked_at for hook in working) + self.patience - self.real.now())

    def lose_patience(self) -> None:
        """Raises KitError, naming the hook that works for too long."""
        working = [hook for hook in self._running if hook.is_at_work]
        if working and self.real_time_left() == 0.0:
            hook = min(working, key=lambda each: each.asked_at)
            what = hook.run.hook or "command"
            raise KitError(
                f"{hook.unit}'s {what} has run for {self.patience:g} s and asks nothing: does it "
                "wait for stdin, or for time? see halt(), patience="
            )


class StageRunner:
    """Runs the hooks of one unit of a stage, each in its turn."""

    def __init__(
        self, unit: str, turns: Turns, warden: Warden, log: Log, holds: Holds,
        begun: Callable[[HookCommand], HookRun],
    ) -> None:  # fmt: skip
        self._runner = HookRunner(warden, log, until_gone=_wait_until_gone)
        self._unit = unit
        self._turns = turns
        self._holds = holds
        self._begun = begun
        self._holding: asyncio.Task[None] | None = None
        self.last: TurnHook | None = None

    def start(self, command: HookCommand) -> TurnHook:
        """Have it run when its turn comes."""
        command = replace(command, captured=True)
        run = self._begun(command)
        hook = self.last = TurnHook(
            self._turns, self._unit, command, run, self._holds,
            lambda: self._runner.start(command),
        )  # fmt: skip
        hold = self._holds.at(command.hook, BEGIN, "before")
        if hold is None:
            self._turns.wants(hook)
        else:
            self._holding = asyncio.get_running_loop().create_task(self._when_let_go(hook, hold))
        return hook

    async def _when_let_go(self, hook: TurnHook, hold: Hold) -> None:
        await hold.keep(hook.run)
        hook.due = self._turns.now()
        self._turns.wants(hook)

    def end_leftovers(self, pid: int | None, context_id: str) -> None:
        """Of an earlier agent's hook nothing is left: it ended when that agent was killed."""

    def close(self) -> None:
        """Let go of all output."""
        self._runner.close()


def unit_order(unit: str) -> tuple[str, int]:
    """Units in this order: by application, then by number."""
    application, _, number = unit.partition("/")
    return application, int(number or 0)


async def _wait_until_gone(leader: int) -> None:
    """In real time, since virtual time would be over before the kernel is."""
    for _ in range(int(GONE_WITHIN / 0.001)):
        if not group_lives(leader):
            return
        time.sleep(0.001)  # noqa: ASYNC251  nothing else may go on meanwhile
