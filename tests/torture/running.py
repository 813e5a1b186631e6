"""What is tortured: `tenure up` for real, on a short state folder, and nothing left of it.

`up` runs in a session of its own, so that Ctrl-C reaches the driver alone, which then ends all. A
process of it, a hook or a helper is found by the folder that its command line or environment
names; the last look for those kills what is left and says so.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tenure.agent.host.toolfolder import base_interpreter
from tenure.client.operator import Operator
from tenure.client.transport import UnixHttp
from tenure.errors import TenureError
from tenure.statefolder import StateFolder
from tenure.wire.operators import Status
from tests.torture.shim import Shim
from tests.torture.watch import CONTROLLER, Life, Watch, argv_of, boottime, carriers, children_of

APPLICATION = "web"
LEASE, GUARANTEE = 5.0, 2.0
RECONNECT_GRACE = 15.0
"""Seconds by which a controller's start lengthens every lease at least (L8)."""

POLL = 0.05
GONE_WITHIN = 10.0
IMPATIENT_AFTER = 2.0
"""Seconds after which somebody presses Ctrl-C a second time."""
PYTHON = (sys.executable, "-m")
PROGRAM = Path(__file__).with_name("dispatch.py")


class NotSo(AssertionError):
    """Something that must come did not come within its bound."""


