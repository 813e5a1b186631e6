"""What operators see (O3): the controller's state, told in values of the wire."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Literal

from msgspec.structs import replace

from tenure import __version__
from tenure.controller.agents import Seen
from tenure.controller.events import iso
from tenure.controller.service import Service
from tenure.core.application import Application
from tenure.core.bucket import size_of
from tenure.core.changes import CharmRecord
from tenure.core.lease import is_held
from tenure.core.status import Said, worst_of
from tenure.core.statuses import said_of
from tenure.names import split_unit
from tenure.wire.messages import Report
from tenure.wire.operators import (
    ApplicationStatus,
    CharmStatus,
    ControllerStatus,
    HookState,
    LeaseStatus,
    PinStatus,
    Status,
    UnitStatus,
    WorkloadStatus,
)


def status_of(
    service: Service,
    now: float,
    store: str,
    shown: Iterable[Application],
    unsure: str | None = None,
) -> Status:
    """Everything, whether or not anybody leads. `unsure`: why no more than what is `shown` is known
    to be durable, if so."""
    controller = service.controller
    return Status(
        controller=ControllerStatus(
            pid=os.getpid(),
            version=__version__,
            seat=controller.seat.number,
            started=iso(service.controller.started),
            store=store,
            unsure=controller.trouble or unsure,
        ),
        applications={
            application.name: _application(service, now, application)
            for application in sorted(shown, key=lambda each: each.name)
            if application.alive
        },
    )


def placed(status: Status, place: Callable[[str], str]) -> Status:
    """The status with each charm's source where it is. Not for the controller's loop: `place` may
    look at files."""
    return replace(
        status,
        applications={
            name: replace(each, charm=replace(each.charm, source=place(each.charm.source)))
            if each.charm
            else each
            for name, each in status.applications.items()
        },
    )


def _application(service: Service, now: float, application: Application) -> ApplicationStatus:
    lease = application.lease
    held = lease.holder if is_held(lease, now) else None
    left = max(0.0, lease.expires_at - now)
    leader = held.unit if held else None
    report = service.agents.of(leader).report if leader else None
    units = sorted(application.units, key=split_unit)
    return ApplicationStatus(
        leader=leader,
        term=lease.term,
        since=iso(lease.led_since) if lease.led_since and lease.term else None,
        lease=LeaseStatus(
            duration=lease.duration,
            guarantee=lease.guarantee,
            left=min(lease.duration, left) if held else None,
            grace=max(0.0, left - lease.duration) if held else 0.0,
            offered_to=lease.offer.unit if lease.offer else None,
            handing_over=lease.handover is not None,
            unsure=service.model.unsure.get(application.name),
        ),
        revision=application.bucket.revision,
        settings_bytes=size_of(application.bucket.settings),
        pins=tuple(
            PinStatus(reason=reason, left=max(0.0, until - now))
            for reason, until in sorted(lease.pins.items())
        ),
        status=_status(said_of(application) or worst_of(map(service.agents.said_of, units))),
        charm=_charm(application.charm) if application.charm else None,
        version=report.version if report else "",
        removing=application.removing,
        units={
            unit: _unit(service, now, application, unit, service.agents.of(unit), leader)
            for unit in units
        },
    )


def _charm(record: CharmRecord) -> CharmStatus:
    return CharmStatus(
        source=record.source,
        revision=record.revision,
        peers=tuple(record.peers),
        resources=record.resources,
        update_status_interval=record.update_status_interval,
        allow_host_changes=record.allow_host_changes,
        digest=record.digest,
    )


def _unit(
    service: Service,
    now: float,
    application: Application,
    unit: str,
    seen: Seen,
    leader: str | None,
) -> UnitStatus:
    report = seen.report or Report(unit=unit)
    return UnitStatus(
        leader=unit == leader,
        agent=_agent(seen),
        silent_for=service.agents.silent_for(now, unit),
        pid=seen.pid,
        hook=_hook(seen, now, report, queued=service.agents.is_queued(unit)),
        status=_status(service.agents.said_of(unit)),
        removing=application.units[unit].removing,
        eligible=service.model.leases.can_take(unit),
        address=application.units[unit].address,
        ports=report.ports,
        charm_revision=report.charm_revision,
        refused=seen.refused,
    )


def _agent(seen: Seen) -> Literal["connected", "silent", "lost", "waiting"]:
    if seen.speaker is None:
        return "lost" if seen.ever else "waiting"
    return "connected" if seen.silent_since is None else "silent"


def _status(said: Said) -> WorkloadStatus:
    since = None if said.since is None else iso(said.since)
    return WorkloadStatus(current=said.current, message=said.message, since=since)


def _hook(seen: Seen, now: float, report: Report, *, queued: bool) -> HookState:
    retry_in = report.retry_in
    if retry_in is not None:
        retry_in = max(0.0, round(retry_in - (now - seen.reported_at), 1))
    return HookState(
        running=report.running if seen.speaker else None,
        last=report.last,
        error=report.error,
        retry_in=retry_in,
        detail=report.detail,
        killed=report.killed,
        kills=report.kills,
        killed_by=report.killed_by,
        owed=report.owed,
        queued=queued,
    )
