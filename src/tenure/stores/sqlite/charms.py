"""Charms, configurations, bags and statuses as rows: the part of `rows.py` for what charms need.

What has keys of its own is one JSON text, made when a change is folded, so its size is known before
anything is written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

import msgspec

from tenure.core.changes import (
    BagDropped,
    BagPut,
    BagRecord,
    CharmCleared,
    CharmPut,
    CharmRecord,
    ConfigPut,
    ConfigRecord,
    StatusPut,
    StatusRecord,
)

CharmSide = CharmPut | ConfigPut | BagPut | BagDropped | StatusPut | CharmCleared
"""The changes that this file writes."""


_TABLES = ("charms", "configs", "bags", "statuses")


class FoldedCharms:
    """The last state of each row, texts made already; None is a bag that goes."""

    def __init__(self) -> None:
        self.cleared: set[str] = set()
        self.charms: dict[str, str] = {}
        self.configs: dict[str, tuple[int, str]] = {}
        self.bags: dict[tuple[str, int, str], tuple[int, bool, str] | None] = {}
        self.statuses: dict[str, StatusRecord] = {}

    def add(self, change: CharmSide) -> None:
        """Take in the next change. Raises what a text that cannot be kept raises."""
        match change:
            case CharmPut(record):
                self.charms[record.application] = _text(record)
            case ConfigPut(record):
                self.configs[record.application] = record.revision, _text(record.values)
            case BagPut(record):
                place = record.application, record.relation, record.owner
                self.bags[place] = record.version, record.present, _text(record.settings)
            case BagDropped(application, relation, owner):
                self.bags[application, relation, owner] = None
            case StatusPut(record):
                self.statuses[record.application] = record
            case CharmCleared(application):
                self._clear(application)

    def _clear(self, application: str) -> None:
        self.cleared.add(application)
        self.charms.pop(application, None)
        self.configs.pop(application, None)
        self.statuses.pop(application, None)
        self.bags = {place: bag for place, bag in self.bags.items() if place[0] != application}

    def rows(self) -> int:
        """How many rows are touched, roughly: `cleared` counts as one of each table."""
        records = len(self.charms) + len(self.configs) + len(self.bags) + len(self.statuses)
        return len(_TABLES) * len(self.cleared) + records

    def bytes(self) -> int:
        """How many bytes the new texts take, at most four to a character."""
        texts = [*self.charms.values(), *(text for _, text in self.configs.values())]
        texts += [bag[2] for bag in self.bags.values() if bag is not None]
        texts += [status.message for status in self.statuses.values()]
        return 4 * sum(map(len, texts))


def _text(value: CharmRecord | Mapping[str, str]) -> str:
    return msgspec.json.encode(value).decode()


def write(connection: sqlite3.Connection, folded: FoldedCharms) -> None:
    """Write all of it inside the caller's transaction. Raises sqlite3.Error, OverflowError."""
    cleared = [(application,) for application in folded.cleared]
    for table in _TABLES:
        connection.executemany(f"DELETE FROM {table} WHERE application = ?", cleared)
    dropped = [place for place, bag in folded.bags.items() if bag is None]
    kept = [(*place, *bag) for place, bag in folded.bags.items() if bag is not None]
    configs = [(application, *config) for application, config in folded.configs.items()]
    connection.executemany("INSERT OR REPLACE INTO charms VALUES (?,?)", folded.charms.items())
    connection.executemany("INSERT OR REPLACE INTO configs VALUES (?,?,?)", configs)
    connection.executemany(
        "DELETE FROM bags WHERE application = ? AND relation = ? AND owner = ?", dropped
    )
    connection.executemany("INSERT OR REPLACE INTO bags VALUES (?,?,?,?,?,?)", kept)
    connection.executemany(
        "INSERT OR REPLACE INTO statuses VALUES (?,?,?,?)",
        map(msgspec.structs.astuple, folded.statuses.values()),
    )


_SETTINGS = msgspec.json.Decoder(dict[str, str])
_CHARM = msgspec.json.Decoder(CharmRecord)


def read_charms(connection: sqlite3.Connection) -> dict[str, CharmRecord]:
    """By application. Raises sqlite3.Error, and msgspec.DecodeError where a text is no record."""
    found = connection.execute("SELECT application, record FROM charms")
    return {application: _CHARM.decode(record) for application, record in found}


def read_configs(connection: sqlite3.Connection) -> dict[str, ConfigRecord]:
    """By application. Raises like `read_charms`."""
    found = connection.execute("SELECT application, revision, options FROM configs")
    return {
        application: msgspec.convert(
            {
                "application": application,
                "revision": revision,
                "values": _SETTINGS.decode(options),
            },
            ConfigRecord,
        )
        for application, revision, options in found
    }


def read_statuses(connection: sqlite3.Connection) -> dict[str, StatusRecord]:
    """By application. Raises like `read_charms`."""
    rows = connection.execute("SELECT application, current, message, since FROM statuses")
    found = [dict(zip(StatusRecord.__struct_fields__, row, strict=True)) for row in rows]
    return {status["application"]: msgspec.convert(status, StatusRecord) for status in found}


def read_bags(connection: sqlite3.Connection) -> dict[str, tuple[BagRecord, ...]]:
    """By application, each ordered by relation and owner. Raises like `read_charms`."""
    bags: dict[str, list[BagRecord]] = {}
    for application, relation, owner, version, present, settings in connection.execute(
        "SELECT application, relation, owner, version, present, settings FROM bags"
        " ORDER BY application, relation, owner"
    ):
        fields = {
            "application": application,
            "relation": relation,
            "owner": owner,
            "version": version,
            "present": bool(present),
            "settings": _SETTINGS.decode(settings),
        }
        bags.setdefault(application, []).append(msgspec.convert(fields, BagRecord))
    return {application: tuple(found) for application, found in bags.items()}
