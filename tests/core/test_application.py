"""One application's values: `core/application.py`."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import fields, replace

from tenure.core.application import (
    Application,
    changed_keys,
    extended_from,
    is_recorded_alike,
    lengthened,
    record_of,
    restored,
    resumed,
    with_settings,
)
from tenure.core.changes import (
    ApplicationRecord,
    BagRecord,
    Bucket,
    CharmRecord,
    ConfigRecord,
    Holder,
    Persisted,
    StatusRecord,
    UnitRecord,
)
from tenure.core.lease import Handover, Lease
from tenure.errors import BucketFull

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


CHARM = CharmRecord(application="web", source="/srv/web")
CONFIG = ConfigRecord(application="web", revision=1, values={"k": "v"})
STATUS = StatusRecord(application="web", current="active", since=3.0)
BAG = BagRecord(application="web", relation=0, owner="web/0")
UNITS = {"web/0": UnitRecord(unit="web/0"), "web/1": UnitRecord(unit="web/1")}
DB = Application(
    name="db", alive=False,
    lease=replace(
        BASE.lease, term=2, freed_because="the controller found it free when it started"
    ),
)  # fmt: skip
WEB = Application(
    name="web",
    lease=Lease(
        duration=60.0, guarantee=30.0, longest=90.0, term=4, holder=Holder("web/0", "one"),
        pins={"upgrade": 5.0}, led_since=7.0, last_leader="web/0",
        freed_because="the controller found it free when it started",
    ),
    bucket=Bucket(revision=3, settings={"k": "v"}),
    units=UNITS, next_unit=2, removing=True, charm=CHARM, config=CONFIG,
    bags={(0, "web/0"): BAG}, status=STATUS,
)  # fmt: skip
STORED = Persisted(
    applications={"web": record_of(WEB), "db": record_of(DB)}, units=UNITS,
    buckets={"web": WEB.bucket}, pins={"web": {"upgrade": 5.0}}, charms={"web": CHARM},
    configs={"web": CONFIG}, bags={"web": (BAG,)}, statuses={"web": STATUS},
)  # fmt: skip


def test_what_was_kept_is_restored_whole() -> None:
    """L7, L8, G8"""
    assert restored(STORED) == {"web": WEB, "db": DB}


def test_of_some_applications_only_those_are_restored_that_were_kept() -> None:
    """L8"""
    assert restored(STORED, ["web"]) == {"web": WEB}
    assert restored(STORED, ["db", "gone"]) == {"db": DB}


def test_a_restored_lease_lasts_as_long_as_anybody_may_believe() -> None:
    """L8, L6: and no longer promise is remembered than there was"""
    lease = replace(WEB.lease, lower_at=190.0, expires_at=190.0, pins={"upgrade": 105.0})
    assert extended_from(WEB, 100.0, 15.0) == replace(WEB, lease=lease)
    assert extended_from(BASE, 100.0, 75.0) == replace(
        BASE, lease=replace(BASE.lease, expires_at=175.0)
    )


def test_a_stall_lengthens_the_leases_that_are_held_and_no_others() -> None:
    """L8"""
    held = replace(WEB, lease=replace(WEB.lease, expires_at=10.0))
    longer = replace(WEB, lease=replace(WEB.lease, expires_at=15.0))
    assert lengthened({"web": held, "db": DB, "new": None}, 5.0) == {"web": longer}


def test_what_no_store_keeps_goes_on_where_the_same_term_does() -> None:
    """L8, G8, O1, G11"""
    kept = {"line": ("web/0", "web/1"), "seen_term": 9}
    handover = Handover("web/0", "an operator asked")
    before = replace(WEB, lease=replace(WEB.lease, **kept, handover=handover))
    goes_on = replace(before.lease, line=("web/1",))
    assert resumed(WEB, before) == replace(WEB, lease=goes_on)
    later = replace(WEB, lease=replace(WEB.lease, term=5))
    assert resumed(later, before).lease == replace(goes_on, term=5, handover=None)
    free = replace(WEB, lease=replace(WEB.lease, holder=None))
    assert resumed(free, before).lease == replace(free.lease, **kept)


def test_what_was_not_known_or_is_no_more_is_as_it_was_loaded() -> None:
    """L8, G8"""
    waited = replace(DB, alive=True, lease=replace(DB.lease, line=("db/0",)))
    assert resumed(WEB, None) is WEB and resumed(DB, waited) is DB


@pytest.mark.parametrize(
    ("since", "names"),
    [(0, None), (1, None), (2, ("a", "b")), (3, ("a",)), (4, ()), (5, None)],
)
def test_which_keys_changed_is_said_where_every_write_is_known(
    since: int, names: tuple[str, ...] | None
) -> None:
    """H10"""
    found = replace(BASE, bucket=Bucket(revision=4), recent=((3, ("b",)), (4, ("a",))))
    assert changed_keys(found, since) == names


def test_which_keys_changed_is_not_said_where_the_last_write_is_not_known() -> None:
    """H10"""
    found = replace(BASE, bucket=Bucket(revision=2), recent=((1, ("a",)),))
    assert changed_keys(found, 0) is None and changed_keys(found, 1) is None


def test_a_write_that_is_too_large_names_its_application() -> None:
    """B6"""
    with pytest.raises(BucketFull, match='"web"'):
        with_settings(BASE, {"k": "v" * 2**24})
