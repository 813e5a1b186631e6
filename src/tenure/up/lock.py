"""One `up` for each state folder, and how others find it.

The lock is the kernel's, on up.lock, and ends with the process that took it, however that ends. The
file says who has it and whether it is stopping already. A newcomer waits for one that is stopping,
and refuses at once if one is there to stay.

If an `up` was killed, its controller and agents need up to a second to notice. Their own locks say
when they are gone, so a newcomer waits for those, too, before it starts its own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tenure.clock import SystemClock
from tenure.errors import Refused, StateFolderUnusable
from tenure.files import open_lock, try_lock
from tenure.statefolder import StateFolder

CLOCK = SystemClock()
PATIENCE = 5.0
"""Seconds to wait for a predecessor that is on its way out."""

GLANCE = 0.3
"""Seconds that a mere look of somebody else may hold the lock."""

_RETRY = 0.05
_STOPPING = "stopping"


class AlreadyUp(Refused):
    """Another `up` runs on this folder."""


class UpLock:
    """Held as long as this process lives, or until `release`."""

    def __init__(self, handle: int, path: Path) -> None:
        self._handle = handle
        self._path = path
        self._says = ""
        self._say("up")

    @classmethod
    def take(cls, folder: StateFolder) -> UpLock:
        """Become the only `up` of a state folder; waits for one that is stopping.

        Raises AlreadyUp, naming its pid; StateFolderUnusable.
        """
        handle = _open(folder.up_lock)
        begun = CLOCK.now()
        while not try_lock(handle):
            pid, stopping = _read(handle)
            waited = CLOCK.now() - begun
            if waited > (PATIENCE if stopping else GLANCE):
                os.close(handle)
                raise AlreadyUp(_refusal(folder, pid, stopping))
            time.sleep(_RETRY)
        return cls(handle, folder.up_lock)

    def stopping(self) -> None:
        """Tell newcomers that waiting is worth it, if that can be written."""
        with suppress(StateFolderUnusable):
            self._say(_STOPPING)

    def renew(self) -> None:
        """Have the lock at its path again if that was removed: else another `up` would take it.

        Raises StateFolderUnusable.
        """
        with suppress(OSError):
            if os.path.samestat(os.fstat(self._handle), self._path.lstat()):
                return
        handle = _open(self._path)
        if not try_lock(handle):  # a look of somebody, or another `up` that came meanwhile
            os.close(handle)
            return
        os.close(self._handle)
        self._handle = handle
        self._say(self._says)

    def release(self) -> None:
        """Let others in."""
        os.close(self._handle)

    def _say(self, what: str) -> None:
        self._says = what
        content = f"{os.getpid()} {what}\n".encode()
        try:
            os.pwrite(self._handle, content, 0)
            os.ftruncate(self._handle, len(content))
        except OSError as fault:
            raise StateFolderUnusable(
                f"cannot write the lock of `tenure up`: {fault.strerror}: make room on the disk"
            ) from fault


def running(folder: StateFolder) -> int | None:
    """The pid of the `up` that runs on this folder, if one does. Raises StateFolderUnusable."""
    if _is_missing(folder.up_lock):
        return None
    handle = _open(folder.up_lock)
    try:
        return None if try_lock(handle, shared=True) else _read(handle)[0]
    finally:
        os.close(handle)


def _wait_for_leftovers(folder: StateFolder) -> None:
    """What is still there after that will be met, and named, by who needs its lock."""
    deadline = CLOCK.now() + PATIENCE
    while _leftovers(folder) and CLOCK.now() < deadline:
        time.sleep(_RETRY)


def _leftovers(folder: StateFolder) -> list[Path]:
    """The locks that a controller or agents of this folder still hold."""
    candidates = [folder.store_file.with_name(f"{folder.store_file.name}.lock")]
    candidates += [folder.unit_folder(unit) / "lock" for unit in folder.known_units()]
    return [path for path in candidates if path.exists() and _is_held(path)]


@contextmanager
def held(folder: StateFolder) -> Iterator[UpLock]:
    """The lock for the duration of a block. Raises AlreadyUp, StateFolderUnusable."""
    lock = UpLock.take(folder)
    try:
        _wait_for_leftovers(folder)
        yield lock
    finally:
        lock.release()


def _is_held(path: Path) -> bool:
    handle = _open(path)
    try:
        return not try_lock(handle, shared=True)
    finally:
        os.close(handle)


def _is_missing(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError as fault:
        raise _unusable(path, fault) from fault
    return False


def _open(path: Path) -> int:
    try:
        return open_lock(path)
    except OSError as fault:
        raise _unusable(path, fault) from fault


def _unusable(path: Path, fault: OSError) -> StateFolderUnusable:
    return StateFolderUnusable(
        f"cannot open {path}: {fault.strerror}: mend it, or choose another --state"
    )


def _read(handle: int) -> tuple[int | None, bool]:
    words = os.pread(handle, 64, 0).decode("ascii", "replace").split()
    pid = int(words[0]) if words and words[0].isdigit() else None
    return pid, words[1:] == [_STOPPING]


def _refusal(folder: StateFolder, pid: int | None, stopping: bool) -> str:
    who = f"`tenure up` (pid {pid or 'unknown'})"
    if stopping:
        return f"{who} on {folder.state} is still stopping: try again in some seconds"
    return (
        f"{who} runs on {folder.state} already: see `tenure status`, stop it with `tenure down`, "
        "or choose another --state"
    )
