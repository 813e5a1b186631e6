"""Hooks of a simulated world: processes that behave as charms do, and as they should not.

A hook is a process of its own. It asks, writes and reads through the agent's real tool server, over
bytes, as the real client does; in between it takes its time. How it behaves is drawn anew each time
it runs (`Temper`): it ends well, fails, hangs until somebody kills it, or leaves a child behind
that calls tools when the context is over.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from typing import Any, Literal, Protocol, cast

from msgspec import Struct

from tenure.agent.hooks.process import HookCommand, HookResult
from tenure.agent.toolserver import ToolServer
from tenure.simulation.facts import (
    Fact,
    Heard,
    HookBegan,
    HookEnded,
    ReadBegan,
    ReadEnded,
    SaidTrue,
    WriteBegan,
    WriteEnded,
)
from tenure.simulation.peer_acts import PeerActs, named_by
from tenure.simulation.peer_charm import PeerCharm
from tenure.testing.time.loop import Process, VirtualLoop
from tenure.testing.toolcall import ToolCall

TOOL_TAKES = (0.0005, 0.003)
"""Seconds that a tool's process takes to start, and to end, between."""

KEYS = ("a", "b", "c", "d")

Kind = Literal["done", "failed", "killed"]


class Temper(Struct):
    """How hooks behave in a world: chances, and spans in seconds."""

    steps: int = 4
    fails: float = 0.05
    hangs: float = 0.02
    leaves_child: float = 0.05
    spans: tuple[float, ...] = (0.0, 0.01, 0.1)
    calm: bool = False
    """Every hook ends well and soon."""


class HookWorld(Protocol):
    """What hooks need of the world and of their machine."""

    unit: str
    instance: str
    loop: VirtualLoop
    rng: random.Random

    @property
    def temper(self) -> Temper: ...

    @property
    def calm(self) -> bool: ...

    @property
    def peers(self) -> PeerCharm | None: ...

    def tell(self, fact: Fact) -> None: ...

    def complain(self, text: str) -> None:
        """Something that must never be."""
        ...

    def tool_server(self) -> tuple[Process, ToolServer] | None:
        """The agent that serves tools now, if one does."""
        ...

    def promise_ends(self) -> float:
        """The true instant at which a promise given now ends."""
        ...

    def believed_term(self) -> int | None:
        """The term that a promise given now is of."""
        ...

    def call_id(self) -> str:
        """A name for one call, unique in the world."""
        ...


