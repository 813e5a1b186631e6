"""What an agent keeps on disk: one small file per fact, whole or not at all.

A state file is a headline and a JSON value. The headline names the kind of state and its checksum,
so a file that was cut short, edited or put in the wrong place is recognised: it is refused, never
read as "nothing there yet", because empty state makes a unit run its first hooks again (H4).

A value is replaced by writing a new file beside the old one and renaming it, so a crash leaves
either the old value or the new one. There are three ways, by what depends on it:

- `save` returns once the new value survives power loss (H5).
- `save_soon` returns once it survives the agent: for what means nothing after the machine went
  down, such as a pid, or what nothing depends on, such as a workload's status.
- `save_beside` returns at once, and a thread does what `save_soon` does. For a renewal: until when
  a term is sure matters only to a later agent of the same boot, and no unit waits for a disk (U1).

All wait for the content to be on the disk before the rename, because a rename that outlives its
content would leave an empty file after power loss. A value is never overtaken by an older one.

One process at a time uses a folder. The lock is the kernel's: it ends with the process that took
it, however that ends, and no hook inherits it (L9).
"""

from __future__ import annotations

import re
import secrets
import threading
import zlib
from pathlib import Path
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from tenure.errors import Refused, TenureError
from tenure.files import Held, lock, sign, write_whole

T = TypeVar("T", bound=Struct)

_HEADLINE = re.compile(rb"tenure state 1 (\w+) ([0-9a-f]{8})\Z")
_INSTANCE = re.compile(r"[0-9a-f]{32}\Z")


class StateUnusable(TenureError):
    """A file or folder of state is corrupt, foreign or out of reach; it was not touched."""

    code = "state-unusable"


class StateNotSaved(TenureError):
    """The new value is not surely on disk (disk full, read-only). Saving again may succeed."""

    code = "state-not-saved"


class AlreadyRunning(Refused):
    """Another process uses this folder (L9)."""

    code = "already-running"


class StateFile(Generic[T]):
    """One value of one kind in one file. The struct's name is part of the format."""

    def __init__(self, path: Path, type: type[T]) -> None:
        self._path = path
        self._type = type
        self._decoder = msgspec.json.Decoder(type)
        self._writing = threading.Lock()
        """Held while the file is written; `_next` is only taken by who holds it."""
        self._lock = threading.Lock()
        self._next: bytes | None = None
        self._writer: threading.Thread | None = None
        self._fault: StateNotSaved | None = None

    def load(self) -> T | None:
        """The value last saved, or None if there never was one.

        Raises StateUnusable, naming the file and the next step.
        """
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateUnusable(f'cannot read "{self._path}": {_reason(error)}') from error
        return self._decode(content)

    def save(self, value: T) -> None:
        """Replace the value; durable on return (H5).

        Raises StateNotSaved: the file holds either the old or the new value, whole.
        """
        self._put(value, durable=True)

    def save_soon(self, value: T) -> None:
        """Replace the value; on return it survives a crash of the agent. Raises StateNotSaved."""
        self._put(value, durable=False)

    def _put(self, value: T, *, durable: bool) -> None:
        content = self._encode(value)
        with self._writing:
            with self._lock:
                self._next = self._fault = None
            _replace(self._path, content, durable=durable)

    def save_beside(self, value: T) -> None:
        """Have the value replaced beside whoever calls; the newest one, if there are many.

        Raises StateNotSaved if it is known at once that this fails; else `fault` tells it.
        """
        content = self._encode(value)
        with self._lock:
            self._next = content
            if self._writer is not None:
                return
            self._writer = threading.Thread(target=self._write_beside, daemon=True)
            try:
                self._writer.start()
            except RuntimeError as error:
                self._writer = None
                raise StateNotSaved(f'cannot save "{self._path}": {error}') from error

    def _write_beside(self) -> None:
        while True:
            with self._writing:
                content = self._taken()
                if content is None:
                    return
                fault = self._fault_of(content)
            with self._lock:
                self._fault = fault

    def _taken(self) -> bytes | None:
        with self._lock:
            content, self._next = self._next, None
            if content is None:
                self._writer = None
            return content

    def _fault_of(self, content: bytes) -> StateNotSaved | None:
        """Why this could not be written, if so."""
        try:
            _replace(self._path, content, durable=False)
        except StateNotSaved as fault:
            return fault
        except Exception as fault:  # because a thread that is gone would save nothing any more
            return StateNotSaved(f'cannot save "{self._path}": internal fault: {fault!r}')
        return None

    def fault(self) -> StateNotSaved | None:
        """Why what was to be saved beside was not, if so; told once."""
        with self._lock:
            fault, self._fault = self._fault, None
        return fault

    def settled(self, within: float) -> bool:
        """Wait until nothing is to be saved beside any more; False if that takes longer."""
        with self._lock:
            writer = self._writer
        if writer is not None:
            writer.join(within)
        return writer is None or not writer.is_alive()

    def _encode(self, value: T) -> bytes:
        body = msgspec.json.encode(value)
        return f"tenure state 1 {self._type.__name__} {zlib.crc32(body):08x}\n".encode() + body

    def _decode(self, content: bytes) -> T:
        headline, _, body = content.partition(b"\n")
        match = _HEADLINE.match(headline)
        if match is None:
            raise self._unusable("it is not a state file of Tenure, or it was cut short")
        if match[1].decode() != self._type.__name__:
            raise self._unusable(f"it holds {match[1].decode()}, not {self._type.__name__}")
        if int(match[2], 16) != zlib.crc32(body):
            raise self._unusable("it is corrupt: its checksum differs")
        try:
            return self._decoder.decode(body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise self._unusable(f"it is of another version: {error}") from error

    def _unusable(self, reason: str) -> StateUnusable:
        return StateUnusable(
            f'cannot use "{self._path}": {reason}; restore it from a backup, '
            "or move it away to start afresh"
        )


def lock_folder(folder: Path, what: str) -> int:
    """Make this process the only user of `folder`, for its whole life; returns the lock's fd.

    `what` names the kind of process for people: `the agent of web/0`. The folder is made if
    missing. Raises AlreadyRunning, naming pid and folder; StateUnusable.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateUnusable(f'cannot use the folder "{folder}": {_reason(error)}') from error
    try:
        handle = lock(folder / "lock")
        sign(handle)
    except Held as error:
        raise AlreadyRunning(
            f'{what} already runs in "{folder}" (pid {error.holder}): '
            "stop it first, or use another folder"
        ) from error
    except OSError as error:
        raise StateUnusable(f'cannot lock the folder "{folder}": {_reason(error)}') from error
    return handle


def instance_id(folder: Path) -> str:
    """The random id of what lives in `folder`, made durably at first use (L9): 32 hex digits.

    Raises StateUnusable if it was damaged, StateNotSaved if it cannot be made.
    """
    path = folder / "instance"
    try:
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        text = secrets.token_hex(16)
        _replace(path, f"{text}\n".encode(), durable=True)
    except (OSError, UnicodeDecodeError) as error:
        raise StateUnusable(f'cannot read "{path}": {_reason(error)}') from error
    if not _INSTANCE.match(text):
        raise StateUnusable(
            f'cannot use "{path}": it does not hold an instance id; remove it to become a new '
            "instance, which waits until the old one cannot lead any more"
        )
    return text


def _replace(path: Path, content: bytes, *, durable: bool) -> None:
    """Put `content` at `path`, whole. The folder's lock makes the path ours."""
    try:
        write_whole(path, content, durable=durable)
    except OSError as error:
        raise StateNotSaved(f'cannot save "{path}": {_reason(error)}') from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)
