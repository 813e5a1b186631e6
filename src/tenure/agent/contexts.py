"""The hook contexts of one unit: one is open at a time, for a hook or for an operator's command.

Whatever ran in a context, it ends in one order (`conclude`): *stop* - no tool of it may write any
more; *commit* - what it left pending is kept, if it ended well; *end* - the context is gone, and
the next may open.
"""

from __future__ import annotations

import asyncio
import random

from msgspec import Struct
from msgspec.structs import replace

from tenure.agent.context.action import ActionRun
from tenure.agent.context.hook import HookContext
from tenure.agent.hooks.environment import Occasion, environment, occasion_of
from tenure.agent.hooks.process import HookResult
from tenure.agent.parts import UnitParts
from tenure.agent.tools.base import BagRefused
from tenure.core.localstate import RunHook
from tenure.errors import TenureError
from tenure.wire.tools import Call, ToolReply

WRONG = 2
"""What a tool ends with whose arguments are wrong (T2)."""

MAX_REFUSAL = 300
"""Characters of a tool's error that are logged and told."""


class Refusal(Struct, frozen=True):
    """A tool that was refused: in which context, by whom it was called, and what is said of it."""

    context_id: str
    source: str
    said: str


Opened = tuple[HookContext, dict[str, str]]
"""A context, and the environment of what runs in it."""

Waiting = tuple[asyncio.Future[HookContext], ActionRun | None]


class Contexts:
    """`rng` also makes the context ids, by which tools are authorised (T9): a real agent hands in
    the system's."""

    def __init__(self, parts: UnitParts, rng: random.Random) -> None:
        self._parts = parts
        self._rng = rng
        self.last_refusal: Refusal | None = None
        """The latest, until the same hook ends well without one."""
        self._live: HookContext | None = None
        self._waiting: list[Waiting] = []

    @property
    def is_open(self) -> bool:
        """Whether there is one."""
        return self._live is not None

    @property
    def wanted(self) -> bool:
        """Whether an operator waits for one."""
        return bool(self._waiting)

    def by_id(self, context_id: str) -> HookContext | None:
        """The live context of that id, if it is (T8)."""
        live = self._live
        if live is None or live.context_id != context_id or live.over.is_set():
            return None
        return live

    def new_id(self, what: str) -> str:
        """An id that nobody can guess."""
        return f"{self._parts.unit}-{what}-{self._rng.getrandbits(64):016x}"

    def tool_refused(self, call: Call, reply: ToolReply) -> None:
        """A tool of the live context was refused: logged, since the charm may keep it to itself.

        Of wrong arguments nothing is repeated: a setting's value may be among them (T10).
        """
        context = self.by_id(call.context_id)
        if context is None:
            return
        words = reply.stderr.decode("utf-8", "replace").strip().removeprefix("ERROR ")
        why = "its arguments are wrong" if reply.exit_code == WRONG else words[:MAX_REFUSAL]
        self._parts.log.log("WARNING", f"{call.tool} was refused: {why}", context.source)
        said = f"{call.tool} in {context.source}: {why}"
        self.last_refusal = Refusal(context.context_id, context.source, said)
        self._parts.wake()

    def _forget_refusal(self, context: HookContext, result: HookResult) -> None:
        told = self.last_refusal
        if told is None or result.kind != "done" or told.source != context.source:
            return
        if told.context_id != context.context_id:
            self.last_refusal = None

    # -- opening

    def of_hook(self, hook: RunHook, context_id: str) -> Opened:
        """The context of a hook that begins now."""
        context = HookContext(
            self._parts, context_id, hook.hook, hook.target_revision, event=hook.event
        )
        occasion = occasion_of(hook, context_id, self._parts.record.state, self._parts.remote)
        self._live = context
        return context, self._environment(occasion)

    async def open(self, action: ActionRun | None = None) -> Opened:
        """A fresh hook context, as soon as no hook runs (H6); also while the unit is in error."""
        future: asyncio.Future[HookContext] = asyncio.get_running_loop().create_future()
        self._waiting.append((future, action))
        self._parts.wake()
        try:
            context = await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.close(future.result())
            raise
        variables = action.variables if action else None
        return context, self._environment(Occasion(context_id=context.context_id, action=variables))

    def open_next(self) -> bool:
        """Give the operator who waits longest a context; False if none waits any more."""
        while self._waiting:
            waiter, action = self._waiting.pop(0)
            if not waiter.done():
                context_id = self.new_id("action" if action else "exec")
                self._live = HookContext(self._parts, context_id, "", action=action)
                waiter.set_result(self._live)
                return True
        return False

    def _environment(self, occasion: Occasion) -> dict[str, str]:
        parts = self._parts
        return environment(parts.config, occasion, may_change_host=parts.may_change_host)

    # -- the end

    async def conclude(self, context: HookContext, result: HookResult) -> HookResult:
        """Stop, commit, end. How it ended in the end: what cannot be kept has failed (G7)."""
        context.over.set()
        self._forget_refusal(context, result)
        try:
            if result.kind == "done" and context.has_pending:
                return await self._commit(context, result)
            return result
        finally:
            self.close(context)

    async def _commit(self, context: HookContext, result: HookResult) -> HookResult:
        try:
            await context.commit()
        except (BagRefused, TenureError) as fault:
            detail = str(fault)
        except Exception as fault:  # because its unit would wait for ever; it may hold values (T10)
            detail = f"internal fault ({type(fault).__name__}) while keeping what it set"
        else:
            return result
        return replace(result, kind="failed", detail=detail, exit_code=None)

    def close(self, context: HookContext) -> None:
        """The context is gone, and nothing of what it left pending is kept."""
        if context is self._live:
            self._parts.claimant.asker_ended(context.context_id)
            context.over.set()
            self._live = None
            self._parts.wake()

    def close_live(self) -> None:
        """Whatever is open is gone."""
        if self._live is not None:
            self.close(self._live)
