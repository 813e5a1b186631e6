"""A charm on ops, three units of it, all running: `examples/ops-peers`, packed.

| figure | from | to |
|---|---|---|
| up | `tenure up` starts | the last hook of the three starts has ended |
| elect | `elect` is asked of the controller | the last hook that follows has ended |
| calls | of hook tools, in one hook | median, and the time that one takes, as the charm sees it |

Hooks count and stamp themselves: Python reads `lib/sitecustomize.py` before the charm. So the start
of Python, about 20 ms, is in none of the hooks' own figures. Packing is not measured: pip's time is
the network's.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
from pathlib import Path
from typing import NamedTuple

from bench.whole import Bench, boot, operator_of
from tenure.charms.pack import prepare

CHARM = Path(__file__).resolve().parent.parent / "examples" / "ops-peers"
QUIET = 1.5
"""Seconds without a hook after which no more is to come."""

COUNTING = """
import atexit, os, subprocess, time

began, calls, run = time.time(), [], subprocess.run

def counted(*words, **how):
    asked = time.perf_counter()
    try:
        return run(*words, **how)
    finally:
        calls.append(time.perf_counter() - asked)

def tell():
    if not calls:  # another Python than the charm's
        return
    unit, hook = os.environ["JUJU_UNIT_NAME"], os.environ["JUJU_DISPATCH_PATH"]
    line = f"{{unit}} {{hook}} {{began}} {{time.time()}} {{len(calls)}} {{sum(calls)}}"
    with open({trace!r}, "a") as file:
        file.write(line + "\\n")

subprocess.run = counted
atexit.register(tell)
"""


class Hook(NamedTuple):
    """One hook that ended: instants by the wall clock, seconds spent in its calls of tools."""

    unit: str
    name: str
    began_at: float
    ended_at: float
    calls: int
    in_calls: float


def _hook(line: str) -> Hook:
    unit, path, began, ended, calls, spent = line.split()
    name = path.removeprefix("hooks/")
    return Hook(unit, name, float(began), float(ended), int(calls), float(spent))


class CharmBench(Bench):
    """Three units of the charm, running. `up_at` is when it was started."""

    up_at = 0.0

    def _charm(self, charm: Path, hook: str) -> None:
        ready = prepare(CHARM, self.folder / "packed")
        shutil.copytree(ready.folder, charm, symlinks=True)
        (charm / "lib").mkdir(exist_ok=True)
        (charm / "lib" / "sitecustomize.py").write_text(COUNTING.format(trace=str(self.trace)))
        self.up_at = boot()

    def wait_for(self, is_so: object, within: float = 180.0) -> None:
        """A start of three Pythons a hook takes its time on a small machine."""
        super().wait_for(is_so, within)

    def hooks(self, since: float = 0.0) -> list[Hook]:
        """Those that began after an instant and have ended, in the order of their ends."""
        found = map(_hook, self.trace.read_text().splitlines())
        return [hook for hook in found if hook.began_at > since]

    def settled(self) -> bool:
        """Whether all three have started, no hook runs, and none has run for a while."""
        hooks = self.hooks()
        started = {hook.unit for hook in hooks if hook.name == "start"}
        return len(started) == 3 and super().settled() and boot() - hooks[-1].ended_at > QUIET

    def ended_at(self, since: float, hook: str) -> float:
        """When the last hook after an instant ended, `hook` among them."""
        self.wait_for(lambda: any(each.name == hook for each in self.hooks(since)))
        self.wait_for(self.settled)
        return self.hooks(since)[-1].ended_at


def elected(bench: CharmBench) -> float:
    """Seconds until another unit leads and all have run what follows."""
    web = bench.status()
    another = next(unit for unit in web["units"] if unit != web["leader"])  # type: ignore[attr-defined]
    asked_at = boot()
    operator_of(bench.state).elect(another)
    return bench.ended_at(asked_at, "leader-elected") - asked_at


def measure() -> dict[str, float]:
    """All figures."""
    # because a version manager's stand-in for python3 would add its own start to each hook
    os.environ["PATH"] = f"{sys.base_prefix}/bin:{os.environ['PATH']}"
    bench = CharmBench("")
    try:
        figures = {
            "three units on ops, up to settled, s": bench.hooks()[-1].ended_at - bench.up_at,
            "the same after elect, s": elected(bench),
        }
        hooks = bench.hooks()
    finally:
        bench.end()
    return figures | {
        "hooks in all": float(len(hooks)),
        "one hook of it, ms": statistics.median(h.ended_at - h.began_at for h in hooks) * 1000,
        "calls of tools in one hook": statistics.median(hook.calls for hook in hooks),
        "one call, ms": sum(h.in_calls for h in hooks) / sum(h.calls for h in hooks) * 1000,
    }


if __name__ == "__main__":
    for name, figure in measure().items():
        print(f"{name}: {figure:,.2f}")
