"""Files that an older Tenure made: upgraded in place, with all that is in them."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from tenure.core.changes import (
    ApplicationRecord,
    BagPut,
    Bucket,
    HistoryAdded,
    Holder,
    Persisted,
    UnitRecord,
)
from tenure.errors import StoreUnusable
from tenure.stores.sqlite import schema as sqlite_schema
from tenure.stores.sqlite.store import SqliteStore
from tests.stores.samples import bag, charm_side

VERSION_1 = """
PRAGMA journal_mode=WAL; PRAGMA application_id = 1413828181; PRAGMA user_version = 1;
BEGIN;
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('seat', 41);
CREATE TABLE applications (
    name TEXT PRIMARY KEY, alive INTEGER NOT NULL, term INTEGER NOT NULL,
    holder_unit TEXT, holder_instance TEXT,
    duration REAL NOT NULL, guarantee REAL NOT NULL, longest REAL NOT NULL,
    next_unit INTEGER NOT NULL, led_since REAL
) WITHOUT ROWID;
CREATE TABLE units (unit TEXT PRIMARY KEY, removing INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE buckets (application TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE settings (
    application TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (application, key)
);
CREATE TABLE pins (
    application TEXT NOT NULL, reason TEXT NOT NULL, seconds_left REAL NOT NULL,
    PRIMARY KEY (application, reason)
) WITHOUT ROWID;
CREATE TABLE history (
    id INTEGER PRIMARY KEY, application TEXT NOT NULL, at REAL NOT NULL,
    kind TEXT NOT NULL, cause TEXT NOT NULL, unit_from TEXT, unit_to TEXT, term INTEGER,
    leaderless_for REAL, detail TEXT NOT NULL
);
CREATE INDEX history_of ON history (application);
INSERT INTO applications VALUES ('web', 1, 7, 'web/0', 'i-1', 60.0, 30.0, 300.0, 2, 1.7e9);
INSERT INTO applications VALUES ('gone', 0, 9, NULL, NULL, 5.0, 1.0, 5.0, 4, NULL);
INSERT INTO units VALUES ('web/0', 0);
INSERT INTO units VALUES ('web/1', 1);
INSERT INTO buckets VALUES ('web', 3);
INSERT INTO settings VALUES ('web', 'a.b', 'é');
INSERT INTO pins VALUES ('web', 'backup', 12.5);
INSERT INTO history VALUES
    (1, 'web', 1.7e9, 'granted', 'web/0 claimed it', NULL, 'web/0', 7, 1.5, '');
COMMIT;
"""
"""What the first version made of a new file, as SQL, and some of what it kept there."""

KEPT = Persisted(
    applications={
        "web": ApplicationRecord(
            name="web", term=7, holder=Holder("web/0", "i-1"), duration=60.0, guarantee=30.0,
            longest=300.0, next_unit=2, led_since=1.7e9,
        ),
        "gone": ApplicationRecord(
            name="gone", alive=False, term=9, duration=5.0, guarantee=1.0, longest=5.0, next_unit=4
        ),
    },
    units={"web/0": UnitRecord(unit="web/0"), "web/1": UnitRecord(unit="web/1", removing=True)},
    buckets={"web": Bucket(3, {"a.b": "é"})},
    pins={"web": {"backup": 12.5}},
)  # fmt: skip

HISTORY = HistoryAdded(
    application="web", at=1.7e9, kind="granted", cause="web/0 claimed it", unit_to="web/0", term=7,
    leaderless_for=1.5,
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store of version 1."""
    path = tmp_path / "tenure.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(VERSION_1)
    connection.close()
    return path


def version_of(path: Path) -> int:
    """As an older Tenure looks for it: plain bytes of the database, whatever its log says."""
    return int.from_bytes(path.read_bytes()[60:64], "big")


def tables_of(path: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    connection.close()
    return found


async def test_an_older_file_keeps_all_it_has(path: Path) -> None:
    """G6, G8, L7"""
    store = SqliteStore(path, create=False)
    seat = await store.take_seat()
    assert seat.number == 42
    assert await store.load(seat) == KEPT
    assert await store.history("web", 10) == [HISTORY]
    await store.close()


async def test_an_upgraded_file_takes_what_is_new_and_keeps_it(path: Path) -> None:
    """G6, L7"""
    store = SqliteStore(path, create=False)
    seat = await store.take_seat()
    await store.commit(seat, charm_side())
    before = await store.load(seat)
    await store.close()
    again = SqliteStore(path, create=False)
    assert await again.load(await again.take_seat()) == before
    assert before.applications == KEPT.applications and set(before.charms) == {"web"}
    await again.close()


async def test_an_upgraded_file_has_the_tables_of_a_new_one(path: Path, tmp_path: Path) -> None:
    """L7"""
    new = tmp_path / "new.db"
    for each in (path, new):
        store = SqliteStore(each, create=True)
        await store.take_seat()
        await store.close()
    assert tables_of(path) == tables_of(new)
    assert version_of(path) == version_of(new) == sqlite_schema.SCHEMA_VERSION


async def test_the_version_is_in_the_database_itself_once_the_seat_is_taken(
    path: Path, tmp_path: Path
) -> None:
    """G6, L8: an older Tenure must refuse the file also after a crash, and looks there"""
    store = SqliteStore(path, create=False)
    await store.take_seat()
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    shutil.copy(path, crashed / path.name)
    assert version_of(crashed / path.name) == sqlite_schema.SCHEMA_VERSION
    await store.close()


async def test_an_upgrade_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    """G6, G7: all of it in one transaction"""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bags (something)")  # the last step's last table
    connection.close()
    before = tables_of(path)
    store = SqliteStore(path, create=False)
    with pytest.raises(StoreUnusable):
        await store.take_seat()
    await store.close()
    assert (version_of(path), tables_of(path)) == (1, before)


@pytest.mark.parametrize("text", ["{", '{"a": 1}', "[]", "null"])
async def test_a_row_that_is_no_record_is_named_and_nothing_is_concluded_from_it(
    path: Path, text: str
) -> None:
    """G6"""
    store = SqliteStore(path, create=False)
    await store.commit(await store.take_seat(), [BagPut(bag(0, "web/0"))])
    await store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE bags SET settings = ?", (text,))
    connection.close()
    again = SqliteStore(path, create=False)
    seat = await again.take_seat()
    with pytest.raises(StoreUnusable, match="is damaged"):
        await again.load(seat)
    await again.close()
