"""An in-memory network: each agent's line to the controller, its weather, and all that was said.

It carries real frames through the real codec to a real `Conversation`. A *cut* is noticed by both
sides at once; in a *partition* frames vanish and nobody is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tenure.controller.access import AGENT
from tenure.controller.conversation import Conversation
from tenure.controller.service import Service
from tenure.errors import ProtocolError, Unreachable
from tenure.wire.channel import Channel
from tenure.wire.codec import decode_from_agent, decode_from_controller, encode
from tenure.wire.messages import FromAgent, FromController


class Line:
    """One agent's line. `service` gives what the controller serves, or None while there is none."""

    def __init__(self, service: Callable[[], Service | None]) -> None:
        self._service = service
        self.partitioned = False
        self.refusing = False
        self.delay = 0.0
        """Seconds that each frame takes, either way."""
        self.heard: list[FromController] = []
        self.said: list[FromAgent] = []
        self.said_at: list[float] = []
        self.channel: LineChannel | None = None
        self.dials = 0

    async def dial(self) -> Channel:
        """What the agent dials with."""
        self.dials += 1
        service = self._service()
        if self.partitioned or self.refusing or service is None:
            raise Unreachable("no controller answers at the socket: connection refused")
        self.channel = LineChannel(self, service)
        return self.channel

    def cut(self) -> None:
        """The connection breaks, and both sides see it."""
        if self.channel is not None:
            self.channel.break_off()

    def partition(self) -> None:
        """Nothing passes any more, and nobody is told."""
        self.partitioned = True

    def heal(self) -> None:
        """Everything passes again; what was under way is gone."""
        self.partitioned = False
        self.cut()


class LineChannel:
    """One connection of a line."""

    def __init__(self, line: Line, service: Service) -> None:
        self._line = line
        self._inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._open = True
        self._told = False
        self.conversation = Conversation(service, AGENT, self._flush, self._end)

    # -- the agent's side

    async def send(self, frame: bytes) -> None:
        if not self._open:
            raise Unreachable("the connection to the controller is gone")
        messages = decode_from_agent(frame)
        self._line.said.extend(messages)
        now = asyncio.get_running_loop().time()
        self._line.said_at.extend(now for _ in messages)
        self._carry(lambda: self._arrive(frame))

    async def receive(self) -> bytes | None:
        return await self._inbox.get()

    async def close(self) -> None:
        self.break_off()

    # -- the controller's side

    def _arrive(self, frame: bytes) -> None:
        if not self._open:
            return
        try:
            self.conversation.hear(decode_from_agent(frame))
        except ProtocolError as fault:
            self.conversation.end(str(fault))

    def _flush(self, messages: list[FromController]) -> None:
        frame = encode(messages)
        self._line.heard.extend(decode_from_controller(frame))
        self._carry(lambda: self._inbox.put_nowait(frame))

    def _end(self) -> None:
        self._carry(self.break_off)

    # -- the wire

    def _carry(self, do: Callable[[], None]) -> None:
        if self._line.partitioned:
            return
        if self._line.delay:
            asyncio.get_running_loop().call_later(self._line.delay, do)
        else:
            do()

    def break_off(self) -> None:
        """Both ends are closed; a partition keeps the controller from noticing."""
        if self._open:
            self._open = False
            self._inbox.put_nowait(None)
        if not self._line.partitioned and not self._told:
            self._told = True
            self.conversation.closed()
