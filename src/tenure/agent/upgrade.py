"""Brings a unit's copy of its charm up to date, beside the loop: renewals go on meanwhile.

What was interrupted is neither the old charm nor the new one, so no hook runs from it in this life
of the agent; the next one goes on with the copy before anything else. Nor does a hook run from a
copy that failed in the middle, or that was swept away: the charm is copied again first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec.structs import replace

from tenure.agent.charm.copy import CopyInterrupted
from tenure.agent.dispatcher import Dispatcher
from tenure.agent.hooks.process import HookResult
from tenure.agent.parts import UnitParts
from tenure.core import localstate
from tenure.core.effects import CharmChanged
from tenure.core.localstate import UPGRADE, RunHook
from tenure.core.operations import CopyCharm
from tenure.core.schedule import LAST_RETRY, Schedule, retry_after
from tenure.errors import TenureError


class CharmUpgrade:
    """`may_run` tells whether `upgrade-charm` may still begin when the copy is made."""

    def __init__(
        self,
        parts: UnitParts,
        dispatcher: Dispatcher,
        schedule: Schedule,
        may_run: Callable[[], bool],
    ) -> None:
        self.half_copied = False
        """The agent's end interrupted a copy: no hook runs from it in this life."""
        self.copy_at = float("-inf")
        """No copy is tried before."""
        self._parts = parts
        self._dispatcher = dispatcher
        self._schedule = schedule
        self._may_run = may_run
        self._failures = 0
        self._copying: asyncio.Task[None] | None = None

    @property
    def lost(self) -> bool:
        """Whether the copy is known not to be whole."""
        return self._dispatcher.copy_lost

    def look(self) -> None:
        """Find out whether the copy is whole."""
        damage = self._parts.charm.damage()
        self._dispatcher.copy_lost = bool(damage)
        if damage:
            self._dispatcher.copy_fault = damage

    @property
    def busy(self) -> bool:
        """Whether a copy is being made."""
        return self._copying is not None

    def charm_changed(self) -> None:
        """Another charm was handed in: what failed before says nothing about it."""
        self.copy_at, self._failures = float("-inf"), 0
        if not self.lost:
            self._dispatcher.copy_fault = ""

    def interrupt(self) -> None:
        """End a copy that is under way, soon."""
        self._parts.charm.interrupt()

    def begin(self, operation: CopyCharm) -> bool:
        """Copy, if the copy is not new already; then run the hook, if there is one. Nothing else is
        begun beside it."""
        hook = operation.then
        if hook is None:
            self._start(self._copy_and_retry())
            return False
        self._schedule.began()
        if hook.hook != UPGRADE:
            self._start(self._copy_for(hook))
        elif self._parts.record.state.charm_copied == hook.charm_revision and not self.lost:
            self._dispatcher.begin_upgrade(hook, may_run=self._may_run)
        else:
            self._start(self._copy_and_upgrade(hook))
        return False

    def _start(self, copying: Coroutine[Any, Any, None]) -> None:
        self._copying = asyncio.get_running_loop().create_task(copying)

    async def _copy_and_upgrade(self, hook: RunHook) -> None:
        result, revision = await self._copy()
        if self._parts.record.state.charm_revision == revision:
            return  # an operator skipped it meanwhile
        hook = replace(hook, charm_revision=revision)
        if result.kind == "done":
            self._dispatcher.begin_upgrade(hook, may_run=self._may_run)
        elif result.kind == "failed":
            self._dispatcher.end(hook, result)

    async def _copy_for(self, hook: RunHook) -> None:
        """What the hook is to run from was lost. Whether it is still owed is looked at again."""
        result, _ = await self._copy()
        if result.kind == "done":
            self._parts.log.log("WARNING", "the charm was copied again: the unit had lost it")
            self._schedule.retry_now()
        elif result.kind == "failed":
            self._dispatcher.end(hook, result)

    async def _copy_and_retry(self) -> None:
        """A unit in error is given a new charm at once: it may mend what failed (H7)."""
        result, _ = await self._copy()
        if result.kind == "done":
            if self._parts.record.state.failure is not None:
                self._schedule.retry_now()
            else:
                self._schedule.forget_retry()
        elif result.kind == "failed":
            self._parts.log.log("ERROR", f"the charm was not brought up to date: {result.detail}")

    def _given(self) -> CharmChanged:
        given = self._parts.remote.charm
        assert given is not None, "a copy is owed because a charm was handed in"
        return given

    async def _copy(self) -> tuple[HookResult, int]:
        """How that went, and the revision: what was "killed" goes on in the next life.

        What fails because another charm was handed in meanwhile is no failure: that one is copied.
        """
        try:
            while True:
                given = self._given()
                result = await self._copy_one(given)
                if result.kind != "failed" or given.revision == self._given().revision:
                    return result, given.revision
        finally:
            self._copying = None
            self._parts.wake()

    async def _copy_one(self, given: CharmChanged) -> HookResult:
        result = HookResult("done", "")
        try:
            await self._parts.charm.refresh(given.source)
            self.copied(given.revision)
            self._failures = 0
        except CopyInterrupted as fault:
            self.half_copied = True
            result = HookResult("killed", str(fault))
        except TenureError as fault:
            result = HookResult("failed", str(fault))
        except Exception as fault:  # because a unit that waits for ever for its copy is worse
            result = HookResult("failed", f"internal fault while copying the charm: {fault!r}")
        self.look()
        if result.kind == "failed":
            pause = min(retry_after(self._failures), LAST_RETRY)
            self.copy_at = self._parts.clock.now() + pause
            self._failures = min(self._failures + 1, 10)
        return result

    def copied(self, revision: int) -> None:
        """The unit's copy of the charm is of this revision now."""
        record = self._parts.record
        record.remember(localstate.with_copy(record.state, revision))
