"""The exam that every store takes: the table of `stores/base.py`, line by line."""

from __future__ import annotations

import asyncio
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure.core.changes import (
    ApplicationPut,
    BagDropped,
    BagPut,
    BagRecord,
    Bucket,
    Change,
    CharmCleared,
    CharmPut,
    CharmRecord,
    ConfigPut,
    ConfigRecord,
    HistoryAdded,
    Holder,
    Option,
    Persisted,
    PinDropped,
    PinPut,
    SettingsCleared,
    SettingsMerged,
    StatusPut,
    StatusRecord,
    UnitDropped,
    UnitPut,
    UnitRecord,
)
from tenure.errors import SeatLost, SeatTaken, StoreRefused, StoreUnusable
from tenure.simulation.disk import ModelDisk, ModelStore
from tenure.stores.base import HISTORY_KEPT, Store
from tenure.stores.memory import MemoryDisk, MemoryStore
from tenure.stores.sqlite.store import SqliteStore

from .conftest import Open
from .samples import UNSTORABLE, bag, charm, charm_side, config, entry, led, record, turn

UNIT = UnitRecord(unit="web/0", address="127.12.0.34")

EVERYTHING: list[Change] = [
    ApplicationPut(
        record(
            term=7, holder=Holder("web/0", "i-1"), duration=5.5, guarantee=2.25, longest=300.0,
            next_unit=3, led_since=1700000000.125,
        )
    ),
    ApplicationPut(record("gone", alive=False, term=9)),
    ApplicationPut(record("leaving", removing=True)),
    UnitPut(UNIT),
    UnitPut(UnitRecord(unit="web/2", removing=True)),
    SettingsMerged("web", 3, {"a": "1"}),
    PinPut("web", "backup", 12.5),
    PinPut("web", "upgrade", 1.0),
    *charm_side(),
]  # fmt: skip


async def after(store: Store, *changes: Change) -> Persisted:
    """What is loaded once the changes were committed."""
    seat = await store.take_seat()
    await store.commit(seat, changes)
    return await store.load(seat)


async def reloaded(open_store: Open, store: Store) -> Persisted:
    """What a later controller loads."""
    await store.close()
    later = open_store()
    return await later.load(await later.take_seat())


# Durable


async def test_a_new_store_is_empty(store: Store) -> None:
    """L8"""
    assert await after(store) == Persisted()
    assert await store.history("web", 10) == []


async def test_load_returns_exactly_what_was_committed(store: Store) -> None:
    """L7"""
    assert await after(store, *EVERYTHING) == Persisted(
        applications={
            change.record.name: change.record
            for change in EVERYTHING
            if isinstance(change, ApplicationPut)
        },
        units={
            "web/0": UNIT,
            "web/2": UnitRecord(unit="web/2", removing=True),
        },
        buckets={"web": Bucket(3, {"a": "1"})},
        pins={"web": {"backup": 12.5, "upgrade": 1.0}},
        charms={"web": charm()},
        configs={"web": config(port="81", motd="é=\n")},
        bags={
            "web": (
                bag(0, "web", 7, settings={"leader": "says"}),
                bag(0, "web/10", 3, present=False, settings={"a.b": "1", "": "x"}),
                bag(0, "web/2", 2, settings={"$x": "é"}),
                bag(2, "web/0"),
            )
        },
    )


async def test_what_was_committed_is_there_for_the_next_controller(open_store: Open) -> None:
    """G6, L7"""
    store = open_store()
    before = await after(store, *EVERYTHING, entry(7))
    await store.close()
    later = open_store()
    assert await later.load(await later.take_seat()) == before
    assert await later.history("web", 10) == [entry(7)]


async def test_the_same_change_twice_is_as_once(store: Store) -> None:
    """L7: history apart, which is for people"""
    once = await after(store, *EVERYTHING)
    assert await after(store, *EVERYTHING, *EVERYTHING) == once


async def test_an_empty_commit_changes_nothing_but_compares_the_seat(store: Store) -> None:
    """L8"""
    old = await store.take_seat()
    seat = await store.take_seat()
    await store.commit(seat, [])
    with pytest.raises(SeatLost):
        await store.commit(old, [])


