"""The network of a simulated world: each machine's link to the controller, as drawn from the seed.

What a link can do to its connections (`testing.lines`):

- *block* one direction or both: frames wait, nobody is told; whoever hears nothing for 20 to 30 s
  gives the connection up, as the real transport's heartbeat does;
- *cut*: both ends see the end, each in its own time, with or without what was under way;
- be slow.

An older connection's frames may well arrive after a newer one has begun.
"""

from __future__ import annotations

import asyncio
import random
from contextvars import Context
from typing import Protocol

from tenure.controller.service import Service
from tenure.errors import Unreachable
from tenure.simulation.load import Load
from tenure.testing.lines import Wire
from tenure.testing.time.loop import Process, VirtualLoop
from tenure.wire.channel import Channel
from tenure.wire.messages import FromAgent, FromController

CONNECT_WITHIN = 5.0
HEARTBEAT = (20.0, 30.0)
"""Seconds after which silence ends a connection, between."""

USUAL_DELAY = (0.0001, 0.002)
"""Seconds that a frame takes in good times, between."""


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
        self, loop: VirtualLoop, rng: random.Random, exchange: Exchange, unit: str, instance: str
    ) -> None:
        self.unit = unit
        self.instance = instance
        self.process: Process | None = None
        """The agent's process of the present life."""
        self.load = Load(rng)
        """Of the agent's machine."""
        self.delay = USUAL_DELAY
        """Seconds that a frame takes, between."""
        self.up_blocked = False
        self.down_blocked = False
        self._loop = loop
        self._rng = rng
        self.exchange = exchange
        self.wires: list[LinkWire] = []

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
        wire = LinkWire(self, exchange.service, self.process, process)
        self.wires = [*(wire for wire in self.wires if not wire.over), wire]
        return wire

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

    # -- WireOwner

    def takes(self) -> float:
        return self._rng.uniform(*self.delay)

    def agent_said(self, frame: bytes) -> None:
        if self.process is not None:
            self.process.stall(self.load.takes())

    def controller_heard(self, messages: list[FromAgent]) -> None:
        self.exchange.heard(self, messages)

    def controller_said(self, messages: list[FromController]) -> None:
        self.exchange.said(self, messages)

    def controller_closed(self) -> None:
        self.exchange.closed(self)


class LinkWire(Wire):
    """One connection of a link, between two processes."""

    def __init__(self, link: Link, service: Service, agent: Process, controller: Process) -> None:
        super().__init__(link, service, agent.context, controller.context)
        self._link = link
        self._agent_process = agent
        self._controller_process = controller

    def cut(self, *, lose_up: bool, lose_down: bool) -> None:
        """It breaks, with or without what is under way."""
        for pipe, lose in ((self.up, lose_up), (self.down, lose_down)):
            if lose:
                pipe.lose()
            pipe.put(None)

    def miss_heartbeat(self) -> None:
        """Whoever heard nothing for so long gives up, if it is silent still."""
        agent, controller = self._agent_process, self._controller_process
        if self._link.blocked or agent.stopped or agent.dead or controller.stopped:
            self.up.end_now()
            self.down.end_now()

    def agent_gone(self, *, silently: bool) -> None:
        """The agent's process is no more."""
        self.down.over = True
        if not silently:
            self.up.put(None)

    def controller_gone(self, *, lose: bool) -> None:
        """The controller's process is no more."""
        self.up.over = True
        if lose:
            self.down.lose()
        self.down.put(None)
