"""Doing what `tenure up` was asked for, over a controller that is ready.

Everything is checked before anything is changed. Each step can be repeated: if `up` dies in
between, the next one with the same words goes on from there.
"""

from __future__ import annotations

import asyncio
import uuid

from msgspec.structs import replace

from tenure.client.operator import Operator
from tenure.statefolder import StateFolder
from tenure.up.plan import (
    Plan,
    Wanted,
    charm_in,
    charms_to_give,
    check_fits,
    record_of,
    to_change,
    to_create,
    units_to_add,
)
from tenure.uprecord import NamedCharm, UpRecord
from tenure.wire.operators import ApplicationStatus, ConfigChange, Status


async def carry_out(
    plan: Plan, record: UpRecord | None, operator: Operator
) -> tuple[Status, UpRecord]:
    """The status once everything is as planned, and the record as it is kept.

    Raises Refused if the plan does not fit, what the controller refuses with, StateFolderUnusable.
    """
    record = _keep(plan.folder, record, _with_store(record))
    status = await asyncio.to_thread(operator.status)
    await asyncio.to_thread(_make_so, plan, status, operator)
    record = _keep(plan.folder, record, record_of(plan, record))
    return await asyncio.to_thread(operator.status), record


def _make_so(plan: Plan, status: Status, operator: Operator) -> None:
    wanted = plan.wanted
    check_fits(plan, status, _named(plan, status))
    found = status.applications.get(wanted.application) if wanted else None
    missing = units_to_add(wanted, found.units) if wanted and found else 0
    for name, charm in charms_to_give(plan, status).items():
        operator.give_charm(name, charm)
    if wanted is None:
        return
    if found is not None:
        _change(wanted, found, missing, operator)
    else:
        operator.create_application(to_create(wanted))
    named = NamedCharm(wanted.charm.source, wanted.named)
    plan.folder.note_charm(wanted.application, named)


def _named(plan: Plan, status: Status) -> str | None:
    """What an operator named when the wanted application got its charm."""
    if plan.wanted is None:
        return None
    name = plan.wanted.application
    charm = charm_in(plan, status, name)
    return None if charm is None else plan.folder.named_charm(name, charm.source)


def _change(wanted: Wanted, found: ApplicationStatus, missing: int, operator: Operator) -> None:
    name = wanted.application
    if (change := to_change(wanted, found)) is not None:
        operator.lease(name, change)
    if wanted.config:
        operator.configure(name, ConfigChange(put=wanted.config))
    for _ in range(missing):
        operator.add_unit(name)


def _with_store(record: UpRecord | None) -> UpRecord:
    if record is None:
        return UpRecord(model_uuid=str(uuid.uuid4()), store_created=True)
    return replace(record, store_created=True)


def _keep(folder: StateFolder, before: UpRecord | None, after: UpRecord) -> UpRecord:
    if after != before or not folder.record_file.exists():  # it may have its former name
        folder.write(after)
    return after
