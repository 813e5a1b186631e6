"""Hooks of a stage work one at a time, and time stands still while one is at work.

A hook that fell due waits for its turn: the order is that in which they fell due, then units' own,
or drawn. It begins once nothing in the loop is ready and no other is at work. A hook is at work
while its process lives, none of its tool calls is being served, and it is neither held nor frozen.

Whoever stopped working while others may work - a call was served, a machine was suspended - goes on
when nobody else is at work: of two that worked at once, nobody could say who asks first.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from tenure.agent.hooks.process import HookCommand, HookResult, HookRunner, Log, RunningHook
from tenure.agent.hooks.warden_client import Warden, group_lives, signal_group
from tenure.clock import Clock
from tenure.testing.kit.errors import KitError
from tenure.testing.kit.halts import BEGIN, END, Hold, Holds
from tenure.testing.kit.records import HookRun

GONE_WITHIN = 5.0


class TurnHook:
    """A hook of one unit, as its agent sees it; its process begins when its turn comes."""

    def __init__(
        self, turns: Turns, unit: str, command: HookCommand, run: HookRun, holds: Holds,
        start: Callable[[], RunningHook], on_begin: Callable[[HookRun], None],
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
        self._on_begin = on_begin
        self.over = False
        """It has ended, or will never begin."""
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
        self._on_begin(self.run)
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
        await self._holds.keep(self.run, END, "before")
        self._turns.end(self)
        return result

    def kill(self) -> None:
        if self._running is not None:
            self._running.kill()
        elif not self._begun.done():
            self._turns.end(self)
            self._holds.hook_died(self.run)
            self._begun.set_result(HookResult("killed", "signal: killed"))

    # -- what the stage does

    def die(self) -> None:
        """Its agent was killed: it ends at once, as by the warden, and nobody hears of it."""
        self._turns.end(self)
        self._holds.hook_died(self.run)
        if self._running is not None:
            self._running.die()

    def go_on(self) -> None:
        """Its machine does: it works again when nobody else is at work."""
        self._turns.go_on(self, self._thawed)

    def _thawed(self) -> None:
        self.frozen = False
        self.asked_at = self._turns.real.now()
        if self.pid is not None and self.lives:
            signal_group(self.pid, signal.SIGCONT)


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
        self._going_on: list[tuple[TurnHook, Callable[[], None]]] = []
        self.frozen_units: set[str] = set()

    def wants(self, hook: TurnHook) -> None:
        """It is due."""
        self._waiting.append(hook)

    def end(self, hook: TurnHook) -> None:
        """It has ended, or will never begin."""
        hook.over = True
        for hooks in (self._waiting, self._running):
            if hook in hooks:
                hooks.remove(hook)
        self.freeze(hook)

    def freeze(self, hook: TurnHook) -> None:
        """It does not go on, if it was to."""
        self._going_on = [pair for pair in self._going_on if pair[0] is not hook]

    def go_on(self, hook: TurnHook, do: Callable[[], None]) -> None:
        """It has it go on, at once or when nobody else is at work."""
        if any(other.is_at_work for other in self._running if other is not hook):
            self._going_on.append((hook, do))
        else:
            do()

    async def turn_of(self, hook: TurnHook) -> None:
        """Until it may go on, since nobody else is at work."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.go_on(hook, lambda: None if future.done() else future.set_result(None))
        if not future.done():
            await future

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
        """Have the hook whose turn it is begin, or go on; whether there was one."""
        going_on = (pair for pair in self._going_on if pair[0].unit not in self.frozen_units)
        if (pair := next(going_on, None)) is not None:
            self._going_on.remove(pair)
            pair[1]()
            return True
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
        on_begin: Callable[[HookRun], None],
    ) -> None:  # fmt: skip
        self._runner = HookRunner(warden, log, until_gone=_wait_until_gone)
        self._started: list[RunningHook] = []
        self._unit = unit
        self._turns = turns
        self._holds = holds
        self._on_begin = on_begin
        self._holding: asyncio.Task[None] | None = None
        self.last: TurnHook | None = None

    def start(self, command: HookCommand) -> TurnHook:
        """Have it run when its turn comes."""
        command = replace(command, captured=True)
        run = HookRun(command.hook, self._turns.now(), dict(command.env))
        hook = self.last = TurnHook(
            self._turns, self._unit, command, run, self._holds, lambda: self._start(command),
            self._on_begin,
        )  # fmt: skip
        reached = self._holds.at(command.hook, BEGIN, "before")
        if not reached:
            self._turns.wants(hook)
        else:
            self._holding = asyncio.get_running_loop().create_task(self._when_let_go(hook, reached))
        return hook

    def _start(self, command: HookCommand) -> RunningHook:
        self._started = [each for each in self._started if _group_of(each)]
        hook = self._runner.start(command)
        self._started.append(hook)
        return hook

    async def _when_let_go(self, hook: TurnHook, reached: list[Hold]) -> None:
        for hold in reached:
            await hold.keep(hook.run)
        if not hook.over:
            hook.due = self._turns.now()
            self._turns.wants(hook)

    def signal(self, number: signal.Signals, but: Sequence[int | None] = ()) -> None:
        """To the groups of all its hooks, also of those that have ended."""
        for hook in self._started:
            if (group := _group_of(hook)) is not None and group not in but:
                signal_group(group, number)

    def end_leftovers(self, pid: int | None, context_id: str) -> None:
        """Of an earlier agent's hook nothing is left: it ended when that agent was killed."""

    def close(self) -> None:
        """Let go of all output, and end what the warden would: the groups of all its hooks."""
        self.signal(signal.SIGKILL)
        self._runner.close()


def unit_order(unit: str) -> tuple[str, int]:
    """Units in this order: by application, then by number."""
    application, _, number = unit.partition("/")
    return application, int(number or 0)


def _group_of(hook: RunningHook) -> int | None:
    """Its group's number, if the group is there."""
    if hook.pid is not None and (not hook.has_ended or group_lives(hook.pid)):
        return hook.pid
    return None


async def _wait_until_gone(leader: int) -> None:
    """In real time, since virtual time would be over before the kernel is."""
    for _ in range(int(GONE_WITHIN / 0.001)):
        if not group_lives(leader):
            return
        time.sleep(0.001)  # noqa: ASYNC251  nothing else may go on meanwhile