# All or nothing


async def test_a_refused_commit_changed_nothing(open_store: Open) -> None:
    """G6, G7"""
    store = open_store()
    before = await after(store, *turn(1))
    seat = await store.take_seat()
    with pytest.raises(StoreRefused, match="surrogate"):
        await store.commit(seat, [led(2), SettingsMerged("web", 5, {"a": "b"}), UNSTORABLE])
    assert await store.load(seat) == before
    assert await store.history("web", 10) == [entry(1)]
    assert await reloaded(open_store, store) == before


async def test_after_a_refused_commit_the_next_one_is_accepted(store: Store) -> None:
    """G7"""
    seat = await store.take_seat()
    with pytest.raises(StoreRefused):
        await store.commit(seat, [UNSTORABLE])
    await store.commit(seat, turn(1))
    assert (await store.load(seat)).applications["web"].term == 1


@pytest.mark.parametrize("turns", range(6))
async def test_a_commit_that_nobody_awaits_is_whole_or_not_at_all(store: Store, turns: int) -> None:
    """G6, G7"""
    seat = await store.take_seat()
    group: list[Change] = [led(1), *(PinPut("web", str(number), 1.0) for number in range(500))]
    commit = asyncio.ensure_future(store.commit(seat, group))
    for _ in range(turns):
        await asyncio.sleep(0)
    commit.cancel()
    await asyncio.wait([commit])
    found = await store.load(seat)
    assert (len(found.applications), len(found.pins.get("web", {}))) in [(0, 0), (1, 500)]


async def test_commits_land_in_the_order_they_were_sent(store: Store) -> None:
    """L7"""
    seat = await store.take_seat()
    await asyncio.gather(*(store.commit(seat, turn(term)) for term in range(20)))
    assert await store.history("web", 100) == [entry(term) for term in range(20)]
    assert (await store.load(seat)).applications["web"].term == 19


# The seat


async def test_each_taking_has_a_higher_number(open_store: Open) -> None:
    """L8, G8"""
    store = open_store()
    first, second = await store.take_seat(), await store.take_seat()
    await store.close()
    third = await open_store().take_seat()
    assert first.number < second.number < third.number


async def test_a_seat_that_is_held_is_refused_to_another(open_store: Open) -> None:
    """L8"""
    store, other = open_store(), open_store()
    seat = await store.take_seat()
    with pytest.raises(SeatTaken, match="another controller"):
        await other.take_seat()
    await store.commit(seat, turn(1))


async def test_a_closed_store_frees_the_seat_and_answers_no_more(open_store: Open) -> None:
    """L8, G9"""
    store = open_store()
    seat = await store.take_seat()
    await store.close()
    await store.close()
    later = open_store()
    assert (await later.take_seat()).number > seat.number
    for late in (store.commit(seat, turn(1)), store.load(seat), store.take_seat()):
        with pytest.raises(SeatLost):
            await late


async def test_an_older_seat_can_neither_write_nor_load(store: Store) -> None:
    """L8, G9"""
    old = await store.take_seat()
    await store.commit(old, turn(1))
    seat = await store.take_seat()
    with pytest.raises(SeatLost):
        await store.commit(old, turn(2))
    with pytest.raises(SeatLost):
        await store.load(old)
    assert (await store.load(seat)).applications["web"].term == 1
    assert await store.history("web", 10) == [entry(1)]


async def test_without_a_seat_there_is_no_history(store: Store) -> None:
    """O4"""
    with pytest.raises(StoreUnusable):
        await store.history("web", 10)


# Records


async def test_a_tombstone_keeps_term_and_revision(open_store: Open) -> None:
    """G8, B1"""
    store = open_store()
    tombstone = record(alive=False, term=8)
    await after(store, led(8), SettingsMerged("web", 4, {"a": "1"}), UnitPut(UNIT))
    await after(store, UnitDropped("web/0"), SettingsCleared("web"), ApplicationPut(tombstone))
    found = await reloaded(open_store, store)
    assert found == Persisted(applications={"web": tombstone}, buckets={"web": Bucket(4)})


