"""One process that `up` started: a controller or an agent.

It has a session of its own, so the terminal's Ctrl-C does not reach it; its stdin is a pipe that
only `up` holds, so it notices when `up` is gone; it writes the line `ready` to stdout once, and its
log to stderr. It is watched and killed through a pidfd, so that never another process is meant that
got its number later.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tenure.errors import TenureError

MAX_LOG = 10 * 1024 * 1024
"""Bytes of a log that is put aside before the next process writes to it."""

_TAIL = 4096


class CannotStart(TenureError):
    """The process could not even be started."""


class Child:
    """A running process, or one that has ended. Belongs to the running event loop."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, log_begins: int) -> None:
        loop = asyncio.get_running_loop()
        self.pid = process.pid
        self.ready: asyncio.Future[bool] = loop.create_future()
        """True once it is ready, False if it ended before."""
        self.ended: asyncio.Future[int] = loop.create_future()
        """The exit code; minus the signal's number if one ended it."""
        self._process = process
        self._log = log
        self._log_begins = log_begins
        self._handle = os.pidfd_open(process.pid)
        self._said = b""
        assert process.stdout is not None
        self._stdout = process.stdout.fileno()
        os.set_blocking(self._stdout, False)
        loop.add_reader(self._handle, self._on_end)
        loop.add_reader(self._stdout, self._on_output)

    @classmethod
    def start(cls, argv: Sequence[str], log: Path) -> Child:
        """Start it. Raises CannotStart."""
        try:
            log.parent.mkdir(mode=0o700, exist_ok=True)
            if log.exists() and log.stat().st_size > MAX_LOG:
                log.rename(log.with_name(f"{log.name}.1"))
            handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with open(handle, "ab") as file:
                begins = file.tell()  # before the child moves on: it shares the file's offset
                process = subprocess.Popen(
                    argv,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=file,
                    start_new_session=True,
                )
                return cls(process, log, begins)
        except OSError as fault:
            what = f"{fault.filename}: {fault.strerror}" if fault.filename else fault.strerror
            raise CannotStart(f"cannot start a process: {what}") from fault

    def ask_to_stop(self) -> None:
        """Everything stops: no new hook, running ones get their time."""
        if self._process.stdin is not None and not self.ended.done():
            with suppress(OSError):
                self._process.stdin.write(b"stop\n")
                self._process.stdin.flush()

    def kill(self) -> None:
        """End it at once."""
        if not self.ended.done():
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def last_words(self) -> str:
        """The last line that it wrote to its log, without `ERROR`; empty if there is none."""
        with suppress(OSError), self._log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            begins = self._log_begins if self._log_begins <= size else 0  # it was put aside since
            file.seek(max(begins, size - _TAIL))
            lines = file.read().decode("utf-8", "replace").split("\n")
            return next((line for line in reversed(lines) if line.strip()), "").removeprefix(
                "ERROR "
            )
        return ""

    def how_it_ended(self) -> str:
        """`signal: killed`, or `exit status 1`, with its last words if it complained."""
        code = self.ended.result()
        if code < 0:
            return f"signal: {(signal.strsignal(-code) or str(-code)).lower()}"
        words = self.last_words() if code else ""
        return f"exit status {code}: {words}" if words else f"exit status {code}"

    def _on_output(self) -> None:
        try:
            more = os.read(self._stdout, 65536)
        except BlockingIOError:
            return
        if not more:
            asyncio.get_running_loop().remove_reader(self._stdout)
        elif not self.ready.done():
            self._said = (self._said + more)[-65536:]
            if b"ready" in self._said.split(b"\n")[:-1]:
                self.ready.set_result(True)

    def _on_end(self) -> None:
        loop = asyncio.get_running_loop()
        self._on_output()
        loop.remove_reader(self._handle)
        loop.remove_reader(self._stdout)
        code = self._process.wait()
        os.close(self._handle)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        if not self.ready.done():
            self.ready.set_result(False)
        self.ended.set_result(code)
