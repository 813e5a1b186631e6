"""Virtual time in which what is real takes part: when it is looked at, and when time passes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tenure.testing.time.loop import START, Stuck
from tenure.testing.time.real import MANY_EVENTS, MANY_TURNS, RealLoop


@contextmanager
def real_loop() -> Iterator[RealLoop]:
    loop = RealLoop()
    try:
        yield loop
    finally:
        loop.close()


@contextmanager
def full_pipe(size: int = 1) -> Iterator[tuple[int, int]]:
    """Its two ends; so many bytes are in it."""
    read, write = os.pipe()
    os.write(write, b"x" * size)
    try:
        yield read, write
    finally:
        os.close(read)
        os.close(write)


def run(loop: RealLoop, what: Coroutine[Any, Any, None]) -> None:
    loop.run_until_complete(what)


async def steps(count: int, then: Callable[[], None]) -> None:
    for _ in range(count):
        await asyncio.sleep(0)
    then()


def test_what_is_real_is_looked_at_only_when_nothing_is_ready() -> None:
    seen: list[str] = []
    with real_loop() as loop, full_pipe() as (read, _):

        async def story() -> None:
            arrived = asyncio.Event()

            def on_read() -> None:
                os.read(read, 1)
                seen.append("real")
                arrived.set()

            loop.add_reader(read, on_read)
            await steps(MANY_TURNS // 2, lambda: seen.append("ready"))
            await arrived.wait()
            loop.remove_reader(read)

        run(loop, story())
    assert seen == ["ready", "real"]


def test_who_waits_turn_after_turn_for_what_is_real_sees_it() -> None:
    with real_loop() as loop, full_pipe() as (read, _):

        async def story() -> None:
            seen: list[bytes] = []
            loop.add_reader(read, lambda: seen.append(os.read(read, 1)))
            for _ in range(2 * MANY_TURNS):
                await asyncio.sleep(0)
            loop.remove_reader(read)
            assert seen == [b"x"]

        run(loop, story())


def test_one_real_event_is_dealt_with_before_the_next_is_looked_at() -> None:
    seen: list[str] = []
    with real_loop() as loop, full_pipe() as (one, _), full_pipe() as (other, _):

        async def story() -> None:
            over = asyncio.Barrier(3)

            async def deal(name: str) -> None:
                await steps(5, lambda: seen.append(f"{name} is over"))
                await over.wait()

            def hear(name: str, pipe: int) -> None:
                os.read(pipe, 1)
                seen.append(f"{name} begins")
                tasks.append(loop.create_task(deal(name)))

            tasks: list[asyncio.Task[None]] = []
            loop.add_reader(one, hear, "one", one)
            loop.add_reader(other, hear, "other", other)
            await over.wait()
            loop.remove_reader(one)
            loop.remove_reader(other)

        run(loop, story())
    assert seen == ["one begins", "one is over", "other begins", "other is over"]


def test_time_stands_still_while_something_real_is_at_work() -> None:
    with real_loop() as loop, full_pipe(0) as (read, write):
        looks = iter([0.01, 0.01, None, None])

        def impatient() -> None:
            os.write(write, b"x")

        async def story() -> None:
            heard: asyncio.Future[float] = loop.create_future()
            loop.add_reader(read, lambda: os.read(read, 1) and heard.set_result(loop.time()))
            loop.patience = lambda: next(looks, None)
            loop.impatient = impatient
            timer = loop.create_task(asyncio.sleep(1))
            assert await heard == START
            loop.remove_reader(read)
            await timer
            assert loop.time() == START + 1

        run(loop, story())


def test_who_is_not_at_work_and_never_stops_talking_makes_nobody_wait() -> None:
    with real_loop() as loop, full_pipe() as (read, _):

        async def story() -> None:
            heard: list[None] = []
            loop.add_reader(read, lambda: heard.append(None))
            await asyncio.sleep(3600)
            loop.remove_reader(read)
            assert len(heard) == MANY_EVENTS
            assert loop.time() == START + 3600

        run(loop, story())


def test_when_everything_waits_and_nothing_is_at_work_it_says_so() -> None:
    with real_loop() as loop, pytest.raises(Stuck):

        async def story() -> None:
            await loop.create_future()

        run(loop, story())


def test_a_process_that_is_stopped_hears_of_nothing_until_it_goes_on() -> None:
    seen: list[str] = []
    with real_loop() as loop, full_pipe() as (read, _):

        async def story() -> None:
            process = loop.process("frozen")

            def on_read() -> None:
                os.read(read, 1)
                seen.append("read")

            process.context.run(loop.add_reader, read, on_read)
            process.stop()
            await asyncio.sleep(60)
            seen.append("a minute")
            process.go_on()
            await asyncio.sleep(60)
            loop.remove_reader(read)

        run(loop, story())
    assert seen == ["a minute", "read"]


def test_what_was_put_off_and_closed_meanwhile_is_not_looked_at_under_its_number() -> None:
    with real_loop() as loop, full_pipe() as (read, _):

        async def story() -> None:
            process = loop.process("frozen")
            process.context.run(loop.add_reader, read, lambda: pytest.fail("it was removed"))
            process.stop()
            await asyncio.sleep(1)
            assert loop.remove_reader(read)
            process.go_on()
            await asyncio.sleep(1)

        run(loop, story())


def test_an_interrupted_round_goes_on_with_what_was_ready() -> None:
    seen: list[str] = []
    with real_loop() as loop:

        def interrupt() -> None:
            raise KeyboardInterrupt

        loop.call_soon(interrupt)
        loop.call_soon(seen.append, "after it")
        with pytest.raises(KeyboardInterrupt):
            run(loop, steps(1, lambda: None))
        run(loop, steps(1, lambda: None))
    assert seen == ["after it"]
