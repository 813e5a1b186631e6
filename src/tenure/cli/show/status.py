"""A Status as tables and notes for people; `status` and the live view of `up` share it.

A column that has nothing to say for anybody is left out: lines are to fit a terminal.
"""

from __future__ import annotations

from collections.abc import Callable

from tenure.cli.show.table import FAILED, LEADER, Row, Table, without_empty
from tenure.cli.show.text import local_time, plain, zone_of
from tenure.durations import format_duration
from tenure.names import split_unit
from tenure.wire.operators import (
    ApplicationStatus,
    HookState,
    LeaseStatus,
    PinStatus,
    Status,
    UnitStatus,
    WorkloadStatus,
)

SINCE = "SINCE"
APPLICATION_HEADERS = (
    "APPLICATION",
    "LEADER",
    "TERM",
    SINCE,
    "LEASE LEFT",
    "PINNED",
    "VERSION",
    "REV",
    "STATUS",
)
UNIT_HEADERS = ("UNIT", "AGENT", "PID", "HOOK", "PORTS", "STATUS")
OPTIONAL = {"VERSION": ("-",), "REV": ("-", "1"), "PORTS": ("-",)}
"""Columns that are left out while nothing but this stands in them."""
FREE = ("PINNED", "VERSION", "HOOK", "PORTS", "STATUS")
"""Columns that may be cut."""

FAILED_MARK = "!"
"""Stands before what failed, so that no colour has to say it."""


def status_text(status: Status, draw: Callable[[Table], str]) -> str:
    """All of it, with tables as they are drawn where it is shown."""
    if not status.applications:
        return "no applications yet"
    parts = [draw(application_table(status)), draw(unit_table(status)), "\n".join(notes(status))]
    return "\n\n".join(part for part in parts if part)


def application_table(status: Status) -> Table:
    """One row for each application; `-` where nobody leads. REV is its charm's revision."""
    rows = [_application_row(name, found) for name, found in sorted(status.applications.items())]
    since = f"{SINCE} ({zone_of(each.since for each in status.applications.values())})"
    headers = tuple(since if each == SINCE else each for each in APPLICATION_HEADERS)
    return without_empty(Table(headers, rows, free=FREE), OPTIONAL)


def unit_table(status: Status) -> Table:
    """One row for each unit, in order of applications and numbers.

    The leader has a `*`, and a hook that failed a `!`.
    """
    found = [each for application in status.applications.values() for each in _units(application)]
    ordered = sorted(found, key=lambda pair: split_unit(pair[0]))
    rows = [_unit_row(name, unit) for name, unit in ordered]
    marks = [_mark(unit) for _, unit in ordered]
    return without_empty(Table(UNIT_HEADERS, rows, marks, FREE), OPTIONAL)


def _mark(unit: UnitStatus) -> str:
    return FAILED if unit.hook.error is not None else LEADER if unit.leader else ""


def notes(status: Status) -> list[str]:
    """What an operator should know beyond the tables: doubts, refusals, what is under way."""
    said = []
    if status.controller.unsure:
        said.append(f"the controller cannot write now: {plain(status.controller.unsure)}")
    for name, application in sorted(status.applications.items()):
        if application.lease.unsure:
            said.append(f"{name}: undecided: {plain(application.lease.unsure)}")
        if application.removing:
            said.append(f"{name} is being removed: it goes with the last of its units")
        said += _notes_of_units(application)
    return said


def _notes_of_units(application: ApplicationStatus) -> list[str]:
    said = []
    revision = application.charm.revision if application.charm else 0
    for unit, found in _units(application):
        if found.refused:
            said.append(f"{unit}: another instance was refused: {plain(found.refused)}")
        if 0 < found.charm_revision < revision:
            said.append(f"{unit} still runs revision {found.charm_revision} of its charm")
    return said


def _units(application: ApplicationStatus) -> list[tuple[str, UnitStatus]]:
    return sorted(application.units.items(), key=lambda pair: split_unit(pair[0]))


def _application_row(name: str, found: ApplicationStatus) -> Row:
    return (
        name,
        found.leader or "-",
        str(found.term),
        local_time(found.since if found.term else None),
        _lease(found.lease),
        ", ".join(map(_pin, found.pins)) or "-",
        plain(found.version) or "-",
        "-" if found.charm is None else str(found.charm.revision),
        _workload(found.status),
    )


def _lease(lease: LeaseStatus) -> str:
    if lease.offered_to is not None:
        return f"offered to {lease.offered_to}"
    if lease.left is None:
        return "free"
    left = f"{format_duration(lease.left)} of {format_duration(lease.duration)}"
    return f"{left}, handing over" if lease.handing_over else left


def _pin(pin: PinStatus) -> str:
    return f"{plain(pin.reason)} ({format_duration(pin.left)})"


def _unit_row(name: str, unit: UnitStatus) -> Row:
    agent = f"{unit.agent}, removing" if unit.removing else unit.agent
    pid = "-" if unit.pid is None else str(unit.pid)
    marked = f"{name}*" if unit.leader else name
    ports = plain(", ".join(unit.ports)) or "-"
    return (marked, agent, pid, hook_text(unit.hook), ports, _workload(unit.status))


def hook_text(hook: HookState) -> str:
    """What a unit's hooks are at, in a few words."""
    if hook.error is not None:
        return f"{FAILED_MARK} {plain(hook.error)}{_again(hook)}"
    if hook.running is not None:
        return f"running {plain(hook.running)}"
    if hook.owed is not None:
        return f"{plain(hook.owed)} is next"
    return "-" if hook.last is None else f"idle after {plain(hook.last)}"


def _again(hook: HookState) -> str:
    if hook.running is not None:
        return ", runs again now"
    return "" if hook.retry_in is None else f", again in {format_duration(hook.retry_in)}"


def _workload(status: WorkloadStatus) -> str:
    return plain(f"{status.current}: {status.message}" if status.message else status.current)
