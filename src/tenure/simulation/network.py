"""The network of a simulated world: each machine's link to the controller, and what it carries.

A connection is a stream, as TCP and UNIX sockets are: what arrives arrives in order and once, and
what was under way when it broke may or may not arrive. Frames go through the real codec into the
real `Conversation` and the real `Connection`. What a link can do to them:

- *block* one direction or both: frames wait, nobody is told; whoever hears nothing for 20 to 30 s
  gives the connection up, as the real transport's heartbeat does;
- *cut*: both ends see the end, each in its own time, with or without what was under way;
- be slow.

An older connection's frames may well arrive after a newer one has begun.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextvars import Context
from typing import Protocol

from tenure.controller.access import AGENT
from tenure.controller.conversation import Conversation
from tenure.controller.service import Service
from tenure.errors import ProtocolError, Unreachable
from tenure.testing.time.loop import Process, SimLoop
from tenure.wire.channel import Channel
from tenure.wire.codec import decode_from_agent, frames
from tenure.wire.messages import FromAgent, FromController

CONNECT_WITHIN = 5.0
HEARTBEAT = (20.0, 30.0)
"""Seconds after which silence ends a connection, between."""

USUAL_DELAY = (0.0001, 0.002)
"""Seconds that a frame takes in good times, between."""

TICK = 1e-9
"""Seconds between two frames that would arrive at the same instant."""


class Exchange(Protocol):
    """The controller's side of all links, and who watches what is said."""

    process: Process | None
    service: Service | None

    def said(self, link: Link, messages: list[FromController]) -> None:
        """The controller said this to the link's agent."""
        ...

    def heard(self, link: Link, messages: list[FromAgent]) -> None:
        """This reached the controller."""
        ...

    def closed(self, link: Link) -> None:
        """The controller noted the end of the link's connection."""
        ...


class Link:
    """The way between one agent's machine and the controller's."""

    def __init__(
        self, loop: SimLoop, rng: random.Random, exchange: Exchange, unit: str, instance: str
    ) -> None:
        self.unit = unit
        self.instance = instance
        self.process: Process | None = None
        """The agent's process of the present life."""
        self.delay = USUAL_DELAY
        """Seconds that a frame takes, between."""
        self.up_blocked = False
        self.down_blocked = False
        self._loop = loop
        self._rng = rng
        self.exchange = exchange
        self.wires: list[Wire] = []

    @property
    def blocked(self) -> bool:
        """Whether something does not get through."""
        return self.up_blocked or self.down_blocked

    async def dial(self) -> Channel:
        """What the agent dials with. Raises Unreachable."""
        await asyncio.sleep(self.takes() * 2)
        exchange, process = self.exchange, self.exchange.process
        if self.blocked or (process is not None and process.stopped):
            await asyncio.sleep(CONNECT_WITHIN)
            raise Unreachable("the controller does not answer: no answer")
        if process is None or process.dead or exchange.service is None or self.process is None:
            raise Unreachable("the controller does not answer: connection refused")
        wire = Wire(self, self._loop, exchange.service, self.process, process)
        self.wires = [*(wire for wire in self.wires if not wire.over), wire]
        return wire

    def takes(self) -> float:
        """Seconds that the next frame takes."""
        return self._rng.uniform(*self.delay)

    def block(self, *, up: bool, down: bool) -> None:
        """Nothing passes any more this way, and nobody is told."""
        self.up_blocked, self.down_blocked = up, down
        self.watch()

    def lift(self) -> None:
        """Everything passes again, also what waited."""
        self.up_blocked = self.down_blocked = False
        for wire in self.wires:
            wire.lift()

    def cut(self) -> None:
        """Its connections break."""
        for wire in self.wires:
            wire.cut(lose_up=self._rng.random() < 0.5, lose_down=self._rng.random() < 0.5)

    def watch(self) -> None:
        """Something falls silent: see to it that heartbeats are missed."""
        for wire in self.wires:
            after = self._rng.uniform(*HEARTBEAT)
            self._loop.call_later(after, wire.miss_heartbeat, context=Context())

    def agent_gone(self, *, silently: bool) -> None:
        """The agent's process is no more; its kernel says so, unless the machine went too."""
        for wire in self.wires:
            wire.agent_gone(silently=silently)
        if silently:
            self.watch()

    def controller_gone(self) -> None:
        """The controller's process is no more."""
        for wire in self.wires:
            wire.controller_gone(lose=self._rng.random() < 0.5)