class Torn:
    """Its processes, and what an operator can see and do. Made by `tenure_in`."""

    def __init__(self, folder: Path, units: int) -> None:
        self.folder = folder
        self.state = folder / "s"
        self.trace = folder / "trace"
        self.charm = folder / "charm"
        self.paths = StateFolder(self.state)
        self.units = [f"{APPLICATION}/{number}" for number in range(units)]
        self.operator = Operator(UnixHttp(self.paths.controller_socket))
        self.shim = Shim(folder)
        self.watch = Watch(self._parent)
        self.hook_kills: list[tuple[int, float]] = []
        """Hooks' and tools' pids that the driver killed, each with the instant before."""
        self._up: subprocess.Popen[bytes] | None = None
        self._make_charm()

    def _make_charm(self) -> None:
        self.trace.mkdir()
        self.charm.mkdir()
        program = self.charm / "dispatch"
        program.write_text(f"#!{base_interpreter()} -IS\n{PROGRAM.read_text()}")
        program.chmod(0o755)
        (self.charm / "torture.json").write_text(json.dumps({"trace": str(self.trace)}))

    def _parent(self) -> int | None:
        return self._up.pid if self._up is not None else None

    # -- up and down

    def up(self) -> None:
        """Start it, or start it again; returns at once."""
        with (self.folder / "up.txt").open("ab") as output:
            self._up = subprocess.Popen(
                [
                    *PYTHON, "tenure", "up", str(self.charm), "--state", str(self.state),
                    "--name", APPLICATION, "--units", str(len(self.units)),
                    "--lease", f"{LEASE:g}s", "--guarantee", f"{GUARANTEE:g}s",
                    "--update-status-interval", "1s",
                ],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                env={**os.environ, **self.shim.environment()},
            )  # fmt: skip

    def end_up(self, number: signal.Signals) -> int:
        """Send `up` a signal, and once more if it takes long (a hook may hang); its exit code once
        it and its processes are gone."""
        assert self._up is not None
        up = self._up
        self._note_end(killed=number == signal.SIGKILL)
        up.send_signal(number)
        with suppress(NotSo):
            self.wait(lambda: up.poll() is not None, "`tenure up` to end", IMPATIENT_AFTER)
        asked_again = up.poll() is None
        if asked_again:
            self._note_end(killed=True)
            up.send_signal(number)
        self.wait(lambda: up.poll() is not None, "`tenure up` to end", GONE_WITHIN)
        self.wait(lambda: not self.lives(), "Tenure's processes to be gone", GONE_WITHIN)
        self._up = None
        code = up.wait()
        # because a second signal may meet `up` when it has stopped listening to them
        return 0 if asked_again and code == -number else code

    def _note_end(self, killed: bool) -> None:
        """All processes are about to be ended, or killed."""
        for life in self.lives():
            life.asked = life.asked or not killed
            life.killed_at = life.killed_at or (boottime() if killed else None)

    @contextmanager
    def controller_alone(self) -> Iterator[None]:
        """A controller without agents, for as long as it takes to look at the store."""
        process = subprocess.Popen(
            [*PYTHON, "tenure.controller", "--state", str(self.state), "--must-exist"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            self.wait(lambda: process.poll() is not None or self.status(), "the controller")
            yield
        finally:
            process.kill()
            process.communicate()

    def lives(self) -> list[Life]:
        """Tenure's processes that are there."""
        self.watch.look()
        return [life for life in self.watch.lives if life.is_there]

    def is_there(self, life: Life) -> bool:
        """Whether it still runs; looked at now."""
        self.watch.look()
        return life.is_there

    def controller(self) -> Life:
        """The controller that runs; waits for it."""
        return self._wait_life(CONTROLLER)

    def agent(self, unit: str) -> Life:
        """The agent of a unit; waits for it."""
        return self._wait_life(unit)

    def _wait_life(self, role: str) -> Life:
        self.wait(lambda: self.watch.of(role), f"{role} to be there")
        found = self.watch.of(role)
        if found is None:
            raise NotSo(f"{role} went as soon as it came")
        return found

    # -- what can be seen

    def status(self) -> Status | None:
        """What the controller says, if it does."""
        try:
            return self.operator.status()
        except TenureError:
            return None

    def leader(self) -> str | None:
        """Who holds the lease, as far as can be seen."""
        status = self.status()
        found = status.applications.get(APPLICATION) if status else None
        return found.leader if found else None

    def is_healthy(self) -> bool:
        """Somebody leads, all agents are connected, and the controller is sure of everything."""
        status = self.status()
        web = status.applications.get(APPLICATION) if status else None
        if status is None or web is None or status.controller.unsure or web.lease.unsure:
            return False
        connected = all(unit.agent == "connected" for unit in web.units.values())
        return web.leader is not None and connected and set(web.units) == set(self.units)

    def hooks_of(self, unit: str) -> list[int]:
        """The pids of the unit's running hook, if one runs (its warden is not one)."""
        agent = self.watch.of(unit)
        running = children_of(agent.pid) if agent is not None else []
        return [pid for pid in running if str(self.state) in " ".join(argv_of(pid))]

    # -- waiting

    def wait(self, is_so: Callable[[], object], what: str, within: float = 40.0) -> float:
        """The seconds until it was so. Raises NotSo."""
        begun = boottime()
        while not is_so():
            if boottime() > begun + within:
                raise NotSo(f"waited {within:g} s in vain for {what}")
            self.rest(POLL)
        return boottime() - begun

    def rest(self, seconds: float) -> None:
        """Let time pass: a fault lasts as long as it lasts."""
        threading.Event().wait(seconds)

    # -- the end

    def kill_hook(self, pid: int) -> None:
        """As `kill -9` does, and note it."""
        self.hook_kills.append((pid, boottime()))
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """End whatever is there, whatever state it is in."""
        self.shim.heal()
        if self._up is not None:
            self._up.kill()
            self._up.wait()
        for life in self.lives():
            life.send(signal.SIGKILL)
        end_all(str(self.folder))


def end_all(text: str) -> list[int]:
    """Kill everything that names a folder, until nothing does; what there was."""
    found: set[int] = set()
    deadline = boottime() + GONE_WITHIN
    while (left := set(carriers(text))) and boottime() < deadline:
        found |= left
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        threading.Event().wait(0.02)
    return sorted(found)


@contextmanager
def tenure_in(folder: Path, units: int = 3) -> Iterator[Torn]:
    """One that is not up yet; none of its processes is left at the end."""
    tenure = Torn(folder, units)
    with tenure.watch:
        try:
            yield tenure
        finally:
            tenure.close()


@contextmanager
def folder_to_keep_if(is_kept: Callable[[], bool]) -> Iterator[Path]:
    """A short temporary folder, removed at the end unless it is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix="tt-"))
    try:
        yield folder
    finally:
        if not is_kept():
            shutil.rmtree(folder, ignore_errors=True)