async def test_pins_are_a_set_of_reasons(store: Store) -> None:
    """L6, L7"""
    found = await after(
        store, PinPut("web", "a", 9.0), PinPut("web", "a", 5.0), PinPut("db", "a", 1.0),
        PinPut("db", "b", 2.0), PinDropped("db", "b"), PinDropped("db", "never"),
    )  # fmt: skip
    assert found.pins == {"web": {"a": 5.0}, "db": {"a": 1.0}}
    assert "web" not in (await after(store, PinDropped("web", "a"))).pins


async def test_dropping_what_is_not_there_is_fine(store: Store) -> None:
    """L7"""
    gone = (UnitDropped("web/9"), PinDropped("web", "x"), SettingsCleared("web"))
    assert await after(store, *gone) == Persisted()


# Settings


@pytest.mark.parametrize(
    "key", ["a.b", "$x", "é", "", " ", "a\x00b", "'; --", "%", "KEY", "key", "\U0001f600", "\n"]
)
async def test_keys_and_values_are_opaque(open_store: Open, key: str) -> None:
    """B3"""
    store = open_store()
    put = {key: key, "other": f"{key}="}
    await after(store, SettingsMerged("web", 1, put))
    assert (await reloaded(open_store, store)).buckets["web"] == Bucket(1, put)


async def test_a_value_may_take_a_whole_bucket(open_store: Open) -> None:
    """B3, B6"""
    store = open_store()
    put = {"big": "é" * 512 * 1024}
    await after(store, SettingsMerged("web", 1, put))
    assert (await reloaded(open_store, store)).buckets["web"].settings == put


async def test_settings_merge_per_key(store: Store) -> None:
    """B3, B4"""
    await after(store, SettingsMerged("web", 1, {"a": "1", "b": "2", "c": "3"}))
    found = await after(store, SettingsMerged("web", 2, {"b": "x", "d": "4"}, ("a", "never")))
    assert found.buckets["web"] == Bucket(2, {"b": "x", "c": "3", "d": "4"})


async def test_a_key_that_is_put_and_dropped_at_once_is_dropped(store: Store) -> None:
    """B3"""
    found = await after(store, SettingsMerged("web", 1, {"a": "1", "b": "2"}, ("a",)))
    assert found.buckets["web"] == Bucket(1, {"b": "2"})


async def test_changes_of_one_commit_apply_in_order(store: Store) -> None:
    """B4, L7"""
    found = await after(
        store,
        SettingsMerged("web", 1, {"a": "1", "b": "1"}),
        SettingsMerged("web", 2, {"a": "2"}, ("b",)),
        SettingsCleared("web"),
        SettingsMerged("web", 3, {"b": "3"}),
        SettingsMerged("db", 9, {"a": "1"}),
        UnitPut(UNIT),
        UnitDropped("web/0"),
        UnitDropped("web/1"),
        UnitPut(UnitRecord(unit="web/1")),
    )
    assert found.buckets == {"web": Bucket(3, {"b": "3"}), "db": Bucket(9, {"a": "1"})}
    assert set(found.units) == {"web/1"}


async def test_a_bucket_emptied_or_cleared_keeps_its_revision(store: Store) -> None:
    """B1, B4"""
    await after(store, SettingsMerged("web", 1, {"a": "1"}), SettingsMerged("db", 1, {"a": "1"}))
    found = await after(store, SettingsMerged("web", 2, {}, ("a",)), SettingsCleared("db"))
    assert found.buckets == {"web": Bucket(2), "db": Bucket(1)}


# Charms, configurations, bags


async def test_the_last_charm_and_configuration_count(open_store: Open) -> None:
    """L7"""
    store = open_store()
    await after(store, *charm_side(), CharmPut(charm("db")))
    changed = charm(revision=4, peers={}, options={}, resources={}, allow_host_changes=False)
    await after(store, CharmPut(changed), ConfigPut(config(revision=5)))
    found = await reloaded(open_store, store)
    assert found.charms == {"web": changed, "db": charm("db")}
    assert found.configs == {"web": config(revision=5)}


