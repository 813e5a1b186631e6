"""Lines: each connection is a stream, and what a line does to it."""

from __future__ import annotations

import asyncio
import random

import pytest

from tenure.errors import Unreachable
from tenure.testing.lines import Line, Pipe
from tenure.testing.time.loop import Process, VirtualLoop
from tenure.testing.time.waiting import in_virtual_time, settle
from tenure.wire.channel import Channel
from tenure.wire.codec import decode_from_controller, encode
from tenure.wire.messages import PROTOCOL_VERSION, Hello, UnitHello, Welcome
from tests.support.bench import LoopBench


class End:
    """One direction of a connection that ends in a process, and what came out of it."""

    def __init__(self, slowest: float = 0.002) -> None:
        self.frames: list[bytes | None] = []
        self.blocked = False
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.process: Process = loop.process("receiver")
        chance = random.Random(8)
        self.pipe = Pipe(
            lambda: chance.uniform(0.0001, slowest),
            lambda: self.blocked,
            self.frames.append,
            self.process.context,
        )


def numbers(first: int, last: int) -> list[bytes]:
    return [str(number).encode() for number in range(first, last)]


@in_virtual_time
async def test_frames_arrive_in_order_and_once_however_long_each_takes() -> None:
    end = End(slowest=2.0)
    for frame in numbers(0, 50):
        end.pipe.put(frame)
        await asyncio.sleep(0.01)
    await asyncio.sleep(10.0)
    assert end.frames == numbers(0, 50)


@in_virtual_time
async def test_what_a_blocked_line_holds_back_comes_when_it_is_lifted() -> None:
    end = End()
    end.pipe.put(b"0")
    await asyncio.sleep(1.0)
    end.blocked = True
    for frame in numbers(1, 5):
        end.pipe.put(frame)
    await asyncio.sleep(10.0)
    assert end.frames == [b"0"]
    end.blocked = False
    end.pipe.lift()
    await asyncio.sleep(1.0)
    assert end.frames == numbers(0, 5)


@in_virtual_time
async def test_what_is_lost_under_way_never_arrives_and_the_end_does() -> None:
    end = End()
    end.pipe.put(b"0")
    await asyncio.sleep(1.0)
    end.pipe.put(b"1")
    end.pipe.lose()
    end.pipe.put(None)
    await asyncio.sleep(1.0)
    end.pipe.put(b"2")
    await asyncio.sleep(1.0)
    assert end.frames == [b"0", None]


@in_virtual_time
async def test_a_dead_process_receives_nothing_and_a_stopped_one_later() -> None:
    end = End()
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


# -- a line


async def welcomed(bench: LoopBench, line: Line) -> Channel:
    """A connection whose agent was welcomed."""
    channel = await line.dial()
    unit = UnitHello(unit="web/0", instance="one", session=line.dials, seen_revision=0)
    await channel.send(encode([Hello(version=PROTOCOL_VERSION, units=(unit,))]))
    await settle()
    await bench.turn()
    frame = await channel.receive()
    assert frame is not None
    assert isinstance(decode_from_controller(frame)[0], Welcome)
    return channel


async def line_to_a_controller() -> tuple[LoopBench, Line]:
    bench = await LoopBench.with_applications("web", connected=False)
    return bench, Line(lambda: bench.service)


@in_virtual_time
async def test_a_line_remembers_what_was_said_either_way_and_when() -> None:
    bench, line = await line_to_a_controller()
    await welcomed(bench, line)
    assert [type(message) for message in line.said] == [Hello]
    assert line.said_at == [asyncio.get_running_loop().time()]
    assert any(isinstance(message, Welcome) for message in line.heard)


@in_virtual_time
async def test_who_dials_nobody_is_told() -> None:
    _, line = await line_to_a_controller()
    line.refusing = True
    for nobody in (line, Line(lambda: None)):
        with pytest.raises(Unreachable, match="connection refused"):
            await nobody.dial()


@in_virtual_time
async def test_a_cut_is_noticed_at_both_ends_at_once() -> None:
    bench, line = await line_to_a_controller()
    channel = await welcomed(bench, line)
    line.cut()
    await settle()
    await bench.turn()
    assert "web/0" not in bench.model.leases.sessions
    assert await channel.receive() is None
    with pytest.raises(Unreachable):
        await channel.send(b"[]")


@in_virtual_time
async def test_in_a_partition_nobody_is_told_and_afterwards_all_under_way_is_gone() -> None:
    bench, line = await line_to_a_controller()
    channel = await welcomed(bench, line)
    line.partition()
    line.cut()
    await bench.turn()
    assert "web/0" in bench.model.leases.sessions, "it cannot have noticed"
    assert await channel.receive() is None
    with pytest.raises(Unreachable):
        await line.dial()
    line.heal()
    await settle()
    await bench.turn()
    assert "web/0" not in bench.model.leases.sessions
    await welcomed(bench, line)


@in_virtual_time
async def test_frames_of_a_slow_line_take_their_time() -> None:
    bench, line = await line_to_a_controller()
    line.delay = 2.0
    began = asyncio.get_running_loop().time()
    channel = await line.dial()
    unit = UnitHello(unit="web/0", instance="one", session=1, seen_revision=0)
    await channel.send(encode([Hello(version=PROTOCOL_VERSION, units=(unit,))]))
    await asyncio.sleep(2.0)
    await bench.turn()
    assert await channel.receive() is not None
    assert asyncio.get_running_loop().time() - began == pytest.approx(4.0)
