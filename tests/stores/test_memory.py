"""The faults that a `MemoryDisk` plans; the contract itself is in `test_contract.py`."""

from __future__ import annotations

import pytest

from tenure.errors import SeatLost, StoreRefused, Unsure
from tenure.stores.memory import Fault, MemoryDisk, MemoryStore

from .samples import turn


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