class Hook:
    """A started hook: what the agent sees of it (`hooks.Running`), and its life."""

    def __init__(self, world: HookWorld, command: HookCommand, pid: int, agent: Process) -> None:
        self.pid: int | None = pid
        self.command = command
        self.over = False
        self._world = world
        self._agent = agent
        self._ended: asyncio.Future[HookResult] = asyncio.get_running_loop().create_future()
        self.process = world.loop.process(f"{world.unit} {command.hook}")
        self._fresh = True
        self._writing: str | None = None
        self._call: ToolCall | None = None
        self._acts: tuple[Callable[[], Awaitable[None]], ...] = (
            self.is_leader, self.is_leader, self.write, self.write, self.read,
        )  # fmt: skip
        if world.peers is not None:
            self._acts += PeerActs(world, world.peers, command, self._tool).acts
        # because a stalled agent starts it only when its step gets there
        world.loop.call_at(world.loop.time(), self._begin, context=Context())

    # -- what the agent sees

    async def wait(self) -> HookResult:
        return await asyncio.shield(self._ended)

    def kill(self) -> None:
        self.end("killed", "signal: killed")

    # -- its life

    def _begin(self) -> None:
        if not self.over:
            self.process.spawn(self._live())

    def end(self, how: Kind, detail: str = "") -> None:
        """Its process is gone; the agent hears of it when it comes to it."""
        if self.over:
            return
        self.over = True
        self.process.kill()
        world = self._world
        if self._call is not None:
            self._call.abandon()
        if self._writing is not None:
            self._wrote(self._writing, "unknown", "its caller did not live to hear")
        world.tell(
            HookEnded(
                at=world.loop.time(), unit=world.unit, agent=world.instance,
                context=self.command.context_id, hook=self.command.hook, how=how,
            )
        )  # fmt: skip
        world.loop.call_at(
            world.loop.time(), self._reap, HookResult(how, detail), context=self._agent.context
        )

    def _reap(self, result: HookResult) -> None:
        if not self._ended.done():
            self._ended.set_result(result)

    async def _live(self) -> None:
        world, temper, rng = self._world, self._world.temper, self._world.rng
        for _ in range(rng.randint(0, self._most_steps())):
            await self._step()
        fate = 1.0 if temper.calm else rng.random()
        if fate < temper.hangs:
            await asyncio.sleep(1e6)
        if rng.random() < temper.leaves_child and not temper.calm:
            child = world.loop.process(f"{world.unit} child")
            child.spawn(self._outlive())
        failed = temper.hangs <= fate < temper.hangs + temper.fails
        self.end("failed" if failed else "done", "exit status 1" if failed else "")

    def _most_steps(self) -> int:
        temper = self._world.temper
        if temper.calm:
            return 1
        # because there are many hooks of relations, and each must not take long
        return min(2, temper.steps) if "-relation-" in self.command.hook else temper.steps

    async def _step(self) -> None:
        rng = self._world.rng
        if not self._world.temper.calm:
            await asyncio.sleep(rng.choice(self._world.temper.spans) * rng.random())
        await rng.choice(self._acts)()

    async def _outlive(self) -> None:
        """A child in a session of its own: it has no promise, and its context is over (T8)."""
        before = self._agent.interruptions
        await asyncio.sleep(self._world.rng.uniform(1.0, 5.0))
        code, out, err = await self._tool("is-leader")
        if self._agent.interruptions != before:
            return  # because an agent that was stopped may hear of the hook's end after this
        told = "wrong context ID" in err or "dial unix" in err or "connection" in err
        if not told or code != 1 or out:
            self._world.complain(f"T8: a context that is over was told {code} {out!r} {err!r}")

    # -- what it calls

    async def is_leader(self) -> None:
        """Ask, and count on what is said."""
        await self._tool("is-leader", on_reply=self._promised)

    def _promised(self, out: str) -> None:
        if out == "True\n":
            world = self._world
            world.tell(said_true(world, self.command.context_id, world.believed_term()))

    async def write(self) -> None:
        """Set two keys to one value that nothing else ever sets, or remove one."""
        world, rng, call = self._world, self._world.rng, self._world.call_id()
        keys = rng.sample(KEYS, rng.choice((1, 2, 2)))
        value = "" if rng.random() < 0.1 else call
        changes = dict.fromkeys(keys, value)
        world.tell(
            WriteBegan(
                at=world.loop.time(), unit=world.unit, agent=world.instance, call=call,
                changes=changes,
            )
        )  # fmt: skip
        self._fresh = True
        self._writing = call
        code, _, err = await self._tool("leader-set", *(f"{k}={v}" for k, v in changes.items()))
        outcome = "done" if code == 0 else "unknown" if "unknown whether" in err else "refused"
        self._wrote(call, cast(Any, outcome), err)

    def _wrote(self, call: str, outcome: Literal["done", "refused", "unknown"], err: str) -> None:
        self._writing = None
        world = self._world
        world.tell(
            WriteEnded(at=world.loop.time(), unit=world.unit, call=call, outcome=outcome, said=err)
        )

    async def read(self) -> None:
        """Read all settings."""
        world, call, fresh = self._world, self._world.call_id(), self._fresh
        world.tell(
            ReadBegan(
                at=world.loop.time(), unit=world.unit, context=self.command.context_id,
                call=call, fresh=fresh,
            )
        )  # fmt: skip
        code, out, _ = await self._tool("leader-get", "--format", "json", "-")
        settings: Mapping[str, str] | None = json.loads(out) if code == 0 else None
        self._fresh = fresh and settings is None
        world.tell(
            ReadEnded(
                at=world.loop.time(), unit=world.unit, context=self.command.context_id,
                call=call, settings=settings,
            )
        )  # fmt: skip

    async def _tool(
        self, name: str, *args: str, on_reply: Callable[[str], None] = lambda out: None
    ) -> tuple[int, str, str]:
        world = self._world
        await asyncio.sleep(world.rng.uniform(*TOOL_TAKES))
        self._call = ToolCall(world.tool_server, self.command.context_id, on_reply)
        code, out, err = await self._call.run(name, *args)
        self._call = None
        await asyncio.sleep(world.rng.uniform(*TOOL_TAKES))
        world.tell(
            Heard(at=world.loop.time(), unit=world.unit, text=out + err, named=named_by(name, out))
        )
        return code, out, err


def said_true(world: HookWorld, context: str, term: int | None = None) -> SaidTrue:
    """The fact that a context of this machine was told True just now."""
    return SaidTrue(
        at=world.loop.time(), unit=world.unit, agent=world.instance, context=context,
        until=world.promise_ends(), term=term,
    )  # fmt: skip


def began(world: HookWorld, command: HookCommand, target: int) -> HookBegan:
    """The fact that a hook begins."""
    term = command.env.get("TENURE_TERM")
    return HookBegan(
        at=world.loop.time(), unit=world.unit, agent=world.instance,
        context=command.context_id, hook=command.hook, term=int(term) if term else None,
        reason=command.env.get("TENURE_REASON", ""), target=target,
    )  # fmt: skip


class NoLog:
    """What units write for people, in a world without people."""

    def log(self, level: str, message: str, source: str = "") -> None:
        pass
