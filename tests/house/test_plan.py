"""What `up` was asked for against what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure.errors import Refused
from tenure.house import ApplicationHome, House, HouseRecord
from tenure.up.plan import (
    Plan,
    check_applications,
    check_home,
    to_change,
    to_create,
    units_to_add,
)
from tenure.wire.operators import (
    ApplicationStatus,
    ControllerStatus,
    CreateApplication,
    LeaseSettings,
    LeaseStatus,
    Status,
)


def plan(**words: object) -> Plan:
    house = House(Path("/s"))
    return Plan(house=house, application="web", charm=Path("/c"), **words)  # type: ignore[arg-type]


def application(duration: float = 60, guarantee: float = 30) -> ApplicationStatus:
    return ApplicationStatus(
        leader=None,
        term=0,
        since=None,
        lease=LeaseStatus(duration=duration, guarantee=guarantee),
        revision=0,
        settings_bytes=0,
    )


def record(name: str = "web", charm: str = "/c") -> HouseRecord:
    return HouseRecord(model_uuid="u", applications={name: ApplicationHome(charm=charm)})


def test_a_new_application_has_the_defaults_or_what_was_said() -> None:
    """L1"""
    assert to_create(plan()) == CreateApplication(name="web", duration=60, guarantee=30)
    assert to_create(plan(duration=20.0)).guarantee == 10
    assert to_create(plan(duration=300.0)).guarantee == 30
    assert to_create(plan(duration=20.0, guarantee=3.0)).guarantee == 3
    assert to_create(plan(guarantee=3.0)).duration == 60


def test_a_lease_is_changed_only_if_something_else_was_said() -> None:
    """L1"""
    assert to_change(plan(), application(20, 10)) is None
    assert to_change(plan(duration=20.0), application(20, 10)) is None
    assert to_change(plan(duration=40.0), application(20, 10)) == LeaseSettings(
        duration=40, guarantee=20
    )
    assert to_change(plan(guarantee=5.0), application(20, 10)) == LeaseSettings(
        duration=20, guarantee=5
    )


def test_units_are_added_but_never_taken_away() -> None:
    def units(*names: str) -> dict[str, object]:
        return dict.fromkeys(names)

    assert units_to_add(plan(), {}) == 1
    assert units_to_add(plan(), units("web/0", "web/4")) == 0
    assert units_to_add(plan(units=3), units("web/0")) == 2
    with pytest.raises(Refused, match="tenure remove-unit web/10"):
        units_to_add(plan(units=1), units("web/2", "web/10"))


def test_another_charm_or_name_is_refused_with_the_way_on() -> None:
    check_home(plan(), None)
    check_home(plan(), record())
    with pytest.raises(Refused, match=r"go on with `tenure up /other`, or .*--state"):
        check_home(plan(), record(charm="/other"))
    with pytest.raises(Refused, match=r"go on with --name shop, or .*--state"):
        check_home(plan(), record(name="shop"))


def test_an_application_that_only_the_controller_knows_is_refused_too() -> None:
    controller = ControllerStatus(pid=1, version="", seat=1, started="", store="")
    status = Status(controller=controller, applications={"shop": application()})
    with pytest.raises(Refused, match="go on with --name shop"):
        check_applications(plan(), status)
    check_applications(plan(), Status(controller=controller, applications={"web": application()}))
