"""The simulated network: a stream, and all that a link does to it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tenure.clock import SystemClock
from tenure.controller.service import Service
from tenure.errors import Unreachable
from tenure.simulation.network import HEARTBEAT, Link, Wire, _Pipe
from tenure.stores.memory import MemoryDisk, MemoryStore
from tenure.testing.time.loop import Process, SimLoop

Frames = list[bytes | None]


class End:
    """One direction of a link's connection, and what came out of it."""

    def __init__(self, loop: SimLoop, link: Link) -> None:
        self.frames: Frames = []
        self.process = loop.process("receiver")
        self.pipe = _Pipe(link, loop, self.process, lambda: link.up_blocked, self.frames.append)


class NoExchange:
    """A controller that is not there."""

    process: Process | None = None
    service = None

    def said(self, *args: Any) -> None: ...

    def heard(self, *args: Any) -> None: ...

    def closed(self, *args: Any) -> None: ...


def lived(main: Callable[[SimLoop, Link, End], Coroutine[Any, Any, None]]) -> End:
    """Run a world of one link to its end."""
    loop = SimLoop(random.Random(7), late=0.0)
    link = Link(loop, random.Random(8), NoExchange(), "web/0", "web-0")
    end = End(loop, link)
    try:
        loop.run_until_complete(main(loop, link, end))
        loop.bury()
    finally:
        loop.close()
    return end


def numbers(first: int, last: int) -> Frames:
    return [str(number).encode() for number in range(first, last)]


def test_frames_arrive_in_order_and_once_however_long_each_takes() -> None:
    async def main(loop: SimLoop, link: Link, end: End) -> None:
        link.delay = (0.0, 2.0)
        for frame in numbers(0, 50):
            end.pipe.put(frame)
            await asyncio.sleep(0.01)
        await asyncio.sleep(10.0)

    assert lived(main).frames == numbers(0, 50)


def test_what_a_blocked_link_holds_back_comes_when_it_is_lifted() -> None:
    async def main(loop: SimLoop, link: Link, end: End) -> None:
        end.pipe.put(b"0")
        await asyncio.sleep(1.0)
        link.up_blocked = True
        for frame in numbers(1, 5):
            end.pipe.put(frame)
        await asyncio.sleep(10.0)
        assert end.frames == [b"0"]
        link.up_blocked = False
        end.pipe.lift()
        await asyncio.sleep(1.0)

    assert lived(main).frames == numbers(0, 5)


def test_what_is_lost_under_way_never_arrives_and_the_end_does() -> None:
    async def main(loop: SimLoop, link: Link, end: End) -> None:
        end.pipe.put(b"0")
        await asyncio.sleep(1.0)
        end.pipe.put(b"1")
        end.pipe.lose()
        end.pipe.put(None)
        await asyncio.sleep(1.0)
        end.pipe.put(b"2")
        await asyncio.sleep(1.0)

    assert lived(main).frames == [b"0", None]


def test_a_dead_process_receives_nothing_and_a_stopped_one_later() -> None:
    async def main(loop: SimLoop, link: Link, end: End) -> None:
        end.process.stop()
        end.pipe.put(b"0")
        await asyncio.sleep(1.0)
        assert end.frames == []
        end.process.go_on()
        await asyncio.sleep(1.0)
        end.process.kill()
        end.pipe.put(b"1")
        await asyncio.sleep(1.0)
        assert end.frames == [b"0"]
        end.frames.clear()

    lived(main)


def test_who_dials_a_controller_that_is_not_there_is_told() -> None:
    async def main(loop: SimLoop, link: Link, end: End) -> None:
        with pytest.raises(Unreachable, match="connection refused"):
            await link.dial()
        link.block(up=True, down=True)
        began = loop.time()
        with pytest.raises(Unreachable, match="no answer"):
            await link.dial()
        assert loop.time() - began >= 5.0

    lived(main)


def test_silence_ends_a_connection_after_the_heartbeat() -> None:
    async def main(loop: SimLoop, link: Link, end: End) -> None:
        agent, controller = loop.process("agent"), loop.process("controller")
        service = Service(MemoryStore(MemoryDisk()), SystemClock())
        wire = Wire(link, loop, service, agent, controller)
        link.wires.append(wire)
        link.block(up=True, down=False)
        await asyncio.sleep(HEARTBEAT[0] - 1.0)
        assert not wire.over
        await asyncio.sleep(HEARTBEAT[1] - HEARTBEAT[0] + 2.0)
        assert wire.over
        assert await wire.receive() is None

    lived(main)
