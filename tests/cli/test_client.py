"""The operators' client against aiohttp, which is what the controller listens with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from tenure.client import Operator, UnixHttp
from tenure.errors import BadName, Refused, Unreachable
from tenure.house import House
from tenure.up.events import events
from tenure.wire.operators import Elect, Event, HandOver

DONE = (
    b'{"application":"web","unit_from":null,"unit_to":"web/1","term":2,'
    b'"stepping_down_for":0,"taking_over_for":0.5}'
)


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
async def socket(house: House) -> AsyncIterator[Path]:
    app = web.Application()
    app.router.add_post("/v1/applications/web/elect", elect)
    app.router.add_post("/v1/applications/web/step-down", refuse)
    app.router.add_get("/v1/events", stream)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, str(house.controller_socket)).start()
    yield house.controller_socket
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


async def test_without_controller_there_is_no_stream(house: House) -> None:
    with pytest.raises(Unreachable):
        async for _ in events(house.controller_socket):
            raise AssertionError
