"""What the loop says of a store that fails, to whom, and for how long (G7, L8)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tenure.controller.inputs import Input
from tenure.errors import StoreRefused, TenureError, Unsure
from tenure.stores.base import Seat
from tenure.stores.memory import MemoryStore
from tenure.testing.time.waiting import in_virtual_time, settle
from tests.support.bench import LoopBench
from tests.support.stage import CountingStore

FULL = "the memory store has no space left: nothing was written"
NO_WORD = "the memory store did not say whether the write landed"
NO_SEAT = "cannot take the seat: no space left on device"


def told(*answers: list[Any]) -> list[tuple[str, str]]:
    """What each asker heard: the kind of the fault, and its words."""
    return [(type(fault).__name__, str(fault)) for (fault,) in answers]


async def hung(bench: LoopBench) -> tuple[list[Any], list[Any]]:
    """A grant whose commit hangs until `bench.store.open` is set, and what gathers behind it."""
    bench.store.open.clear()
    first = bench.claim("web/0")
    await bench.turn()
    behind = bench.claim("db/0")
    await bench.turn()
    return first, behind


@in_virtual_time
async def test_a_refused_commit_is_a_reason_for_ten_seconds_or_until_one_succeeds() -> None:
    """G7, O1"""
    bench = await LoopBench.with_applications("web", "db")
    assert bench.controller.cannot_write() is None
    bench.disk.faults = ["refused"]
    answers = await hung(bench)
    bench.store.open.set()
    await settle()
    assert told(*answers) == [("StoreRefused", FULL)] * 2
    assert bench.controller.cannot_write() == FULL
    bench.clock.at += 9.75
    assert bench.controller.cannot_write() == FULL
    bench.clock.at += 0.25
    assert bench.controller.cannot_write() is None
    bench.disk.faults = ["refused"]
    bench.claim("web/0")
    await bench.turn()
    assert bench.controller.cannot_write() == FULL
    bench.claim("web/0")
    await bench.turn(0.25)
    assert bench.controller.cannot_write() is None
    assert bench.term_on_disk("web") == 1


@in_virtual_time
async def test_the_newest_trouble_is_the_reason() -> None:
    """G7, O1"""
    bench = await LoopBench.with_applications("web", "db")
    bench.store.seat_refused = True
    bench.disk.faults = ["refused", "unsure-landed"]
    for _ in range(2):
        bench.claim("web/0")
        await bench.turn(0.25)
    assert bench.controller.cannot_write() == NO_SEAT


@in_virtual_time
async def test_all_who_wait_for_a_commit_of_unknown_outcome_hear_why_and_so_does_who_asks_then(
) -> None:  # fmt: skip
    """G7, L8"""
    bench = await LoopBench.with_applications("web", "db")
    bench.store.seat_refused = True
    bench.disk.faults = ["unsure-landed"]
    first, behind = await hung(bench)
    seen: list[tuple[str | None, dict[str, Any]]] = []
    bench.controller.submit(
        Input(
            "web",
            lambda now: None,
            lambda result: seen.append((bench.controller.trouble, {**bench.model.unsure})),
        )
    )
    await bench.turn()
    bench.store.open.set()
    await settle()
    later, other = bench.read("web/1"), bench.claim("db/0")
    await bench.turn()
    assert told(first, behind, later, other) == [
        ("Unsure", NO_WORD),
        ("StoreRefused", f"not tried, since a write before it failed: {NO_WORD}"),
        ("Unsure", NO_WORD),
        ("StoreRefused", f"nothing can be written now: {NO_SEAT}"),
    ]
    assert seen == [(NO_WORD, {"web": NO_WORD})]
    assert bench.controller.trouble == NO_SEAT


@in_virtual_time
async def test_the_seat_is_tried_anew_ever_slower_and_each_second_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """L8"""
    bench = await LoopBench.with_applications("web")
    loop, tries = asyncio.get_running_loop(), list[float]()

    async def take_seat(store: CountingStore) -> Seat:
        tries.append(loop.time() - began)
        raise StoreRefused(NO_SEAT)

    bench.disk.faults = ["unsure-landed"]
    monkeypatch.setattr(CountingStore, "take_seat", take_seat)
    began = loop.time()
    bench.claim("web/0")
    await bench.turn()
    await asyncio.sleep(4.0)
    assert tries == pytest.approx([0.0, 0.05, 0.15, 0.35, 0.75, 1.55, 2.55, 3.55], abs=0.001)


@in_virtual_time
async def test_who_waits_when_the_seat_is_lost_hears_whether_it_may_have_happened() -> None:
    """G9, G7, L8"""
    bench = await LoopBench.with_applications("web", "db")
    answers = await hung(bench)
    bench.disk.free_seat()
    await MemoryStore(bench.disk).take_seat()
    bench.store.open.set()
    await settle()
    lost = "seat 1 of the memory store was taken over"
    assert told(*answers) == [("Unsure", lost), ("StoreRefused", lost)]


@in_virtual_time
async def test_a_fault_of_the_store_s_own_ends_the_loop_and_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """G7, G9"""
    bench = await LoopBench.with_applications("web", "db")

    async def commit(store: CountingStore, seat: Seat, changes: Any) -> None:
        raise KeyError("odd")

    task = await bench.run()
    monkeypatch.setattr(CountingStore, "commit", commit)
    first = bench.claim("web/0")
    await asyncio.wait([task])
    words = "internal fault while committing: KeyError('odd')"
    assert told(first) == [("Unsure", words)]
    assert (type(task.exception()), str(task.exception())) == (TenureError, words)


# -- who waits


@in_virtual_time
async def test_who_looks_no_more_is_not_looked_for_and_nobody_else_is_forgotten() -> None:
    """O3"""
    bench = await LoopBench.with_applications("web")
    steps: list[float] = []
    looking = asyncio.ensure_future(bench.controller.look("web", steps.append, 5.0))
    await settle()
    other = bench.read("web/0")
    looking.cancel()
    await settle()
    await bench.turn()
    assert steps == [] and len(other) == 1


@in_virtual_time
async def test_what_was_asked_is_done_though_nobody_waits_for_it_any_more() -> None:
    """G7"""
    bench = await LoopBench.with_applications("web")
    asking = asyncio.ensure_future(
        bench.controller.ask("web", lambda now: bench.model.applications.add_unit("web"))
    )
    await settle()
    asking.cancel()
    await settle()
    await bench.turn()
    assert list(bench.model.living("web").units) == ["web/0", "web/1", "web/2"]


@in_virtual_time
async def test_a_look_that_the_store_keeps_waiting_says_for_how_long() -> None:
    """O3, L8"""
    bench = await LoopBench.with_applications("web", "db")
    await hung(bench)
    looking = asyncio.ensure_future(bench.controller.look("web", lambda now: now, 2.5))
    await settle()
    await bench.turn()
    with pytest.raises(Unsure) as caught:
        await looking
    assert str(caught.value) == (
        "the store has not answered for 2.5 s: what was decided last is not durable yet"
    )
    bench.store.open.set()


@in_virtual_time
async def test_a_look_that_falls_over_ends_that_look_only_and_is_named() -> None:
    """G7"""
    bench = await LoopBench.with_applications("web")
    looking = asyncio.ensure_future(bench.controller.look(None, lambda now: {}["odd"], 5.0))
    await settle()
    await bench.turn()
    with pytest.raises(TenureError) as caught:
        await looking
    assert str(caught.value) == (
        "internal fault while looking: KeyError('odd'): see the controller's log"
    )


@in_virtual_time
async def test_a_step_that_falls_over_is_not_hidden() -> None:
    """G7: what it changed is not known"""
    bench = await LoopBench.with_applications("web")
    bench.give("web", lambda now: {}["odd"])
    with pytest.raises(KeyError):
        bench.controller.turn()


@in_virtual_time
async def test_what_does_not_come_to_pass_says_why_and_where_to_look() -> None:
    """O1"""
    bench = await LoopBench.with_applications("web")
    said: list[str] = []
    for fault in ((), ("refused",)):
        bench.disk.faults = [*fault]
        bench.claim("web/0" if fault else "web/9")
        await bench.turn()
        with pytest.raises(Unsure) as caught:
            await bench.controller.until("web", lambda now: None, 1.25)
        said.append(str(caught.value))
    assert said == [
        "it did not come to pass within 1 s, and still may: see `tenure why web`",
        f"it did not come to pass within 1 s ({FULL}), and still may: see `tenure why web`",
    ]
