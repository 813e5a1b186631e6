"""A Tenure for each test: a short state folder, a small bash charm, and nothing left at the end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tenure.client.operator import Operator
from tenure.client.transport import UnixHttp
from tenure.core.localstate import LocalState
from tenure.errors import Unreachable
from tenure.leadership.statefile import StateFile
from tenure.statefolder import StateFolder
from tenure.wire.operators import Status
from tests.support.patience import HANG

PATIENCE = HANG
"""Seconds that a test waits for what must come; far more than it takes."""

END_WITHIN = 5.0
"""Seconds that a clean end may take before a test insists."""

HOOKS = ("install", "leader-elected", "leader-settings-changed", "config-changed", "start")


def wait_for(is_so: Callable[[], object], what: str, within: float = PATIENCE) -> None:
    """Return as soon as it is so, and fail if it does not come to be."""
    deadline = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < deadline, f"waited {within} s in vain: {what}"
        time.sleep(0.02)


class Run:
    """A `tenure up` in the foreground, its output in a file."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path, err: Path) -> None:
        self.process = process
        self._out = out
        self._err = err

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def says(self, text: str) -> None:
        """Wait until it has said so."""
        wait_for(
            lambda: text in self.out,
            f"{text!r} in {self.out!r} {self.err!r}",
        )

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ends(self, within: float = PATIENCE) -> int:
        return self.process.wait(within)


class Place:
    """A state folder: commands to run in it, and its processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.charm = folder / "web"
        self.move_to(folder / "s")
        self._runs: list[subprocess.Popen[bytes]] = []
        self._is_detached = False
        for hook in HOOKS:
            self.write_hook(hook, "true")

    def move_to(self, state: Path) -> None:
        """Another state folder, from the next command on."""
        self.state = state
        self.operator = Operator(UnixHttp(StateFolder(state).controller_socket))

    def write_hook(self, hook: str, body: str, charm: Path | None = None) -> None:
        path = (charm or self.charm) / "hooks" / hook
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/bash\n{body}\n")
        path.chmod(0o755)

    def argv(self, command: str, *args: str) -> list[str]:
        return [sys.executable, "-m", "tenure", command, "--state", str(self.state), *args]

    def up(
        self, *args: str, charm: Path | None = None, caller: Callable[[list[str]], list[str]] = list
    ) -> Run:
        return self.begin("up", str(charm or self.charm), *args, caller=caller)

    def begin(self, *args: str, caller: Callable[[list[str]], list[str]] = list) -> Run:
        """A command that goes on; `caller` makes the command line of who calls it."""
        number = len(self._runs)
        out, err = self.folder / f"out{number}", self.folder / f"err{number}"
        with out.open("wb") as to_out, err.open("wb") as to_err:
            process = subprocess.Popen(
                caller(self.argv(*args)),
                stdin=subprocess.DEVNULL,
                stdout=to_out,
                stderr=to_err,
            )
        self._runs.append(process)
        return Run(process, out, err)

    def call(
        self, command: str, *args: str, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        argv = self.argv(command, *args)
        self._is_detached = self._is_detached or "--detach" in args
        return subprocess.run(argv, input=stdin, capture_output=True, timeout=HANG, check=False)

    def text(self, command: str, *args: str) -> str:
        done = self.call(command, *args)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def status(self) -> Status:
        return self.operator.status()

    def try_status(self) -> Status | None:
        try:
            return self.operator.status()
        except Unreachable:
            return None

    def pid_of(self, unit: str) -> int | None:
        status = self.try_status()
        return status.applications["web"].units[unit].pid if status else None

    def leader(self) -> str | None:
        status = self.try_status()
        return status.applications["web"].leader if status else None

    def settles(self, units: Sequence[str], application: str = "web") -> None:
        """Wait until these units, and no others, are connected and idle, and one leads.

        Idle means that the start sequence is over, which a hook's name cannot tell: after
        `leader-elected` either `config-changed` comes or nothing. What the agent keeps can.
        """

        def is_settled() -> bool:
            status = self.try_status()
            web = status.applications.get(application) if status else None
            return (
                web is not None
                and web.leader is not None
                and set(web.units) == set(units)
                and all(
                    self._has_started(name) and unit.agent == "connected" and not unit.hook.running
                    for name, unit in web.units.items()
                )
            )

        wait_for(is_settled, f"{units} to settle")

    def _has_started(self, unit: str) -> bool:
        kept = StateFile(
            StateFolder(self.state).unit_folder(unit) / "state.json", LocalState
        ).load()
        return kept is not None and kept.started and kept.running is None

    def processes(self) -> list[int]:
        """The controller and the agents that run on it, as the system sees them."""
        return [pid for pid, line in _command_lines() if self._is_ours(line)]

    def _is_ours(self, line: list[str]) -> bool:
        return str(self.state) in line and bool({"tenure.agent", "tenure.controller"} & set(line))

    def close(self) -> None:
        """End everything as Ctrl-C does, then as a second one does, then by force."""
        self._end_detached()
        for process in self._runs:
            for end in (process.terminate, process.terminate, process.kill):
                end()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(END_WITHIN)
                    break
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not self.processes(), "all processes to be gone")

    def _end_detached(self) -> None:
        """The `up` that is no child of ours."""
        if not self._is_detached or self.call("down").returncode in (0, 3):
            return
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError, ProcessLookupError):
            os.kill(int((self.state / "up.lock").read_text().split()[0]), signal.SIGKILL)


def _command_lines() -> Iterator[tuple[int, list[str]]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                line = (entry / "cmdline").read_bytes().split(b"\0")
                yield int(entry.name), [os.fsdecode(word) for word in line]


@contextlib.contextmanager
def new_place() -> Iterator[Place]:
    """A short folder with a small charm; at the end it is gone, and nothing runs there."""
    folder = Path(tempfile.mkdtemp(prefix="tn-"))
    found = Place(folder)
    try:
        yield found
    finally:
        found.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def place() -> Iterator[Place]:
    """A place for this test alone."""
    with new_place() as found:
        yield found


@pytest.fixture(scope="module")
def idle() -> Iterator[Place]:
    """One unit that is up and idle, for tests that leave it as they find it."""
    with new_place() as found:
        found.up("--lease", "5s")
        found.settles(["web/0"])
        yield found
