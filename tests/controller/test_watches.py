"""Who waits for something is told once it is durable, and no sooner (L8, O1)."""

from __future__ import annotations

import asyncio

import pytest

from tenure.core.lease import Lease, is_held
from tenure.errors import TenureError
from tenure.testing.time.waiting import in_virtual_time, settle
from tests.support.bench import LoopBench


def waiting(bench: LoopBench, patience: float = 30.0) -> asyncio.Task[Lease]:
    """Somebody waits until web is led."""

    def led(now: float) -> Lease | None:
        lease = bench.lease("web")
        return lease if is_held(lease, now) else None

    return asyncio.get_running_loop().create_task(
        bench.controller.until("web", led, patience, is_held)
    )


async def begun(bench: LoopBench) -> asyncio.Task[Lease]:
    watch = waiting(bench)
    await settle()
    return watch


async def with_a_hung_grant() -> tuple[LoopBench, asyncio.Task[Lease]]:
    """Somebody waits, and the commit of what is waited for is under way."""
    bench = await LoopBench.with_applications("web")
    watch = await begun(bench)
    bench.store.open.clear()
    bench.claim("web/0")
    await bench.turn()
    return bench, watch


@in_virtual_time
async def test_nobody_is_told_before_it_is_durable() -> None:
    """L7, L8"""
    bench, watch = await with_a_hung_grant()
    await bench.turn()
    assert not watch.done()
    bench.store.open.set()
    await settle()
    assert (await watch).term == 1


@in_virtual_time
async def test_who_waits_is_told_though_there_is_something_undecided_all_the_time() -> None:
    """O1: with the commit that made it so"""
    bench, watch = await with_a_hung_grant()
    bench.give("web", lambda now: bench.model.applications.add_unit("web"))
    await bench.turn()
    one_commit(bench)
    await settle()
    assert bench.controller.durable() != list(bench.model.known()), "there is something"
    assert (await watch).term == 1
    bench.store.open.set()


def one_commit(bench: LoopBench) -> None:
    """The commit that is under way ends; the next one hangs."""
    bench.store.open.set()
    bench.store.open = asyncio.Event()


@in_virtual_time
async def test_a_refused_commit_is_told_to_nobody_who_waits_and_the_next_is() -> None:
    """G7, O1"""
    bench = await LoopBench.with_applications("web")
    watch = await begun(bench)
    bench.disk.faults = ["refused"]
    bench.claim("web/0")
    await bench.turn()
    assert not watch.done()
    bench.clock.at += 1.0
    await bench.granted("web/0")
    assert (await watch).holder is not None


@in_virtual_time
async def test_what_was_over_before_it_was_durable_is_told_to_nobody() -> None:
    """O1: a commit may take longer than a lease"""
    bench, watch = await with_a_hung_grant()
    bench.clock.at += 1000.0
    bench.store.open.set()
    await settle()
    assert not watch.done()
    watch.cancel()


@in_virtual_time
async def test_nobody_is_told_of_what_was_not_written_because_the_seat_was_lost() -> None:
    """L8"""
    bench, watch = await with_a_hung_grant()
    await bench.restarted()
    bench.store.open.set()
    await settle()
    with pytest.raises(TenureError):
        await bench.controller.run()
    assert not watch.done()
    watch.cancel()
