"""The tables of the file, and the steps from each older version of them to the next.

The version is `user_version`. A new file is made as the first version and then taken through all
steps, so a file that was upgraded has the very tables of one that was made today. Whoever takes the
seat of an older file upgrades it, inside the transaction that raises the seat's number: all of it
or nothing, and what the file holds stays. A newer version than ours is refused before SQLite opens
the file.
"""

from __future__ import annotations

import sqlite3

APPLICATION_ID = 0x54454E55
"""Marks the file as a store of Tenure; the bytes read `TENU`."""

FIRST = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('seat', 0);
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
"""

STEPS: tuple[tuple[str, ...], ...] = (
    (
        "ALTER TABLE applications ADD COLUMN removing INTEGER NOT NULL DEFAULT 0",
        "CREATE TABLE charms (application TEXT PRIMARY KEY, record TEXT NOT NULL)",
        """CREATE TABLE configs (
            application TEXT PRIMARY KEY, revision INTEGER NOT NULL, options TEXT NOT NULL
        )""",
        """CREATE TABLE bags (
            application TEXT NOT NULL, relation INTEGER NOT NULL, owner TEXT NOT NULL,
            version INTEGER NOT NULL, present INTEGER NOT NULL, settings TEXT NOT NULL,
            PRIMARY KEY (application, relation, owner)
        )""",
    ),
    (
        """CREATE TABLE statuses (
            application TEXT PRIMARY KEY, current TEXT NOT NULL, message TEXT NOT NULL,
            since REAL NOT NULL
        )""",
    ),
)
"""The first leads from version 1 to 2, and so on. What is JSON is text: record, options, settings;
keys may be anything, and are looked for by nobody."""

SCHEMA_VERSION = 1 + len(STEPS)


def create(connection: sqlite3.Connection) -> None:
    """An empty store in an empty file."""
    connection.executescript(
        f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1; BEGIN; {FIRST} COMMIT;"
    )
    connection.execute("BEGIN")
    upgrade(connection)
    connection.execute("COMMIT")


def upgrade(connection: sqlite3.Connection) -> bool:
    """Bring an older file to our version, inside the caller's transaction. Whether it was older.

    Raises sqlite3.Error.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version >= SCHEMA_VERSION:
        return False
    for step in STEPS[version - 1 :]:
        for statement in step:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return True
