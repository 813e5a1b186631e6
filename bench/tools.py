"""What one call of a hook tool costs, from spawn to exit, against doing nothing at all.

Run as `python bench/tools.py`; needs the compiled client (an editable install builds it).
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tenure.agent.host.toolfolder import base_interpreter, make_tools_folder
from tenure.agent.tools.base import WorkloadStatus
from tenure.agent.toolserver import ToolServer

RUNS = 200


class Leader:
    """A context that is sure to lead and has nothing to read."""

    unit = "web/0"
    writing = False

    async def is_leader(self) -> bool:
        return True

    def still_sure(self) -> bool:
        return True

    async def settings(self) -> Mapping[str, str]:
        return {}

    async def write_settings(self, changes: Mapping[str, str]) -> None: ...

    def log(self, level: str, message: str) -> None: ...

    def status(self, *, application: bool) -> WorkloadStatus:
        return WorkloadStatus()

    async def set_status(self, status: WorkloadStatus, *, application: bool) -> None: ...


def measure(runs: int = RUNS) -> dict[str, float]:
    """Milliseconds from spawn to exit, the median of `runs` interleaved runs of each."""
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        make_tools_folder(folder / "c", client="c")
        make_tools_folder(folder / "python", client="python")
        commands = {
            "/bin/true": ["/bin/true"],
            "is-leader (C)": [str(folder / "c" / "is-leader")],
            "python -IS -c pass": [base_interpreter(), "-IS", "-c", "pass"],
            "is-leader (Python)": [str(folder / "python" / "is-leader")],
        }
        stop = _serve_in_thread(folder / "socket")
        try:
            return _medians(commands, folder / "socket", runs)
        finally:
            stop()


def _medians(commands: dict[str, list[str]], path: Path, runs: int) -> dict[str, float]:
    environ = {"JUJU_CONTEXT_ID": "bench", "JUJU_AGENT_SOCKET_ADDRESS": str(path)}
    quiet = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, argv in commands.items():
            began = time.perf_counter()
            pid = os.posix_spawn(argv[0], argv, environ, file_actions=quiet)
            _, status = os.waitpid(pid, 0)
            taken[name].append((time.perf_counter() - began) * 1000)
            if status:
                raise SystemExit(f"{name} failed: {os.waitstatus_to_exitcode(status)}")
    return {name: statistics.median(times) for name, times in taken.items()}


def _serve_in_thread(path: Path) -> Callable[[], None]:
    """Serve in the background; what is returned stops it."""
    loop = asyncio.new_event_loop()
    server = ToolServer(path, lambda _id: Leader())
    loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def stop() -> None:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    return stop


if __name__ == "__main__":
    for name, milliseconds in measure(int(sys.argv[1]) if sys.argv[1:] else RUNS).items():
        print(f"{milliseconds:7.2f} ms  {name}")