async def test_a_bag_is_replaced_whole_and_dropped_alone(store: Store) -> None:
    """L7: its settings are not merged, they are what they are now"""
    mine, other = bag(0, "web/0", settings={"a": "1", "b": "2"}), bag(1, "web/0")
    await after(store, BagPut(mine), BagPut(other), BagPut(bag(0, "db/0")))
    newer = bag(0, "web/0", 2, settings={"a": "1"})
    found = await after(store, BagPut(newer), BagDropped("web", 1, "web/0"))
    assert found.bags == {"web": (newer,), "db": (bag(0, "db/0"),)}
    gone = await after(store, BagDropped("web", 0, "web/0"), BagDropped("web", 9, "web/9"))
    assert gone.bags == {"db": (bag(0, "db/0"),)}


async def test_bags_come_in_the_order_of_relation_and_owner(store: Store) -> None:
    """L7"""
    owners = ["web/2", "web", "web/10", "web/0"]
    await after(store, *(BagPut(bag(n, owner)) for n in (2, 10, 0) for owner in owners))
    found = (await after(store)).bags["web"]
    expected = [(n, owner) for n in (0, 2, 10) for owner in sorted(owners)]
    assert [(each.relation, each.owner) for each in found] == expected


async def test_the_last_status_of_an_application_counts_and_goes_with_it(
    open_store: Open,
) -> None:
    """P4, L7"""
    store = open_store()
    first, last = (
        StatusRecord(application="web", current="active", message=text, since=1.7e9 + 0.25)
        for text in ("é", "x" * 1000)
    )
    other = StatusRecord(application="db", current="blocked")
    found = await after(store, StatusPut(first), StatusPut(other), StatusPut(last))
    assert found.statuses == {"web": last, "db": other}
    await after(store, CharmCleared("web"), CharmCleared("db"), StatusPut(other))
    assert (await reloaded(open_store, store)).statuses == {"db": other}


async def test_an_application_s_charm_side_is_cleared_at_once_and_may_begin_anew(
    open_store: Open,
) -> None:
    """B1, L7"""
    store = open_store()
    await after(store, *charm_side(), CharmPut(charm("db")), ConfigPut(config("db")))
    found = await after(store, CharmCleared("web"), CharmCleared("never"))
    assert (set(found.charms), set(found.configs), found.bags) == ({"db"}, {"db"}, {})
    await after(store, *charm_side(), CharmCleared("web"), BagPut(bag(0, "web/5")))
    found = await after(store)
    assert (set(found.charms), found.bags) == ({"db"}, {"web": (bag(0, "web/5"),)})
    status = StatusRecord(application="web", current="active")
    both = CharmCleared("db"), CharmCleared("web")
    await after(store, *charm_side(), StatusPut(status), ConfigPut(config("db")), *both)
    assert await reloaded(open_store, store) == Persisted()


async def test_a_bag_may_take_a_whole_mebibyte_of_anything(open_store: Open) -> None:
    """L7"""
    store = open_store()
    full = bag(0, "web/0", settings={"\x00'\n": "\x01" * 1024 * 1024})
    await after(store, BagPut(full))
    assert (await reloaded(open_store, store)).bags["web"] == (full,)


@pytest.mark.parametrize("change", [
    CharmPut(charm(source="\ud800")), ConfigPut(config(a="\ud800")),
    BagPut(bag(0, "web/0", settings={"\ud800": "v"})), BagPut(bag(0, "web/0", version=2**70)),
])  # fmt: skip
async def test_what_no_store_can_keep_of_a_charm_is_refused(store: Store, change: Change) -> None:
    """G7, L7"""
    seat = await store.take_seat()
    with pytest.raises(StoreRefused):
        await store.commit(seat, [*charm_side(), change])
    assert await store.load(seat) == Persisted()


# History


async def test_history_is_the_newest_entries_oldest_first(store: Store) -> None:
    """O4, L7"""
    full = HistoryAdded(
        application="web", at=99.5, kind="expired", cause="its lease ran out", unit_from="web/0",
        unit_to="web/1", term=6, leaderless_for=1.25, detail="é",
    )  # fmt: skip
    entries = [*map(entry, range(5)), full]
    await after(store, *entries, entry(1, "db"))
    assert await store.history("web", 100) == entries
    assert await store.history("web", 2) == entries[-2:]
    assert await store.history("web", 2**70) == entries
    assert await store.history("web", 0) == await store.history("web", -1) == []
    assert await store.history("never", 10) == []


