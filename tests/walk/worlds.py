"""The small worlds that are walked: each a few units, one lease, and one kind of trouble.

`SMALL` are those of `make test`, walked to their end in seconds each; `WIDE` are the same with more
time and trouble, for `make walk`.
"""

from __future__ import annotations

from typing import Any

from .world import Bounds, Setting

SHORT: dict[str, Any] = {"duration": 2, "guarantee": 1}
THREE: dict[str, Any] = {"rates": (0.99, 1.0, 1.0)}
CLONE: dict[str, Any] = {"clone": True}
COLD: dict[str, Any] = {"led": False}


def _world(setting: dict[str, Any] | None = None, **bounds: int) -> Setting:
    return Setting(bounds=Bounds(**bounds), **(setting or {}))


SMALL: dict[str, Setting] = {
    "cold start": _world(COLD, ticks=1),
    "hand-over": _world(ticks=3, elects=1, asks=1),
    "step down": _world(ticks=3, step_downs=1),
    "silence": _world(ticks=4, drops=1),
    "crash": _world(ticks=3, crashes=1),
    "restart": _world(ticks=3, desk_crashes=1),
    "refusal": _world(ticks=2, elects=1, refusals=1),
    "doubt": _world(ticks=2, elects=1, doubts=1, delays=0),
    "full disk": _world(ticks=2, elects=1, full_disks=1),
    "full store": _world(ticks=2, elects=1, full_stores=1),
    "revoke": _world(ticks=3, revokes=1),
    "stop": _world(ticks=2, stops=1),
    "writing": _world(ticks=1, elects=1, writes=1),
    "shorter lease": _world(ticks=3, leases=1),
    "two in one turn": _world(ticks=2, drops=1, batches=2),
    "clone": _world(CLONE, ticks=3, drops=1),
    "late loop": _world(SHORT, ticks=2, lags=1),
    "three": _world(THREE, ticks=2, step_downs=1),
}

WIDE: dict[str, Setting] = {
    "cold start": _world(COLD, ticks=2, drops=1),
    "hand-over": _world(ticks=5, elects=1, asks=2),
    "step down": _world(ticks=5, step_downs=1, drops=1),
    "silence": _world(SHORT, ticks=3, drops=1),
    "crash": _world(ticks=2, crashes=1, elects=1),
    "restart": _world(ticks=5, desk_crashes=1),
    "refusal": _world(ticks=3, elects=1, refusals=2, writes=1),
    "doubt": _world(ticks=3, elects=1, doubts=1),
    "full disk": _world(ticks=3, elects=1, full_disks=2),
    "full store": _world(ticks=3, elects=1, full_stores=1),
    "revoke": _world(ticks=4, revokes=1, drops=1),
    "stop": _world(ticks=4, stops=1),
    "writing": _world(ticks=3, elects=1, writes=2),
    "shorter lease": _world(ticks=4, leases=1, desk_crashes=1),
    "two in one turn": _world(ticks=3, drops=1, batches=4),
    "clone": _world(CLONE, ticks=4, drops=1, crashes=1),
    "late loop": _world(SHORT, ticks=4, lags=2),
    "three": _world(THREE, ticks=4, elects=1),
}
