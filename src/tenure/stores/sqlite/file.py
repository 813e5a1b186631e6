"""The store's file: its lock, its first making, its examination, and how it is opened safely.

Order of an opening, all of it under the lock on `<path>.lock`:

1. **Examine** without touching. The header (is it SQLite, ours, of our version?) is read as plain
   bytes, because SQLite, once it opens a file, may write to it. Then SQLite's own `quick_check`
   over a read-only connection: a damaged file stays as it is, its write-ahead log with it.
   Trap: closing any descriptor of the file drops this process's POSIX locks on it. So plain reads
   happen only while no connection is open; the `flock` on another file has no such trap.
2. **Rewrite the log** and sync what may be younger than the disk: a copy just restored, a file just
   named. If an fsync failed earlier, here or in a controller that died since, the
   kernel may serve pages of the log from memory that it never wrote and now believes clean. SQLite
   would recover commits from them, and a plain checkpoint could write half of such a commit into
   the database, lose power, and find on the disk no log to repair it from. So the log's bytes are
   first written again over themselves and synced. Power lost in between is harmless: the disk holds
   the same bytes or older ones, and the log's checksums end it at the last whole commit.
3. **Checkpoint (TRUNCATE)** with `synchronous=FULL`: every page of the log is written to the
   database anew and synced, then the log is emptied. Pages of the database whose own sync failed in
   an earlier checkpoint are among them, because SQLite restarts a log only after that sync
   succeeded. What is read from here on is on the disk.
4. The seat's number is raised and synced by the caller. A disk that cannot do that has no seat. An
   older version's tables are brought to ours in the same transaction, and then written back to the
   database at once, because an older Tenure looks for the version there, as plain bytes.

The checkpoints that SQLite makes by itself every 1000 pages may fail unseen. That is harmless for
the same reason: the log, which is synced, keeps every page until a checkpoint succeeded.

`locking_mode=EXCLUSIVE` keeps the log's index in the heap: no shared-memory file (whose pages can
raise SIGBUS on a full disk), and a second connection, which could meet the known WAL-reset race, is
shut out even if somebody removes our lock file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from tenure import files
from tenure.errors import SeatTaken, StoreRefused, StoreUnusable, TenureError
from tenure.stores.sqlite import rows, schema

MAX_LOG_PAGES = 1000
"""Pages of the write-ahead log after which it is written back to the database."""

RESERVE = 1024 * 1024
"""Bytes that must stay free beside what a write takes."""

_PAGE = 4096
_HEADER_BYTES = 100
_MAGIC = b"SQLite format 3\x00"
_CHUNK = 1024 * 1024

_PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE}
_PASSING_SQLITE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM}


@contextlib.contextmanager
def opening(path: Path) -> Iterator[None]:
    """Translates foreign errors while the file is opened.

    Raises StoreRefused for what may pass (disk full, I/O error), StoreUnusable for the rest.
    """
    try:
        yield
    except OSError as error:
        raise _of_os(path, error) from None
    except (sqlite3.Error, ValueError) as error:
        raise of_sqlite(path, error) from None


def _of_os(path: Path, error: OSError) -> TenureError:
    cause = f"{error.strerror or error} ({error.filename or path})"
    if error.errno in _PASSING:
        return StoreRefused(f"cannot open the store {path} now: {cause}; it is tried again later")
    return StoreUnusable(
        f"cannot open the store {path}: {cause}; check the folder and who may read and write it"
    )


def of_sqlite(path: Path, error: Exception) -> TenureError:
    """What an error of SQLite (or a row that is no record) means while opening or reading."""
    if isinstance(error, UnicodeEncodeError):  # because of the path: nothing was read yet
        return StoreUnusable(
            f"cannot open the store {str(path)!a}: its path is not UTF-8; name another state folder"
        )
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_BUSY:
        return StoreRefused(f"cannot open the store {path} now: another program has it open")
    if code in _PASSING_SQLITE:
        return StoreRefused(f"cannot open the store {path} now: {error}; it is tried again later")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StoreUnusable(
            f"cannot open the store {path}: {error}; check the folder and who may read and write it"
        )
    return damaged(path, str(error))


def unreadable(path: Path, error: Exception) -> StoreUnusable:
    """What an error while reading an open store means."""
    found = of_sqlite(path, error)
    if isinstance(found, StoreUnusable):
        return found
    return StoreUnusable(f"cannot read the store {path}: {error}; check its disk")


def damaged(path: Path, cause: str) -> StoreUnusable:
    """The error for a file that is not a whole store of ours."""
    words = " ".join(cause.split())
    return StoreUnusable(
        f"the store {path} is damaged ({words}); it was left as it is: restore it from a backup, "
        "or begin anew with another state folder"
    )


# The lock


def lock(path: Path) -> int:
    """The descriptor of `<path>.lock`, exclusively locked by this process until it is closed.

    Raises SeatTaken with the holder's process id, OSError.
    """
    lock_path = lock_of(path)
    try:
        descriptor = files.lock(lock_path)
    except files.Held as held:
        raise SeatTaken(
            f"another controller (process {held.holder}) holds the seat of {path}, locked by "
            f"{lock_path}: stop that controller, or use another state folder"
        ) from None
    with contextlib.suppress(OSError):  # because the number is for people only
        files.sign(descriptor)
    return descriptor


def lock_of(path: Path) -> Path:
    """The lock file beside the database."""
    return beside(path, ".lock")


def beside(path: Path, ending: str) -> Path:
    """The file whose name is the database's with an ending."""
    return path.with_name(path.name + ending)


