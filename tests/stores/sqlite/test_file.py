"""What errors of a file mean, how it is opened, and how much room it needs."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from tenure import files
from tenure.core.changes import Change, PinPut, SettingsMerged
from tenure.errors import SeatTaken, StoreRefused, StoreUnusable
from tenure.stores.sqlite import file as sqlite_file
from tenure.stores.sqlite.rows import fold

STORE = Path("/srv/tenure.db")
FOLDER = "check the folder and who may read and write it"
DAMAGED = "it was left as it is: restore it from a backup, or begin anew with another state folder"


def of_sqlite(code: int) -> sqlite3.Error:
    """An error as SQLite raises it."""
    error = sqlite3.OperationalError("its words")
    error.sqlite_errorcode = code
    return error


LATER = (StoreRefused, f"cannot open the store {STORE} now: its words; it is tried again later")
CLOSED = (StoreUnusable, f"cannot open the store {STORE}: its words; {FOLDER}")

OF_SQLITE: list[tuple[Exception, type[Exception], str]] = [
    (of_sqlite(sqlite3.SQLITE_FULL), *LATER),
    (of_sqlite(sqlite3.SQLITE_NOMEM), *LATER),
    (of_sqlite(sqlite3.SQLITE_IOERR), *LATER),
    (of_sqlite(sqlite3.SQLITE_IOERR_FSYNC), *LATER),
    (of_sqlite(sqlite3.SQLITE_READONLY), *CLOSED),
    (of_sqlite(sqlite3.SQLITE_READONLY_ROLLBACK), *CLOSED),
    (of_sqlite(sqlite3.SQLITE_CANTOPEN), *CLOSED),
    (of_sqlite(sqlite3.SQLITE_PERM), *CLOSED),
    (
        of_sqlite(sqlite3.SQLITE_BUSY), StoreRefused,
        f"cannot open the store {STORE} now: another program has it open",
    ),
    (
        of_sqlite(sqlite3.SQLITE_CORRUPT), StoreUnusable,
        f"the store {STORE} is damaged (its words); {DAMAGED}",
    ),
    (
        sqlite3.DatabaseError("no\n  code"), StoreUnusable,
        f"the store {STORE} is damaged (no code); {DAMAGED}",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("error", "kind", "words"), [
    *OF_SQLITE,
    (
        OSError(errno.ENOSPC, "No space left"), StoreRefused,
        f"cannot open the store {STORE} now: No space left ({STORE}); it is tried again later",
    ),
    (
        PermissionError(errno.EACCES, "Permission denied", "/srv/other"), StoreUnusable,
        f"cannot open the store {STORE}: Permission denied (/srv/other); {FOLDER}",
    ),
    (OSError("odd"), StoreUnusable, f"cannot open the store {STORE}: odd ({STORE}); {FOLDER}"),
    (
        ValueError("embedded null byte"), StoreUnusable,
        f"the store {STORE} is damaged (embedded null byte); {DAMAGED}",
    ),
])  # fmt: skip
def test_an_error_while_a_store_is_opened_says_whether_it_may_pass_and_what_to_do(
    error: Exception, kind: type[Exception], words: str
) -> None:
    """G7, L8"""
    with pytest.raises(kind) as caught, sqlite_file.opening(STORE):
        raise error
    assert (type(caught.value), str(caught.value)) == (kind, words)


def test_a_path_that_is_not_utf_8_is_named_in_letters_that_can_be_printed() -> None:
    """G7"""
    path = Path(os.fsdecode(b"/srv/\xff.db"))
    with pytest.raises(StoreUnusable) as caught, sqlite_file.opening(path):
        str(path).encode()
    assert str(caught.value) == (
        "cannot open the store '/srv/\\udcff.db': its path is not UTF-8; name another state folder"
    )


@pytest.mark.parametrize(("error", "kind", "words"), OF_SQLITE)
def test_an_error_while_a_store_is_read_makes_it_unusable(
    error: Exception, kind: type[Exception], words: str
) -> None:
    """G6"""
    found = sqlite_file.unreadable(STORE, error)
    if kind is StoreRefused:
        words = f"cannot read the store {STORE}: its words; check its disk"
    assert (type(found), str(found)) == (StoreUnusable, words)


def test_a_store_is_opened_alone_with_every_commit_synced_and_its_log_bounded(
    tmp_path: Path,
) -> None:
    """G6, L8: the values of SQLite's own settings"""
    path = tmp_path / "tenure.db"
    sqlite_file.create(path)
    connection = sqlite_file.open_examined(path)
    kept = ("journal_mode", "synchronous", "locking_mode", "wal_autocheckpoint", "cache_size",
            "journal_size_limit")  # fmt: skip
    found = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in kept}
    connection.close()
    assert found == {
        "journal_mode": "wal", "synchronous": 2, "locking_mode": "exclusive",
        "wal_autocheckpoint": 1000, "cache_size": -16384, "journal_size_limit": 16_384_000,
    }  # fmt: skip


