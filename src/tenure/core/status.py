"""How a unit or an application is, in a word that people know. Pure.

An application that nobody said anything of is as its worst unit is (P4).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

ERROR = "error"
SEVERITY = (ERROR, "blocked", "maintenance", "waiting", "active", "terminated", "unknown")
"""Worst first, in Juju's order. What is not among them is no worse than unknown."""

SETTABLE = ("maintenance", "blocked", "waiting", "active")
"""What a charm may say."""

MAX_MESSAGE = 1000
"""Characters of a message that are kept for others: it is shown to everybody who asks."""


class Said(Struct, frozen=True, gc=False):
    """A status with its message, and since when in seconds of wall time, if that is known."""

    current: str = "unknown"
    message: str = ""
    since: float | None = None


def worst_of(units: Iterable[Said]) -> Said:
    """The worst status; of several that are as bad the first, with its message."""
    worst = min(units, key=_severity, default=Said())
    return worst if worst.current in SEVERITY[:-1] else Said()


def _severity(said: Said) -> int:
    return SEVERITY.index(said.current) if said.current in SEVERITY else len(SEVERITY)


def shortened(message: str) -> str:
    """A text, cut where it is longer than what is kept."""
    return message if len(message) <= MAX_MESSAGE else f"{message[: MAX_MESSAGE - 1]}…"
