"""Changes as rows and rows as records: the SQL of commits and of loading.

A commit may carry ten thousand changes of mixed kinds. Each kind touches tables of its own and no
other, so changes of different tables commute: they are first *folded* into the last state of each
row, in order, and then written table by table with one `executemany` each. Within a table the order
is the order of the changes; folding only leaves out what a later change would overwrite.

The tables stand in `schema.py`; the rows of charms in `charms.py`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, assert_never

import msgspec

from tenure.core.changes import (
    ApplicationPut,
    ApplicationRecord,
    BagDropped,
    BagPut,
    Bucket,
    Change,
    CharmCleared,
    CharmPut,
    ConfigPut,
    HistoryAdded,
    Persisted,
    PinDropped,
    PinPut,
    SettingsCleared,
    SettingsMerged,
    StatusPut,
    UnitDropped,
    UnitPut,
    UnitRecord,
)
from tenure.stores.base import HISTORY_KEPT
from tenure.stores.sqlite import charms

_HISTORY = "application, at, kind, cause, unit_from, unit_to, term, leaderless_for, detail"
_APPLICATION = (
    "name, alive, term, holder_unit, holder_instance, duration, guarantee, longest, next_unit, "
    "led_since, removing"
)

_MOST = 2**31
"""More entries than anyone asks for, and a number that SQLite can hold."""

_ROW_BYTES = 64
"""What a row's numbers and headings take, generously."""


class Folded:
    """The last state of each row that a commit touches; None is a row that goes."""

    def __init__(self) -> None:
        self.applications: dict[str, ApplicationRecord] = {}
        self.units: dict[str, UnitRecord | None] = {}
        self.revisions: dict[str, int] = {}
        self.cleared: set[str] = set()
        self.settings: dict[str, dict[str, str | None]] = {}
        self.pins: dict[tuple[str, str], float | None] = {}
        self.history: list[HistoryAdded] = []
        self.charms = charms.FoldedCharms()

    def add(self, change: Change) -> None:
        """Take in the next change."""
        match change:
            case ApplicationPut():
                self.applications[change.record.name] = change.record
            case HistoryAdded():
                self.history.append(change)
            case UnitPut():
                self.units[change.record.unit] = change.record
            case UnitDropped():
                self.units[change.unit] = None
            case SettingsMerged():
                self.revisions[change.application] = change.revision
                settings = self.settings.setdefault(change.application, {})
                settings.update(change.put)
                settings.update(dict.fromkeys(change.drop))
            case SettingsCleared():
                self.cleared.add(change.application)
                self.settings.pop(change.application, None)
            case PinPut():
                self.pins[change.application, change.reason] = change.left
            case PinDropped():
                self.pins[change.application, change.reason] = None
            case CharmPut() | ConfigPut() | BagPut() | BagDropped() | StatusPut() | CharmCleared():
                self.charms.add(change)
            case _:
                assert_never(change)

    def rows(self) -> int:
        """How many rows are touched, roughly: `cleared` counts once."""
        settings = sum(map(len, self.settings.values()))
        records = len(self.applications) + len(self.units) + len(self.pins) + len(self.history)
        bags = self.charms.rows()
        return settings + records + bags + len(self.revisions) + len(self.cleared)

    def bytes(self) -> int:
        """How many bytes the new rows take, at most four to a character and roughly."""
        values = sum(
            4 * (len(key) + len(value or ""))
            for settings in self.settings.values()
            for key, value in settings.items()
        )
        words = sum(4 * (len(entry.cause) + len(entry.detail)) for entry in self.history)
        return values + words + self.charms.bytes() + 4 * _ROW_BYTES * self.rows()


def fold(changes: Iterable[Change]) -> Folded:
    """The changes as rows to write."""
    folded = Folded()
    for change in changes:
        folded.add(change)
    return folded


def write(connection: sqlite3.Connection, folded: Folded) -> None:
    """Write all of it inside the caller's transaction. Raises sqlite3.Error, and what binding a
    value that SQLite cannot hold raises: OverflowError, UnicodeEncodeError."""
    _write_applications(connection, folded.applications.values())
    _write_units(connection, folded.units)
    _write_settings(connection, folded)
    _write_pins(connection, folded.pins)
    _write_history(connection, folded.history)
    if folded.charms.rows():
        charms.write(connection, folded.charms)


def _write_applications(
    connection: sqlite3.Connection, records: Iterable[ApplicationRecord]
) -> None:
    connection.executemany(
        f"INSERT OR REPLACE INTO applications ({_APPLICATION}) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        map(_application_row, records),
    )


def _application_row(record: ApplicationRecord) -> tuple[Any, ...]:
    holder = record.holder
    unit, instance = (holder.unit, holder.instance) if holder else (None, None)
    return (
        record.name,
        record.alive,
        record.term,
        unit,
        instance,
        record.duration,
        record.guarantee,
        record.longest,
        record.next_unit,
        record.led_since,
        record.removing,
    )


def _write_units(connection: sqlite3.Connection, units: dict[str, UnitRecord | None]) -> None:
    dropped = [(unit,) for unit, record in units.items() if record is None]
    kept = [
        (unit, record.removing, record.address)
        for unit, record in units.items()
        if record is not None
    ]
    connection.executemany("DELETE FROM units WHERE unit = ?", dropped)
    connection.executemany(
        "INSERT OR REPLACE INTO units (unit, removing, address) VALUES (?,?,?)", kept
    )


