"""A controller that lost its seat decides nothing any more (L8, G9)."""

from __future__ import annotations

import asyncio

import pytest

from tenure.core.effects import Granted
from tenure.errors import (
    SeatLost,
    SeatTaken,
    TenureError,
)
from tenure.stores.base import Seat
from tenure.stores.memory import MemoryStore
from tenure.testing.time.waiting import in_virtual_time, settle, until
from tests.support.bench import LoopBench
from tests.support.stage import CountingStore

# -- the seat is another's


@in_virtual_time
async def test_a_lost_seat_ends_the_loop_and_nothing_is_granted_or_written() -> None:
    """G9, L8"""
    bench = await LoopBench.with_applications("web", "db")
    term = await bench.granted("db/0")
    task = await bench.run()
    bench.disk.free_seat()
    other = MemoryStore(bench.disk)
    await other.take_seat()
    granted, wrote = bench.claim("web/0"), bench.write("db/0", term, k="v")
    await until(task.done, "the loop ends")
    with pytest.raises(SeatLost):
        task.result()
    assert isinstance(granted[0], TenureError) and isinstance(wrote[0], TenureError)
    assert bench.term_on_disk("web") == 0 and not bench.disk.persisted().buckets
    bench.claim("db/0", term)
    await settle()
    assert bench.model.take_batch() is None


@in_virtual_time
async def test_a_seat_that_another_took_while_it_was_unsure_ends_the_loop() -> None:
    """L8, G9: whoever may have been replaced must not renew anybody"""
    bench = await LoopBench.with_applications("web", "db")
    term = await bench.granted("db/0")
    task = await bench.run()
    bench.disk.faults = ["unsure-landed"]
    bench.store.seat_refused = True
    bench.claim("web/0")
    await settle()
    bench.disk.free_seat()
    await MemoryStore(bench.disk).take_seat()
    bench.store.seat_refused = False
    await asyncio.sleep(5.0)
    renewed = bench.claim("db/0", term)
    await asyncio.sleep(5.0)
    assert not any(isinstance(answer, Granted) for answer in renewed)
    assert task.done() and isinstance(task.exception(), SeatTaken | SeatLost)


@in_virtual_time
async def test_two_controllers_cannot_be_seated() -> None:
    """G9, L8"""
    bench = await LoopBench.with_applications("web")
    with pytest.raises(SeatTaken):
        await LoopBench(bench.disk, bench.clock).controller.start()


@in_virtual_time
async def test_a_seat_that_is_lost_is_tried_for_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """G9, L8: not even if it is free again"""
    bench = await LoopBench.with_applications("web")
    tries: list[str] = []

    async def take_seat(store: CountingStore) -> Seat:
        tries.append("tried")
        raise SeatTaken("another controller has it")

    task = await bench.run()
    bench.disk.faults = ["unsure-landed"]
    monkeypatch.setattr(CountingStore, "take_seat", take_seat)
    bench.claim("web/0")
    await asyncio.sleep(5.0)
    assert tries == ["tried"]
    with pytest.raises(SeatTaken, match="another controller has it"):
        task.result()
