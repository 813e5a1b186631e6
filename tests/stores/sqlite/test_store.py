"""What only a file can suffer: `stores/sqlite/store.py` with real files and real processes."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tenure.core.changes import HistoryAdded, Persisted, SettingsMerged
from tenure.errors import SeatLost, SeatTaken, StoreRefused, StoreUnusable
from tenure.stores.base import HISTORY_KEPT
from tenure.stores.sqlite import file as sqlite_file
from tenure.stores.sqlite import schema as sqlite_schema
from tenure.stores.sqlite.store import TRIM_EVERY, SqliteStore
from tests.stores.children import outcome
from tests.stores.conftest import Child
from tests.stores.samples import entry, led, turn
from tests.support.patience import HANG

Start = Callable[..., Child]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is, or is to be."""
    return tmp_path / "tenure.db"


async def used(path: Path, groups: int = 20) -> Persisted:
    """Make a store that was used and closed, and tell what is in it."""
    store = SqliteStore(path, create=True)
    seat = await store.take_seat()
    for number in range(groups):
        await store.commit(seat, turn(number))
        await store.commit(seat, [SettingsMerged(f"app{number}", number, {"key": "v" * 2000})])
    persisted = await store.load(seat)
    await store.close()
    return persisted


async def refusal(path: Path, create: bool = True) -> str:
    """The words of the StoreUnusable that the file meets; all files stay as they are."""
    before = _bytes_of(path)
    store = SqliteStore(path, create=create)
    with pytest.raises(StoreUnusable) as caught:
        await store.take_seat()
    await store.close()
    assert _bytes_of(path) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _bytes_of(path: Path) -> dict[str, bytes]:
    return {
        file.name: file.read_bytes() for file in path.parent.iterdir() if file.suffix != ".lock"
    }


# Making


async def test_a_store_that_was_never_used_touches_nothing(path: Path) -> None:
    """L8"""
    store = SqliteStore(path, create=True)
    assert list(path.parent.iterdir()) == []
    await store.close()


