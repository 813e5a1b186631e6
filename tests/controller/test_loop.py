"""The controller's loop: input, step, persist, only then answer (L7, L8, G7, G9)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tenure.core.changes import ApplicationPut, Change, HistoryAdded
from tenure.core.effects import Denied, Granted, Offer, Revision
from tenure.errors import (
    BadRequest,
    NotLeader,
    StoreRefused,
    TenureError,
    Unsure,
)
from tenure.stores.memory import Fault, MemoryDisk
from tenure.testing.time.waiting import in_virtual_time, settle, until
from tests.support.bench import LoopBench


async def hung(bench: LoopBench, unit: str) -> list[object]:
    """A grant whose commit hangs until `bench.store.open` is set."""
    bench.store.open.clear()
    answers = bench.claim(unit)
    await bench.turn()
    return answers


# -- nothing before it is durable


@in_virtual_time
async def test_a_grant_is_answered_only_after_its_commit() -> None:
    """L7, G8"""
    bench = await LoopBench.with_applications("web")
    answers = await hung(bench, "web/0")
    assert answers == []
    assert bench.term_on_disk("web") == 0
    bench.store.open.set()
    await settle()
    assert isinstance(answers[0], Granted)
    assert bench.term_on_disk("web") == answers[0].term == 1


@in_virtual_time
async def test_a_write_is_answered_only_after_its_commit() -> None:
    """G6, L7"""
    bench = await LoopBench.with_applications("web")
    term = await bench.granted("web/0")
    bench.store.open.clear()
    answers = bench.write("web/0", term, k="v")
    await bench.turn()
    assert answers == []
    bench.store.open.set()
    await settle()
    assert answers == [1]
    assert bench.disk.persisted().buckets["web"].settings == {"k": "v"}


@in_virtual_time
async def test_what_only_saw_a_decision_waits_for_it_too() -> None:
    """L7, G6: a read of what is not durable yet is not answered."""
    bench = await LoopBench.with_applications("web")
    term = await bench.granted("web/0")
    bench.store.open.clear()
    bench.write("web/0", term, k="v")
    await bench.turn()
    seen = bench.read("web/1")
    await bench.turn()
    assert seen == []
    bench.store.open.set()
    await settle()
    assert seen[0].settings == {"k": "v"}


@in_virtual_time
async def test_units_and_operators_hear_of_a_change_only_after_its_commit() -> None:
    """L7, B5"""
    bench = await LoopBench.with_applications("web")
    term = await bench.granted("web/0")
    bench.heard.clear()
    bench.told.clear()
    bench.store.open.clear()
    bench.write("web/0", term, k="v")
    await bench.turn()
    assert (bench.heard, bench.told) == ([], [])
    bench.store.open.set()
    await settle()
    assert bench.heard == [Revision(unit="web/1", revision=1, keys=("k",))]
    assert bench.is_told("web", "settings")


@in_virtual_time
async def test_all_of_one_turn_goes_into_one_commit() -> None:
    """L7: group commit"""
    names = [f"a{n}" for n in range(50)]
    bench = await LoopBench.with_applications(*names, units=1)
    before = len(bench.store.commits)
    answers = [bench.claim(f"{name}/0") for name in names]
    await bench.turn()
    assert all(isinstance(answer[0], Granted) for answer in answers)
    assert len(bench.store.commits) == before + 1


@in_virtual_time
async def test_what_comes_during_a_commit_gathers_into_the_next_one() -> None:
    """L7: one commit is under way at a time"""
    names = [f"a{n}" for n in range(20)]
    bench = await LoopBench.with_applications(*names, units=1)
    await hung(bench, "a0/0")
    before = len(bench.store.commits)
    for name in names[1:]:
        bench.claim(f"{name}/0")
        await bench.turn()
    assert len(bench.store.commits) == before
    bench.store.open.set()
    await settle()
    assert len(bench.store.commits) == before + 1
    assert all(bench.term_on_disk(name) == 1 for name in names)


@in_virtual_time
async def test_renewals_of_other_applications_go_on_while_a_commit_hangs() -> None:
    """L7: renewals never wait for a disk that is busy with others"""
    bench = await LoopBench.with_applications("web", "db")
    term = await bench.granted("db/0")
    answers = await hung(bench, "web/0")
    for _ in range(5):
        renewed = bench.claim("db/0", term)
        await bench.turn(10.0)
        assert isinstance(renewed[0], Granted) and renewed[0].term == term
    assert answers == []


@in_virtual_time
async def test_renewals_write_nothing() -> None:
    """L7"""
    bench = await LoopBench.with_applications("web")
    term = await bench.granted("web/0")
    before = len(bench.store.commits)
    for _ in range(10):
        renewed = bench.claim("web/0", term)
        await bench.turn(0.5)
        assert renewed[0].term == term
    assert len(bench.store.commits) == before


@in_virtual_time
async def test_a_refusal_by_the_rules_is_the_answer() -> None:
    """G7"""
    bench = await LoopBench.with_applications("web")
    answers = bench.write("web/0", 7, k="v")
    wrong = bench.claim("web/1", 2**60)
    await bench.turn()
    assert isinstance(answers[0], NotLeader)
    assert isinstance(wrong[0], Granted)
    absurd = bench.give(
        "web", lambda now: bench.controller.model.leases.claim(now, "web/1", None, -1)
    )
    await bench.turn(100.0)
    assert isinstance(absurd[0], BadRequest)


# -- a commit was refused


@in_virtual_time
async def test_a_refused_commit_changes_nothing_and_says_so() -> None:
    """G7"""
    bench = await LoopBench.with_applications("web")
    bench.disk.faults = ["refused"]
    answers = bench.claim("web/0")
    await bench.turn()
    assert isinstance(answers[0], StoreRefused)
    assert bench.lease("web").holder is None
    assert bench.lease("web").term == bench.term_on_disk("web") == 0
    assert not bench.is_told("web", "granted")


@in_virtual_time
async def test_a_refused_commit_takes_down_what_gathered_behind_it() -> None:
    """G7"""
    bench = await LoopBench.with_applications("web", "db")
    bench.disk.faults = ["refused"]
    bench.heard.clear()
    first = await hung(bench, "web/0")
    same = bench.claim("web/1")
    other = bench.claim("db/0")
    await bench.turn()
    bench.store.open.set()
    await settle()
    assert [type(a[0]) for a in (first, same, other)] == [StoreRefused] * 3
    assert bench.lease("web").holder is None and bench.lease("db").holder is None
    assert bench.lease("web").line == ()
    assert bench.heard == []


@in_virtual_time
async def test_after_a_refused_commit_work_goes_on_by_itself() -> None:
    """G7, L7: no restart is needed"""
    bench = await LoopBench.with_applications("web")
    bench.disk.faults = ["refused"]
    bench.claim("web/0")
    await bench.turn()
    again = bench.claim("web/1")
    await bench.pass_time(0.5)
    assert isinstance(again[0], Granted) and again[0].term == 1


@in_virtual_time
async def test_a_write_of_a_refused_commit_is_not_read_by_anybody() -> None:
    """G7, G6"""
    bench = await LoopBench.with_applications("web")
    term = await bench.granted("web/0")
    bench.disk.faults = ["refused"]
    bench.store.open.clear()
    answers = bench.write("web/0", term, k="v")
    await bench.turn()
    seen = bench.read("web/1")
    await bench.turn()
    bench.store.open.set()
    await settle()
    assert isinstance(answers[0], StoreRefused) and isinstance(seen[0], StoreRefused)
    seen = bench.read("web/1")
    await bench.turn()
    assert (seen[0].revision, seen[0].settings) == (0, {})


@in_virtual_time
async def test_an_expiry_that_could_not_be_saved_is_decided_again() -> None:
    """L7, G7, G11"""
    bench = await LoopBench.with_applications("web")
    await bench.granted("web/0")
    waiting = bench.claim("web/1")
    await bench.turn()
    assert isinstance(waiting[0], Denied)
    bench.heard.clear()
    bench.disk.full = True
    await bench.pass_time(62.0)
    assert bench.disk.persisted().applications["web"].holder is not None
    assert bench.heard == []
    bench.disk.full = False
    await bench.pass_time(0.5)
    assert bench.heard == [Offer(unit="web/1")]
    assert bench.disk.persisted().applications["web"].holder is None


@in_virtual_time
async def test_a_holder_is_renewed_though_its_pin_ends_while_nothing_can_be_written() -> None:
    """L7: what time alone decides waits until it can be written, and refuses nobody meanwhile"""
    bench = await LoopBench.with_applications("web")
    term = await bench.granted("web/0")
    bench.give("web", lambda now: bench.controller.model.orders.pin(now, "web", "upgrade", 5.0))
    await bench.turn()
    bench.disk.full = True
    bench.write("web/0", term, k="v")
    await bench.turn()
    await bench.pass_time(20.0)
    await bench.turn(later=0.3)  # it tries again, and rests for a quarter of a second
    renewed = bench.claim("web/0", term)
    await bench.turn(later=0.1)
    assert [type(answer) for answer in renewed] == [Granted] and renewed[0].term == term


# -- the outcome of a commit is unknown


@in_virtual_time
@pytest.mark.parametrize(
    ("fault", "landed"),
    [("unsure-landed", True), ("unsure-not-landed", False), ("unsure-late", False)],
)
async def test_after_an_unsure_commit_the_stores_word_is_taken(fault: Fault, landed: bool) -> None:
    """L8, G7"""
    bench = await LoopBench.with_applications("web")
    seat = bench.controller.seat.number
    bench.disk.faults = [fault]
    answers = bench.claim("web/0")
    await bench.turn()
    assert isinstance(answers[0], Unsure)
    await settle()
    assert bench.controller.seat.number == seat + 1
    assert (bench.lease("web").term == 1) is landed
    bench.disk.deliver_late()
    again = bench.claim("web/0")
    await bench.turn()
    assert isinstance(again[0], Granted)
    assert again[0].term == bench.term_on_disk("web") == (2 if landed else 1)


@in_virtual_time
async def test_while_unsure_others_are_renewed_and_nobody_is_granted() -> None:
    """L8"""
    bench = await LoopBench.with_applications("web", "db", "mq")
    term = await bench.granted("db/0")
    bench.disk.faults = ["unsure-landed"]
    bench.store.seat_refused = True
    first = bench.claim("web/0")
    await bench.turn()
    unsure, renewed, granted = bench.claim("web/0"), bench.claim("db/0", term), bench.claim("mq/0")
    await bench.turn()
    assert isinstance(first[0], Unsure) and isinstance(unsure[0], Unsure)
    assert isinstance(renewed[0], Granted) and renewed[0].term == term
    assert isinstance(granted[0], StoreRefused)
    assert bench.lease("mq").holder is None
    assert bench.controller.trouble is not None


@in_virtual_time
async def test_the_seat_is_tried_until_it_can_be_taken_anew() -> None:
    """L8: the disk is full for a while; no restart is needed"""
    bench = await LoopBench.with_applications("web")
    bench.disk.faults = ["unsure-not-landed"]
    bench.store.seat_refused = True
    bench.claim("web/0")
    await bench.turn()
    await asyncio.sleep(20.0)
    assert bench.controller.trouble is not None
    still = bench.claim("web/1")
    await bench.turn()
    assert isinstance(still[0], TenureError)
    bench.store.seat_refused = False
    await until(lambda: bench.controller.trouble is None, "it recovers", 5.0)
    again = bench.claim("web/1")
    await bench.turn()
    assert isinstance(again[0], Granted)


@in_virtual_time
async def test_what_gathered_behind_an_unsure_commit_was_surely_not_written() -> None:
    """G7, L8"""
    bench = await LoopBench.with_applications("web", "db")
    bench.disk.faults = ["unsure-landed"]
    await hung(bench, "web/0")
    behind = bench.claim("db/0")
    await bench.turn()
    bench.store.open.set()
    await settle()
    assert isinstance(behind[0], StoreRefused)
    assert bench.term_on_disk("db") == bench.lease("db").term == 0


# -- what is kept


@in_virtual_time
async def test_history_says_who_when_and_why() -> None:
    """L7, O4"""
    bench = await LoopBench.with_applications("web")
    term = await bench.granted("web/0")
    leases = bench.controller.model.leases
    bench.claim("web/1")
    await bench.turn(0.5)
    bench.give("web", lambda now: leases.release(now, "web/0", term))
    await bench.turn()
    await bench.turn(0.5)
    await bench.granted("web/1")
    entries = await bench.store.history("web", 100)
    assert entries == bench.told
    kinds = [(e.kind, e.unit_from, e.unit_to, e.term) for e in entries[-3:]]
    assert kinds == [
        ("granted", None, "web/0", 1),
        ("released", "web/0", None, 1),
        ("granted", "web/0", "web/1", 2),
    ]
    assert (entries[-1].cause, entries[-1].leaderless_for) == ("web/0 stepped down", 0.5)


@in_virtual_time
async def test_each_change_of_leadership_is_one_commit_with_its_history() -> None:
    """L7"""
    bench = await LoopBench.with_applications("web")
    await bench.granted("web/0")
    changes: Sequence[Change] = bench.store.commits[-1]
    assert [type(change) for change in changes] == [ApplicationPut, HistoryAdded]


@in_virtual_time
async def test_asking_raises_what_the_step_or_its_commit_met() -> None:
    """G7"""
    bench = await LoopBench.with_applications("web")
    task = await bench.run()
    applications = bench.controller.model.applications
    assert await bench.controller.ask("web", lambda now: applications.add_unit("web")) == "web/2"
    bench.disk.faults = ["refused"]
    with pytest.raises(StoreRefused):
        await bench.controller.ask("web", lambda now: applications.add_unit("web"))
    assert await bench.controller.ask("web", lambda now: applications.add_unit("web")) == "web/3"
    task.cancel()


def test_the_memory_disk_starts_without_a_seat() -> None:
    """L8"""
    assert MemoryDisk().seat == 0
