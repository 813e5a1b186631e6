"""The simulated loop: time is a number, and processes are treated as a kernel treats them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tenure.testing.time.loop import START, Process, Stuck, VirtualLoop, process_now


def lived(main: Callable[[VirtualLoop], Coroutine[Any, Any, None]], seed: int = 1) -> VirtualLoop:
    """Run a world of one coroutine to its end."""
    loop = VirtualLoop(random.Random(seed), late=0.0)
    try:
        loop.run_until_complete(main(loop))
        loop.bury()
    finally:
        loop.close()
    return loop


async def count(seen: list[float], every: float = 1.0) -> None:
    """Note the time again and again."""
    while True:
        await asyncio.sleep(every)
        seen.append(asyncio.get_running_loop().time() - START)


def test_an_hour_passes_at_once() -> None:
    async def main(loop: VirtualLoop) -> None:
        await asyncio.sleep(3600.0)

    assert lived(main).time() == START + 3600.0


def test_a_world_in_which_nothing_will_ever_happen_ends() -> None:
    async def main(loop: VirtualLoop) -> None:
        await loop.create_future()

    with pytest.raises(Stuck):
        lived(main)


def test_a_world_that_spins_while_no_time_passes_ends() -> None:
    async def main(loop: VirtualLoop) -> None:
        while True:  # noqa: ASYNC110 (it is the point)
            await asyncio.sleep(0)

    with pytest.raises(Stuck, match="no time passes"):
        lived(main)


def test_a_killed_process_takes_no_further_step_not_even_a_finally() -> None:
    done: list[str] = []

    async def tidy() -> None:
        try:
            await asyncio.sleep(5.0)
        finally:
            done.append("finally")

    async def main(loop: VirtualLoop) -> None:
        process = loop.process("one")
        process.spawn(tidy())
        await asyncio.sleep(1.0)
        process.kill()
        await asyncio.sleep(100.0)
        assert done == []

    lived(main)


def test_a_stopped_process_goes_on_where_it_was_with_what_was_due() -> None:
    seen: list[float] = []

    async def main(loop: VirtualLoop) -> None:
        process = loop.process("one")
        process.spawn(count(seen))
        await asyncio.sleep(2.5)
        process.stop()
        await asyncio.sleep(10.0)
        assert seen == [1.0, 2.0]
        process.go_on()
        await asyncio.sleep(1.1)

    lived(main)
    assert seen == [1.0, 2.0, 12.5, 13.5]


def test_timers_of_a_suspended_machine_do_not_count_that_time() -> None:
    seen: list[float] = []

    async def main(loop: VirtualLoop) -> None:
        process = loop.process("one")
        process.spawn(count(seen, 10.0))
        await asyncio.sleep(2.0)
        process.stop()
        await asyncio.sleep(5.0)
        loop.delay_timers({process}, 5.0)
        process.go_on()
        await asyncio.sleep(9.0)

    lived(main)
    assert seen == [15.0]


def test_a_stalled_process_is_ahead_of_the_world_until_its_step_is_over() -> None:
    seen: list[float] = []
    heard: list[float] = []

    async def main(loop: VirtualLoop) -> None:
        process = loop.process("one")
        other = loop.process("two")

        async def save() -> None:
            process.stall(3.0)
            seen.append(loop.time() - START)
            loop.call_at(loop.time(), lambda: heard.append(loop.time() - START),
                         context=other.context)  # fmt: skip
            await asyncio.sleep(0)
            seen.append(loop.time() - START)

        process.spawn(save())
        await asyncio.sleep(1.0)
        assert seen == [3.0] and heard == []
        await asyncio.sleep(9.0)

    lived(main)
    assert seen == [3.0, 3.0] and heard == [3.0]


def test_who_is_stuck_in_the_kernel_dies_when_it_comes_back_from_there() -> None:
    seen: list[str] = []

    async def main(loop: VirtualLoop) -> None:
        process = loop.process("one")

        async def save() -> None:
            process.stall(3.0)
            await asyncio.sleep(0)
            seen.append("went on")

        process.spawn(save())
        await asyncio.sleep(1.0)
        process.kill()
        assert not process.dead
        await asyncio.sleep(5.0)
        assert process.dead

    lived(main)
    assert seen == []


def test_a_process_knows_for_how_long_it_did_not_run() -> None:
    """Stopped, stalled, or both at once: each second counts once."""

    async def main(loop: VirtualLoop) -> None:
        process = loop.process("one")
        loop.call_soon(process.stall, 3.0, context=process.context)
        await asyncio.sleep(2.0)
        process.stop()
        await asyncio.sleep(3.0)
        assert process.away(START, loop.time()) == 5.0
        process.go_on()
        await asyncio.sleep(5.0)
        process.stop()
        await asyncio.sleep(1.0)
        assert process.away(START, loop.time()) == 6.0
        assert process.away(START + 4.0, loop.time() - 0.5) == 1.5

    lived(main)


def order_of(seed: int) -> list[tuple[str, int]]:
    """In what order two processes with five steps each are served at one instant."""
    seen: list[tuple[str, int]] = []

    def step(number: int) -> None:
        process = process_now()
        assert isinstance(process, Process)
        seen.append((process.name, number))

    async def main(loop: VirtualLoop) -> None:
        one, two = loop.process("one"), loop.process("two")
        for number in range(5):
            loop.call_soon(step, number, context=one.context)
            loop.call_soon(step, number, context=two.context)
        await asyncio.sleep(0.1)

    lived(main, seed)
    return seen


def test_each_process_keeps_its_order_and_the_seed_mixes_them() -> None:
    orders = [order_of(seed) for seed in range(20)]
    for order in orders:
        for name in ("one", "two"):
            assert [number for who, number in order if who == name] == [0, 1, 2, 3, 4]
    assert len({tuple(order) for order in orders}) > 10
    assert orders == [order_of(seed) for seed in range(20)]
