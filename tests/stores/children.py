"""What child processes of the stores' tests do: `python children.py FUNCTION WORDS...`.

Each reports in lines of JSON. A child that must not outlive its test is killed by the fixture.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sqlite3
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tenure import files
from tenure.core.changes import (
    ApplicationPut,
    ApplicationRecord,
    Change,
    HistoryAdded,
    SettingsMerged,
)
from tenure.errors import TenureError, Unsure
from tenure.stores.base import Seat
from tenure.stores.sqlite import file
from tenure.stores.sqlite.store import SqliteStore
from tenure.stores.sqlite.worker import Worker


def report(value: Any) -> None:
    """One line to the test."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


async def outcome(work: Awaitable[object]) -> list[str]:
    """How it ended: `["fine"]`, or the error's name and words."""
    try:
        await work
    except TenureError as error:
        return [type(error).__name__, str(error)]
    return ["fine"]


async def hold(path: str) -> None:
    """Take the seat and keep it until killed, or told to go."""
    store = SqliteStore(Path(path), create=True)
    await store.take_seat()
    report("seated")
    sys.stdin.read()
    await store.close()


async def write(path: str, first: str, width: str) -> None:
    """Commit group after group, reporting each once it is durable."""
    store = SqliteStore(Path(path), create=True)
    seat = await store.take_seat()
    report("seated")
    number = int(first)
    while True:
        await store.commit(seat, group(number, int(width)))
        report(number)
        number += 1


def group(number: int, width: int) -> list[Change]:
    """A commit over several tables, in which everything says `number`."""
    return [
        ApplicationPut(
            ApplicationRecord(name="web", term=number, duration=60, guarantee=30, longest=60)
        ),
        SettingsMerged("web", number, {f"key{at}": str(number) for at in range(width)}),
        HistoryAdded(application="web", at=0.0, kind="settings", cause="a test", term=number),
    ]


PLANTS: dict[str, Callable[[], None]] = {
    "commits are not synced": lambda: _opened_with("PRAGMA synchronous=NORMAL"),
    "a new store is not synced": lambda: _never_synced(lambda path: path.suffix == ".new"),
    "a restored store is not synced": lambda: _never_synced(lambda path: path.suffix == ".db"),
    "a log is not written anew after doubt": lambda: setattr(
        file, "rewrite_log", lambda path: None
    ),
}
"""What would lose acknowledged commits, but only with the power. That the folder is synced is not
among them: SQLite syncs it, too, with the first sync of a log."""


def _opened_with(pragma: str) -> None:
    real = file.open_examined

    def opened(path: Path) -> sqlite3.Connection:
        connection = real(path)
        connection.execute(pragma)
        return connection

    file.open_examined = opened


def _never_synced(which: Callable[[Path], bool]) -> None:
    real = files.sync
    files.sync = lambda path, **how: None if which(path) else real(path, **how)


async def live(path: str, origin: str, plant: str) -> None:
    """A store's life: made, written, closed, opened, written; what was acknowledged is marked.

    A commit that is unsure is met as the controller meets it: the seat is taken anew, and what is
    loaded counts as acknowledged, because units are told of it.
    `origin` is a folder with a store that is put in place first, as an operator restores one.
    """
    if plant in PLANTS:
        PLANTS[plant]()
    file.MAX_LOG_PAGES = 12  # so that a log is written back, and begun again, more than once
    if origin:
        for part in Path(origin).glob("tenure.db*"):
            Path(path).with_name(part.name).write_bytes(part.read_bytes())
    for _ in range(2):
        store = SqliteStore(Path(path), create=not origin)
        seat = await store.take_seat()
        number = await _loaded(store, seat, path)
        for _ in range(5):
            number += 1
            try:
                await store.commit(seat, group(number, 3))
                _mark(path, number)
            except Unsure:
                seat = await store.take_seat()
                number = await _loaded(store, seat, path)
        await store.close()


async def _loaded(store: SqliteStore, seat: Seat, path: str) -> int:
    found = (await store.load(seat)).applications.get("web")
    _mark(path, found.term if found else 0)
    return found.term if found else 0


async def keep(path: str, end: str) -> None:
    """A store to be copied: closed, or `killed` in use, so that some of it is in its log only."""
    store = SqliteStore(Path(path), create=True)
    seat = await store.take_seat()
    for number in range(1, 4):
        await store.commit(seat, group(number, 3))
    if end == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    await store.close()


def _mark(path: str, number: int) -> None:
    """A line in a file beside the store, which the record has in its place."""
    with Path(path).with_name("marks").open("ab", buffering=0) as marks:
        marks.write(b"acknowledged %d\n" % number)


def _limit(size: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))


def _large(size: int) -> list[Change]:
    return [SettingsMerged("big", 1, {str(at): "x" * 1024 * 1024 for at in range(size)})]


async def refused(path: str) -> None:
    """No file may grow while a commit is larger than SQLite's cache: it fails before COMMIT."""
    store = SqliteStore(Path(path), create=True)
    seat = await store.take_seat()
    await store.commit(seat, group(1, 5))
    _limit(256 * 1024)
    report(await outcome(store.commit(seat, _large(24))))
    _limit(resource.RLIM_INFINITY)
    report("big" in (await store.load(seat)).buckets)
    report(await outcome(store.commit(seat, group(2, 5))))
    await store.close()


async def unsure(path: str) -> None:
    """No file may grow while a commit fits the cache: it fails at COMMIT."""
    store = SqliteStore(Path(path), create=True)
    seat = await store.take_seat()
    await store.commit(seat, group(1, 5))
    _limit(4096)
    report(await outcome(store.commit(seat, group(2, 500))))
    report(await outcome(store.commit(seat, group(3, 5))))
    report(await outcome(store.take_seat()))
    report(await outcome(SqliteStore(Path(path), create=True).take_seat()))
    _limit(resource.RLIM_INFINITY)
    anew = await store.take_seat()
    persisted = await store.load(anew)
    report([persisted.applications["web"].term, len(persisted.buckets["web"].settings)])
    report(await outcome(store.commit(seat, group(4, 5))))
    report(await outcome(store.commit(anew, group(5, 5))))
    await store.close()


async def unprivileged(path: str) -> None:
    """Take the seat as a user without rights."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    store = SqliteStore(Path(path), create=True)
    report(await outcome(store.take_seat()))
    await store.close()


async def hang() -> None:
    """End, although the worker's thread never will."""
    Worker("hanging").submit(threading.Event().wait)
    report("ending")


async def hang_in_store(path: str) -> None:
    """Close a store whose thread is stuck, and end."""
    store = SqliteStore(Path(path), create=True, close_within=0.01)
    await store.take_seat()
    store._worker.submit(threading.Event().wait)
    await store.close()
    report("closed")


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]](*sys.argv[2:]))