def identity(path: Path) -> tuple[int, ...]:
    """Which files the database and the lock are: changes if either is moved or replaced.

    Raises OSError if one is missing.
    """
    database, lock_file = path.stat(), lock_of(path).stat()
    return (database.st_dev, database.st_ino, lock_file.st_dev, lock_file.st_ino)


# First making


def create(path: Path) -> None:
    """Make an empty store: built under another name, synced, then given its own.

    So a file under the store's name is a whole store, or damaged, but never half made.

    Raises StoreUnusable if a log without its database lies there; OSError, sqlite3.Error.
    """
    log = beside(path, "-wal")
    if log.exists():
        raise StoreUnusable(
            f"{log} lies there without its store {path}: restore the store from a backup, or begin "
            "anew with another state folder"
        )
    building = beside(path, ".new")
    try:
        _build(building)
        building.rename(path)  # opening it syncs the folder
    finally:
        _remove(building)


def _build(building: Path) -> None:
    _remove(building)
    os.close(os.open(building, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    with contextlib.closing(_connect(building, "mode=rw")) as connection:
        connection.execute("PRAGMA synchronous=OFF")  # because it is synced as a whole below
        connection.execute("PRAGMA journal_mode=WAL")
        schema.create(connection)
    files.sync(building)


def _remove(building: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        beside(building, ending).unlink(missing_ok=True)


# Examination


def missing(path: Path) -> StoreUnusable:
    """The error for a store that should be there."""
    return StoreUnusable(
        f"the store {path} is missing: restore it from a backup, or begin anew with another state "
        "folder"
    )


def examine(path: Path) -> None:
    """Look, and touch nothing. Raises StoreUnusable, OSError, sqlite3.Error."""
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path.parent))
    _check_header(path)
    log = beside(path, "-wal")
    quiet = not log.exists() or log.stat().st_size == 0
    # because without a log SQLite would create one, even to read
    try:
        found = _quick_check(path, "immutable=1" if quiet else "mode=ro")
    finally:
        beside(path, "-shm").unlink(missing_ok=True)
    if found is None or found[0] != "ok":
        raise damaged(path, found[0] if found else "no answer to a check")


def _quick_check(path: Path, how: str) -> tuple[str] | None:
    with contextlib.closing(_connect(path, how)) as connection:
        found: tuple[str] | None = connection.execute("PRAGMA quick_check(1)").fetchone()
        return found


def _check_header(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        header = os.pread(descriptor, _HEADER_BYTES, 0)
    finally:
        os.close(descriptor)
    if not header:
        raise damaged(path, "the file is empty")
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        raise damaged(path, "not a database")
    version, application = (int.from_bytes(header[at : at + 4], "big") for at in (60, 68))
    if application != schema.APPLICATION_ID:
        raise StoreUnusable(
            f"{path} is another program's database, not a store of Tenure; it was left as it is: "
            "use another state folder"
        )
    if version > schema.SCHEMA_VERSION:
        raise StoreUnusable(
            f"the store {path} was written by a newer Tenure (its version {version}, known here "
            f"{schema.SCHEMA_VERSION}); it was left as it is: install that Tenure, or restore an "
            "older backup"
        )
    if version < 1:
        raise damaged(path, "its version is missing")


# Opening


def open_examined(path: Path) -> sqlite3.Connection:
    """A connection to an examined store all of whose bytes are on the disk; see the header.

    Raises OSError, sqlite3.Error.
    """
    rewrite_log(path)
    files.sync(path)  # because a restored copy may be in memory only
    files.sync(path.parent)
    connection = _connect(path, "mode=rw")
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        if connection.execute("PRAGMA journal_mode=WAL").fetchone() != ("wal",):
            raise sqlite3.DatabaseError("it cannot use a write-ahead log")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={MAX_LOG_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit={4 * MAX_LOG_PAGES * _PAGE}")
        connection.execute(f"PRAGMA cache_size={-16 * 1024}")
        write_back(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def write_back(connection: sqlite3.Connection) -> None:
    """Checkpoint: all of the log is in the database and synced, and the log is empty.

    Raises sqlite3.Error.
    """
    if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        raise sqlite3.OperationalError("its log cannot be written back")


def rewrite_log(path: Path) -> None:
    """Write the log's bytes over themselves and sync them; see the header. Raises OSError."""
    try:
        descriptor = os.open(beside(path, "-wal"), os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        at = 0
        while chunk := os.pread(descriptor, _CHUNK, at):
            at += os.pwrite(descriptor, chunk, at)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _connect(path: Path, how: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?{how}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=0)


# Room


def require_room(path: Path, needed: int) -> None:
    """Raises StoreRefused unless `needed` bytes and a reserve are free where the store is.

    A file system that does not say, or says nothing sensible, is trusted.
    """
    try:
        found = os.statvfs(path.parent)
    except OSError:
        return
    free = found.f_bavail * found.f_frsize
    if found.f_blocks and free < needed + RESERVE:
        raise StoreRefused(
            f"cannot write to the store {path}: no space left on {path.parent} ({free} bytes free, "
            f"{needed + RESERVE} needed): nothing was written; free some space"
        )


def bytes_needed(folded: rows.Folded, pages: int) -> int:
    """How much a write may add to the log and then to a database of so many pages: what is new,
    and every page touched once more, at worst one and its parent for each row."""
    new = folded.bytes() // _PAGE + 16
    touched = min(2 * folded.rows(), pages)
    return 2 * new * _PAGE + touched * _PAGE
