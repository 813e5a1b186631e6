"""The life of each process of a tenure, from outside: when it began, and when it was gone.

A thread looks at the children of `tenure up` several times a second and holds a pidfd of each, so
that the instant at which one was gone is known to a look, and never mistaken for that of another
process with the same number. An end is noted when it was seen, which is late rather than early:
what an agent did before it ended is never taken for what it did after.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tenure.agent.hooks.warden import read_stat

TICK = os.sysconf("SC_CLK_TCK")
LOOK_EVERY = 0.03
CONTROLLER = "controller"

_STANDS_STILL = (b"T", b"t", b"Z", b"X", b"x")


def boottime() -> float:
    """Seconds of CLOCK_BOOTTIME, which all traces share."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True)
class Stop:
    """A process was stopped: surely not yet before `asked_at`, surely from `stopped_at` through
    `waking_at`, and surely not any more after `woken_at`."""

    asked_at: float
    stopped_at: float
    waking_at: float
    woken_at: float


@dataclass
class Life:
    """One process. `role` is a unit's name or `controller`; `ended_at` None while it is there.

    `asked`: it was told to end, so its end is nobody's fault. `killed_at` is the instant before it
    was killed by the driver.
    """

    role: str
    pid: int
    began_at: float
    handle: int
    instance: str = ""
    ended_at: float | None = None
    killed_at: float | None = None
    asked: bool = False
    stops: list[Stop] = field(default_factory=list)

    @property
    def is_there(self) -> bool:
        return self.ended_at is None

    def send(self, number: signal.Signals) -> bool:
        """Send a signal to this process and no other; False if it is gone."""
        with suppress(ProcessLookupError, OSError):
            signal.pidfd_send_signal(self.handle, number)
            return True
        return False

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """SIGSTOP, and SIGCONT at the end."""
        asked_at = boottime()
        self.send(signal.SIGSTOP)
        while (stat := read_stat(self.pid)) is not None and stat.state not in _STANDS_STILL:
            time.sleep(0.0005)
        stopped_at = boottime()
        try:
            yield
        finally:
            waking_at = boottime()
            self.send(signal.SIGCONT)
            self.stops.append(Stop(asked_at, stopped_at, waking_at, boottime()))

    def kill(self) -> bool:
        """As `kill -9` does; False if it was gone already."""
        self.killed_at = self.killed_at or boottime()
        return self.send(signal.SIGKILL)


def argv_of(pid: int) -> list[str]:
    """A process's command line; empty if it is gone."""
    with suppress(OSError):
        return [os.fsdecode(word) for word in _read(pid, "cmdline").split(b"\0")[:-1]]
    return []


def read_start(pid: int) -> float | None:
    """The instant at which a process began, to a hundredth of a second; None if it is gone."""
    stat = read_stat(pid)
    return stat.start / TICK if stat is not None else None


def children_of(pid: int) -> list[int]:
    """The processes that one started, from whatever thread."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def carriers(text: str) -> Iterator[int]:
    """The processes, this one apart, that have a text in their command line or environment."""
    wanted = os.fsencode(text)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            pid = int(entry.name)
            with suppress(OSError):
                if wanted in _read(pid, "cmdline") + b"\0" + _read(pid, "environ"):
                    yield pid


def _read(pid: int, name: str) -> bytes:
    return Path(f"/proc/{pid}/{name}").read_bytes()


def role_of(pid: int) -> str | None:
    """What a child of `tenure up` is, once it runs what it is for."""
    words = argv_of(pid)
    if "tenure.agent" in words:
        return words[-1]
    return CONTROLLER if "tenure.controller" in words else None


class Watch:
    """Every life of one Tenure's processes, in order of birth; `with` it."""

    def __init__(self, parent: Callable[[], int | None]) -> None:
        self.lives: list[Life] = []
        self._parent = parent
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.look()
        for life in self.lives:
            os.close(life.handle)

    def of(self, role: str) -> Life | None:
        """The one of this role that is there now; noticed at once if it has just begun."""
        self.look()
        found = (life for life in self.lives if life.role == role and life.is_there)
        return next(found, None)

    def adopt(self, role: str, pid: int) -> Life:
        """One that somebody else started."""
        with self._lock:
            return self._begin(role, pid)

    def look(self) -> None:
        """Note who has begun and who is gone."""
        with self._lock:
            self._note_ended()
            self._note_begun()

    def _run(self) -> None:
        while not self._over.wait(LOOK_EVERY):
            self.look()

    def _note_begun(self) -> None:
        parent = self._parent()
        known = {life.pid for life in self.lives if life.is_there}
        for pid in children_of(parent) if parent else ():
            if pid not in known and (role := role_of(pid)) is not None:
                with suppress(ProcessLookupError):
                    self._begin(role, pid)

    def _begin(self, role: str, pid: int) -> Life:
        handle = os.pidfd_open(pid)
        life = Life(role, pid, read_start(pid) or boottime(), handle)
        self.lives.append(life)
        return life

    def _note_ended(self) -> None:
        for life in self.lives:
            if life.is_there and _is_gone(life.handle):
                life.ended_at = boottime()


def _is_gone(handle: int) -> bool:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(0))