class _Pipe:
    """One direction of a connection. None in it is its end."""

    def __init__(
        self, link: Link, loop: SimLoop, target: Process, is_blocked: Callable[[], bool],
        deliver: Callable[[bytes | None], None],
    ) -> None:  # fmt: skip
        self._link = link
        self._loop = loop
        self._target = target
        self._is_blocked = is_blocked
        self._deliver = deliver
        self._last = 0.0
        self._held: list[bytes | None] = []
        self._era = 0
        self.over = False

    def put(self, frame: bytes | None) -> None:
        at = max(self._last + TICK, self._loop.time() + self._link.takes())
        self._last = at
        self._loop.call_at(at, self._arrive, self._era, frame, context=self._target.context)

    def _arrive(self, era: int, frame: bytes | None) -> None:
        if self.over or era != self._era:
            return
        if self._is_blocked():
            self._held.append(frame)
            return
        self.over = frame is None
        self._deliver(frame)

    def lose(self) -> None:
        """What is under way never arrives."""
        self._era += 1
        self._held.clear()

    def lift(self) -> None:
        held, self._held = self._held, []
        for frame in held:
            self.put(frame)

    def end_now(self) -> None:
        """The end that waits for it sees it, whatever the link does."""
        if not self.over:
            self.over = True
            self._loop.call_soon(self._deliver, None, context=self._target.context)


class Wire:
    """One connection; a Channel for the agent."""

    def __init__(
        self, link: Link, loop: SimLoop, service: Service, agent: Process, controller: Process
    ) -> None:
        self._link = link
        self._loop = loop
        self._agent = agent
        self._controller = controller
        self._inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._ended = False
        self._closed = False
        self.up = _Pipe(link, loop, controller, lambda: link.up_blocked, self._arrive)
        self.down = _Pipe(link, loop, agent, lambda: link.down_blocked, self._inbox.put_nowait)
        self.conversation = Conversation(service, AGENT, self._flush, self._end)

    @property
    def over(self) -> bool:
        """Whether both ends know that it is."""
        return self.up.over and self.down.over

    # -- the agent's side

    async def send(self, frame: bytes) -> None:
        if self.down.over:
            raise Unreachable("the connection to the controller is gone")
        self.up.put(frame)

    async def receive(self) -> bytes | None:
        return await self._inbox.get()

    async def close(self) -> None:
        self.up.put(None)
        self.down.end_now()

    # -- the controller's side

    def _arrive(self, frame: bytes | None) -> None:
        if frame is None:
            self._close()
            return
        if self._ended or self._closed:
            return
        try:
            messages = decode_from_agent(frame)
        except ProtocolError as fault:
            self.conversation.end(str(fault))
            return
        self._link.exchange.heard(self._link, messages)
        self.conversation.hear(messages)

    def _flush(self, messages: list[FromController]) -> None:
        if not self._ended:
            self._link.exchange.said(self._link, messages)
            for frame in frames(messages):
                self.down.put(frame)

    def _end(self) -> None:
        self._ended = True
        self.down.put(None)
        self._loop.call_soon(self._close, context=self._controller.context)

    def _close(self) -> None:
        if not self._closed:
            self._closed = self._ended = True
            self.up.over = True
            self.conversation.closed()
            self._link.exchange.closed(self._link)

    # -- what happens to it

    def cut(self, *, lose_up: bool, lose_down: bool) -> None:
        for pipe, lose in ((self.up, lose_up), (self.down, lose_down)):
            if lose:
                pipe.lose()
            pipe.put(None)

    def lift(self) -> None:
        self.up.lift()
        self.down.lift()

    def miss_heartbeat(self) -> None:
        """Whoever heard nothing for so long gives up, if it is silent still."""
        silent = self._link.blocked or self._agent.stopped or self._agent.dead
        if silent or self._controller.stopped:
            self.up.end_now()
            self.down.end_now()

    def agent_gone(self, *, silently: bool) -> None:
        self.down.over = True
        if not silently:
            self.up.put(None)

    def controller_gone(self, *, lose: bool) -> None:
        self.up.over = True
        if lose:
            self.down.lose()
        self.down.put(None)
