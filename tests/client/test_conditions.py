"""What can be waited for, and what is told to be missing."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tenure.client.conditions import CONDITIONS, failures, what_is_missing
from tenure.wire.operators import (
    ApplicationStatus,
    ControllerStatus,
    HookState,
    LeaseStatus,
    Status,
    UnitStatus,
    WorkloadStatus,
)

IDLE = HookState(last="start")
FAILED = HookState(error='hook failed: "install"')


def unit(hook: HookState = IDLE, current: str = "active", **other: object) -> UnitStatus:
    words: dict[str, object] = {"leader": False, "agent": "connected"}
    return UnitStatus(hook=hook, status=WorkloadStatus(current=current), **(words | other))  # type: ignore[arg-type]


def status(leader: str | None = None, said: str = "unknown", **units: UnitStatus) -> Status:
    web = ApplicationStatus(
        leader=leader,
        term=1,
        since=None,
        lease=LeaseStatus(duration=60, guarantee=30),
        revision=0,
        settings_bytes=0,
        status=WorkloadStatus(current=said),
        units={name.replace("_", "/"): found for name, found in units.items()},
    )
    controller = ControllerStatus(pid=1, version="1", seat=1, started="", store="/s")
    return Status(controller=controller, applications={"web": web})


NOTHING = Status(controller=status().controller, applications={})
LED = unit(leader=True)


@pytest.mark.parametrize(
    ("found", "subject", "wanted"),
    [
        (status("web/0", web_0=LED), "web", "leader"),
        (status("web/0", web_0=LED), "web/0", "leader"),
        (status("web/0", web_0=LED), "web/leader", "leader"),
        (status(web_0=unit(), web_1=unit()), "web", "idle"),
        (status(web_0=unit(), web_1=unit(FAILED)), "web/0", "idle"),
        (status(web_0=unit(), web_1=unit()), "web", "active"),
        (status(web_0=unit(), web_1=unit(current="blocked")), "web", "blocked"),
        (status(said="blocked", web_0=unit()), "web", "blocked"),
        (status(web_0=unit(current="waiting")), "web/0", "waiting"),
        (status(web_0=unit(current="maintenance")), "web", "maintenance"),
        (status(web_0=unit(), web_1=unit(FAILED)), "web", "error"),
        (status(web_0=unit(FAILED)), "web/0", "error"),
        (NOTHING, "web", "gone"),
        (NOTHING, "web/0", "gone"),
        (NOTHING, "web/leader", "gone"),
        (status(web_1=unit()), "web/0", "gone"),
    ],
)
def test_what_is_so_is_missed_by_nobody(found: Status, subject: str, wanted: str) -> None:
    assert what_is_missing(found, subject, wanted) == ""


@pytest.mark.parametrize(
    ("found", "subject", "wanted", "missing"),
    [
        (status(web_0=unit()), "web", "leader", "nobody leads web"),
        (status(web_0=unit()), "web/leader", "idle", "nobody leads web"),
        (status("web/1", web_0=unit()), "web/0", "leader", "web/0 does not lead"),
        (status(), "web", "idle", "web has no units"),
        (status(), "web", "active", "web has no units"),
        (status(), "web", "error", "web has no units"),
        (status(web_0=unit(HookState(last="a", running="b"))), "web", "idle", "web/0 runs b"),
        (status(web_0=unit(HookState())), "web/0", "idle", "web/0 has run no hook yet"),
        (
            status(web_0=unit(HookState(last="a", owed="start", queued=True))),
            "web/0",
            "idle",
            "web/0 owes start",
        ),
        (
            status(web_0=unit(HookState(last="a", queued=True))),
            "web/0",
            "idle",
            "web/0 has news to take up",
        ),
        (status(web_0=unit(agent="lost")), "web/0", "idle", "the agent of web/0 is lost"),
        (status(web_0=unit(removing=True)), "web/0", "idle", "web/0 is being removed"),
        (
            status(web_0=unit(FAILED), web_2=unit(FAILED), web_10=unit(agent="waiting")),
            "web",
            "idle",
            'web/0 is in error: hook failed: "install"; web/2 is in error: hook failed: "install"; '
            "the agent of web/10 is waiting",
        ),
        (
            status(**{f"web_{number}": unit(agent="lost") for number in range(5)}),
            "web",
            "idle",
            "the agent of web/0 is lost; the agent of web/1 is lost; the agent of web/2 is lost; "
            "and 2 more",
        ),
        (status(web_0=unit(current="blocked")), "web", "active", "web/0 is blocked"),
        (status(web_0=unit(FAILED)), "web", "active", 'web/0 is in error: hook failed: "install"'),
        (status(web_0=unit()), "web", "error", "no hook of web/0 failed"),
        (status(web_0=unit()), "web", "gone", "web is still there, with 1 unit"),
        (status(web_0=unit()), "web/0", "gone", "web/0 is still there"),
        (status(web_0=unit()), "web/1", "idle", "there is no unit web/1"),
    ],
)
def test_what_is_missing_is_named(found: Status, subject: str, wanted: str, missing: str) -> None:
    assert what_is_missing(found, subject, wanted) == missing


@pytest.mark.parametrize("wanted", [each for each in CONDITIONS if each != "gone"])
@pytest.mark.parametrize("subject", ["web", "web/0", "web/leader"])
def test_what_is_not_there_is_waited_for(subject: str, wanted: str) -> None:
    assert what_is_missing(NOTHING, subject, wanted) == "there is no application web"


@pytest.mark.parametrize("wanted", CONDITIONS)
@pytest.mark.parametrize("subject", ["web", "web/0", "web/leader"])
def test_what_the_controller_is_unsure_of_is_missing(subject: str, wanted: str) -> None:
    """G7: nothing may be concluded"""
    led = status("web/0", web_0=LED)
    web = led.applications["web"]
    doubted = replace(web, lease=replace(web.lease, unsure="disk full"))
    for found in (
        replace(NOTHING, controller=replace(NOTHING.controller, unsure="disk full")),
        replace(led, controller=replace(led.controller, unsure="disk full")),
        replace(led, applications={"web": doubted}),
    ):
        assert what_is_missing(found, subject, wanted) == "it is not known now: disk full"


def test_doubts_about_another_application_keep_nobody_waiting() -> None:
    """L8"""
    led = status("web/0", web_0=LED)
    web = led.applications["web"]
    doubted = replace(web, lease=replace(web.lease, unsure="disk full"))
    found = replace(led, applications={"web": web, "db": doubted})
    assert what_is_missing(found, "web", "leader") == "" == what_is_missing(found, "app", "gone")


def test_failures_are_told_of_those_units_that_are_asked_for() -> None:
    found = status(web_10=unit(FAILED), web_2=unit(FAILED), web_0=unit())
    error = 'hook failed: "install"'
    assert failures(found) == [("web/2", error), ("web/10", error)]
    assert failures(found, {"web/10", "web/0"}) == [("web/10", error)]
