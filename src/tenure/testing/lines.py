"""Connections between agents and a controller, in memory: real frames, a real `Conversation`.

A connection is a stream, as TCP and UNIX sockets are: what arrives arrives in order and once, and
what was under way when it broke may or may not arrive. A `Wire` is one connection, two `Pipe`s in
opposite directions. Whose wires they are says how long a frame takes and what is blocked: a `Line`,
which does what a test says; the simulation's links draw it from a seed.

What a line can do: a *cut* is noticed by both sides at once; in a *partition* nothing passes and
nobody is told. When that is over (`heal`), the connection breaks, and what was under way is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Protocol

from tenure.controller.access import AGENT
from tenure.controller.conversation import Conversation
from tenure.controller.service import Service
from tenure.errors import ProtocolError, Unreachable
from tenure.wire.channel import Channel
from tenure.wire.codec import decode_from_agent, frames
from tenure.wire.messages import FromAgent, FromController

TICK = 1e-9
"""Seconds between two frames that would arrive at the same instant."""


class WireOwner(Protocol):
    """What a wire asks of its line, and tells it."""

    up_blocked: bool
    """Nothing gets through to the controller."""
    down_blocked: bool
    """Nothing gets through to the agent."""

    def takes(self) -> float:
        """Seconds that the next frame takes."""
        ...

    def agent_said(self, frame: bytes) -> None:
        """The agent sent this."""
        ...

    def controller_heard(self, messages: list[FromAgent]) -> None:
        """This reached the controller."""
        ...

    def controller_said(self, messages: list[FromController]) -> None:
        """The controller sent this."""
        ...

    def controller_closed(self) -> None:
        """The controller noted the end."""
        ...


class Pipe:
    """One direction of a connection. None in it is its end.

    What comes out is delivered in `context`, the receiving process's.
    """

    def __init__(
        self,
        takes: Callable[[], float],
        is_blocked: Callable[[], bool],
        deliver: Callable[[bytes | None], None],
        context: Context,
    ) -> None:
        self.over = False
        self._takes = takes
        self._is_blocked = is_blocked
        self._deliver = deliver
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._last = 0.0
        self._held: list[bytes | None] = []
        self._era = 0

    def put(self, frame: bytes | None) -> None:
        """Send it on its way."""
        now, takes = self._loop.time(), self._takes()
        if not takes and self._last < now:
            self._loop.call_soon(self._arrive, self._era, frame, context=self._context)
            return
        self._last = max(self._last + TICK, now + takes)
        self._loop.call_at(self._last, self._arrive, self._era, frame, context=self._context)

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
        """What was held back is sent on."""
        held, self._held = self._held, []
        for frame in held:
            self.put(frame)

    def end_now(self) -> None:
        """The end that waits for it sees it, whatever the line does."""
        if self.over:
            return
        self.over = True
        self._loop.call_soon(self._deliver, None, context=self._context)


class Wire:
    """One connection; a Channel for the agent. `agent` and `controller` are the contexts of their
    processes."""

    def __init__(
        self,
        owner: WireOwner,
        service: Service,
        agent: Context,
        controller: Context,
    ) -> None:
        self._owner = owner
        self._controller = controller
        self._loop = asyncio.get_running_loop()
        self._inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._ended = False
        self._closed = False
        self.up = Pipe(owner.takes, lambda: owner.up_blocked, self._arrive, controller)
        self.down = Pipe(owner.takes, lambda: owner.down_blocked, self._inbox.put_nowait, agent)
        self.conversation = Conversation(service, AGENT, self._flush, self._end)

    @property
    def over(self) -> bool:
        """Whether both ends know that it is."""
        return self.up.over and self.down.over

    def lift(self) -> None:
        """What was held back is sent on."""
        self.up.lift()
        self.down.lift()

    # -- the agent's side

    async def send(self, frame: bytes) -> None:
        if self.down.over:
            raise Unreachable("the connection to the controller is gone")
        if frame:
            self._owner.agent_said(frame)
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
        if not frame:
            self.down.put(frame)  # because who is asked for a sign of life gives one
            return
        try:
            messages = decode_from_agent(frame)
        except ProtocolError as fault:
            self.conversation.end(str(fault))
            return
        self._owner.controller_heard(messages)
        self.conversation.hear(messages)

    def _flush(self, messages: list[FromController]) -> None:
        if not self._ended:
            self._owner.controller_said(messages)
            for frame in frames(messages):
                self.down.put(frame)

    def _end(self) -> None:
        self._ended = True
        self.down.put(None)
        self._loop.call_soon(self._close, context=self._controller)

    def _close(self) -> None:
        if not self._closed:
            self._closed = self._ended = True
            self.up.over = True
            self.conversation.closed()
            self._owner.controller_closed()


class Line:
    """One agent's way to the controller, which does what a test says, and remembers what was said.

    `service` gives the controller's, or None while there is none. Whoever makes the line is of the
    controller's process, whoever dials of the agent's.
    """

    def __init__(self, service: Callable[[], Service | None]) -> None:
        self.refusing = False
        """Nobody answers who dials."""
        self.delay = 0.0
        """Seconds that each frame takes, either way."""
        self.up_blocked = False
        self.down_blocked = False
        self.dials = 0
        self.said: list[FromAgent] = []
        """What the agent said, whether it arrived or not."""
        self.said_at: list[float] = []
        self.heard: list[FromController] = []
        """What the controller said to it."""
        self._service = service
        self._controller = copy_context()
        self._wire: Wire | None = None

    async def dial(self) -> Channel:
        """What the agent dials with. Raises Unreachable."""
        self.dials += 1
        service = self._service()
        if self.up_blocked or self.refusing or service is None:
            raise Unreachable("no controller answers at the socket: connection refused")
        self._wire = Wire(self, service, copy_context(), self._controller)
        return self._wire

    def cut(self) -> None:
        """The connection breaks, and both sides see it; the controller does not while nothing
        passes."""
        if self._wire is None:
            return
        self._wire.down.end_now()
        if not self.up_blocked:
            self._wire.up.end_now()

    def partition(self) -> None:
        """Nothing passes any more, and nobody is told."""
        self.up_blocked = self.down_blocked = True

    def heal(self) -> None:
        """Everything passes again, on a new connection; what was under way is gone."""
        self.up_blocked = self.down_blocked = False
        self.cut()

    # -- WireOwner

    def takes(self) -> float:
        return self.delay

    def agent_said(self, frame: bytes) -> None:
        messages = decode_from_agent(frame)
        self.said.extend(messages)
        now = asyncio.get_running_loop().time()
        self.said_at.extend(now for _ in messages)

    def controller_heard(self, messages: list[FromAgent]) -> None:
        pass

    def controller_said(self, messages: list[FromController]) -> None:
        self.heard.extend(messages)

    def controller_closed(self) -> None:
        pass
