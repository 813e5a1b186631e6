"""`up` without a terminal: a process of its own that says when all is up.

The parent waits for one word through a pipe. `ready`: all is up, and the parent is done.
Anything else is the reason why it is not, with the exit code that the child ends with.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tenure.errors import StateFolderUnusable, TenureError
from tenure.statefolder import StateFolder
from tenure.up.child import MAX_LOG

READY = b"ready\n"


class DetachedFailed(TenureError):
    """The detached `up` could not begin; with the exit code that it gave."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def detach(folder: StateFolder, work: Callable[[Callable[[], None]], None]) -> int | None:
    """Fork: the child does `work`, which calls what it is given once all is up.

    Returns the child's pid in the parent once it is ready, and None in the child after the work.
    Call it before there are threads. Raises DetachedFailed in the parent, and in the child what
    `work` raises.
    """
    log = _open_log(folder.up_log)
    receive, send = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        os.close(send)
        os.close(log)
        return _wait_for(pid, receive, folder)
    os.close(receive)
    _leave_terminal(log)
    try:
        work(lambda: _tell(send, READY))
    except TenureError as fault:
        _tell(send, f"{fault.exit_code} {fault}".encode("utf-8", "backslashreplace"))
        raise
    return None


def _tell(send: int, what: bytes) -> None:
    with suppress(OSError):
        os.write(send, what)
        os.close(send)


def _wait_for(pid: int, receive: int, folder: StateFolder) -> int:
    try:
        with open(receive, "rb") as pipe:
            answer = pipe.read()
    except KeyboardInterrupt:
        os.kill(pid, signal.SIGTERM)
        raise
    if answer == READY:
        return pid
    code, _, message = answer.decode("utf-8", "replace").partition(" ")
    os.waitpid(pid, 0)
    if not code.isdigit():
        raise DetachedFailed(f"`tenure up` ended before it was ready: see {folder.up_log}", 1)
    raise DetachedFailed(message, int(code))


def _open_log(path: Path) -> int:
    try:
        if path.exists() and path.stat().st_size > MAX_LOG:
            path.rename(path.with_name(f"{path.name}.1"))
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as fault:
        raise StateFolderUnusable(
            f"cannot write {path}: {fault.strerror}: make it writable"
        ) from fault


def _leave_terminal(log: int) -> None:
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(nowhere)
    os.close(log)
