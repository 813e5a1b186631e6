"""What `up` was asked for against what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure.errors import Refused
from tenure.statefolder import StateFolder
from tenure.up.commands import agent_argv
from tenure.up.plan import (
    Plan,
    Wanted,
    charms_to_give,
    check_fits,
    record_of,
    to_change,
    to_create,
    units_to_add,
)
from tenure.uprecord import FormerApplication, UpRecord
from tenure.wire.operators import (
    ApplicationStatus,
    Charm,
    CharmStatus,
    ControllerStatus,
    CreateApplication,
    LeaseSettings,
    LeaseStatus,
    Status,
)

FOLDER = StateFolder(Path("/s"))
CHARM = Charm(source="/c")


def wanted(charm: Charm = CHARM, **words: object) -> Wanted:
    return Wanted(application="web", charm=charm, named="/c", **words)  # type: ignore[arg-type]


def plan(said: Wanted | None = None, **words: object) -> Plan:
    return Plan(folder=FOLDER, wanted=said, **words)  # type: ignore[arg-type]


def application(
    duration: float = 60, guarantee: float = 30, charm: CharmStatus | None = None
) -> ApplicationStatus:
    return ApplicationStatus(
        leader=None,
        term=0,
        since=None,
        lease=LeaseStatus(duration=duration, guarantee=guarantee),
        revision=0,
        settings_bytes=0,
        charm=charm,
    )


def status(**applications: ApplicationStatus) -> Status:
    controller = ControllerStatus(pid=1, version="", seat=1, started="", store="")
    return Status(controller=controller, applications=applications)


def runs(source: str = "/c", **words: object) -> ApplicationStatus:
    charm = CharmStatus(source=source, revision=1, **words)  # type: ignore[arg-type]
    return application(charm=charm)


def test_a_new_application_has_the_defaults_or_what_was_said() -> None:
    """L1"""
    assert to_create(wanted()) == CreateApplication(
        name="web", duration=60, guarantee=30, charm=CHARM, units=1
    )
    assert to_create(wanted(duration=20.0)).guarantee == 10
    assert to_create(wanted(duration=300.0)).guarantee == 30
    assert to_create(wanted(duration=20.0, guarantee=3.0)).guarantee == 3
    assert to_create(wanted(guarantee=3.0)).duration == 60
    given = to_create(wanted(units=0, config={"a": "b"}), new=True)
    assert (given.units, given.config, given.new) == (0, {"a": "b"}, True)


def test_a_lease_is_changed_only_if_something_else_was_said() -> None:
    """L1"""
    assert to_change(wanted(), application(20, 10)) is None
    assert to_change(wanted(duration=20.0), application(20, 10)) is None
    assert to_change(wanted(duration=40.0), application(20, 10)) == LeaseSettings(
        duration=40, guarantee=20
    )
    assert to_change(wanted(guarantee=5.0), application(20, 10)) == LeaseSettings(
        duration=20, guarantee=5
    )


def test_units_are_added_but_never_taken_away() -> None:
    def units(*names: str) -> dict[str, object]:
        return dict.fromkeys(names)

    assert units_to_add(wanted(), {}) == 1
    assert units_to_add(wanted(), units("web/0", "web/4")) == 0
    assert units_to_add(wanted(units=3), units("web/0")) == 2
    with pytest.raises(Refused, match="without --units, and then `tenure scale web 1`"):
        units_to_add(wanted(units=1), units("web/2", "web/10"))


def test_without_a_charm_everything_fits() -> None:
    check_fits(plan(), status(), None)
    check_fits(plan(), status(web=runs(), shop=runs("/d")), None)
    assert charms_to_give(plan(), status(web=runs())) == {}


def test_a_charm_fits_a_state_folder_that_is_empty_or_runs_it() -> None:
    check_fits(plan(wanted()), status(), None)
    check_fits(plan(wanted()), status(web=runs(), shop=runs("/d")), "/c")
    assert charms_to_give(plan(wanted()), status(web=runs())) == {}


def test_another_application_is_refused_with_the_ways_on() -> None:
    with pytest.raises(
        Refused,
        match=r"^/s runs db, shop, and no web: `tenure up` alone carries on, and then `tenure "
        r"deploy /c web` adds it beside; or choose another state folder with --state$",
    ):
        check_fits(plan(wanted()), status(shop=runs(), db=runs()), None)


def test_another_charm_is_refused_with_the_ways_on() -> None:
    with pytest.raises(
        Refused,
        match=r"^web runs the charm /other: `tenure up` alone carries on, and then `tenure refresh "
        r"web /c` changes it; or choose another state folder with --state$",
    ):
        check_fits(plan(wanted()), status(web=runs("/other")), "/other")


def test_a_source_that_is_packed_anew_is_the_same_charm_and_handed_in() -> None:
    new = plan(wanted(Charm(source="/s/charms/new")))
    before = status(web=runs("/s/charms/old", resources={"db": "/f"}))
    check_fits(new, before, "/c")
    given = charms_to_give(new, before)
    assert {name: charm.source for name, charm in given.items()} == {"web": "/s/charms/new"}


def test_what_is_said_of_a_charm_is_handed_in_only_if_it_is_not_so() -> None:
    so = status(
        web=runs(
            resources={"db": "/f", "key": "/k"},
            update_status_interval=60.0,
            allow_host_changes=True,
        )
    )

    def given(**words: object) -> Charm | None:
        charm = Charm(source="/c", **words)  # type: ignore[arg-type]
        return charms_to_give(plan(wanted(charm)), so).get("web")

    same = given(resources={"db": "/f"}, update_status_interval=60.0, allow_host_changes=True)
    assert same is None
    one = given(resources={"db": "/new"})
    assert one is not None and one.resources == {"db": "/new", "key": "/k"}
    other = given(allow_host_changes=False)
    assert other is not None
    assert (other.resources, other.update_status_interval) == (None, 60.0)
    assert given(update_status_interval=30.0) is not None


def test_a_charm_that_only_the_state_folder_knew_is_handed_in_once() -> None:
    old = {"web": Charm(source="/c", update_status_interval=60.0)}
    for said in (None, wanted()):
        assert charms_to_give(plan(said, inherited=old), status(web=application())) == old
        assert charms_to_give(plan(said, inherited=old), status(web=runs())) == {}


def test_a_charm_that_only_the_state_folder_knew_is_not_replaced_by_another() -> None:
    old = {"web": Charm(source="/old")}
    with pytest.raises(Refused, match="web runs the charm /old: "):
        check_fits(plan(wanted(), inherited=old), status(web=application()), "/old")


def test_an_interval_that_is_said_replaces_the_one_that_the_state_folder_knew() -> None:
    old = {"web": Charm(source="/c", update_status_interval=60.0)}
    said = plan(wanted(Charm(source="/c", update_status_interval=5.0)), inherited=old)
    given = charms_to_give(said, status(web=application()))
    assert given["web"].update_status_interval == 5.0


def test_the_record_keeps_what_was_said_of_the_state_folder_and_no_charms() -> None:
    before = UpRecord(
        model_uuid="u", juju_paths=True, applications={"web": FormerApplication(charm="/c")}
    )
    assert record_of(plan(), before) == UpRecord(model_uuid="u", juju_paths=True)
    said = plan(juju_version="3.5.1", juju_paths=False, hook_timeout=60.0)
    after = record_of(said, before)
    assert after == UpRecord(model_uuid="u", juju_version="3.5.1", hook_timeout=60.0)
    assert record_of(plan(), after) == after
    assert record_of(plan(hook_timeout=0.0), after).hook_timeout == 0.0


def test_an_agent_is_told_of_its_charm_and_its_state_folder() -> None:
    charm = CharmStatus(source="/c", revision=3, update_status_interval=5.5)
    argv = agent_argv(FOLDER, UpRecord(model_uuid="u"), "web/0", charm)
    assert argv[3:] == [
        "tenure.agent", "--state", "/s", "--charm", "/c", "--charm-revision", "3",
        "--update-status-interval", "5.5", "--juju-version", "3.6.12", "web/0",
    ]  # fmt: skip
    more = CharmStatus(source="/c", revision=3, allow_host_changes=True)
    record = UpRecord(model_uuid="u", juju_version="3.5.1", juju_paths=True)
    assert agent_argv(FOLDER, record, "web/0", more)[12:] == [
        "--juju-version", "3.5.1", "--juju-paths", "--allow-host-changes", "web/0",
    ]  # fmt: skip