def test_a_log_that_somebody_reads_cannot_be_written_back(tmp_path: Path) -> None:
    """G6"""
    path = tmp_path / "tenure.db"
    sqlite_file.create(path)
    writer, reader = (sqlite3.connect(path, isolation_level=None, timeout=0) for _ in range(2))
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM meta").fetchall()
    writer.execute("UPDATE meta SET value = 1")
    with pytest.raises(sqlite3.OperationalError, match=r"^its log cannot be written back$"):
        sqlite_file.write_back(writer)
    reader.close()
    sqlite_file.write_back(writer)
    assert sqlite_file.beside(path, "-wal").stat().st_size == 0
    writer.close()


def test_a_log_is_written_anew_from_its_first_byte_to_its_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G6"""
    path, pwrite, written = tmp_path / "tenure.db", os.pwrite, list[tuple[int, int]]()

    def noted(descriptor: int, text: bytes, at: int) -> int:
        written.append((at, len(text)))
        return pwrite(descriptor, text, at)

    log = sqlite_file.beside(path, "-wal")
    log.write_bytes(before := os.urandom(2 * 2**20 + 5))
    monkeypatch.setattr(os, "pwrite", noted)
    sqlite_file.rewrite_log(path)
    assert written == [(0, 2**20), (2**20, 2**20), (2 * 2**20, 5)]
    assert log.read_bytes() == before


def test_a_folder_that_may_not_be_written_is_told_before_anything_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G7, L8: also where SQLite would read the file"""
    path, asked = tmp_path / "tenure.db", list[tuple[Path, int]]()
    sqlite_file.create(path)

    def access(path: Path, how: int) -> bool:
        asked.append((path, how))
        return False

    monkeypatch.setattr(os, "access", access)
    with pytest.raises(PermissionError) as caught:
        sqlite_file.examine(path)
    assert caught.value.args == (errno.EACCES, "Permission denied")
    assert (caught.value.filename, asked) == (str(tmp_path), [(tmp_path, os.W_OK)])


# Room


@pytest.mark.parametrize(("blocks", "free", "enough"), [
    (10, 300, True), (10, 299, False), (1, 299, False), (0, 0, True),
])  # fmt: skip
def test_a_store_keeps_a_mebibyte_free_beside_what_it_writes(
    monkeypatch: pytest.MonkeyPatch, blocks: int, free: int, enough: bool
) -> None:
    """G7: and a file system that says nothing sensible is trusted"""
    asked: list[Path] = []

    def statvfs(path: Path) -> SimpleNamespace:
        asked.append(path)
        return SimpleNamespace(f_blocks=blocks, f_bavail=free, f_frsize=4096)

    monkeypatch.setattr(os, "statvfs", statvfs)
    needed = 300 * 4096 - 1024 * 1024
    if enough:
        sqlite_file.require_room(STORE, needed)
    else:
        with pytest.raises(StoreRefused) as caught:
            sqlite_file.require_room(STORE, needed)
        assert str(caught.value) == (
            f"cannot write to the store {STORE}: no space left on /srv (1224704 bytes free, "
            "1228800 needed): nothing was written; free some space"
        )
    assert asked == [STORE.parent]


@pytest.mark.parametrize(("changes", "pages", "needed"), [
    ([], 0, 32),
    ([], 9, 32),
    ([PinPut("web", "a", 1.0)], 9, 32 + 2),
    ([PinPut("web", str(n), 1.0) for n in range(3)], 4, 32 + 4),
    ([SettingsMerged("web", 1, {"a": "x" * 5000})], 9, 2 * 21 + 4),
])  # fmt: skip
def test_the_room_of_a_write_is_its_new_pages_twice_and_each_page_it_may_touch(
    changes: list[Change], pages: int, needed: int
) -> None:
    """G7: in pages"""
    assert sqlite_file.bytes_needed(fold(changes), pages) == 4096 * needed


def test_what_the_log_has_whole_may_be_torn_in_the_database(tmp_path: Path) -> None:
    """G6: power was lost while the log was written back. To look changes neither"""
    path, torn = tmp_path / "tenure.db", tmp_path / "torn.db"
    sqlite_file.create(path)
    with closing(sqlite_file.open_examined(path)) as connection:
        connection.execute("VACUUM")  # every page is in the log
        kept, log = path.read_bytes(), sqlite_file.beside(path, "-wal").read_bytes()
    torn.write_bytes(kept[:4096] + b"\xff" * (len(kept) - 4096))
    with pytest.raises(StoreUnusable, match="is damaged"), sqlite_file.opening(torn):
        sqlite_file.examine(torn)
    sqlite_file.beside(torn, "-wal").write_bytes(log)
    before = torn.read_bytes()
    sqlite_file.examine(torn)
    assert (torn.read_bytes(), sqlite_file.beside(torn, "-wal").read_bytes()) == (before, log)


def test_a_lock_that_cannot_be_signed_is_held_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L8: the number in it is for people"""

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "sign", full)
    descriptor = sqlite_file.lock(tmp_path / "tenure.db")
    with pytest.raises(SeatTaken):
        sqlite_file.lock(tmp_path / "tenure.db")
    os.close(descriptor)
