"""Offers and failing commits: who is offered the lease hears of it, and the offer lapses (G11)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tenure.core.effects import Offer
from tenure.testing.time.waiting import in_virtual_time, settle
from tests.support.bench import LoopBench

W1, W2, W3 = (Offer(unit=f"web/{number}") for number in (1, 2, 3))


async def led(bench: LoopBench, waiting: Sequence[int] = (1, 2, 3)) -> int:
    """web/0 leads, others wait in line; its term."""
    term = await bench.granted("web/0")
    for number in waiting:
        bench.claim(f"web/{number}")
    await bench.turn()
    return term


async def release(bench: LoopBench, term: int) -> None:
    leases = bench.controller.model.leases
    bench.give("web", lambda now: leases.release(now, "web/0", term))
    await bench.turn(0.1)
    assert bench.heard == [W1]
    bench.heard.clear()


async def release_in_a_slow_commit(bench: LoopBench, term: int) -> None:
    """The release is decided, and its commit is under way until the test opens the store."""
    leases = bench.controller.model.leases
    bench.heard.clear()
    bench.store.open.clear()
    bench.give("web", lambda now: leases.release(now, "web/0", term))
    await bench.turn()


def hang_up(bench: LoopBench, unit: str) -> None:
    """Its connection is gone; the service tells the leases, in no turn of the loop."""
    leases = bench.controller.model.leases
    leases.disconnect(bench.clock.at, unit, leases.sessions[unit].number)


@in_virtual_time
async def test_an_offer_made_while_the_loop_rests_is_told_though_an_order_is_refused() -> None:
    """G11, L4, G7"""
    bench = await LoopBench.with_applications("web", "db", units=4)
    await release(bench, await led(bench))
    applications = bench.controller.model.applications
    bench.disk.full = True
    bench.give("db", lambda now: applications.add_unit("db"))
    await bench.turn()
    hang_up(bench, "web/1")
    bench.give("web", lambda now: applications.add_unit("web"))
    await bench.turn(0.01)
    await bench.turn(0.3)
    bench.disk.full = False
    await bench.pass_time(30.0)
    assert W2 in bench.heard and W3 in bench.heard


@in_virtual_time
async def test_an_offer_made_while_nothing_can_be_written_is_told_and_lapses() -> None:
    """G11, L8"""
    bench = await LoopBench.with_applications("web", "db", units=4)
    await release(bench, await led(bench))
    applications = bench.controller.model.applications
    bench.disk.faults.append("unsure-not-landed")
    bench.store.seat_refused = True
    bench.give("db", lambda now: applications.add_unit("db"))
    bench.controller.turn()
    await settle()
    assert bench.controller.trouble is not None
    hang_up(bench, "web/1")
    bench.give("web", lambda now: applications.add_unit("web"))
    await bench.turn(0.01)
    bench.store.seat_refused = False
    await asyncio.sleep(5.0)
    await bench.pass_time(30.0)
    assert W2 in bench.heard and W3 in bench.heard


@in_virtual_time
async def test_an_offer_made_in_the_turn_that_saves_pins_is_told_though_that_is_refused() -> None:
    """G11, L6"""
    bench = await LoopBench.with_applications("web", units=4)
    orders = bench.controller.model.orders
    term = await led(bench)
    bench.give("web", lambda now: orders.pin(now, "web", "upgrade", 3600.0))
    await bench.turn()
    await bench.pass_time(59.0)
    await release(bench, term)
    await bench.turn(0.85)
    bench.disk.faults.append("refused")
    await bench.turn(0.2)
    await bench.pass_time(30.0)
    assert W2 in bench.heard and W3 in bench.heard


@in_virtual_time
async def test_an_offers_time_begins_when_it_is_told_however_long_its_commit_took() -> None:
    """L4, O1: who was elected is not passed over because the disk is slow"""
    bench = await LoopBench.with_applications("web", units=3)
    term = await led(bench, waiting=(1, 2))
    await release_in_a_slow_commit(bench, term)
    await bench.pass_time(5.0)
    assert bench.heard == []
    bench.store.open.set()
    await bench.turn()
    assert bench.heard == [W1]
    await bench.pass_time(0.75)
    assert bench.heard == [W1], "it lapsed before its time"
    await bench.pass_time(0.5)
    assert bench.heard == [W1, W2]


@in_virtual_time
async def test_an_offer_that_was_taken_back_before_it_was_durable_is_never_told() -> None:
    """L4: no herd"""
    bench = await LoopBench.with_applications("web", units=3)
    term = await led(bench, waiting=(1,))
    orders = bench.controller.model.orders
    await release_in_a_slow_commit(bench, term)
    bench.give("web", lambda now: orders.elect(now, "web/2"))
    await bench.turn()
    bench.store.open.set()
    await bench.turn()
    await bench.turn()
    assert bench.heard == [W2]


@in_virtual_time
async def test_an_offer_that_a_refused_commit_brings_back_still_lapses() -> None:
    """G11, L4"""
    bench = await LoopBench.with_applications("web", units=3)
    term = await led(bench, waiting=(1, 2))
    orders = bench.controller.model.orders
    await release_in_a_slow_commit(bench, term)
    bench.give("web", lambda now: orders.pin(now, "web", "upgrade", 100.0))
    bench.disk.faults[:] = ["none", "refused"]
    bench.store.open.set()
    await bench.turn()
    await bench.turn()
    await bench.pass_time(5.0)
    assert bench.heard[:2] == [W1, W2]


@in_virtual_time
async def test_an_offer_that_is_taken_back_in_its_own_turn_is_never_told() -> None:
    """L4: no herd. Time makes the offer, and the same turn learns that its unit is silent"""
    bench = await LoopBench.with_applications("web", units=4)
    await release(bench, await led(bench))
    leases = bench.controller.model.leases
    bench.give(None, lambda now: leases.set_silent(now, "web/2", 0.0))
    await bench.turn(1.1)
    assert bench.heard == [W3]


@in_virtual_time
async def test_who_is_silent_while_its_offer_waits_for_a_commit_is_offered_it_again() -> None:
    """G11, L4: it let nothing lapse that it was never told"""
    bench = await LoopBench.with_applications("web", units=2)
    term = await led(bench, waiting=(1,))
    leases = bench.controller.model.leases
    await release_in_a_slow_commit(bench, term)
    for since in (0.0, None):
        bench.give(None, lambda now, since=since: leases.set_silent(now, "web/1", since))
        await bench.turn(9.0)
    bench.store.open.set()
    await bench.turn()
    assert bench.heard == [W1]
