"""Files that are there whole or not at all, and locks that end with their holder.

**Replacing.** What is to be at a path is made beside it, under another name, and renamed: whoever
looks finds the old or the new, never a part. A crash leaves the same. Power loss does, too, if the
content was synced before the rename; the new one is surely there after it once its folder was
synced as well. Who asks for less gets less: a folder of links that is made anew at each start needs
no disk to wait for.

**Locks** are the kernel's (`flock`), on a file that nobody removes. One ends with the process that
took it, however that ends, and no child inherits it. What is written in the file is for people.

Nothing is translated here: OSError means one thing to a store and another to a command.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Held(Exception):
    """Somebody else has the lock; `holder` is what the file says of them: a pid, or `unknown`."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


def write_whole(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Replace a private file (0600) by one that no power loss leaves empty or in part.

    With `durable` the new one survives power loss from now on; without, a crash of this process.
    One process at a time may write a path. Raises OSError: the old one is there still, or the
    new one.
    """
    new = path.with_name(f"{path.name}.new")
    try:
        _write(new, content)
        new.rename(path)
        if durable:
            sync(path.parent)
    except OSError:
        with suppress(OSError):
            new.unlink()
        raise


def _write(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o600), "wb", buffering=0) as file:
        os.fchmod(file.fileno(), 0o600)
        rest = memoryview(content)
        while rest:
            rest = rest[file.write(rest) :]
        # because a rename that outlives its content would leave an empty file after power loss
        os.fsync(file.fileno())


def put_program(path: Path, text: str) -> None:
    """Put a program in place, for all to run; also while the old one runs. Raises OSError."""
    with _replacing(path) as new:
        new.write_text(text)
        new.chmod(0o755)


def put_link(path: Path, target: str) -> None:
    """Put a symbolic link in place, if it is not there already. Raises OSError."""
    if path.is_symlink() and os.readlink(path) == target:  # noqa: PTH115
        return
    with _replacing(path) as new:
        new.symlink_to(target)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """What is made at the name given takes the place of `path`. Several processes may do so."""
    new = path.with_name(f".{path.name}.new-{os.getpid()}")
    new.unlink(missing_ok=True)
    yield new
    new.replace(path)


def remove_tree(folder: Path) -> None:
    """Remove a folder and all that is in it, also what its owner may not write to.

    No link is followed. Raises OSError; what is left is less than there was.
    """
    for below, folders, _ in os.walk(folder):
        for name in (".", *folders):
            path = Path(below, name)
            if not path.is_symlink() and path.lstat().st_mode & stat.S_IRWXU != stat.S_IRWXU:
                path.chmod(stat.S_IRWXU)
    shutil.rmtree(folder)


def sync(path: Path, *, follow: bool = True) -> None:
    """Wait until the disk has a file's content, or the names in a folder.

    Raises OSError, also for a link if it is not to `follow` one.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file_system(folder: Path) -> bool:
    """Wait for the file system that a folder is on; False if the machine cannot wait for one alone.

    `os.sync()` waits for all of them, so for a slow USB stick or a lost NFS server too. Errors of
    the disk are not told: whoever must know of them syncs each file, which takes next to no time
    after this. Raises OSError if there is no such folder.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _syncfs(handle)
    finally:
        os.close(handle)


def _syncfs(handle: int) -> bool:
    import ctypes  # costs some ms, and most agents never come here

    try:
        return bool(ctypes.CDLL(None).syncfs(handle) == 0)
    except (OSError, AttributeError):
        return False


def open_lock(path: Path) -> int:
    """The descriptor of a lock's file, which is made if missing. Raises OSError."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(handle: int, *, shared: bool = False) -> bool:
    """Take a lock, or say at once that somebody has it. Closing the descriptor gives it up."""
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock(path: Path) -> int:
    """Take a lock until the descriptor that is returned is closed. Raises Held, OSError."""
    handle = open_lock(path)
    try:
        if not try_lock(handle):
            raise Held(os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown")
    except BaseException:
        os.close(handle)
        raise
    return handle


def sign(handle: int) -> None:
    """Write this process's pid in a lock's file. Raises OSError."""
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)


def lock_shared(path: Path) -> int:
    """Wait for a lock that others may share, until the descriptor that is returned is closed.

    Raises OSError.
    """
    handle = open_lock(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
    except BaseException:
        os.close(handle)
        raise
    return handle


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Wait for a lock, and have it for the block. Raises OSError."""
    handle = open_lock(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
