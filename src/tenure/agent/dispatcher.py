"""Runs the hooks of one unit, one at a time, and records what came of each (H2, H5, H7, H8).

The order of a hook: recorded as begun, looked at once more (H2), started; stop, commit, end
(`contexts.conclude`); then, in one write, no more begun and what it paid.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from msgspec.structs import replace

from tenure.agent.context.hook import HookContext
from tenure.agent.contexts import Contexts
from tenure.agent.hooks.process import HookCommand, HookProcess, HookResult, Runner
from tenure.agent.observer import Observer
from tenure.agent.parts import UnitParts
from tenure.charms.folder import CharmError
from tenure.core import localstate
from tenure.core.localstate import ELECTED, START, UPDATE, LocalState, RunHook
from tenure.core.schedule import Schedule
from tenure.durations import format_duration

FindHook = Callable[[str], tuple[str, ...] | None]
"""Looks a hook up in the charm. Raises CharmError for one that is there and cannot be run."""


class Dispatcher:
    """What runs now, if anything, is its own: a hook's process, or an action's."""

    def __init__(
        self,
        parts: UnitParts,
        contexts: Contexts,
        schedule: Schedule,
        *,
        find_hook: FindHook,
        runner: Runner,
        rng: random.Random,
        observer: Observer,
    ) -> None:
        self.running: RunHook | None = None
        """The hook or action that runs, until what it left pending is kept."""
        self.copy_lost = False
        """The unit's copy of the charm is not whole: it was found out when a hook was due."""
        self.copy_fault = ""
        """What was wrong with the copy, also once it was made again; until the next upgrade."""
        self._parts = parts
        self._contexts = contexts
        self._schedule = schedule
        self._find_hook = find_hook
        self._runner = runner
        self._rng = rng
        self._observer = observer
        self._process: HookProcess | None = None
        self._condemned = ""
        self._began_at = 0.0
        self._task: asyncio.Task[None] | None = None  # because the loop keeps no reference of it

    @property
    def _state(self) -> LocalState:
        return self._parts.record.state

    # -- beginning

    def begin(self, hook: RunHook, *, may_run: bool) -> bool:
        """Run the hook, or pay it at once if the charm has none (H6). `may_run`: the agent does not
        end. Returns whether the next one may be looked for in the same step."""
        argv, fault = self._look_up(hook)
        if argv is None and not fault:
            self._skip_missing(hook)
            return True
        if may_run:
            self._begin(hook, argv, fault)
        return False

    def _look_up(self, hook: RunHook) -> tuple[tuple[str, ...] | None, str]:
        """What to run for it, or why it cannot be run; neither: the charm has none."""
        damage = self._parts.charm.damage()
        if damage:
            self.copy_lost, self.copy_fault = True, damage
            return None, f"{damage}: it is copied again before the hook is tried again"
        try:
            return self._find_hook(hook.hook), ""
        except CharmError as fault:  # because it is there and fails
            return None, str(fault)

    def _skip_missing(self, hook: RunHook) -> None:
        self._say("DEBUG", f"{hook.hook} skipped: the charm has none")
        self._parts.record.owe(localstate.paid(self._state, hook))
        if hook.hook in (START, UPDATE):
            self.arm_update()
        self._parts.wake()

    def begin_upgrade(self, hook: RunHook, *, may_run: Callable[[], bool]) -> None:
        """Run `upgrade-charm` from the copy that is new now, or pay it at once."""
        argv, fault = self._look_up(hook)
        if argv is None and not fault:
            self._say("DEBUG", f"{hook.hook} skipped: the charm has none")
            self.pay(hook)
        elif may_run():
            self._begin(hook, argv, fault)
        else:
            return  # and nobody is woken: the next turn would come here again, for ever
        self._parts.wake()

    def _begin(self, hook: RunHook, argv: tuple[str, ...] | None, fault: str) -> None:
        self._schedule.began()
        if argv is None:
            self.end(hook, HookResult("failed", fault))
            return
        context_id = self._contexts.new_id(hook.hook)
        begun = localstate.begun(self._state, hook, context_id, self._parts.config.boot_id)
        if not self._parts.record.must_save(begun):
            return
        if hook.hook == ELECTED and not self._parts.claimant.promise(context_id, hook.term):
            # H2: looked at again just before running, since its start is a promise (G3)
            self._parts.record.remember(localstate.cleared(self._state))
            self._say("INFO", f"{hook.hook} skipped: leadership has gone")
            return
        context, env = self._contexts.of_hook(hook, context_id)
        process = self._start(hook, argv, env, context_id)
        task = self._until_over(hook, process, context)
        self._task = asyncio.get_running_loop().create_task(task)

    def _start(
        self,
        hook: RunHook,
        argv: tuple[str, ...],
        env: dict[str, str],
        context_id: str,
        *,
        captured: bool = False,
    ) -> HookProcess:
        self.running = hook
        self._began_at = self._parts.clock.now()
        self._process = self._runner.start(
            HookCommand(
                hook=hook.hook,
                argv=argv,
                env=env,
                cwd=str(self._parts.config.charm),
                context_id=context_id,
                captured=captured,
            )
        )
        recorded = self._state.running
        if recorded is not None:
            state = replace(self._state, running=replace(recorded, pid=self._process.pid))
            self._parts.record.remember(state, durable=False)
        return self._process

    async def _until_over(self, hook: RunHook, process: HookProcess, context: HookContext) -> None:
        self.end(hook, await self._concluded(process, context))

    async def _concluded(self, process: HookProcess, context: HookContext) -> HookResult:
        result = await process.wait()
        self._process = None
        if self._condemned and result.kind == "killed":
            result = HookResult("failed", self._condemned)
        self._condemned = ""
        result = await self._contexts.conclude(context, result)
        self.running = None
        return result

    async def run(
        self, hook: RunHook, argv: tuple[str, ...], env: dict[str, str], context: HookContext
    ) -> HookResult | None:
        """Run what nobody owes, an action, to its end, and capture what it writes; None if its
        beginning cannot be saved."""
        begun = localstate.begun(self._state, hook, context.context_id, self._parts.config.boot_id)
        if not self._parts.record.must_save(begun):
            return None
        process = self._start(hook, argv, env, context.context_id, captured=True)
        result = await self._concluded(process, context)
        self._parts.record.remember(localstate.cleared(self._state))
        return result

    # -- ending one before its time

    @property
    def ends_at(self) -> float | None:
        """The instant at which the running hook counts as hung, if it may ever."""
        timeout = self._parts.config.hook_timeout
        if not timeout or self._process is None or self.running is None or self.running.is_action:
            return None
        return self._began_at + timeout

    def end_if_hung(self, now: float) -> None:
        """A hook that ran for longer than operators said is ended, and has failed (H7)."""
        if self.ends_at is not None and now >= self.ends_at and self.running is not None:
            after = format_duration(self._parts.config.hook_timeout)
            self.fail(self.running.hook, f"it ran for longer than {after} (--hook-timeout)")

    def fail(self, hook: str, why: str) -> None:
        """End that hook, or action, with its group, if it is what runs: it has failed (H7)."""
        if self._process is not None and self.running is not None and self.running.hook == hook:
            self._condemned = self._condemned or why
            self._process.kill()

    def kill(self) -> None:
        """End what runs at once, with its group; an operator's context, too."""
        if self._process is not None:
            self._process.kill()
        else:
            self._contexts.close_live()

    # -- the end of a hook

    def end(self, hook: RunHook, result: HookResult) -> None:
        """Record what came of it."""
        self._observer.hook_ended(hook, result)
        if result.kind == "done":
            self._schedule.done(hook.hook)
            self._say("INFO", f"{hook.hook} ended well")
            self.pay(hook)
        elif localstate.is_skipped(self._state, hook):
            self._say("WARNING", f"{hook.hook} skipped by an operator: {result.detail}")
            self.pay(hook)
        elif result.kind == "failed":
            self._fail(hook, result.detail)
        else:
            self._parts.record.remember(localstate.cleared(self._state))
            pause = self._schedule.killed(self._parts.clock.now(), hook.hook, result.detail)
            again = f"it is owed again, and runs in {pause:g} s" if pause else "it is owed again"
            self._say("WARNING", f"{hook.hook} was killed ({result.detail}): {again}")
        if hook.hook in (START, UPDATE):
            self.arm_update()
        self._parts.wake()  # because the next one may be due, also when this was only skipped

    def _fail(self, hook: RunHook, detail: str) -> None:
        self._say("ERROR", f'hook failed: "{hook.hook}": {detail}')
        clock = self._parts.clock
        failed = localstate.failed(
            self._state, hook.hook, detail, hook.term, hook.event, clock.wall()
        )
        self._parts.record.remember(failed)
        assert self._state.failure is not None
        attempts, now = self._state.failure.attempts, clock.now()
        self._schedule.failed(now, hook.hook, attempts, self._rng.uniform(0.8, 1.0))

    def pay(self, hook: RunHook) -> None:
        """Record that it ran, and what that paid, in one write (H5)."""
        revisions = self._parts.remote.revisions
        seen = revisions.covered(hook.target_revision)
        paid = localstate.paid(self._state, replace(hook, target_revision=seen))
        self._parts.record.remember(paid)
        revisions.forget(self._state.seen_revision)

    def skip(self, hook: RunHook) -> bool:
        """Pay a failed hook as if it had run (H7); the next one may begin at once."""
        self.pay(hook)
        self._say("WARNING", f"{hook.hook} skipped by an operator")
        return True

    def arm_update(self) -> None:
        """The next `update-status` comes after its interval, give or take a fifth (H1)."""
        given = self._parts.remote.charm
        every = given.update_status_interval if given is not None else None
        every = every or self._parts.config.update_every
        self._schedule.update_after(self._parts.clock.now(), every * self._rng.uniform(0.8, 1.2))

    def _say(self, level: str, message: str) -> None:
        self._parts.log.log(level, message)