def _write_settings(connection: sqlite3.Connection, folded: Folded) -> None:
    dropped, kept = [], []
    for application, settings in folded.settings.items():
        for key, value in settings.items():
            if value is None:
                dropped.append((application, key))
            else:
                kept.append((application, key, value))
    cleared = [(application,) for application in folded.cleared]
    connection.executemany("INSERT OR REPLACE INTO buckets VALUES (?,?)", folded.revisions.items())
    connection.executemany("DELETE FROM settings WHERE application = ?", cleared)
    connection.executemany("DELETE FROM settings WHERE application = ? AND key = ?", dropped)
    connection.executemany("INSERT OR REPLACE INTO settings VALUES (?,?,?)", kept)


def _write_pins(connection: sqlite3.Connection, pins: dict[tuple[str, str], float | None]) -> None:
    dropped = [pin for pin, left in pins.items() if left is None]
    kept = [(*pin, left) for pin, left in pins.items() if left is not None]
    connection.executemany("DELETE FROM pins WHERE application = ? AND reason = ?", dropped)
    connection.executemany("INSERT OR REPLACE INTO pins VALUES (?,?,?)", kept)


def _write_history(connection: sqlite3.Connection, entries: Iterable[HistoryAdded]) -> None:
    rows = (
        (
            entry.application,
            entry.at,
            entry.kind,
            entry.cause,
            entry.unit_from,
            entry.unit_to,
            entry.term,
            entry.leaderless_for,
            entry.detail,
        )
        for entry in entries
    )
    connection.executemany(f"INSERT INTO history ({_HISTORY}) VALUES (?,?,?,?,?,?,?,?,?)", rows)


def read(connection: sqlite3.Connection) -> Persisted:
    """Everything but the history. Raises sqlite3.Error, and msgspec.DecodeError where a row is not
    what a record may be."""
    return Persisted(
        applications={record.name: record for record in _read_applications(connection)},
        units=_read_units(connection),
        buckets=_read_buckets(connection),
        pins=_read_pins(connection),
        charms=charms.read_charms(connection),
        configs=charms.read_configs(connection),
        bags=charms.read_bags(connection),
        statuses=charms.read_statuses(connection),
    )


def _read_applications(connection: sqlite3.Connection) -> list[ApplicationRecord]:
    return [
        _application(row) for row in connection.execute(f"SELECT {_APPLICATION} FROM applications")
    ]


def _application(row: Sequence[Any]) -> ApplicationRecord:
    name, alive, term, unit, instance, duration, guarantee, longest, next_unit, since, leaves = row
    fields = {
        "name": name,
        "alive": bool(alive),
        "term": term,
        "holder": None if unit is None else {"unit": unit, "instance": instance},
        "duration": duration,
        "guarantee": guarantee,
        "longest": longest,
        "next_unit": next_unit,
        "led_since": since,
        "removing": bool(leaves),
    }
    return msgspec.convert(fields, ApplicationRecord)


def _read_units(connection: sqlite3.Connection) -> dict[str, UnitRecord]:
    return {
        unit: msgspec.convert(
            {"unit": unit, "removing": bool(removing), "address": address}, UnitRecord
        )
        for unit, removing, address in connection.execute(
            "SELECT unit, removing, address FROM units"
        )
    }


def _read_buckets(connection: sqlite3.Connection) -> dict[str, Bucket]:
    settings: dict[str, dict[str, str]] = {}
    for application, key, value in connection.execute(
        "SELECT application, key, value FROM settings"
    ):
        settings.setdefault(application, {})[key] = value
    rows = connection.execute("SELECT application, revision FROM buckets")
    return {
        application: msgspec.convert(
            {"revision": revision, "settings": settings.get(application, {})}, Bucket
        )
        for application, revision in rows
    }


def _read_pins(connection: sqlite3.Connection) -> dict[str, dict[str, float]]:
    pins: dict[str, dict[str, float]] = {}
    for application, reason, left in connection.execute(
        "SELECT application, reason, seconds_left FROM pins"
    ):
        pins.setdefault(application, {})[reason] = left
    return pins


def read_history(
    connection: sqlite3.Connection, application: str, limit: int
) -> list[HistoryAdded]:
    """The newest `limit` entries, oldest first. Raises like `read`."""
    rows = connection.execute(
        f"SELECT {_HISTORY} FROM history WHERE application = ? ORDER BY id DESC LIMIT ?",
        (application, max(0, min(limit, _MOST))),
    ).fetchall()
    names = _HISTORY.split(", ")
    entries = [dict(zip(names, row, strict=True)) for row in reversed(rows)]
    return msgspec.convert(entries, list[HistoryAdded])


def trim_history(connection: sqlite3.Connection) -> None:
    """Keep the newest entries of each application, inside the caller's transaction."""
    long = connection.execute(
        "SELECT application FROM history GROUP BY application HAVING count(*) > ?", (HISTORY_KEPT,)
    ).fetchall()
    trim_history_of(connection, (name for (name,) in long))


def trim_history_of(connection: sqlite3.Connection, applications: Iterable[str]) -> None:
    """Keep the newest entries of these, inside the caller's transaction."""
    connection.executemany(
        "DELETE FROM history WHERE application = ?1 AND id <= (SELECT id FROM history"
        f" WHERE application = ?1 ORDER BY id DESC LIMIT 1 OFFSET {HISTORY_KEPT})",
        [(name,) for name in applications],
    )


def seat_number(connection: sqlite3.Connection) -> int:
    """The number of the seat that was taken last. Raises sqlite3.Error if it cannot be read."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'seat'").fetchone()
    if row is None or not isinstance(row[0], int):
        raise sqlite3.DatabaseError("its seat number is missing")
    return row[0]


def raise_seat(connection: sqlite3.Connection) -> int:
    """The next number of the seat, inside the caller's transaction."""
    number = seat_number(connection) + 1
    connection.execute("UPDATE meta SET value = ? WHERE key = 'seat'", (number,))
    return number
