"""The model of SQLite on a disk; the contract itself is in `stores/test_contract.py`.

Nothing here waits for time: a half of a commit that takes no seconds takes one turn of the loop, so
a moment is a number of turns. A history's seed is one run of a controller that is killed and
started again, with the power failing, and faults coming and going, in the middle of it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tenure.core.changes import Change, HistoryAdded
from tenure.errors import SeatLost, SeatTaken, StoreRefused, StoreUnusable, TenureError, Unsure
from tenure.simulation.disk import MAX_LOG, ModelDisk, ModelStore
from tenure.stores.base import Seat
from tenure.stores.memory import Fault, MemoryDisk, MemoryStore

from ..stores.samples import UNSTORABLE, turn

SEEDS = 300


class Fixed(random.Random):
    """Chance that always says the same: 0.0 is yes, 1.0 is no."""

    def __init__(self, says: float) -> None:
        super().__init__(0)
        self.says = says

    def random(self) -> float:
        return self.says


YES, NO = 0.0, 1.0


def number_of(changes: Sequence[Change]) -> int | None:
    return next(each.term for each in changes if isinstance(each, HistoryAdded))


class LoopBench:
    """A disk with chance in our hands, and what it told to be durable."""

    def __init__(self, says: float = NO) -> None:
        self.chance = Fixed(says)
        self.disk = ModelDisk(self.chance)
        self.told: list[int | None] = []
        self.disk.on_durable.append(lambda changes: self.told.append(number_of(changes)))

    async def used(self, *numbers: int) -> ModelStore:
        """A process that has the seat and made these commits."""
        store = ModelStore(self.disk)
        seat = await store.take_seat()
        for number in numbers:
            await store.commit(seat, turn(number))
        return store

    async def found(self) -> list[int | None]:
        """The commits that a new process finds, which is then gone."""
        store = ModelStore(self.disk)
        seat = await store.take_seat()
        terms = [entry.term for entry in await store.history("web", 1000)]
        records = (await store.load(seat)).applications
        assert [record.term for record in records.values()] == terms[-1:]
        await store.close()
        return terms

    async def interrupted(self, turns: int) -> asyncio.Task[None]:
        """A commit 2 under way, after commit 1, that came as far as so many turns."""
        store = await self.used(1)
        commit = asyncio.ensure_future(store.commit(self.seat, turn(2)))
        for _ in range(turns):
            await asyncio.sleep(0)
        return commit

    @property
    def seat(self) -> Seat:
        return Seat(self.disk.seat)


IN_APPEND, IN_SYNC = 2, 3
"""Turns after which a commit has begun to append, or to sync."""


# kill -9


@pytest.mark.parametrize(("turns", "says", "found", "told"), [
    (IN_APPEND, NO, [1], [1]),
    (IN_APPEND, YES, [1, 2], [1]),
    (IN_SYNC, NO, [1, 2], [1]),
    (IN_SYNC, YES, [1, 2], [1, 2]),
])  # fmt: skip
async def test_a_kill_leaves_the_cache_and_what_was_under_way_is_whole_or_not_there(
    turns: int, says: float, found: list[int], told: list[int]
) -> None:
    """G6, G7"""
    bench = LoopBench(says)
    commit = await bench.interrupted(turns)
    bench.disk.crash_process()
    with pytest.raises(Unsure):
        await commit
    assert bench.told == told
    assert await bench.found() == found
    assert bench.told == found


async def test_a_killed_process_frees_the_lock_and_can_do_nothing_any_more() -> None:
    """L8, G9"""
    bench = LoopBench()
    dead = await bench.used(1)
    seat = bench.seat
    bench.disk.crash_process()
    assert not bench.disk.is_locked
    for late in (dead.commit(seat, turn(2)), dead.load(seat), dead.take_seat()):
        with pytest.raises(SeatLost):
            await late
    alive = await bench.used()
    await dead.close()
    assert bench.disk.is_locked
    await alive.commit(bench.seat, turn(3))
    assert [entry.term for entry in await alive.history("web", 9)] == [1, 3]


async def test_one_process_of_two_can_be_killed() -> None:
    """L8"""
    bench = LoopBench()
    first, second = await bench.used(), ModelStore(bench.disk)
    with pytest.raises(SeatTaken, match="another controller"):
        await second.take_seat()
    bench.disk.crash_process(first)
    await second.take_seat()


async def test_a_process_that_is_killed_when_its_commit_is_durable_does_not_hear_of_it() -> None:
    """G6"""
    bench = LoopBench()
    store = await bench.used(1)
    bench.disk.on_durable.append(lambda changes: bench.disk.crash_process())
    with pytest.raises(Unsure):
        await store.commit(bench.seat, turn(2))
    bench.disk.on_durable.pop()
    assert await bench.found() == bench.told == [1, 2]


async def test_a_process_may_be_killed_when_the_seat_it_takes_makes_a_doubtful_commit_sure() -> (
    None
):
    """G6, L8"""
    bench = LoopBench()
    await doubtful(bench)
    bench.disk.crash_process()
    bench.disk.on_durable.append(lambda changes: bench.disk.crash_process())
    with pytest.raises(Unsure):
        await bench.used()
    bench.disk.on_durable.pop()
    bench.disk.power_loss()
    assert await bench.found() == bench.told == [1, 2]


# Power


@pytest.mark.parametrize(("says", "found"), [(NO, [1]), (YES, [1, 2])])
async def test_power_loss_takes_what_was_not_synced_unless_the_kernel_wrote_it(
    says: float, found: list[int]
) -> None:
    """G6"""
    bench = LoopBench(NO)
    commit = await bench.interrupted(IN_SYNC)
    bench.disk.crash_process()
    bench.chance.says = says
    bench.disk.power_loss()
    with pytest.raises(Unsure):
        await commit
    assert bench.told == [1]
    assert await bench.found() == bench.told == found


async def test_power_loss_leaves_what_was_acknowledged_and_the_seat_s_number() -> None:
    """G6, G8"""
    bench = LoopBench()
    await bench.used(1, 2, 3)
    number = bench.disk.seat
    bench.disk.power_loss()
    assert await bench.found() == bench.told == [1, 2, 3]
    assert bench.disk.seat > number


async def test_power_loss_leaves_all_of_a_long_life() -> None:
    """G6: whatever of its log was written back meanwhile"""
    bench = LoopBench()
    numbers = [*range(3 * MAX_LOG)]
    await bench.used(*numbers)
    bench.disk.power_loss()
    assert await bench.found() == bench.told == numbers


async def test_power_loss_drops_commits_that_were_still_to_arrive() -> None:
    """L8"""
    bench = LoopBench()
    bench.disk.faults = ["unsure-late"]
    with pytest.raises(Unsure):
        await bench.used(1)
    bench.disk.power_loss()
    bench.disk.deliver_late()
    assert await bench.found() == bench.told == []


# Faults


async def test_a_full_disk_refuses_commits_and_seats_before_anything() -> None:
    """G7"""
    bench = LoopBench()
    store = await bench.used(1)
    bench.disk.full = True
    with pytest.raises(StoreRefused, match="no space left"):
        await store.commit(bench.seat, turn(2))
    bench.disk.full = False
    await store.commit(bench.seat, turn(3))
    bench.disk.full = True
    with pytest.raises(StoreRefused, match="no space left"):
        await store.take_seat()
    with pytest.raises(StoreRefused, match="taken anew"):
        await store.commit(bench.seat, turn(4))
    with pytest.raises(SeatTaken):
        await ModelStore(bench.disk).take_seat()
    bench.disk.full = False
    await store.take_seat()
    await store.close()
    assert await bench.found() == bench.told == [1, 3]


@pytest.mark.parametrize(("fault", "error", "found"), [
    ("refused", StoreRefused, []),
    ("unsure-landed", Unsure, [1]),
    ("unsure-not-landed", Unsure, []),
    ("unsure-late", Unsure, []),
])  # fmt: skip
async def test_a_planned_fault_has_its_outcome_once(
    fault: Fault, error: type[Exception], found: list[int]
) -> None:
    """G7, L8"""
    bench = LoopBench()
    bench.disk.faults = [fault]
    store = await bench.used()
    with pytest.raises(error):
        await store.commit(bench.seat, turn(1))
    await store.commit(await store.take_seat(), turn(2))
    bench.disk.deliver_late()
    bench.disk.power_loss()
    assert await bench.found() == bench.told == [*found, 2]


async def test_a_late_commit_lands_while_its_seat_is_the_last() -> None:
    """L8"""
    bench = LoopBench()
    bench.disk.faults = ["unsure-late"]
    with pytest.raises(Unsure):
        await bench.used(1)
    bench.disk.crash_process()
    bench.disk.deliver_late()
    bench.disk.power_loss()
    assert await bench.found() == bench.told == [1]


async def test_each_half_of_a_commit_takes_as_long_as_the_disk_says() -> None:
    """L7"""
    bench = LoopBench()
    store = await bench.used()
    spans = iter([0.001, 0.002])
    bench.disk.takes = lambda: next(spans)
    began = asyncio.get_running_loop().time()
    await store.commit(bench.seat, turn(1))
    assert asyncio.get_running_loop().time() - began >= 0.003
    assert list(spans) == []


async def test_what_no_store_can_write_is_refused() -> None:
    """G7"""
    bench = LoopBench()
    store = await bench.used()
    with pytest.raises(StoreRefused, match="surrogate"):
        await store.commit(bench.seat, [UNSTORABLE])
    assert bench.told == []


# A sync that fails


async def doubtful(bench: LoopBench) -> ModelStore:
    """Commit 1 is sure; of commit 2 the sync failed, and the disk is well again."""
    store = await bench.used(1)
    bench.disk.sync_fails = True
    with pytest.raises(Unsure):
        await store.commit(bench.seat, turn(2))
    bench.disk.sync_fails = False
    return store


async def test_after_a_failed_sync_nothing_goes_on_until_the_seat_is_taken_anew() -> None:
    """L8"""
    bench = LoopBench()
    store = await doubtful(bench)
    with pytest.raises(StoreRefused, match="taken anew"):
        await store.commit(bench.seat, turn(3))
    with pytest.raises(SeatLost, match="taken anew"):
        await store.load(bench.seat)
    with pytest.raises(StoreUnusable):
        await store.history("web", 1)
    await store.commit(await store.take_seat(), turn(4))
    await store.close()
    assert await bench.found() == bench.told == [1, 2, 4]


@pytest.mark.parametrize(("says", "found"), [(NO, [1, 2]), (YES, [1])])
async def test_a_commit_whose_sync_failed_is_seen_by_others_unless_closing_removed_it(
    says: float, found: list[int]
) -> None:
    """G7"""
    bench = LoopBench(says)
    await doubtful(bench)
    bench.disk.crash_process()
    assert bench.told == [1]
    assert await bench.found() == bench.told == found


@pytest.mark.parametrize("says", [YES, NO])
async def test_pages_whose_sync_failed_count_as_clean_and_are_lost_with_the_power(
    says: float,
) -> None:
    """G6: also when the kernel writes whatever it takes for unwritten"""
    bench = LoopBench(NO)
    await doubtful(bench)
    bench.chance.says = says
    bench.disk.power_loss()
    assert await bench.found() == bench.told == [1]


async def test_taking_the_seat_rewrites_and_syncs_all_that_it_trusts() -> None:
    """G6, L8"""
    bench = LoopBench()
    store = await doubtful(bench)
    await store.take_seat()
    assert bench.told == [1, 2]
    bench.disk.power_loss()
    assert await bench.found() == bench.told == [1, 2]


@pytest.mark.parametrize("turns", range(5))
async def test_no_seat_is_taken_while_syncs_fail(turns: int) -> None:
    """L8: in whichever of its syncs the failing begins"""
    bench = LoopBench()
    store = await doubtful(bench)
    taking = asyncio.ensure_future(store.take_seat())
    for _ in range(turns):
        await asyncio.sleep(0)
    bench.disk.sync_fails = True
    with pytest.raises(StoreRefused, match="cannot open the model store now"):
        await taking
    bench.disk.sync_fails = False
    await store.take_seat()
    bench.disk.power_loss()
    assert await bench.found() == bench.told == [1, 2]


@pytest.mark.parametrize("turns", range(2, 6))
@pytest.mark.parametrize("says", [YES, NO])
async def test_power_lost_while_the_seat_is_taken_damages_nothing(says: float, turns: int) -> None:
    """G6: because the log that repairs a half checkpoint was written anew first"""
    bench = LoopBench(NO)
    store = await doubtful(bench)
    taking = asyncio.ensure_future(store.take_seat())
    for _ in range(turns):
        await asyncio.sleep(0)
    bench.chance.says = says
    bench.disk.power_loss()
    await asyncio.wait([taking])
    told = list(bench.told)
    found = await bench.found()
    assert found == bench.told
    assert found[: len(told)] == told


async def test_a_checkpoint_of_pages_that_only_the_cache_has_can_damage_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """G6: what rewriting the log is for"""
    monkeypatch.setattr(ModelDisk, "_rewrite_log", ModelDisk._sync_log)
    bench = LoopBench()
    store = await doubtful(bench)
    taking = asyncio.ensure_future(store.take_seat())
    for _ in range(3):
        await asyncio.sleep(0)
    bench.chance.says = YES
    bench.disk.power_loss()
    await asyncio.wait([taking])
    with pytest.raises(StoreUnusable, match="damaged"):
        await bench.found()


# Histories

BUGS: dict[str, Callable[..., Any]] = {
    "_sync": lambda disk: asyncio.sleep(0),
    "_compare_seat": lambda disk, seat: None,
    "_rewrite": lambda disk: asyncio.sleep(0),
}


class History:
    """One controller after the other on one disk, and what was seen to be wrong."""

    def __init__(self, seed: int, lives: int = 6) -> None:
        self.chance = random.Random(seed)
        self.disk = ModelDisk(random.Random(seed + 1_000_000))
        self.lives = lives
        self.number = 0
        self.known: list[int | None] = []
        self.doubt: int | None = None
        self.told: list[int | None] = []
        self.disk.on_durable.append(lambda changes: self.told.append(number_of(changes)))
        self.wrong: list[str] = []

    async def run(self) -> list[str]:
        """Live through all of it, then look once more."""
        for _ in range(self.lives):
            await self._life()
        self.disk.power_loss()
        self._heal()
        await self._ended(asyncio.ensure_future(self._look(ModelStore(self.disk))))
        return self.wrong

    async def _life(self) -> None:
        controller = asyncio.ensure_future(self._control(ModelStore(self.disk)))
        for _ in range(self.chance.randrange(120)):
            self._meddle()
            await asyncio.sleep(0)
        self.chance.choice([self.disk.crash_process, self.disk.power_loss])()
        controller.cancel()
        await self._ended(controller)

    async def _ended(self, work: asyncio.Future[Any]) -> None:
        await asyncio.wait([work])
        if not work.cancelled() and work.exception():
            self.wrong.append(f"lost: {work.exception()}")

    def _meddle(self) -> None:
        disk, drawn = self.disk, self.chance.random()
        if drawn < 0.02:
            disk.sync_fails = True
        elif drawn < 0.03:
            disk.full = True
        elif drawn < 0.05:
            disk.faults = [self.chance.choice(["refused", "unsure-landed", "unsure-not-landed"])]
        elif drawn < 0.07:
            disk.faults = ["unsure-late"]
        elif drawn < 0.12:
            disk.deliver_late()
        elif drawn < 0.30:
            self._heal()

    def _heal(self) -> None:
        self.disk.sync_fails = self.disk.full = False

    async def _control(self, store: ModelStore) -> None:
        while True:
            try:
                seat = await self._look(store)
                while True:
                    await self._commit(store, seat)
            except (StoreRefused, Unsure):
                await asyncio.sleep(0)

    async def _look(self, store: ModelStore) -> Seat:
        """What a controller does first; it remembers what it found."""
        seat = await store.take_seat()
        persisted = await store.load(seat)
        found = [entry.term for entry in await store.history("web", 10_000)]
        if found not in (self.known, [*self.known, self.doubt]):
            self.wrong.append(f"lost or returned: {self.known}, in doubt {self.doubt}: {found}")
        if [record.term for record in persisted.applications.values()] != found[-1:]:
            self.wrong.append(f"half a commit: {found}, {persisted}")
        if found != self.told:
            self.wrong.append(f"told {self.told}, found {found}")
        self.known, self.doubt = found, None
        return seat

    async def _commit(self, store: ModelStore, seat: Seat) -> None:
        self.number += 1
        self.doubt = self.number
        try:
            await store.commit(seat, turn(self.number))
        except StoreRefused:
            self.doubt = None
            return
        self.known.append(self.number)
        self.doubt = None
        if self.number not in self.told:
            self.wrong.append(f"not durable: {self.number}")


def wrong_in(seed: int) -> list[str]:
    return asyncio.run(History(seed).run())


def test_what_was_acknowledged_survives_any_sequence_of_kills_and_power_losses() -> None:
    """G6, G7, G8: and what was refused, or settled as not landed, never appears"""
    assert {seed: wrong for seed in range(SEEDS) if (wrong := wrong_in(seed))} == {}


def test_a_seed_is_always_the_same_history() -> None:
    first, second = History(3, lives=20), History(3, lives=20)
    for history in (first, second):
        asyncio.run(history.run())
    assert first.told == second.told
    assert first.number == second.number
    assert len(first.told) > 20


@pytest.mark.parametrize("guard", BUGS)
def test_without_one_of_its_guards_something_acknowledged_is_lost(
    monkeypatch: pytest.MonkeyPatch, guard: str
) -> None:
    """G6, L8"""
    monkeypatch.setattr(ModelDisk, guard, BUGS[guard])
    assert any(wrong.startswith("lost") for seed in range(SEEDS) for wrong in wrong_in(seed))


# The same hook on a disk in memory


async def test_a_memory_disk_tells_what_landed_too() -> None:
    """L7"""
    disk = MemoryDisk()
    told: list[int | None] = []
    disk.on_durable.append(lambda changes: told.append(number_of(changes)))
    disk.faults = ["none", "refused", "unsure-landed", "unsure-not-landed", "unsure-late"]
    store = MemoryStore(disk)
    for number in range(5):
        try:
            await store.commit(await store.take_seat(), turn(number))
        except TenureError:
            disk.deliver_late()
    assert told == [0, 2, 4]
