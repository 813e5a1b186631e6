"""All of Tenure, measured from outside: real processes, real sockets, the real store.

| figure | from | to |
|---|---|---|
| hand-over | `step-down` is asked of the controller | the successor's own `leader-elected` runs |
| overshoot | the instant a killed leader's lease ended | the successor's `leader-elected` runs |
| news | `leader-set` is called inside a hook context | a minion's `leader-settings-changed` runs |
| status | `tenure status --format json` starts | it has ended |

Hooks are in bash and stamp themselves with the first thing they do, so a figure includes the start
of the hook's own process, about 2 ms. Of the old leader no hook runs: its time is the charm's.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tenure.client.operator import Operator
from tenure.client.transport import UnixHttp
from tenure.statefolder import StateFolder

LEASE, GUARANTEE = 5.0, 2.0
STAMP = """#!/bin/bash
echo "$JUJU_UNIT_NAME $JUJU_HOOK_NAME $EPOCHREALTIME" >> {trace}
"""


def boot() -> float:
    """This instant, as the hooks stamp it: by the wall clock, since bash knows no other."""
    return time.time()


def operator_of(folder: StateFolder) -> Operator:
    """The operators' client of what runs there."""
    return Operator(UnixHttp(folder.controller_socket))


class Bench:
    """Three units, running, whose one hook leaves a trace."""

    def __init__(self, hook: str) -> None:
        self.folder = folder = Path(tempfile.mkdtemp(prefix="tenure-bench-"))
        self.trace = folder / "trace"
        self.trace.touch()
        self.state = StateFolder(folder / "state")
        self._charm(folder / "charm", hook)
        argv = [
            sys.executable, "-m", "tenure", "up", str(folder / "charm"), "--name", "web",
            "--units", "3", "--lease", f"{LEASE:g}s", "--guarantee", f"{GUARANTEE:g}s",
            "--state", str(self.state.state), "--no-restart",
        ]  # fmt: skip
        self.up = subprocess.Popen(argv, stdout=subprocess.DEVNULL, start_new_session=True)
        self.wait_for(self.settled)

    def _charm(self, charm: Path, hook: str) -> None:
        (charm / "hooks").mkdir(parents=True)
        path = charm / "hooks" / hook
        path.write_text(STAMP.format(trace=str(self.trace)))
        path.chmod(0o755)

    def status(self) -> dict[str, object]:
        """The application, as the controller tells it."""
        operator = operator_of(self.state)
        return json.loads(json.dumps(_plain(operator.status())))["applications"]["web"]

    def settled(self) -> bool:
        """Whether somebody leads and no hook runs."""
        web = self.status()
        units = web["units"].values()  # type: ignore[attr-defined]
        return web["leader"] is not None and all(
            unit["hook"]["running"] is None and unit["hook"]["last"] is not None for unit in units
        )

    def stamps(self) -> list[tuple[str, str, float]]:
        """What the hooks left: unit, hook, instant."""
        rows = [line.split() for line in self.trace.read_text().splitlines()]
        return [(unit, hook, float(at)) for unit, hook, at in rows]

    def first(self, hook: str, after: float) -> float:
        """When the first such hook ran after an instant; waits for it."""
        found: list[float] = []

        def look() -> bool:
            found[:] = [at for _, name, at in self.stamps() if name == hook and at > after]
            return bool(found)

        self.wait_for(look)
        return min(found)

    def wait_for(self, is_so: object, within: float = 20.0) -> None:
        """Poll; what is measured is stamped by the hooks, not by this."""
        give_up_at = boot() + within
        while boot() < give_up_at:
            try:
                if is_so():  # type: ignore[operator]
                    return
            except Exception:
                if self.up.poll() is not None:
                    raise
            time.sleep(0.01)
        raise SystemExit("Tenure did not get there")

    def end(self) -> None:
        """Stop everything."""
        self.up.send_signal(signal.SIGTERM)
        self.up.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


def _plain(value: object) -> object:
    import msgspec

    return msgspec.to_builtins(value)


def hand_over(bench: Bench, times: int = 15) -> float:
    """Median ms."""
    took = []
    for _ in range(times):
        bench.wait_for(bench.settled)
        asked = boot()
        operator_of(bench.state).step_down("web")
        took.append(bench.first("leader-elected", asked) - asked)
    return statistics.median(took) * 1000


def news(bench: Bench, times: int = 15) -> float:
    """Median ms, of the first minion."""
    took = []
    for number in range(times):
        bench.wait_for(bench.settled)
        leader = bench.status()["leader"]
        script = (
            "import time,subprocess;print(time.time());"
            f"subprocess.run(['leader-set','n={number}-{boot()}'],check=True)"
        )
        argv = [sys.executable, "-m", "tenure", "exec", "--state", str(bench.state.state),
                str(leader), "--", sys.executable, "-c", script]  # fmt: skip
        out = subprocess.run(argv, capture_output=True, check=True, text=True).stdout
        asked = float(out)
        took.append(bench.first("leader-settings-changed", asked) - asked)
    return statistics.median(took) * 1000


def status(bench: Bench, times: int = 15) -> float:
    """Median ms."""
    argv = [str(Path(sys.executable).with_name("tenure")), "status", "--format", "json"]
    env = {**os.environ, "TENURE_STATE": str(bench.state.state)}
    took = []
    for _ in range(times):
        began = boot()
        subprocess.run(argv, env=env, stdout=subprocess.DEVNULL, check=True)
        took.append(boot() - began)
    return statistics.median(took) * 1000


def overshoot(bench: Bench) -> float:
    """Ms past the lease, of one crash."""
    bench.wait_for(bench.settled)
    web = bench.status()
    asked = boot()
    leader = str(web["leader"])
    os.kill(web["units"][leader]["pid"], signal.SIGKILL)  # type: ignore[index]
    left = bench.status()["lease"]["left"]  # type: ignore[index]
    ends = boot() + left
    return (bench.first("leader-elected", asked) - ends) * 1000


def measure() -> dict[str, float]:
    """All figures, in ms."""
    elected = Bench("leader-elected")
    try:
        figures = {
            "hand-over, step-down to the successor's hook, ms": hand_over(elected),
            "tenure status --format json, ms": status(elected),
            "crash fail-over past the lease, ms": overshoot(elected),
        }
    finally:
        elected.end()
    told = Bench("leader-settings-changed")
    try:
        return figures | {"leader-set in a hook to a minion's hook, ms": news(told)}
    finally:
        told.end()


if __name__ == "__main__":
    for name, figure in measure().items():
        print(f"{name}: {figure:,.1f}")