async def test_its_files_are_private_and_the_folder_is_left_as_given(path: Path) -> None:
    """T10, L8"""
    path.parent.chmod(0o750)
    store = SqliteStore(path, create=True)
    await store.commit(await store.take_seat(), turn(1))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {"tenure.db": 0o600, "tenure.db-wal": 0o600, "tenure.db.lock": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
    await store.close()
    assert {file.name for file in path.parent.iterdir()} == {"tenure.db", "tenure.db.lock"}


async def test_what_an_interrupted_making_left_behind_is_made_anew(path: Path) -> None:
    """L8"""
    for ending in ("", "-wal", "-shm", "-journal"):
        path.with_name(f"tenure.db.new{ending}").write_bytes(b"half a file")
    assert (await used(path)).applications
    assert {file.name for file in path.parent.iterdir()} == {"tenure.db", "tenure.db.lock"}


async def test_a_missing_store_is_not_started_empty(path: Path) -> None:
    """G6, L8"""
    words = await refusal(path, create=False)
    assert words == (
        f"the store {path} is missing: restore it from a backup, or begin anew with another state "
        "folder"
    )
    assert list(path.parent.iterdir()) == []


async def test_a_store_that_vanished_is_not_made_anew_by_who_had_it(path: Path) -> None:
    """G6, G8"""
    store = SqliteStore(path, create=True)
    seat = await store.take_seat()
    path.rename(path.with_name("elsewhere"))
    with pytest.raises(SeatLost, match="moved or replaced"):
        await store.commit(seat, turn(1))
    with pytest.raises(StoreUnusable, match="is missing"):
        await store.take_seat()
    await store.close()


async def test_a_log_without_its_database_is_not_started_over(path: Path) -> None:
    """G6"""
    path.with_name("tenure.db-wal").write_bytes(b"commits of a lost database")
    assert await refusal(path) == (
        f"{path}-wal lies there without its store {path}: restore the store from a backup, or "
        "begin anew with another state folder"
    )


# Files that are not ours, or not whole


async def test_an_empty_file_is_refused(path: Path) -> None:
    """G6"""
    path.touch()
    assert await refusal(path) == (
        f"the store {path} is damaged (the file is empty); it was left as it is: restore it from a "
        "backup, or begin anew with another state folder"
    )


@pytest.mark.parametrize("text", [b"short", b"not a database at all\n" * 500])
async def test_a_file_that_is_no_database_is_refused(path: Path, text: bytes) -> None:
    """G6"""
    path.write_bytes(text)
    assert await refusal(path) == damaged(path, "not a database")


async def test_another_program_s_database_is_refused(path: Path) -> None:
    """G6"""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    assert await refusal(path) == (
        f"{path} is another program's database, not a store of Tenure; it was left as it is: use "
        "another state folder"
    )


async def test_a_newer_version_is_refused(path: Path) -> None:
    """G6"""
    await used(path)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {sqlite_schema.SCHEMA_VERSION + 1}")
    connection.close()
    ours = sqlite_schema.SCHEMA_VERSION
    assert await refusal(path) == (
        f"the store {path} was written by a newer Tenure (its version {ours + 1}, known here "
        f"{ours}); it was left as it is: install that Tenure, or restore an older backup"
    )


async def test_a_version_or_a_seat_number_that_is_missing_is_damage(path: Path) -> None:
    """G6, L8"""
    await used(path)
    found: list[str] = []
    for statement in (
        "PRAGMA user_version = 0",
        f"PRAGMA user_version = {sqlite_schema.SCHEMA_VERSION}; UPDATE meta SET value = 'x'",
        "DELETE FROM meta",
    ):
        connection = sqlite3.connect(path)
        connection.executescript(statement)
        connection.close()
        found.append(await refusal(path))
    causes = ("its version is missing", *["its seat number is missing"] * 2)
    assert found == [damaged(path, cause) for cause in causes]


def damaged(path: Path, cause: str) -> str:
    return (
        f"the store {path} is damaged ({cause}); it was left as it is: restore it from a backup, "
        "or begin anew with another state folder"
    )


async def test_what_a_check_finds_is_told(path: Path) -> None:
    """G6"""
    await used(path)
    connection = sqlite3.connect(path)
    connection.executescript(
        "UPDATE applications SET holder_unit = NULL; PRAGMA writable_schema = ON;"
        "UPDATE sqlite_master"
        " SET sql = replace(sql, 'holder_unit TEXT', 'holder_unit TEXT NOT NULL')"
    )
    connection.close()
    assert await refusal(path) == damaged(path, "NULL value in applications.holder_unit")


async def test_a_header_is_the_first_hundred_bytes(path: Path) -> None:
    """G6"""
    await used(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:99])
    assert "is damaged (not a database)" in await refusal(path)
    path.write_bytes(whole[:100])
    assert "is damaged (database disk image is malformed)" in await refusal(path)


@pytest.mark.parametrize("part", [0.03, 0.3, 0.6, 0.97])
async def test_a_truncated_store_is_refused(path: Path, part: float) -> None:
    """G6"""
    await used(path)
    os.truncate(path, int(path.stat().st_size * part))
    assert "is damaged (" in await refusal(path)


@pytest.mark.parametrize("at", [16, 4096, 2 * 4096, 3 * 4096, 5 * 4096])
async def test_a_store_with_flipped_bytes_is_refused(path: Path, at: int) -> None:
    """G6"""
    await used(path)
    whole = bytearray(path.read_bytes())
    whole[at : at + 16] = bytes(byte ^ 0xFF for byte in whole[at : at + 16])
    path.write_bytes(whole)
    assert "restore it from a backup" in await refusal(path)


