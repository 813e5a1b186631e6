"""How applications are: what a leader said of its own, or else the worst of its units. Pure.

An application's status belongs to the application. Its leader sets it, fenced like the bucket by
lease and term (`Leases.fence`), and it stays when leadership moves, until a later leader says
something else (P4). Nobody is told of it but who asks.

Like `peers.py` this steps `Leases`. What units say of themselves is reported, and kept by nobody
here: `worst_of` is given it.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from tenure.core.application import Application
from tenure.core.changes import StatusPut, StatusRecord
from tenure.core.leases import Leases
from tenure.errors import BadRequest

ERROR = "error"
SEVERITY = (ERROR, "blocked", "maintenance", "waiting", "active", "terminated", "unknown")
"""Worst first, in Juju's order. What is not among them is no worse than unknown."""

SETTABLE = ("maintenance", "blocked", "waiting", "active")
"""What a charm may say."""

MAX_MESSAGE = 1000
"""Characters of a message that are kept: it is shown to everybody who asks."""


class Said(Struct, frozen=True, gc=False):
    """A status: in whose words, and since when in seconds of wall time, if that is known."""

    current: str = "unknown"
    message: str = ""
    since: float | None = None


def worst_of(units: Iterable[Said]) -> Said:
    """The worst status; of several that are as bad the first, with its message."""
    return min(units, key=_severity, default=Said())


def _severity(said: Said) -> int:
    known = said.current in SEVERITY
    return SEVERITY.index(said.current) if known else len(SEVERITY)


def said_of(application: Application) -> Said | None:
    """What was set for the application; None if that never happened."""
    status = application.status
    return None if status is None else Said(status.current, status.message, status.since)


def shortened(message: str) -> str:
    """A message, cut where it is longer than what is kept."""
    return message if len(message) <= MAX_MESSAGE else f"{message[: MAX_MESSAGE - 1]}…"


class Statuses:
    """What leaders ask about their applications' statuses, over a controller's leases."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases

    def set(self, now: float, unit: str, term: int, current: str, message: str) -> None:
        """The unit's application is this, says its leader. To say it again changes nothing.

        Raises NotLeader, NotFound, BadRequest.
        """
        application = self._leases.application_with(unit)
        self._leases.fence(now, application, unit, term)
        if current not in SETTABLE:
            raise BadRequest(f"no status can be set to {current!r}: use {', '.join(SETTABLE)}")
        message, before = shortened(message), application.status
        if before is not None and (before.current, before.message) == (current, message):
            return
        record = StatusRecord(
            application=application.name, current=current, message=message, since=self._leases.wall
        )
        self._leases.keep(replace(application, status=record), StatusPut(record))

    def read(self, now: float, unit: str, term: int) -> tuple[Application, Said | None]:
        """The unit's application and what was set for it. The leader's alone to ask, because it
        sees with it what other units say of themselves (G10). Raises NotLeader, NotFound."""
        application = self._leases.application_with(unit)
        self._leases.fence(now, application, unit, term)
        return application, said_of(application)
