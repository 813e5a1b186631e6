"""Every duration, limit and version that an operator meets, in one table.

The options' defaults and their help, the checks that refuse, and the table in `docs/commands.md`
come from here. What only the code must know (how long a socket may be silent, when a client tries
again) stands where it is used.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T", float, int, str)

KIB, MIB = 1024, 1024 * 1024


class Setting(Struct, Generic[T], frozen=True):
    """One row. `value` is in seconds, bytes or as it is; `said` is how people write the same."""

    name: str
    value: T
    said: str
    meaning: str
    where: str = ""
    """What sets it; empty if nothing does."""


SETTINGS: tuple[Setting[float] | Setting[int] | Setting[str], ...] = (
    LEASE := Setting(
        "lease", 60.0, "60s", "how long a lease lasts after a claim",
        "`up`, `deploy`: `--lease`; `lease`: `--duration`",
    ),
    GUARANTEE := Setting(
        "guarantee", 30.0, "30s",
        "how long a `True` of `is-leader` is good; at most half the lease",
        "`up`, `deploy`, `lease`: `--guarantee`",
    ),
    SHORTEST_LEASE := Setting("shortest lease", 5.0, "5s", "what a lease may last at least"),
    LONGEST_LEASE := Setting("longest lease", 300.0, "300s", "what a lease may last at most"),
    LONGEST_PIN := Setting(
        "longest pin", 366 * 86400.0, "8784h", "how long a pin may keep a lease from expiring",
    ),
    UPDATE_STATUS := Setting(
        "update-status interval", 300.0, "5m", "the wait between two `update-status` hooks",
        "`up`, `deploy`, `refresh`: `--update-status-interval`",
    ),
    SHORTEST_INTERVAL := Setting("shortest interval", 1.0, "1s", "the same, at least"),
    LONGEST_INTERVAL := Setting("longest interval", 86400.0, "24h", "the same, at most"),
    HOOK_TIMEOUT := Setting(
        "hook timeout", 0.0, "off", "how long a hook may run before it is ended, and has failed",
        "`up`: `--hook-timeout`",
    ),
    JUJU_VERSION := Setting(
        "Juju version", "3.6.12", "3.6.12", "what hooks find in `JUJU_VERSION`",
        "`up`: `--juju-version`",
    ),
    MOST_UNITS := Setting("units", 1000, "1000", "how many units an application may have"),
    MOST_HISTORY := Setting(
        "history", 1000, "1000", "how many changes of leadership are kept of each application",
    ),
    MOST_SETTINGS := Setting(
        "leader settings", MIB, "1 MiB", "what `leader-set` may fill, keys and values together",
    ),
    MOST_BAG := Setting("relation bag", MIB, "1 MiB", "what `relation-set` may fill of each bag"),
    MOST_CONFIG := Setting(
        "configuration", 256 * KIB, "256 KiB", "what `tenure config` may set for an application",
    ),
)  # fmt: skip
"""In the order in which the documentation tells of them."""
