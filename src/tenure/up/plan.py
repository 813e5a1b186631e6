"""What `tenure up` was asked for, and whether it fits the house that is there. Pure.

A house carries on where it was: one application, its charm, its units. What contradicts that is
refused with the command that does what was probably meant; nothing is ever taken away by `up`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from tenure.errors import Refused
from tenure.house import House, HouseRecord
from tenure.names import split_unit
from tenure.wire.operators import ApplicationStatus, CreateApplication, LeaseSettings, Status

DURATION, GUARANTEE = 60.0, 30.0
"""Seconds: the lease of an application for which nothing else was said (L1)."""


class Plan(Struct, frozen=True, kw_only=True):
    """The words of one `tenure up`; what is None was not said. Spans are in seconds."""

    house: House
    application: str
    charm: Path
    units: int | None = None
    duration: float | None = None
    guarantee: float | None = None
    update_status_interval: float | None = None
    restart: bool = True


def check_home(plan: Plan, record: HouseRecord | None) -> None:
    """Raises Refused if the house is another application's, or another charm's."""
    for name, home in (record.applications if record else {}).items():
        if home.charm != str(plan.charm):
            raise Refused(
                f"{plan.house.state} runs the charm {home.charm}: go on with "
                f"`tenure up {home.charm}`, or choose another state folder with --state"
            )
        if name != plan.application:
            raise Refused(_other_application(plan, name))


def check_applications(plan: Plan, status: Status) -> None:
    """Raises Refused if the controller knows another application."""
    for name in status.applications:
        if name != plan.application:
            raise Refused(_other_application(plan, name))


def _other_application(plan: Plan, name: str) -> str:
    return (
        f"{plan.house.state} runs the application {name!r}, not {plan.application!r}: go on with "
        f"--name {name}, or choose another state folder with --state"
    )


def to_create(plan: Plan) -> CreateApplication:
    """The application as it begins."""
    duration = DURATION if plan.duration is None else plan.duration
    return CreateApplication(
        name=plan.application,
        duration=duration,
        guarantee=_guarantee(duration, plan.guarantee),
    )


def to_change(plan: Plan, found: ApplicationStatus) -> LeaseSettings | None:
    """What to change in the lease of an application that exists; None if nothing."""
    if plan.duration is None and plan.guarantee is None:
        return None
    duration = found.lease.duration if plan.duration is None else plan.duration
    guarantee = _guarantee(duration, plan.guarantee)
    if (duration, guarantee) == (found.lease.duration, found.lease.guarantee):
        return None
    return LeaseSettings(duration=duration, guarantee=guarantee)


def _guarantee(duration: float, said: float | None) -> float:
    return min(GUARANTEE, duration / 2) if said is None else said


def units_to_add(plan: Plan, found: Mapping[str, object]) -> int:
    """How many units are missing. Raises Refused if there are too many."""
    wanted = plan.units or max(len(found), 1)
    if wanted < len(found):
        last = max(found, key=split_unit)
        raise Refused(
            f"{plan.application} has {len(found)} units, not {wanted}: start it with --units "
            f"{len(found)}, and then remove some with `tenure remove-unit {last}`"
        )
    return wanted - len(found)
