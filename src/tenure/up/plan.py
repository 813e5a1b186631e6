"""What `tenure up` was asked for, and whether it fits what the state folder holds. Pure.

`up` carries on where all was: applications, their charms, their units. Without a charm, `up`
adds nothing to that. What a named charm contradicts is refused with the commands that do what was
probably meant; nothing is ever taken away by `up`.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from tenure.defaults import GUARANTEE, LEASE
from tenure.errors import Refused
from tenure.statefolder import StateFolder
from tenure.uprecord import UpRecord
from tenure.wire.operators import (
    ApplicationStatus,
    Charm,
    CharmStatus,
    CreateApplication,
    LeaseSettings,
    Status,
)


class Wanted(Struct, frozen=True, kw_only=True):
    """An application as an operator names it; what is None was not said. Spans are in seconds.

    `named` is the charm as it was typed; `charm.source` is the folder that runs.
    """

    application: str
    charm: Charm
    named: str
    units: int | None = None
    duration: float | None = None
    guarantee: float | None = None
    config: Mapping[str, str] = {}


class Plan(Struct, frozen=True, kw_only=True):
    """The words of one `tenure up`; what is None was not said.

    `inherited` are the charms of `UpRecord.applications`, for a controller that has none yet.
    """

    folder: StateFolder
    wanted: Wanted | None = None
    inherited: Mapping[str, Charm] = {}
    juju_version: str | None = None
    juju_paths: bool | None = None
    hook_timeout: float | None = None
    restart: bool = True
    new_addresses: bool = False


def check_fits(plan: Plan, status: Status, named: str | None) -> None:
    """Raises Refused if there are applications, and not the wanted one with its charm.

    `named` is what an operator named when that application got its charm, if it is there.
    """
    wanted = plan.wanted
    if wanted is None or not status.applications:
        return
    name = wanted.application
    if name not in status.applications:
        raise Refused(_other_application(plan.folder, wanted, sorted(status.applications)))
    charm = charm_in(plan, status, name)
    if charm is not None and named != wanted.named and not _is_same(plan, wanted.charm, charm):
        raise Refused(
            f"{name} runs the charm {named}: `tenure up` alone carries on, and then "
            f"`tenure refresh {name} {wanted.named}` changes it; "
            "or choose another state folder with --state"
        )


def _other_application(folder: StateFolder, wanted: Wanted, names: list[str]) -> str:
    return (
        f"{folder.state} runs {', '.join(names)}, and no {wanted.application}: `tenure up` alone "
        f"carries on, and then `tenure deploy {wanted.named} {wanted.application}` adds it beside; "
        "or choose another state folder with --state"
    )


def charm_in(plan: Plan, status: Status, name: str) -> Charm | CharmStatus | None:
    """What an application runs, also if only the state folder knew of it so far."""
    found = status.applications.get(name)
    return (found.charm if found else None) or plan.inherited.get(name)


def to_create(wanted: Wanted, *, new: bool = False) -> CreateApplication:
    """The application as it begins; with `new` it must not be there yet."""
    duration, guarantee = first_lease(wanted.duration, wanted.guarantee)
    return CreateApplication(
        name=wanted.application,
        duration=duration,
        guarantee=guarantee,
        charm=wanted.charm,
        config=wanted.config,
        units=1 if wanted.units is None else wanted.units,
        new=new,
    )


def first_lease(duration: float | None, guarantee: float | None) -> tuple[float, float]:
    """Duration and guarantee of a new application; None is not said."""
    duration = LEASE.value if duration is None else duration
    return duration, _guarantee(duration, guarantee)


def to_change(wanted: Wanted, found: ApplicationStatus) -> LeaseSettings | None:
    """What to change in the lease of an application that exists; None if nothing."""
    if wanted.duration is None and wanted.guarantee is None:
        return None
    duration = found.lease.duration if wanted.duration is None else wanted.duration
    guarantee = _guarantee(duration, wanted.guarantee)
    if (duration, guarantee) == (found.lease.duration, found.lease.guarantee):
        return None
    return LeaseSettings(duration=duration, guarantee=guarantee)


def _guarantee(duration: float, said: float | None) -> float:
    return min(GUARANTEE.value, duration / 2) if said is None else said


def units_to_add(wanted: Wanted, found: Mapping[str, object]) -> int:
    """How many units are missing. Raises Refused if there are too many."""
    number = wanted.units or max(len(found), 1)
    if number < len(found):
        raise Refused(
            f"{wanted.application} has {len(found)} units, not {number}: start it without --units, "
            f"and then `tenure scale {wanted.application} {number}` has the others leave"
        )
    return number - len(found)


def charms_to_give(plan: Plan, status: Status) -> dict[str, Charm]:
    """By application: the charms to hand in to a controller that has none, or that was told
    something else of it. Each of them costs its units an `upgrade-charm`."""
    given = {}
    for name, found in status.applications.items():
        before = charm_in(plan, status, name)
        wanted = plan.wanted if plan.wanted and plan.wanted.application == name else None
        if wanted is not None and _differs(plan, wanted.charm, before):
            given[name] = _merged(wanted.charm, before)
        elif found.charm is None and name in plan.inherited:
            given[name] = plan.inherited[name]
    return given


def _is_same(plan: Plan, charm: Charm, before: Charm | CharmStatus) -> bool:
    """Whether both are in the same folder."""
    return plan.folder.charm_folder(charm.source) == plan.folder.charm_folder(before.source)


def _differs(plan: Plan, charm: Charm, before: Charm | CharmStatus | None) -> bool:
    """Whether something was said of the charm that is not so."""
    if before is None:
        return True
    resources = before.resources or {}
    return (
        not _is_same(plan, charm, before)
        or (before.digest != "" and charm.digest not in ("", before.digest))
        or any(resources.get(name) != file for name, file in (charm.resources or {}).items())
        or charm.update_status_interval not in (None, before.update_status_interval)
        or charm.allow_host_changes not in (None, before.allow_host_changes)
    )


def _merged(charm: Charm, before: Charm | CharmStatus | None) -> Charm:
    """The charm with what was said of it earlier, where nothing is said now."""
    if before is None:
        return charm
    interval = charm.update_status_interval
    return replace(
        charm,
        resources=with_resources(charm.resources, before.resources),
        update_status_interval=before.update_status_interval if interval is None else interval,
    )


def with_resources(
    said: Mapping[str, str] | None, before: Mapping[str, str] | None
) -> Mapping[str, str] | None:
    """All resources' files when some are said anew; None if nothing was said."""
    return None if said is None else {**(before or {}), **said}


def record_of(plan: Plan, record: UpRecord) -> UpRecord:
    """What to keep once everything is as planned: the controller has all charms then."""
    version = record.juju_version if plan.juju_version is None else plan.juju_version
    paths = record.juju_paths if plan.juju_paths is None else plan.juju_paths
    timeout = record.hook_timeout if plan.hook_timeout is None else plan.hook_timeout
    return replace(
        record, applications={}, juju_version=version, juju_paths=paths, hook_timeout=timeout
    )
