"""The simulated network: what a link does to connections."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tenure.clock import SystemClock
from tenure.controller.service import Service
from tenure.errors import Unreachable
from tenure.simulation.network import HEARTBEAT, Link, LinkWire
from tenure.stores.memory import MemoryDisk, MemoryStore
from tenure.testing.time.loop import Process, VirtualLoop


class NoExchange:
    """A controller that is not there."""

    process: Process | None = None
    service = None

    def said(self, *args: Any) -> None: ...

    def heard(self, *args: Any) -> None: ...

    def closed(self, *args: Any) -> None: ...


def lived(main: Callable[[VirtualLoop, Link], Coroutine[Any, Any, None]]) -> None:
    """Run a world of one link to its end."""
    loop = VirtualLoop(random.Random(7))
    link = Link(loop, random.Random(8), NoExchange(), "web/0", "web-0")
    try:
        loop.run_until_complete(main(loop, link))
        loop.bury()
    finally:
        loop.close()


def test_who_dials_a_controller_that_is_not_there_is_told() -> None:
    async def main(loop: VirtualLoop, link: Link) -> None:
        with pytest.raises(Unreachable, match="connection refused"):
            await link.dial()
        link.block(up=True, down=True)
        began = loop.time()
        with pytest.raises(Unreachable, match="no answer"):
            await link.dial()
        assert loop.time() - began >= 5.0

    lived(main)


def test_silence_ends_a_connection_after_the_heartbeat() -> None:
    async def main(loop: VirtualLoop, link: Link) -> None:
        agent, controller = loop.process("agent"), loop.process("controller")
        service = Service(MemoryStore(MemoryDisk()), SystemClock())
        wire = LinkWire(link, service, agent, controller)
        link.wires.append(wire)
        link.block(up=True, down=False)
        await asyncio.sleep(HEARTBEAT[0] - 1.0)
        assert not wire.over
        await asyncio.sleep(HEARTBEAT[1] - HEARTBEAT[0] + 2.0)
        assert wire.over
        assert await wire.receive() is None

    lived(main)
