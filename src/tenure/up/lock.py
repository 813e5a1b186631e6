"""One `up` for each house, and how others find it.

The lock is the kernel's, on up.lock, and ends with the process that took it, however that ends. The
file says who has it and whether it is stopping already. A newcomer waits for one that is stopping,
and refuses at once if one is there to stay.

If an `up` was killed, its controller and agents need up to a second to notice. Their own locks say
when they are gone, so a newcomer waits for those, too, before it starts its own.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tenure.clock import SystemClock
from tenure.errors import Refused
from tenure.statefolder import HouseUnusable, StateFolder

CLOCK = SystemClock()
PATIENCE = 5.0
"""Seconds to wait for a predecessor that is on its way out."""

GLANCE = 0.3
"""Seconds that a mere look of somebody else may hold the lock."""

_RETRY = 0.05
_STOPPING = "stopping"


class AlreadyUp(Refused):
    """Another `up` runs on this house."""


class UpLock:
    """Held as long as this process lives, or until `release`."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._say("up")

    @classmethod
    def take(cls, house: StateFolder) -> UpLock:
        """Become the house's only `up`; waits for one that is stopping.

        Raises AlreadyUp, naming its pid; HouseUnusable.
        """
        handle = _open(house.up_lock)
        begun = CLOCK.now()
        while not _try(handle, fcntl.LOCK_EX):
            pid, stopping = _read(handle)
            waited = CLOCK.now() - begun
            if waited > (PATIENCE if stopping else GLANCE):
                os.close(handle)
                raise AlreadyUp(_refusal(house, pid, stopping))
            time.sleep(_RETRY)
        return cls(handle)

    def stopping(self) -> None:
        """Tell newcomers that waiting is worth it, if that can be written."""
        with suppress(HouseUnusable):
            self._say(_STOPPING)

    def release(self) -> None:
        """Let others in."""
        os.close(self._handle)

    def _say(self, what: str) -> None:
        content = f"{os.getpid()} {what}\n".encode()
        try:
            os.pwrite(self._handle, content, 0)
            os.ftruncate(self._handle, len(content))
        except OSError as fault:
            raise HouseUnusable(
                f"cannot write the lock of `tenure up`: {fault.strerror}: make room on the disk"
            ) from fault


def running(house: StateFolder) -> int | None:
    """The pid of the `up` that runs on this house, if one does. Raises HouseUnusable."""
    if _is_missing(house.up_lock):
        return None
    handle = _open(house.up_lock)
    try:
        return None if _try(handle, fcntl.LOCK_SH) else _read(handle)[0]
    finally:
        os.close(handle)


def _wait_for_leftovers(house: StateFolder) -> None:
    """What is still there after that will be met, and named, by who needs its lock."""
    deadline = CLOCK.now() + PATIENCE
    while _leftovers(house) and CLOCK.now() < deadline:
        time.sleep(_RETRY)


def _leftovers(house: StateFolder) -> list[Path]:
    """The locks that a controller or agents of this house still hold."""
    candidates = [house.store_file.with_name(f"{house.store_file.name}.lock")]
    candidates += [house.unit_folder(unit) / "lock" for unit in house.known_units()]
    return [path for path in candidates if path.exists() and _is_held(path)]


@contextmanager
def held(house: StateFolder) -> Iterator[UpLock]:
    """The lock for the duration of a block. Raises AlreadyUp, HouseUnusable."""
    lock = UpLock.take(house)
    try:
        _wait_for_leftovers(house)
        yield lock
    finally:
        lock.release()


def _is_held(path: Path) -> bool:
    handle = _open(path)
    try:
        return not _try(handle, fcntl.LOCK_SH)
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
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as fault:
        raise _unusable(path, fault) from fault


def _unusable(path: Path, fault: OSError) -> HouseUnusable:
    return HouseUnusable(
        f"cannot open {path}: {fault.strerror}: mend it, or choose another --state"
    )


def _try(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(handle: int) -> tuple[int | None, bool]:
    words = os.pread(handle, 64, 0).decode("ascii", "replace").split()
    pid = int(words[0]) if words and words[0].isdigit() else None
    return pid, words[1:] == [_STOPPING]


def _refusal(house: StateFolder, pid: int | None, stopping: bool) -> str:
    who = f"`tenure up` (pid {pid or 'unknown'})"
    if stopping:
        return f"{who} on {house.state} is still stopping: try again in some seconds"
    return (
        f"{who} runs on {house.state} already: see `tenure status`, stop it with `tenure down`, "
        "or choose another --state"
    )
