"""How fast the embedded store is, beside what the disk itself takes.

Run it as `python bench/stores.py [FOLDER]`; the folder chooses the disk. Milliseconds, medians.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tenure.core.changes import (
    ApplicationPut,
    ApplicationRecord,
    Change,
    HistoryAdded,
    Holder,
    SettingsMerged,
)
from tenure.stores.base import Seat
from tenure.stores.sqlite.store import SqliteStore

MANY = 10_000
SMALL_ROUNDS = 300
LARGE_ROUNDS = 7


def measure(folder: Path | None = None) -> dict[str, float]:
    """Medians in milliseconds: `fsync`, `commit_one`, `commit_20000`, `take_seat_20000`."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        return asyncio.run(_measure(Path(made)))


async def _measure(folder: Path) -> dict[str, float]:
    store = SqliteStore(folder / "bench.db", create=True)
    seat = await store.take_seat()
    figures = {"fsync": _fsync(folder / "bare")}
    figures["commit_one"] = await _timed(store, seat, [_small(n) for n in range(SMALL_ROUNDS)])
    figures["commit_20000"] = await _timed(store, seat, [_large(n) for n in range(LARGE_ROUNDS)])
    await store.close()
    figures["take_seat_20000"] = await _take_and_load(folder / "bench.db")
    return figures


def _fsync(path: Path) -> float:
    """One page written over itself and synced, as a commit at best could be."""
    times: list[float] = []
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    for _ in range(SMALL_ROUNDS):
        with _into(times):
            os.pwrite(descriptor, b"x" * 4096, 0)
            os.fsync(descriptor)
    os.close(descriptor)
    return statistics.median(times)


async def _timed(store: SqliteStore, seat: Seat, commits: Sequence[Sequence[Change]]) -> float:
    times: list[float] = []
    for changes in commits:
        with _into(times):
            await store.commit(seat, changes)
    return statistics.median(times)


async def _take_and_load(path: Path) -> float:
    times: list[float] = []
    for _ in range(LARGE_ROUNDS):
        store = SqliteStore(path, create=False)
        with _into(times):
            await store.load(await store.take_seat())
        await store.close()
    return statistics.median(times)


def _small(number: int) -> list[Change]:
    return [SettingsMerged("web", number, {"key": f"value {number}"})]


def _large(term: int) -> list[Change]:
    """Every application gets a new leader at once, as when a whole rack dies."""
    changes: list[Change] = []
    for number in range(MANY):
        name = f"app{number}"
        changes.append(ApplicationPut(_record(name, term)))
        changes.append(
            HistoryAdded(
                application=name,
                at=1e9 + term,
                kind="granted",
                cause=f"{name}/1 claimed it",
                unit_from=f"{name}/0",
                unit_to=f"{name}/1",
                term=term,
                leaderless_for=1.5,
            )
        )
    return changes


def _record(name: str, term: int) -> ApplicationRecord:
    holder = Holder(f"{name}/1", "0123456789abcdef")
    return ApplicationRecord(
        name=name, term=term, holder=holder, duration=60.0, guarantee=30.0, longest=60.0,
        next_unit=3, led_since=1e9,
    )  # fmt: skip


@contextmanager
def _into(times: list[float]) -> Iterator[None]:
    began = time.perf_counter()
    yield
    times.append((time.perf_counter() - began) * 1000)


if __name__ == "__main__":
    for name, value in measure(Path(sys.argv[1]) if sys.argv[1:] else None).items():
        print(f"{name:16} {value:8.2f} ms")