async def test_a_damaged_store_keeps_its_log_too(path: Path, child: Start) -> None:
    """G6"""
    await used(path)
    writer = child("write", path, 100, 5)
    while writer.report() != 105:
        pass
    writer.kill()
    assert path.with_name("tenure.db-wal").stat().st_size
    with path.open("r+b") as file:
        for page in range(4, path.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(b"\xff" * 16)
    assert "restore it from a backup" in await refusal(path)
    assert not path.with_name("tenure.db-shm").exists()


async def test_a_row_that_is_no_record_is_refused_when_loaded(path: Path) -> None:
    """G6, G8"""
    await used(path)
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE applications SET term = 'seven'")
    connection.close()
    store = SqliteStore(path, create=False)
    with pytest.raises(StoreUnusable, match="is damaged"):
        await store.load(await store.take_seat())
    await store.close()


async def test_garbage_in_the_log_is_not_taken_for_commits(path: Path) -> None:
    """G6"""
    before = await used(path)
    path.with_name("tenure.db-wal").write_bytes(random.Random(1).randbytes(50_000))
    store = SqliteStore(path, create=False)
    assert await store.load(await store.take_seat()) == before
    await store.close()


async def test_the_log_is_written_anew_without_changing_it(path: Path, child: Start) -> None:
    """G6: of what an earlier fsync left in memory only"""
    writer = child("write", path, 1, 50)
    while writer.report() != 20:
        pass
    writer.kill()
    log = path.with_name("tenure.db-wal")
    os.utime(log, (0, 0))
    before = log.read_bytes()
    sqlite_file.rewrite_log(path)
    assert log.read_bytes() == before
    assert log.stat().st_mtime > 0


@pytest.mark.parametrize(("folder", "file"), [(0o555, 0o666), (0o777, 0o444), (0o777, 0), (0, 0)])
async def test_a_store_that_cannot_be_written_is_refused_with_the_cause(
    public_folder: Path, child: Start, folder: int, file: int
) -> None:
    """G7, L8"""
    path = public_folder / "tenure.db"
    await used(path)
    path.with_name("tenure.db.lock").chmod(0o666)
    path.chmod(file)
    public_folder.chmod(folder)
    kind, words = child("unprivileged", path).report()
    assert kind == "StoreUnusable"
    assert "Permission denied" in words
    assert str(public_folder) in words
    assert "check the folder" in words


# What is refused, and the words


async def test_each_refusal_says_what_is_wrong(path: Path) -> None:
    """G7, L8: a commit that fails at COMMIT, one whose rollback fails, and what follows"""
    store = SqliteStore(path, create=True)
    told = [await outcome(store.history("web", 1))]
    first, second = await store.take_seat(), await store.take_seat()
    other = SqliteStore(path, create=False)
    told.append(await outcome(other.take_seat()))
    await other.close()
    told.append(await outcome(store.commit(first, [])))
    told.append(await outcome(store.commit(second, [led(2**63)])))
    await _fails_at_commit(store)
    told.append(await outcome(store.commit(second, turn(1))))
    told.append(await outcome(store.commit(second, turn(1))))
    told.append(await outcome(store.load(second)))
    third = await store.take_seat()
    connection = store._keeper._connection
    assert connection is not None
    await store._run(connection.close)
    told.append(await outcome(store.commit(third, turn(1))))
    told.append(await outcome(store.commit(third, turn(1))))
    assert (await store.load(await store.take_seat())) == Persisted()
    await store.close()
    told.append(await outcome(store.take_seat()))
    anew = ["StoreRefused", f"cannot write to the store {path}: it must be opened anew"]
    assert told == [
        ["StoreUnusable", f"the store {path} is not open: its seat must be taken first"],
        [
            "SeatTaken",
            f"another controller (process {os.getpid()}) holds the seat of {path}, locked by "
            f"{path}.lock: stop that controller, or use another state folder",
        ],
        ["SeatLost", f"seat 1 of {path} was given up or taken anew"],
        [
            "StoreRefused",
            f"cannot write to the store {path}: Python int too large to convert to SQLite INTEGER: "
            "nothing was written",
        ],
        [
            "Unsure",
            f"the store {path} failed while committing (FOREIGN KEY constraint failed): the write "
            "may or may not have happened",
        ],
        anew,
        ["SeatLost", f"the seat of {path} must be taken anew"],
        [
            "Unsure",
            f"the store {path} failed (Cannot operate on a closed database.) and must be opened "
            "anew",
        ],
        anew,
        ["SeatLost", "the store is closed"],
    ]


async def _fails_at_commit(store: SqliteStore) -> None:
    """A row that breaks a rule which SQLite looks at only when it commits."""
    connection = store._keeper._connection
    assert connection is not None
    await store._run(
        lambda: connection.executescript(
            "PRAGMA foreign_keys = ON;"
            "CREATE TABLE child (name TEXT REFERENCES meta (key) DEFERRABLE INITIALLY DEFERRED);"
            "CREATE TRIGGER breaks AFTER INSERT ON history"
            " BEGIN INSERT INTO child VALUES ('no such key'); END;"
        )
    )


async def test_a_history_that_is_too_long_is_trimmed_when_the_seat_is_taken(path: Path) -> None:
    """O4: also if no commit of this Tenure made it so long"""
    await used(path)
    with sqlite3.connect(path) as connection:
        connection.executemany(
            "INSERT INTO history (application, at, kind, cause, detail) VALUES (?,?,?,?,?)",
            [("web", float(n), "settings", "", "") for n in range(HISTORY_KEPT)],
        )
    connection.close()
    store = SqliteStore(path, create=False)
    await store.take_seat()
    found = await store.history("web", 2 * HISTORY_KEPT)
    assert [each.at for each in found] == [float(n) for n in range(HISTORY_KEPT)]
    await store.close()


async def test_history_that_cannot_be_trimmed_keeps_nobody_from_the_seat(path: Path) -> None:
    """O4, L8"""
    store = SqliteStore(path, create=True)
    seat = await store.take_seat()
    entries = [entry(number) for number in range(HISTORY_KEPT)]
    await store.commit(seat, entries)
    await store.commit(seat, turn(2))
    connection = store._keeper._connection
    assert connection is not None
    await store._run(
        lambda: connection.execute(
            "CREATE TRIGGER keeps BEFORE DELETE ON history BEGIN SELECT raise(ABORT, 'no'); END"
        )
    )
    await store.commit(await store.take_seat(), turn(1))
    assert await store.history("web", 2 * HISTORY_KEPT) == [*entries, entry(2), entry(1)]
    await store.close()


# The seat and processes


async def test_a_taking_that_fails_keeps_the_lock_only_of_who_had_it(path: Path) -> None:
    """L8"""
    store, other = SqliteStore(path, create=True), SqliteStore(path, create=True)
    whole, away = path.with_name("whole"), path.with_name("away")
    await used(whole)
    path.touch()
    with pytest.raises(StoreUnusable):
        await other.take_seat()
    whole.rename(path)
    assert await store.take_seat()
    path.rename(away)
    with pytest.raises(StoreUnusable, match="is missing"):
        await store.take_seat()
    away.rename(path)
    with pytest.raises(SeatTaken):
        await other.take_seat()
    await store.close()
    assert await other.take_seat()
    await other.close()


async def test_the_seat_of_another_process_is_refused_with_its_number(
    path: Path, child: Start
) -> None:
    """L8"""
    holder = child("hold", path)
    assert holder.report() == "seated"
    store = SqliteStore(path, create=True)
    with pytest.raises(SeatTaken) as caught:
        await store.take_seat()
    await store.close()
    assert str(caught.value) == (
        f"another controller (process {holder.pid}) holds the seat of {path}, locked by "
        f"{path}.lock: stop that controller, or use another state folder"
    )


async def test_the_seat_is_free_once_its_holder_was_killed(path: Path, child: Start) -> None:
    """L8, G9"""
    holder = child("hold", path)
    assert holder.report() == "seated"
    holder.kill()
    store = SqliteStore(path, create=False)
    assert (await store.take_seat()).number == 2
    await store.close()


async def test_a_seat_raised_behind_our_back_loses_ours(path: Path) -> None:
    """L8: the comparison inside the commit's own transaction"""
    store = SqliteStore(path, create=True)
    seat = await store.take_seat()
    connection = store._keeper._connection
    assert connection is not None
    await store._run(lambda: connection.execute("UPDATE meta SET value = value + 1"))
    with pytest.raises(SeatLost, match=r"taken over by seat 2"):
        await store.commit(seat, turn(1))
    assert (await store.load(await store.take_seat())).applications == {}
    await store.close()


async def test_nobody_gets_in_even_if_the_lock_file_is_removed(path: Path) -> None:
    """L8"""
    store, other = SqliteStore(path, create=True), SqliteStore(path, create=True)
    seat = await store.take_seat()
    path.with_name("tenure.db.lock").unlink()
    with pytest.raises(SeatLost, match="moved or replaced"):
        await store.commit(seat, turn(1))
    with pytest.raises(StoreRefused, match="another program has it open"):
        await other.take_seat()
    await other.close()
    await store.close()


# Crashes


async def test_no_kill_loses_or_halves_what_was_reported(path: Path, child: Start) -> None:
    """G6, L7"""
    chance = random.Random(20)
    durable = 0
    for _ in range(15):
        width = chance.choice([2, 50, 2000])
        writer = child("write", path, durable + 1, width)
        assert writer.report() == "seated"
        durable = _killed_after(writer, chance.randrange(1, 40), durable)
        durable = await _checked(path, durable)


def _killed_after(writer: Child, reports: int, durable: int) -> int:
    for _ in range(reports):
        durable = writer.report()
    writer.kill()
    while (late := writer.report()) is not None:
        durable = late
    return durable


async def _checked(path: Path, durable: int) -> int:
    """The newest commit that is there: reported or newer, and whole."""
    store = SqliteStore(path, create=False)
    found = await store.load(await store.take_seat())
    newest = await store.history("web", 1)
    await store.close()
    bucket = found.buckets["web"]
    width = {value for key, value in bucket.settings.items() if key in ("key0", "key1")}
    assert bucket.revision in (durable, durable + 1)
    assert width == {str(bucket.revision)}
    assert found.applications["web"].term == newest[0].term == bucket.revision
    return bucket.revision


# Full disks


def test_a_write_that_fails_before_commit_is_refused_and_the_store_goes_on(
    path: Path, child: Start
) -> None:
    """G7"""
    process = child("refused", path)
    kind, words = process.report()
    assert kind == "StoreRefused"
    assert words.startswith(f"cannot write to the store {path}: ")
    assert words.endswith(": nothing was written")
    assert process.report() is False
    assert process.report() == ["fine"]


def test_a_write_that_fails_at_commit_is_unsure_until_the_seat_is_taken_anew(
    path: Path, child: Start
) -> None:
    """G7, L8"""
    process = child("unsure", path)
    kind, words = process.report()
    assert kind == "Unsure"
    assert words.startswith(f"the store {path} failed while committing (")
    assert words.endswith("): the write may or may not have happened")
    assert process.report()[0] == "StoreRefused"
    kind, words = process.report()
    assert kind == "StoreRefused"
    assert "File too large" in words or "disk" in words
    assert process.report()[0] == "SeatTaken"
    assert process.report() in ([1, 5], [2, 500])
    assert process.report()[0] == "SeatLost"
    assert process.report() == ["fine"]


async def test_room_is_looked_for_before_anything_is_written(path: Path) -> None:
    """G7"""
    sqlite_file.require_room(path, 4096)
    with pytest.raises(StoreRefused, match=r"no space left on .*: nothing was written; free some"):
        sqlite_file.require_room(path, 2**60)
    sqlite_file.require_room(path / "missing" / "folder", 2**60)


# The thread


def test_a_disk_that_hangs_does_not_keep_the_process_from_ending(child: Start) -> None:
    """G9"""
    process = child("hang")
    assert process.report() == "ending"
    assert process.ended(within=HANG) == 0


def test_closing_waits_no_longer_than_it_was_told(path: Path, child: Start) -> None:
    """G9"""
    process = child("hang_in_store", path)
    assert process.report() == "closed"
    assert process.ended(within=HANG) == 0


async def test_closing_waits_for_a_stuck_disk_as_long_as_told_and_lets_it_end(path: Path) -> None:
    """G9"""
    store, gate = SqliteStore(path, create=True, close_within=0.01), threading.Event()
    await store.take_seat()
    store._worker.submit(gate.wait)
    thread = store._worker._thread
    assert thread is not None
    await store.close()
    other = SqliteStore(path, create=False)
    with pytest.raises(SeatTaken):
        await other.take_seat()
    gate.set()
    await asyncio.to_thread(thread.join, HANG)
    assert (await other.take_seat()).number == 2
    await other.close()


# History


async def test_a_controller_that_is_never_restarted_keeps_its_history_short(path: Path) -> None:
    """O4"""
    store = SqliteStore(path, create=True)
    seat = await store.take_seat()
    told = [
        HistoryAdded(application="web", at=float(n), kind="settings", cause="web/0 wrote")
        for n in range(HISTORY_KEPT + 2 * TRIM_EVERY)
    ]
    for begin in range(0, len(told), 100):
        await store.commit(seat, told[begin : begin + 100])
    kept = await store.history("web", 10 * HISTORY_KEPT)
    await store.close()
    assert kept == told[-HISTORY_KEPT:]
