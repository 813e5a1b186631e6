"""What the system tells of a running process, and many connections to it at once."""

from __future__ import annotations

import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

MIB = 1024 * 1024
TICK = os.sysconf("SC_CLK_TCK")
SPARE = 500
"""File descriptors that a test leaves for everything else."""


class Watched:
    """A process, as /proc shows it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._proc = Path("/proc") / str(pid)

    @property
    def files(self) -> int:
        """How many file descriptors are open."""
        return sum(1 for _ in (self._proc / "fd").iterdir())

    @property
    def memory(self) -> int:
        """Resident bytes."""
        pages = (self._proc / "statm").read_text().split()[1]
        return int(pages) * resource.getpagesize()

    @property
    def cpu(self) -> float:
        """Seconds of processor time used so far."""
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def limit_files(self, number: int) -> None:
        """So many file descriptors and no more."""
        hard = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (number, hard))


@contextmanager
def many_files_allowed() -> Iterator[int]:
    """How many connections can be had; for this process and for those that it starts meanwhile."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    try:
        yield min(10_000, before[1] - SPARE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextmanager
def connected(path: Path, number: int, said: bytes = b"") -> Iterator[list[socket.socket]]:
    """So many connections at once, half of which say this; closed in the end."""
    with ExitStack() as stack:
        clients = []
        for at in range(number):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(str(path))  # because with a timeout a full backlog would be an error
            client.settimeout(20.0)
            if at % 2:
                with suppress(ConnectionError):
                    client.sendall(said)
            clients.append(client)
        yield clients


def everything(client: socket.socket) -> bytes:
    """All that is said until the other side closes; a reset after the last word is a close."""
    received = b""
    with suppress(ConnectionError):
        while part := client.recv(65536):
            received += part
    return received


def busy(watched: Watched, seconds: float) -> float:
    """The share of one processor that the process used in that time."""
    before, began = watched.cpu, time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        time.sleep(0.05)  # because what is measured is what happens while nothing happens
    return (watched.cpu - before) / passed
