"""What tests of charms cost: stages, stories, and an idle hour."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tenure.testing import Stage

RUNS = 7

ELECTED = """#!/bin/bash
[ "$(is-leader)" = True ] || exit 0
leader-set owner="$JUJU_UNIT_NAME" || juju-log "it was not written"
"""


def measure() -> dict[str, float]:
    """In seconds, the median of some runs."""
    with tempfile.TemporaryDirectory() as folder:
        charm = Path(folder) / "job"
        (charm / "hooks").mkdir(parents=True)
        for hook in ("install", "leader-elected", "leader-settings-changed", "config-changed"):
            path = charm / "hooks" / hook
            path.write_text(ELECTED if hook == "leader-elected" else "#!/bin/bash\ntrue\n")
            path.chmod(0o755)
        return {
            "leadership lost before a write, three bash units (s)": _median(lambda: _lost(charm)),
            "three units deployed (s)": _median(lambda: _deployed(charm)),
            "a virtual hour with three idle units (s)": _idle_hour(charm),
        }


def _median(live: Callable[[], None]) -> float:
    return statistics.median(_takes(live) for _ in range(RUNS))


def _takes(live: Callable[[], None]) -> float:
    began = time.perf_counter()
    live()
    return time.perf_counter() - began


def _deployed(charm: Path) -> None:
    with Stage() as stage:
        stage.deploy(charm, "web", units=3)


def _lost(charm: Path) -> None:
    with Stage() as stage:
        web = stage.deploy(charm, "web", units=3)
        halt = web[1].halt("leader-elected", "leader-set")
        web.elect(web[1], wait=False)
        halt.reached()
        web[1].cut_off()
        stage.pass_time("61s")
        halt.go_on()
        web[1].reconnect()


def _idle_hour(charm: Path) -> float:
    with Stage() as stage:
        stage.deploy(charm, "web", units=3)
        return _takes(lambda: stage.pass_time("1h"))
