"""A Status as tables and notes for people; `status` and the live view of `up` share it.

A column that has nothing to say for anybody is left out: lines are to fit a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tenure.cli.show.table import FAILED, LEADER, Row, Table, without_empty
from tenure.cli.show.text import local_time, plain, zone_of
from tenure.client.conditions import in_order
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
UNIT_HEADERS = ("UNIT", "AGENT", "PID", "HOOK", "ADDRESS", "PORTS", "STATUS")
OPTIONAL = {"VERSION": ("-",), "REV": ("-", "1"), "ADDRESS": ("-",), "PORTS": ("-",)}
"""Columns that are left out while nothing but this stands in them."""
FREE = ("PINNED", "VERSION", "HOOK", "PORTS", "STATUS")
"""Columns that may be cut."""

_HOOK_FAILED = 'hook failed: "'

FAILED_MARK = "!"
"""Stands before what failed, so that no colour has to say it."""


def status_text(status: Status, draw: Callable[[Table], str], *, wide: bool = False) -> str:
    """All of it, with tables as they are drawn where it is shown. `wide`: since when each status is
    so, too."""
    if not status.applications:
        return "no applications yet"
    tables = [application_table(status), unit_table(status)]
    if wide:
        applications = status.applications
        by_name = [applications[name].status for name in sorted(applications)]
        statuses = [by_name, [unit.status for _, unit in _all_units(status)]]
        tables = [_with_since(*each) for each in zip(tables, statuses, strict=True)]
    parts = [*map(draw, tables), "\n".join(notes(status))]
    return "\n\n".join(part for part in parts if part)


def _with_since(table: Table, statuses: Sequence[WorkloadStatus]) -> Table:
    """The table, and at its end since when each row's status is so, if that is known of any."""
    if not any(each.since for each in statuses):
        return table
    header = f"STATUS SINCE ({zone_of(each.since for each in statuses)})"
    rows = [(*row, local_time(each.since)) for row, each in zip(table.rows, statuses, strict=True)]
    return table._replace(headers=(*table.headers, header), rows=rows)


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
    ordered = _all_units(status)
    rows = [_unit_row(name, unit) for name, unit in ordered]
    marks = [_mark(unit) for _, unit in ordered]
    return without_empty(Table(UNIT_HEADERS, rows, marks, FREE), OPTIONAL)


def _all_units(status: Status) -> list[tuple[str, UnitStatus]]:
    found = [each for application in status.applications.values() for each in in_order(application)]
    return sorted(found, key=lambda pair: split_unit(pair[0]))


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
    for unit, found in in_order(application):
        if found.refused:
            said.append(f"{unit}: another instance was refused: {plain(found.refused)}")
        if 0 < found.charm_revision < revision:
            said.append(f"{unit} still runs revision {found.charm_revision} of its charm")
    return said


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
    if lease.grace >= 0.5:
        left += f" + {format_duration(lease.grace)} of grace"
    return f"{left}, handing over" if lease.handing_over else left


def _pin(pin: PinStatus) -> str:
    return f"{plain(pin.reason)} ({format_duration(pin.left)})"


def _unit_row(name: str, unit: UnitStatus) -> Row:
    agent = _agent(unit)
    agent = f"{agent}, removing" if unit.removing else agent
    pid = "-" if unit.pid is None else str(unit.pid)
    marked = f"{name}*" if unit.leader else name
    ports = plain(", ".join(unit.ports)) or "-"
    address = unit.address or "-"
    return (marked, agent, pid, hook_text(unit.hook), address, ports, _workload_of(unit))


def _agent(unit: UnitStatus) -> str:
    """`silent for 17 s`; `lost` is said of one whose connection was given up since, too: its
    process may still be there."""
    if unit.silent_for is None:
        return unit.agent
    silent = f"silent for {unit.silent_for:.0f} s"
    return f"lost, {silent}" if unit.agent == "lost" else silent


def hook_text(hook: HookState) -> str:
    """What a unit's hooks are at, in a few words."""
    if hook.error is not None:
        return f"{FAILED_MARK} {plain(_shortened(hook.error))}{_again(hook)}"
    if hook.running is not None:
        return f"running {plain(hook.running)}"
    if hook.killed is not None and hook.kills > 1:
        return f"{plain(hook.killed)} killed {hook.kills} times{_again(hook)}"
    if hook.owed is not None:
        return f"{plain(hook.owed)} is next"
    return "-" if hook.last is None else f"idle after {plain(hook.last)}"


def _shortened(error: str) -> str:
    """`hook failed: "start"` is `start failed`: of what is cut, the name is to be left."""
    if error.startswith(_HOOK_FAILED) and error.endswith('"'):
        return f"{error.removeprefix(_HOOK_FAILED)[:-1]} failed"
    return error


def _again(hook: HookState) -> str:
    if hook.running is not None:
        return ", runs again now"
    return "" if hook.retry_in is None else f", again in {format_duration(hook.retry_in)}"


def _workload_of(unit: UnitStatus) -> str:
    """Without what the hook's own column says already."""
    error = unit.hook.error
    if error is not None and unit.status.message == error:
        return plain(unit.status.current)
    return _workload(unit.status)


def _workload(status: WorkloadStatus) -> str:
    return plain(f"{status.current}: {status.message}" if status.message else status.current)
