"""What can be waited for, of an application or a unit, and what is still missing. Pure.

| word | an application | a unit |
|---|---|---|
| `leader` | a unit leads it | it leads |
| `idle` | all units are, and there is one | it is connected, and no hook runs, is owed or failed |
| `active` | all units are, and there is one | its charm said so |
| `blocked`, `waiting`, `maintenance` | its status is, or a unit's | its charm said so |
| `error` | a hook of a unit failed | a hook of it failed |
| `gone` | there is none | there is none |

What the controller itself is unsure of is missing, whatever is waited for (G7).
"""

from __future__ import annotations

from collections.abc import Collection

from tenure.names import LEADER, split_unit
from tenure.wire.operators import ApplicationStatus, Status, UnitStatus

LED, IDLE, ACTIVE, ERROR, GONE = "leader", "idle", "active", "error", "gone"
SAID = ("blocked", "waiting", "maintenance")
CONDITIONS = (LED, IDLE, ACTIVE, *SAID, ERROR, GONE)

MOST_NAMED = 3
"""Units that are named of those that keep an application from being as it is wanted."""


def what_is_missing(status: Status, subject: str, wanted: str) -> str:
    """Why the subject, `web`, `web/0` or `web/leader`, is not as wanted; "" if it is."""
    name = subject.partition("/")[0]
    application = status.applications.get(name)
    unsure = status.controller.unsure or (application.lease.unsure if application else None)
    if unsure:
        return f"it is not known now: {unsure}"
    if application is None:
        return "" if wanted == GONE else f"there is no application {name}"
    if subject.endswith(LEADER):
        if application.leader is None:
            return "" if wanted == GONE else f"nobody leads {name}"
        subject = application.leader
    if "/" in subject:
        return _of_unit(application, subject, wanted)
    return _of_application(application, name, wanted)


def failures(status: Status, units: Collection[str] | None = None) -> list[tuple[str, str]]:
    """The units, of these or of all, of which a hook failed, and its error."""
    return [
        (unit, found.hook.error)
        for _, application in sorted(status.applications.items())
        for unit, found in in_order(application)
        if found.hook.error is not None and (units is None or unit in units)
    ]


def _of_application(application: ApplicationStatus, name: str, wanted: str) -> str:
    if wanted == LED:
        return "" if application.leader else f"nobody leads {name}"
    if wanted == GONE:
        return f"{name} is still there, with {units_counted(len(application.units))}"
    units = in_order(application)
    missing = [why for unit, found in units if (why := _why_not(unit, found, wanted))]
    if wanted in (IDLE, ACTIVE):
        return _listed(missing) if units else f"{name} has no units"
    if application.status.current == wanted or len(missing) < len(units):
        return ""
    return _listed(missing) or f"{name} has no units"


def _of_unit(application: ApplicationStatus, unit: str, wanted: str) -> str:
    found = application.units.get(unit)
    if found is None:
        return "" if wanted == GONE else f"there is no unit {unit}"
    return _why_not(unit, found, wanted)


def _why_not(unit: str, found: UnitStatus, wanted: str) -> str:
    match wanted:
        case "leader":
            return "" if found.leader else f"{unit} does not lead"
        case "idle":
            return _why_not_idle(unit, found)
        case "error":
            return "" if found.hook.error else f"no hook of {unit} failed"
        case "gone":
            return f"{unit} is still there"
    if found.status.current == wanted and (wanted != ACTIVE or not found.hook.error):
        return ""
    return f"{unit} is in error: {found.hook.error}" if found.hook.error else _says(unit, found)


def _says(unit: str, found: UnitStatus) -> str:
    said = found.status
    return f"{unit} is {said.current}" + (f": {said.message}" if said.message else "")


def _why_not_idle(unit: str, found: UnitStatus) -> str:
    hook = found.hook
    if hook.error is not None:
        return f"{unit} is in error: {hook.error}"
    if found.agent != "connected":
        return f"the agent of {unit} is {found.agent}"
    if found.removing:
        return f"{unit} is being removed"
    if hook.running is not None:
        return f"{unit} runs {hook.running}"
    if hook.queued:
        return f"{unit} owes {hook.owed}" if hook.owed else f"{unit} has news to take up"
    return f"{unit} has run no hook yet" if hook.last is None else ""


def in_order(application: ApplicationStatus) -> list[tuple[str, UnitStatus]]:
    """The units with their names, by their numbers."""
    return sorted(application.units.items(), key=lambda pair: split_unit(pair[0]))


def _listed(missing: list[str]) -> str:
    more = len(missing) - MOST_NAMED
    return "; ".join(missing[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")


def units_counted(number: int) -> str:
    """`1 unit`, `2 units`."""
    return "1 unit" if number == 1 else f"{number} units"
