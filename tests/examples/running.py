"""One example: `tenure up` for real, looked at as an operator does.

Whatever happens in a test, at its end no process of it is left. All of them have the state
folder in their command line or in their environment, which is how they are found.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from tenure.client.operator import Operator
from tenure.client.transport import UnixHttp
from tenure.errors import TenureError
from tenure.statefolder import StateFolder
from tests.support.patience import HANG

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TENURE = (sys.executable, "-m", "tenure")
SHORT_LEASE = ("--lease", "5s", "--guarantee", "2s")
"""For tests that wait until a lease runs out; others are calmer with a long one."""

POLL = 0.05
PATIENCE = HANG
STOP_WITHIN = 15.0


def wait_until(is_so: Callable[[], Any], within: float = PATIENCE) -> Any:
    """The first true answer of `is_so`; fails after `within` seconds."""
    deadline = time.monotonic() + within
    while not (answer := is_so()):
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not come to pass within {within:g} s: {is_so}")
        time.sleep(POLL)
    return answer


def processes_of(state: Path) -> list[int]:
    """The processes, this one apart, that know of the state folder."""
    found = [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    return [pid for pid in found if pid != os.getpid() and _knows(pid, os.fsencode(state))]


def _knows(pid: int, text: bytes) -> bool:
    with suppress(OSError):
        facts = [Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
        return any(text in fact for fact in facts)
    return False


class Tenure:
    """One state folder, and the `tenure up` that runs on it, if one does."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self._output = folder / "up.txt"
        self._operator = Operator(UnixHttp(StateFolder(self.state).controller_socket))
        self._up: subprocess.Popen[bytes] | None = None

    def up(self, charm: Path, *options: str) -> None:
        """Start it; returns at once."""
        with self._output.open("ab") as output:
            self._up = subprocess.Popen(
                [*TENURE, "up", str(charm), "--state", str(self.state), *options],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    def said(self) -> str:
        """What `up` printed so far."""
        return self._output.read_text()

    def run(self, *words: str, expect: int = 0) -> str:
        """A command's stdout; fails unless it exits with `expect`. Its `--state` is filled in."""
        command = [*TENURE, words[0], "--state", str(self.state), *words[1:]]
        done = subprocess.run(command, capture_output=True, text=True, timeout=HANG, check=False)
        told = f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}\n{self.said()}"
        assert done.returncode == expect, told
        return done.stdout

    def application(self) -> dict[str, Any]:
        """The one application, as `status --format json` has it; {} while it cannot be had.

        Asked without the command: who waits asks often, and each command is a process.
        """
        with suppress(TenureError):
            for found in msgspec.to_builtins(self._operator.status())["applications"].values():
                return dict(found)
        assert self._up is not None and self._up.poll() is None, self.said()
        return {}

    def until(self, is_so: Callable[[dict[str, Any]], Any], within: float = PATIENCE) -> Any:
        """Wait for something about the application; the application as it is then."""

        def look() -> dict[str, Any] | None:
            found = self.application()
            return found if found and is_so(found) else None

        try:
            return wait_until(look, within)
        except AssertionError as fault:
            raise AssertionError(f"{fault}\n{self.application()}\n{self.said()}") from None

    def charm_of(self, unit: str) -> Path:
        """The folder that the unit's hooks run in."""
        return self.state / "units" / unit.replace("/", "-") / "charm"

    def log(self) -> str:
        """What the hooks and agents wrote."""
        return self.run("log")

    def close(self) -> None:
        """Stop it cleanly; fails if it does not end well or leaves anything behind."""
        exit_code = self._stop()
        left = self._what_is_left()
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert not left, f"left behind: {left}"
        assert exit_code == 0, f"up ended with {exit_code}:\n{self.said()}"

    def _stop(self) -> int:
        if self._up is None:
            return 0
        self._up.terminate()
        try:
            return self._up.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self._up.kill()
            return self._up.wait()

    def _what_is_left(self) -> list[int]:
        with suppress(AssertionError):
            wait_until(lambda: not processes_of(self.state), within=5.0)
        return processes_of(self.state)


def others(application: dict[str, Any]) -> list[str]:
    """The units that do not lead."""
    return [unit for unit in application["units"] if unit != application["leader"]]
