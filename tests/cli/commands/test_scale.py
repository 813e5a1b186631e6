"""`tenure scale`: which units are added and which leave, whole stdout, stderr and exit code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from tenure.cli.commands.scale import scaled
from tenure.client.operator import Operator
from tenure.errors import Refused
from tenure.wire.operators import CharmStatus, ControllerStatus, Status, UnitAdded, UnitStatus
from tests.cli.commands.test_commands import WEB, application
from tests.cli.conftest import Asked, Desk, Result


@pytest.fixture
def web(desk: Desk) -> Desk:
    """web/2 leads, web/10 waits, and web/3 is leaving already."""
    units = {
        name: UnitStatus(leader=name == "web/2", agent="connected", removing=name == "web/3")
        for name in ("web/10", "web/2", "web/3")
    }
    controller = ControllerStatus(pid=1, version="1", seat=1, started="", store="/s")
    applications = {"web": application("web/2", units=units)}
    desk.controller.knows(Status(controller=controller, applications=applications))
    return desk


def removed(*units: str) -> list[Asked]:
    return [Asked("POST", f"/v1/units/{unit}/remove", {"force": False}) for unit in units]


@pytest.mark.parametrize(
    ("number", "asked", "out"),
    [
        ("3", [Asked("POST", f"{WEB}/units", {})], "web/11 is added\n"),
        ("2", [], "web has 2 units already\n"),
        ("1", removed("web/10"), "web/10 is leaving\n"),
        ("0", removed("web/10", "web/2"), "web/10 is leaving\nweb/2 is leaving\n"),
    ],
)
def test_units_are_added_or_the_highest_numbers_leave(
    web: Desk, number: str, asked: Sequence[Asked], out: str
) -> None:
    """U4: a leader among them steps down first, as with remove-unit"""
    web.controller.says(UnitAdded(unit="web/11"))
    assert web.call("scale", "web", number) == Result(0, out, "")
    assert web.controller.asked == asked


def test_programs_see_which_as_json(web: Desk) -> None:
    """O6"""
    done = web.call("scale", "web", "0", "--format", "json")
    assert msgspec.json.decode(done.out) == {
        "application": "web",
        "units": 0,
        "added": [],
        "leaving": ["web/10", "web/2"],
    }


def test_an_application_that_there_is_not_is_one_line(web: Desk) -> None:
    assert web.call("scale", "shop", "1") == Result(
        1, "", 'ERROR there is no application "shop": see `tenure status`\n'
    )


class Refuses:
    """A controller that adds one unit, and then has no room."""

    def __init__(self, status: Status) -> None:
        self._answers = [
            (200, msgspec.json.encode(status)),
            (200, b'{"unit": "web/11"}'),
            (409, b'{"code": "refused", "message": "there is no room"}'),
        ]

    def ask(self, method: str, path: str, body: bytes | None, timeout: float) -> tuple[int, bytes]:
        return self._answers.pop(0)


def test_a_failure_half_way_says_what_was_done_before() -> None:
    controller = ControllerStatus(pid=1, version="1", seat=1, started="", store="/s")
    status = Status(controller=controller, applications={"web": application()})
    with pytest.raises(Refused, match=r"^there is no room; web/11 is added$"):
        scaled(Operator(Refuses(status)), "web", 3)


def test_what_the_controller_refuses_is_one_line(web: Desk) -> None:
    web.controller.refuses("refused", "web is being removed")
    assert web.call("scale", "web", "5") == Result(1, "", "ERROR web is being removed\n")


@pytest.mark.parametrize("args", [("scale", "web", "1"), ("add-unit", "web")])
def test_a_unit_is_added_only_while_its_charm_is_there(
    desk: Desk, tmp_path: Path, args: tuple[str, ...]
) -> None:
    """H9: a new unit has no copy of it"""
    source = tmp_path / "charm"
    controller = ControllerStatus(pid=1, version="1", seat=1, started="", store="/s")
    web = application(units={}, charm=CharmStatus(source=str(source), revision=1))
    desk.controller.knows(Status(controller=controller, applications={"web": web}))
    desk.controller.says(UnitAdded(unit="web/0"))
    assert desk.call(*args) == Result(
        1,
        "",
        f"ERROR cannot add a unit to web: its charm {source} is gone: put it back, or hand in "
        "another with `tenure refresh web CHARM`\n",
    )
    assert desk.controller.asked == []
    source.mkdir()
    assert desk.call(*args).code == 0


def test_fewer_units_need_no_charm(web: Desk) -> None:
    """U4"""
    unit = UnitStatus(leader=False, agent="connected")
    charm = CharmStatus(source="/nowhere", revision=1)
    gone = application(units={"web/0": unit}, charm=charm)
    controller = ControllerStatus(pid=1, version="1", seat=1, started="", store="/s")
    web.controller.knows(Status(controller=controller, applications={"web": gone}))
    assert web.call("scale", "web", "0").out == "web/0 is leaving\n"
