"""Making the house what was asked for, over a controller that is ready.

Everything is checked before anything is changed. Each step can be repeated: if `up` dies in
between, the next one with the same words goes on from there.
"""

from __future__ import annotations

import asyncio
import uuid

import msgspec

from tenure.client import Operator
from tenure.house import ApplicationHome, House, HouseRecord
from tenure.up.plan import Plan, check_applications, to_change, to_create, units_to_add
from tenure.wire.operators import Status

INTERVAL = 300.0
"""Seconds between two update-status hooks if nothing else was ever said (H1)."""


async def open_house(
    plan: Plan, record: HouseRecord | None, operator: Operator
) -> tuple[Status, HouseRecord]:
    """The status once everything is as planned, and the record as it is kept.

    Raises Refused if the plan does not fit, what the controller refuses with, HouseUnusable.
    """
    record = _keep(plan.house, record, _with_store(record))
    status = await asyncio.to_thread(operator.status)
    check_applications(plan, status)
    found = status.applications.get(plan.application)
    missing = units_to_add(plan, found.units if found else {})
    if found is None:
        await asyncio.to_thread(operator.create_application, to_create(plan))
    elif (change := to_change(plan, found)) is not None:
        await asyncio.to_thread(operator.lease, plan.application, change)
    record = _keep(plan.house, record, _with_home(plan, record))
    for _ in range(missing):
        await asyncio.to_thread(operator.add_unit, plan.application)
    return await asyncio.to_thread(operator.status), record


def _with_store(record: HouseRecord | None) -> HouseRecord:
    if record is None:
        return HouseRecord(model_uuid=str(uuid.uuid4()), store_created=True)
    return msgspec.structs.replace(record, store_created=True)


def _with_home(plan: Plan, record: HouseRecord) -> HouseRecord:
    before = record.applications.get(plan.application)
    interval = plan.update_status_interval
    if interval is None:
        interval = before.update_status_interval if before else INTERVAL
    home = ApplicationHome(charm=str(plan.charm), update_status_interval=interval)
    applications = {**record.applications, plan.application: home}
    return msgspec.structs.replace(record, applications=applications)


def _keep(house: House, before: HouseRecord | None, after: HouseRecord) -> HouseRecord:
    if after != before:
        house.write(after)
    return after
