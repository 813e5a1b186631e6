"""The operators' client against aiohttp, which is what the controller listens with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from tenure.client.operator import Operator
from tenure.client.transport import UnixHttp
from tenure.errors import BadName, Refused, Unreachable
from tenure.statefolder import StateFolder
from tenure.up.events import events
from tenure.wire.operators import (
    ApplicationStatus,
    ControllerStatus,
    Elect,
    Event,
    HandOver,
    LeaseStatus,
    Status,
)

DONE = (
    b'{"application":"web","unit_from":null,"unit_to":"web/1","term":2,'
    b'"stepping_down_for":0,"taking_over_for":0.5}'
)


CONTROLLER = ControllerStatus(pid=1, version="1", seat=1, started="", store="/s")


def status_with(lease: LeaseStatus) -> bytes:
    """A status with one application."""
    web = ApplicationStatus(
        leader=None, term=0, since=None, lease=lease, revision=0, settings_bytes=0
    )
    return msgspec.json.encode(Status(controller=CONTROLLER, applications={"web": web}))


class Timed:
    """A transport that answers at once and remembers how long it was to wait."""

    def __init__(self, status: bytes | None) -> None:
        self.status = status
        self.waits: list[tuple[str, float]] = []

    def ask(self, method: str, path: str, body: bytes | None, timeout: float) -> tuple[int, bytes]:
        self.waits.append((path.rpartition("/")[2], timeout))
        if method == "POST":
            return 200, DONE
        if self.status is None:
            raise Unreachable("no answer")
        return 200, self.status


async def status(request: web.Request) -> web.Response:
    content = status_with(LeaseStatus(duration=60, guarantee=30))
    return web.Response(body=content, content_type="application/json")


async def elect(request: web.Request) -> web.Response:
    assert await request.json() == {"unit": "web/1"}
    return web.Response(body=DONE, content_type="application/json")


async def refuse(request: web.Request) -> web.Response:
    return web.json_response({"code": "refused", "message": "no"}, status=409)


async def stream(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await answer.prepare(request)
    for text in ("one", "two"):
        line = f'{{"at":"x","application":"web","kind":"agent","text":"{text}"}}\n'
        await answer.write(line.encode())
    return answer


@pytest.fixture
async def socket(folder: StateFolder) -> AsyncIterator[Path]:
    app = web.Application()
    app.router.add_get("/v1/status", status)
    app.router.add_post("/v1/applications/web/elect", elect)
    app.router.add_post("/v1/applications/web/step-down", refuse)
    app.router.add_get("/v1/events", stream)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, str(folder.controller_socket)).start()
    yield folder.controller_socket
    await runner.cleanup()


async def test_a_deed_is_one_typed_request_and_one_typed_answer(socket: Path) -> None:
    """O1"""
    operator = Operator(UnixHttp(socket))
    done = await asyncio.to_thread(operator.elect, Elect(unit="web/1").unit)
    assert done == HandOver(
        application="web",
        unit_from=None,
        unit_to="web/1",
        term=2,
        stepping_down_for=0,
        taking_over_for=0.5,
    )
    with pytest.raises(Refused, match="no"):
        await asyncio.to_thread(operator.step_down, "web")


@pytest.mark.parametrize(
    ("lease", "longest"),
    [
        (LeaseStatus(duration=60, guarantee=30), 60 + 30 + 15),
        (LeaseStatus(duration=60, guarantee=30, left=42), 60 + 30 + 15),
        (LeaseStatus(duration=5, guarantee=2, left=280), 280 + 2 + 15),
    ],
)
def test_a_hand_over_is_awaited_as_long_as_it_may_take_and_no_longer(
    lease: LeaseStatus, longest: float
) -> None:
    """O1, U4"""
    timed = Timed(status_with(lease))
    operator = Operator(timed)
    operator.elect("web/1")
    operator.step_down("web")
    asked = [("status", 10.0), ("elect", longest), ("status", 10.0), ("step-down", longest)]
    assert timed.waits == asked


def test_a_controller_that_hangs_is_not_asked_for_a_hand_over() -> None:
    """O1, G7"""
    timed = Timed(None)
    with pytest.raises(Unreachable):
        Operator(timed).elect("web/1")
    assert timed.waits == [("status", 10.0)]


def test_a_name_that_is_none_never_becomes_a_path() -> None:
    operator = Operator(UnixHttp(Path("/nowhere")))
    for name in ("../status", "web/0", "web?x=1", "Web", ""):
        with pytest.raises(BadName):
            operator.step_down(name)
    for unit in ("web", "web/0/../../x", "web/-1", "web/0?x"):
        with pytest.raises(BadName):
            operator.resolve(unit)


async def test_the_stream_says_when_it_is_open_and_ends_with_the_controller(
    socket: Path,
) -> None:
    found = [event async for event in events(socket)]
    assert found == [
        None,
        Event(at="x", application="web", kind="agent", text="one"),
        Event(at="x", application="web", kind="agent", text="two"),
    ]


async def test_without_controller_there_is_no_stream(folder: StateFolder) -> None:
    with pytest.raises(Unreachable):
        async for _ in events(folder.controller_socket):
            raise AssertionError
