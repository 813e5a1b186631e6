"""The faults that a `MemoryDisk` plans; the contract itself is in `test_contract.py`."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tenure.core.changes import (
    Change,
    CharmCleared,
    PinDropped,
    PinPut,
    SettingsMerged,
    StatusPut,
    StatusRecord,
    UnitDropped,
    UnitPut,
    UnitRecord,
)
from tenure.errors import SeatLost, StoreRefused, Unsure
from tenure.stores.memory import Fault, MemoryDisk, MemoryStore, Tables

from .children import outcome
from .samples import charm_side, turn


@pytest.mark.parametrize(
    ("fault", "error", "landed"),
    [
        ("refused", StoreRefused, False),
        ("unsure-landed", Unsure, True),
        ("unsure-not-landed", Unsure, False),
        ("unsure-late", Unsure, False),
    ],
)
async def test_a_planned_fault_has_its_outcome_once(
    fault: Fault, error: type[Exception], landed: bool
) -> None:
    """G7, L8"""
    disk = MemoryDisk()
    store = MemoryStore(disk)
    disk.faults = ["none", fault]
    seat = await store.take_seat()
    await store.commit(seat, turn(1))
    with pytest.raises(error):
        await store.commit(seat, turn(2))
    seat = await store.take_seat()
    assert (await store.load(seat)).applications["web"].term == (2 if landed else 1)
    await store.commit(seat, turn(3))


async def test_after_unsure_nothing_goes_on_until_the_seat_is_taken_anew() -> None:
    """L8"""
    disk = MemoryDisk()
    store = MemoryStore(disk)
    disk.faults = ["unsure-landed"]
    seat = await store.take_seat()
    with pytest.raises(Unsure):
        await store.commit(seat, turn(1))
    with pytest.raises(StoreRefused, match="taken anew"):
        await store.commit(seat, turn(2))
    with pytest.raises(SeatLost, match="taken anew"):
        await store.load(seat)


@pytest.mark.parametrize("taken_anew", [True, False])
async def test_a_late_commit_lands_only_under_its_own_seat(taken_anew: bool) -> None:
    """L8, G9"""
    disk = MemoryDisk()
    store = MemoryStore(disk)
    disk.faults = ["unsure-late"]
    with pytest.raises(Unsure):
        await store.commit(await store.take_seat(), turn(1))
    if taken_anew:
        await store.take_seat()
    disk.deliver_late()
    found = await store.load(await store.take_seat())
    assert ("web" in found.applications) is not taken_anew


async def test_a_controller_that_crashed_and_wakes_can_write_nothing() -> None:
    """L8, G9"""
    disk = MemoryDisk()
    dead, alive = MemoryStore(disk), MemoryStore(disk)
    old = await dead.take_seat()
    disk.free_seat()
    seat = await alive.take_seat()
    with pytest.raises(SeatLost):
        await dead.commit(old, turn(1))
    await dead.close()
    await alive.commit(seat, turn(2))


async def test_a_full_disk_refuses_until_there_is_room_again() -> None:
    """G7"""
    disk = MemoryDisk()
    store = MemoryStore(disk)
    seat = await store.take_seat()
    disk.full = True
    with pytest.raises(StoreRefused, match="no space left"):
        await store.commit(seat, turn(1))
    with pytest.raises(StoreRefused, match="no space left"):
        await store.take_seat()
    disk.full = False
    await store.commit(seat, turn(1))


async def test_each_refusal_says_what_is_wrong() -> None:
    """G7, L8"""
    disk = MemoryDisk()
    store, other = MemoryStore(disk), MemoryStore(disk)
    told = [await outcome(store.history("web", 1))]
    first, second = await store.take_seat(), await store.take_seat()
    told.append(await outcome(other.take_seat()))
    told.append(await outcome(store.commit(first, turn(1))))
    disk.full = True
    told.append(await outcome(store.commit(second, turn(1))))
    told.append(await outcome(store.take_seat()))
    disk.full = False
    disk.faults.append("unsure-landed")
    told.append(await outcome(store.commit(second, turn(1))))
    told.append(await outcome(store.commit(second, turn(1))))
    told.append(await outcome(store.load(second)))
    third = await store.take_seat()
    await store.close()
    told.append(await outcome(store.take_seat()))
    assert (first.number, second.number, third.number) == (1, 2, 3)
    assert told == [
        ["StoreUnusable", "the memory store is not open: take its seat first"],
        ["SeatTaken", "another controller holds the seat of the memory store"],
        ["SeatLost", "seat 1 of the memory store was taken over"],
        ["StoreRefused", "the memory store has no space left: nothing was written"],
        ["StoreRefused", "cannot take the seat of the memory store: no space left"],
        ["Unsure", "the memory store did not say whether the write landed"],
        ["StoreRefused", "cannot write to the memory store: its seat must be taken anew"],
        ["SeatLost", "the seat of the memory store must be taken anew"],
        ["SeatLost", "the store is closed"],
    ]


async def test_who_listens_hears_of_each_commit_that_changed_something() -> None:
    """G6"""
    disk, heard = MemoryDisk(), list[Sequence[Change]]()
    store = MemoryStore(disk)
    disk.on_durable.append(heard.append)
    seat = await store.take_seat()
    for changes in (turn(1), [], turn(2)):
        await store.commit(seat, changes)
    assert heard == [turn(1), turn(2)]


def test_a_copy_has_all_of_it_and_does_not_hear_what_the_other_is_told() -> None:
    """L7"""
    tables = Tables()
    tables.apply([
        *turn(1), *charm_side(), UnitPut(UnitRecord(unit="web/0")), PinPut("web", "backup", 1.0),
        SettingsMerged("web", 1, {"a": "1"}),
        StatusPut(StatusRecord(application="web", current="active")),
    ])  # fmt: skip
    before = tables.persisted(), tables.history("web", 9)
    copied = tables.copy()
    assert (copied.persisted(), copied.history("web", 9)) == before
    tables.apply([
        *turn(2), UnitDropped("web/0"), PinDropped("web", "backup"), CharmCleared("web"),
        SettingsMerged("web", 2, {}),
    ])  # fmt: skip
    assert (copied.persisted(), copied.history("web", 9)) == before
