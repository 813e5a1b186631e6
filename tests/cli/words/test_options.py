"""A unit where an application is meant, and the other way round: the same answer everywhere."""

from __future__ import annotations

import pytest

from tenure.cli.group import COMMANDS
from tenure.wire.operators import Ok, Status, UnitStatus
from tests.cli.commands.test_commands import CONTROLLER, application
from tests.cli.conftest import Desk

AFTER = {
    "scale": ["1"],
    "pin": ["--reason", "R", "--for", "1h"],
    "unpin": ["--reason", "R"],
    "revoke": ["--yes"],
    "lease": ["--duration", "60s"],
    "run": ["act"],
    "exec": ["--", "true"],
    "wait": ["--timeout", "0s"],
}
"""What must follow the name, to be right but for that."""

OF_APPLICATIONS = {
    "refresh", "scale", "remove-application", "config", "step-down", "pin", "unpin", "revoke",
    "history", "settings", "add-unit", "lease",
}  # fmt: skip
OF_UNITS = {"run", "kill-hook", "remove-unit", "exec"}
"""Of a unit, or of whoever leads."""
OF_BOTH = {"wait", "status", "log", "why", "resolve"}
OTHERS = {"up", "down", "deploy", "elect", "drill"}


def test_every_command_is_in_the_table() -> None:
    assert COMMANDS.keys() == OF_APPLICATIONS | OF_UNITS | OF_BOTH | OTHERS


def said(desk: Desk, command: str, name: str) -> tuple[bool, str]:
    """Whether the words were wrong, and the error."""
    desk.controller.knows(Status(controller=CONTROLLER, applications={"web": application()}))
    desk.controller.says(Ok())
    done = desk.call(command, name, *AFTER.get(command, []))
    return "see `tenure" in done.err and done.code in (2, 125) and "--help" in done.err, done.err


@pytest.mark.parametrize("name", ["web/0", "web/leader"])
@pytest.mark.parametrize("command", sorted(OF_APPLICATIONS))
def test_who_names_a_unit_is_told_which_application_to_name(
    desk: Desk, command: str, name: str
) -> None:
    wrong, error = said(desk, command, name)
    assert wrong and f"{name!r} is a unit: name its application, web: see" in error
    assert desk.controller.asked == []


@pytest.mark.parametrize("command", sorted(OF_UNITS))
def test_who_names_an_application_is_told_of_its_units_and_its_leader(
    desk: Desk, command: str
) -> None:
    wrong, error = said(desk, command, "web")
    assert wrong
    assert "'web' is an application: name a unit of it, as in web/0, or web/leader: see" in error


@pytest.mark.parametrize("name", ["web/0", "web/leader"])
@pytest.mark.parametrize("command", sorted(OF_UNITS | OF_BOTH))
def test_whoever_leads_is_taken_where_a_unit_is(desk: Desk, command: str, name: str) -> None:
    assert not said(desk, command, name)[0]


@pytest.mark.parametrize("command", sorted(OF_BOTH))
def test_an_application_is_taken_where_units_are_meant(desk: Desk, command: str) -> None:
    assert not said(desk, command, "web")[0]


def test_leadership_is_handed_to_a_unit_that_is_named(desk: Desk) -> None:
    wrong, error = said(desk, "elect", "web/leader")
    assert wrong and "'web/leader' leads already: name a unit, as in web/1: see" in error
    wrong, error = said(desk, "elect", "web")
    assert wrong and "'web' is an application: name a unit of it, as in web/0: see" in error
    assert desk.controller.asked == []


@pytest.mark.parametrize("command", sorted(OF_APPLICATIONS | OF_UNITS | OF_BOTH | {"elect"}))
@pytest.mark.parametrize("name", ["/leader", "WEB/leader", "web/0/leader"])
def test_a_leader_of_no_application_is_no_unit(desk: Desk, command: str, name: str) -> None:
    wrong, error = said(desk, command, name)
    assert wrong and "is not an application name" in error


def test_the_hook_that_the_leader_runs_is_ended(desk: Desk) -> None:
    led = application("web/2", units={"web/2": UnitStatus(leader=True, agent="connected")})
    desk.controller.knows(Status(controller=CONTROLLER, applications={"web": led}))
    desk.controller.says(Ok())
    done = desk.call("kill-hook", "web/leader")
    assert (done.code, done.err) == (0, "")
    assert done.out == "web/2 was told to end its running hook\n"
