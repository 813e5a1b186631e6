"""What leaders say of their applications, and what they see of them. Pure.

An application's status belongs to the application. Its leader sets it, fenced like the bucket by
lease and term (`Leases.fence`), and it stays when leadership moves, until a later leader says
something else (P4). Nobody is told of it but who asks.

Like `peers.py` this steps `Leases`. What units say of themselves is reported, and kept by nobody
here: `status.worst_of` is given it.
"""

from __future__ import annotations

from msgspec.structs import replace

from tenure.core.application import Application
from tenure.core.changes import StatusPut, StatusRecord
from tenure.core.leases import Leases
from tenure.core.status import SETTABLE, Said, shortened
from tenure.errors import BadRequest


def said_of(application: Application) -> Said | None:
    """What was set for the application; None if that never happened."""
    status = application.status
    return None if status is None else Said(status.current, status.message, status.since)


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
