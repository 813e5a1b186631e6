"""One application's values: `core/application.py`."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import fields, replace

from tenure.core.application import Application, is_recorded_alike, record_of
from tenure.core.changes import ApplicationRecord, Holder
from tenure.core.lease import Lease

BASE = Application(name="web", lease=Lease(duration=60.0, guarantee=30.0, longest=60.0))

OTHER: dict[str, Any] = {
    "alive": False, "term": 1, "holder": Holder("web/0", "one"), "duration": 50.0,
    "guarantee": 20.0, "longest": 70.0, "next_unit": 1, "led_since": 1.0,
    "removing": True,
}  # fmt: skip


def changed(field: str) -> Application:
    value = OTHER[field]
    if field in {found.name for found in fields(Lease)}:
        return replace(BASE, lease=replace(BASE.lease, **{field: value}))
    return replace(BASE, **{field: value})


def test_every_field_of_the_record_is_looked_at() -> None:
    """L7"""
    assert set(OTHER) == {found.name for found in fields(ApplicationRecord)} - {"name"}


@pytest.mark.parametrize("field", OTHER)
def test_whatever_changes_in_the_record_is_kept(field: str) -> None:
    """L7"""
    assert record_of(changed(field)) != record_of(BASE)
    assert not is_recorded_alike(BASE, changed(field))


def test_a_renewal_is_not_kept() -> None:
    """L7"""
    renewed = replace(BASE, lease=replace(BASE.lease, expires_at=99.0, line=("web/1",)))
    assert record_of(renewed) == record_of(BASE)
    assert is_recorded_alike(BASE, renewed)
