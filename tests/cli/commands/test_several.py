"""Several units in one command, and `APP` and `APP/leader` where units are meant."""

from __future__ import annotations

import msgspec
import pytest

from tenure.wire.operators import HookState, Ok, Status, UnitAdded, UnitStatus, Why
from tests.cli.commands.test_commands import CONTROLLER, WEB, application
from tests.cli.conftest import Asked, Desk, Result

FINE = UnitStatus(leader=False, agent="connected", hook=HookState(last="start"))
FAILED = UnitStatus(leader=False, agent="connected", hook=HookState(error='hook failed: "install"'))
UNITS = {"web/0": FAILED, "web/1": FINE, "web/2": FAILED, "web/10": FAILED}


@pytest.fixture
def web(desk: Desk) -> Desk:
    """Three units of four are in error, and web/1 leads."""
    db = application(units={"db/0": FAILED})
    applications = {"web": application("web/1", units=UNITS), "db": db}
    desk.controller.knows(Status(controller=CONTROLLER, applications=applications))
    desk.controller.says(Ok())
    return desk


def asked(desk: Desk) -> list[str]:
    return [each.path.removeprefix("/v1/units/") for each in desk.controller.asked]


@pytest.mark.parametrize(
    ("words", "units"),
    [
        (["web/2", "web/0", "web/2"], ["web/2", "web/0"]),
        (["web"], ["web/0", "web/2", "web/10"]),
        (["db", "web/0"], ["db/0", "web/0"]),
        (["web/leader"], ["web/1"]),
        (["--all"], ["db/0", "web/0", "web/2", "web/10"]),
    ],
)
def test_resolve_takes_several_units_those_of_an_application_and_all(
    web: Desk, words: list[str], units: list[str]
) -> None:
    done = web.call("resolve", *words)
    assert asked(web) == [f"{unit}/resolve" for unit in units]
    told = "".join(f"the failed hook of {unit} is retried\n" for unit in units)
    assert done == Result(0, told, "")


def test_resolve_of_nothing_that_failed_says_so(desk: Desk) -> None:
    web = application(units={"web/0": FINE})
    desk.controller.knows(Status(controller=CONTROLLER, applications={"web": web}))
    nothing = Result(0, "no hook failed: there is nothing to resolve\n", "")
    assert desk.call("resolve", "--all") == nothing == desk.call("resolve", "web")


def test_resolve_wants_units_or_all(desk: Desk) -> None:
    for words in ([], ["--all", "web/0"]):
        done = desk.call("resolve", *words)
        assert (done.code, done.out) == (2, "") and "or else say --all" in done.err


def test_several_units_are_removed_and_told_as_json(web: Desk) -> None:
    done = web.call("remove-unit", "web/0", "web/leader", "--format", "json")
    assert asked(web) == ["web/0/remove", "web/1/remove"]
    notes = [f"{unit} is being removed" for unit in ("web/0", "web/1")]
    assert msgspec.json.decode(done.out) == {
        "note": "\n".join(notes),
        "units": [
            {"unit": "web/0", "note": notes[0]},
            {"unit": "web/1", "note": notes[1]},
        ],
    }


def test_a_unit_that_is_refused_keeps_none_of_the_others_from_it(web: Desk) -> None:
    web.controller.refuses("not-found", "there is no such unit", status=404)
    done = web.call("remove-unit", "web/7", "web/0")
    assert asked(web) == ["web/7/remove", "web/0/remove"]
    assert done == Result(1, "", "ERROR there is no such unit\n" * 2)


def test_several_units_are_added(web: Desk) -> None:
    web.controller.says(UnitAdded(unit="web/11"))
    assert web.call("add-unit", "web", "-n", "2") == Result(0, "web/11\nweb/11\n", "")
    assert web.controller.asked == [Asked("POST", f"{WEB}/units", {})] * 2


def test_why_of_the_leader_is_why_of_the_unit(web: Desk) -> None:
    web.controller.says(Why(subject="web/1", answer="it leads"))
    assert web.call("why", "web/leader") == Result(0, "it leads\n", "")
    assert asked(web) == ["web/1/why"]


def test_status_of_some_shows_those_alone(web: Desk) -> None:
    lines = web.call("status", "web/leader", "web/10").out.splitlines()
    assert [line.split()[0] for line in lines if line] == [
        "APPLICATION", "web", "UNIT", "web/1", "web/10",
    ]  # fmt: skip
    found = msgspec.json.decode(web.call("status", "db", "--format", "json").out)
    assert list(found["applications"]) == ["db"]
    assert list(found["applications"]["db"]["units"]) == ["db/0"]
    assert web.call("status", "nope").code == web.call("status", "web/7").code == 1


def test_the_leader_of_nobody_is_refused_with_where_to_look(web: Desk) -> None:
    for command in ("status", "why", "resolve", "remove-unit", "log"):
        assert web.call(command, "db/leader") == Result(
            1, "", "ERROR nobody leads db now: see `tenure why db`\n"
        )
