"""A Status as rows and notes for people; `status` and the live view of `up` share it."""

from __future__ import annotations

from tenure.cli.durations import format_duration
from tenure.cli.plain import local_time, plain
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

APPLICATION_HEADERS = ("APPLICATION", "LEADER", "TERM", "SINCE", "LEASE LEFT", "PINNED", "STATUS")
UNIT_HEADERS = ("UNIT", "AGENT", "PID", "HOOK", "STATUS")

Row = tuple[str, ...]


def application_rows(status: Status) -> list[Row]:
    """One row for each application; `-` where nobody leads."""
    return [_application_row(name, found) for name, found in sorted(status.applications.items())]


def unit_rows(status: Status) -> list[Row]:
    """One row for each unit, in order of applications and numbers; the leader has a `*`."""
    found = [each for application in status.applications.values() for each in _units(application)]
    return [_unit_row(name, unit) for name, unit in sorted(found, key=lambda p: split_unit(p[0]))]


def notes(status: Status) -> list[str]:
    """What an operator should know beyond the tables: doubts and refusals."""
    said = []
    if status.controller.unsure:
        said.append(f"the controller cannot write now: {plain(status.controller.unsure)}")
    for name, application in sorted(status.applications.items()):
        if application.lease.unsure:
            said.append(f"{name}: undecided: {plain(application.lease.unsure)}")
        for unit, found in _units(application):
            if found.refused:
                said.append(f"{unit}: another instance was refused: {plain(found.refused)}")
    return said


def _units(application: ApplicationStatus) -> list[tuple[str, UnitStatus]]:
    return sorted(application.units.items(), key=lambda pair: split_unit(pair[0]))


def _application_row(name: str, found: ApplicationStatus) -> Row:
    return (
        name,
        found.leader or "-",
        str(found.term),
        local_time(found.since),
        _lease(found.lease),
        ", ".join(map(_pin, found.pins)) or "-",
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
    return (marked, agent, pid, hook_text(unit.hook), _workload(unit.status))


def hook_text(hook: HookState) -> str:
    """What a unit's hooks are at, in a few words."""
    if hook.running is not None:
        return f"running {plain(hook.running)}"
    if hook.error is not None:
        again = "" if hook.retry_in is None else f", again in {format_duration(hook.retry_in)}"
        return f"{plain(hook.error)}{again}"
    return "-" if hook.last is None else f"idle after {plain(hook.last)}"


def _workload(status: WorkloadStatus) -> str:
    return plain(f"{status.current}: {status.message}" if status.message else status.current)
