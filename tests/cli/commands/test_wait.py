"""`tenure wait`: what it prints, and its exit codes."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from tenure.statefolder import StateFolder
from tenure.wire.operators import HookState, Status, UnitStatus
from tests.cli.commands.test_commands import CONTROLLER, application
from tests.cli.conftest import Desk, Result, call

IDLE = UnitStatus(leader=True, agent="connected", hook=HookState(last="start"))
FAILED = UnitStatus(leader=False, agent="connected", hook=HookState(error='hook failed: "install"'))


def knows(desk: Desk, leader: str | None = None, **units: UnitStatus) -> None:
    named = {name.replace("_", "/"): found for name, found in units.items()}
    web = application(leader, units=named)
    desk.controller.knows(Status(controller=CONTROLLER, applications={"web": web}))


def test_what_is_so_is_told_at_once(desk: Desk) -> None:
    knows(desk, "web/0", web_0=IDLE)
    assert desk.call("wait", "web") == Result(0, "web: idle\n", "")
    done = desk.call("wait", "web", "web/leader", "--for", "leader", "--for", "idle")
    assert done == Result(0, "web: leader, idle\nweb/leader: leader, idle\n", "")


def test_time_that_is_over_has_an_exit_code_of_its_own_and_says_what_is_missing(
    desk: Desk,
) -> None:
    knows(desk, web_0=FAILED, web_1=IDLE)
    assert desk.call("wait", "web", "--timeout", "0s") == Result(
        5,
        "",
        'ERROR not so after 0s: web/0 is in error: hook failed: "install": see `tenure why web`\n',
    )
    done = desk.call("wait", "web", "db", "--for", "leader", "--timeout", "100ms")
    assert done.code == 5
    assert "nobody leads web; there is no application db" in done.err


def test_programs_are_told_what_was_missing(desk: Desk) -> None:
    knows(desk, web_0=FAILED)
    done = desk.call("wait", "web/0", "--timeout", "0s", "--format", "json")
    answer = msgspec.json.decode(done.out)
    assert done.code == 5 and answer.pop("seconds") >= 0
    assert answer == {
        "subjects": ["web/0"],
        "wanted": ["idle"],
        "reached": False,
        "missing": ['web/0 is in error: hook failed: "install"'],
    }


def test_a_controller_that_is_not_there_yet_is_waited_for(folder: StateFolder) -> None:
    done = call("wait", "web", "--timeout", "50ms", "--state", str(folder.state))
    assert done.code == 5
    assert done.err.startswith("ERROR not so after 0.1s: no controller reachable")


def test_what_is_gone_cannot_be_idle(desk: Desk) -> None:
    done = desk.call("wait", "web", "--for", "gone", "--for", "idle")
    assert (done.code, done.out) == (2, "") and "--for gone alone" in done.err


def test_what_the_controller_is_unsure_of_is_waited_for(desk: Desk) -> None:
    """G7: an application that an unsure status does not have may be there all the same"""
    unsure = replace(CONTROLLER, unsure="the disk is full")
    desk.controller.knows(Status(controller=unsure, applications={}))
    done = desk.call("wait", "web", "--for", "gone", "--timeout", "0s")
    assert done.code == 5 and "it is not known now: the disk is full" in done.err