async def test_history_is_trimmed_when_the_seat_is_taken(open_store: Open) -> None:
    """O4"""
    store = open_store()
    entries = [entry(number) for number in range(HISTORY_KEPT + 5)]
    await after(store, *entries, entry(0, "db"))
    await store.close()
    assert await _history_after_restart(open_store, "web") == entries[5:]
    assert await _history_after_restart(open_store, "db") == [entry(0, "db")]


async def _history_after_restart(open_store: Open, application: str) -> list[HistoryAdded]:
    store = open_store()
    await store.take_seat()
    found = await store.history(application, 10_000)
    await store.close()
    return found


# Whatever the changes

names = st.sampled_from(["web", "db", "a-b"])
words = st.text(max_size=5)
whole = st.integers(min_value=0, max_value=2**63 - 1)
seconds = st.floats(allow_nan=False, allow_infinity=False)
units = st.builds("{}/{}".format, names, st.integers(0, 2))
holders = st.none() | st.builds(Holder, units, words)
records = st.builds(
    record, names, alive=st.booleans(), term=whole, holder=holders, duration=seconds,
    guarantee=seconds, longest=seconds, next_unit=whole, led_since=st.none() | seconds,
    removing=st.booleans(),
)  # fmt: skip
few = st.integers(0, 2)
texts = st.dictionaries(words, words, max_size=3)
options = st.builds(
    Option, type=st.sampled_from(["string", "int", "float", "boolean", "secret"]),
    default=st.none() | words, description=words,
)  # fmt: skip
charms = st.builds(
    CharmRecord, application=names, source=words, revision=whole,
    peers=st.dictionaries(words, few, max_size=2), former_peers=st.dictionaries(words, few),
    options=st.dictionaries(words, options, max_size=2), resources=texts,
    update_status_interval=seconds, allow_host_changes=st.booleans(),
)  # fmt: skip
configs = st.builds(ConfigRecord, application=names, revision=whole, values=texts)
bags = st.builds(
    BagRecord, application=names, relation=few, owner=units | names, version=whole,
    present=st.booleans(), settings=texts,
)  # fmt: skip
statuses = st.builds(
    StatusRecord, application=names, current=words, message=words, since=seconds
)  # fmt: skip
changes = st.one_of(
    st.builds(ApplicationPut, records),
    st.builds(UnitPut, st.builds(UnitRecord, unit=units, removing=st.booleans(), address=words)),
    st.builds(UnitDropped, units),
    st.builds(
        SettingsMerged, names, whole, st.dictionaries(words, words, max_size=3),
        st.lists(words, max_size=2).map(tuple),
    ),
    st.builds(SettingsCleared, names),
    st.builds(PinPut, names, words, seconds),
    st.builds(PinDropped, names, words),
    st.builds(CharmPut, charms),
    st.builds(ConfigPut, configs),
    st.builds(BagPut, bags),
    st.builds(BagDropped, names, few, units | names),
    st.builds(StatusPut, statuses),
    st.builds(CharmCleared, names),
    st.builds(entry, whole, names),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(changes, max_size=12), max_size=3))
def test_all_stores_load_the_same_after_any_changes(commits: list[list[Change]]) -> None:
    """L7, G6"""
    asyncio.run(_compare(commits))


async def _compare(commits: list[list[Change]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tenure.db"
        memory, sqlite = MemoryStore(MemoryDisk()), SqliteStore(path, create=True)
        model = ModelStore(ModelDisk(random.Random(1)))
        found = [await _everything(store, commits) for store in (memory, model, sqlite)]
        await sqlite.close()
        again = SqliteStore(path, create=False)
        found.append(await _everything(again, []))
        await again.close()
    assert found == found[:1] * 4


async def _everything(store: Store, commits: list[list[Change]]) -> object:
    seat = await store.take_seat()
    for commit in commits:
        await store.commit(seat, commit)
    histories = [await store.history(name, 100) for name in ("web", "db", "a-b")]
    return await store.load(seat), histories
