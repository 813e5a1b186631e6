"""What a command names, in the controller's status."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from tenure.errors import NotFound, Refused
from tenure.names import application_of
from tenure.wire.operators import ApplicationStatus, Status


def application_in(status: Status, name: str) -> ApplicationStatus:
    """Raises NotFound."""
    found = status.applications.get(name)
    if found is None:
        raise NotFound(f'there is no application "{name}": see `tenure status`')
    return found


def check_charm(name: str, application: ApplicationStatus) -> None:
    """Raises Refused if a new unit would find no charm, and wait without a word."""
    charm = application.charm
    with suppress(PermissionError):  # because agents may be allowed to see what this user is not
        if charm is not None and not Path(charm.source).is_dir():
            raise Refused(
                f"cannot add a unit to {name}: its charm {charm.source} is gone: "
                f"put it back, or hand in another with `tenure refresh {name} CHARM`"
            )


def check_unit(status: Status, unit: str) -> None:
    """Raises NotFound."""
    found = status.applications.get(application_of(unit))
    if found is None or unit not in found.units:
        raise NotFound(f"there is no unit {unit}: see `tenure status`")


def why_late(status: Status | None, unit: str, waited: float) -> str:
    """Why a unit's agent has not answered within `waited` seconds; None: nobody tells."""
    application = status.applications.get(application_of(unit)) if status else None
    found = application.units.get(unit) if application else None
    if found is not None and found.silent_for is not None:
        pid = "" if found.pid is None else f" (pid {found.pid})"
        return (
            f"{unit} does not answer: its agent{pid} has been silent for "
            f"{found.silent_for:.0f} s: see `tenure why {unit}`"
        )
    if found is not None and found.hook.running is not None:
        return (
            f"{unit} is busy: its hook {found.hook.running} was still running after "
            f"{waited:.0f} s: see `tenure status`, and try again"
        )
    return f"{unit} did not answer within {waited:.0f} s: see `tenure why {unit}`, and try again"


def leader_in(status: Status, name: str) -> str:
    """The unit that leads the application. Raises NotFound, Refused if none does."""
    leader = application_in(status, name).leader
    if leader is None:
        raise Refused(f"nobody leads {name} now: see `tenure why {name}`")
    return leader
