"""The controller's socket: what comes from outside is answered clearly, and harms nobody (F)."""

from __future__ import annotations

import asyncio
import json
import logging
import socket as sockets
import stat
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tenure.controller.server import bind_unix
from tenure.errors import Unreachable
from tenure.net.websocket import dial_unix
from tenure.testing.time.waiting import until
from tenure.wire.codec import MAX_FRAME, encode
from tenure.wire.messages import PROTOCOL_VERSION, Hello, UnitHello
from tests.controller.conftest import PATIENCE, Served, Socket

DEEP = b"[" * 100_000


@pytest.fixture(autouse=True)
def no_tracebacks(caplog: pytest.LogCaptureFixture) -> Any:
    """No traceback may ever reach a user."""
    with caplog.at_level(logging.WARNING):
        yield
    said = caplog.get_records("call")  # because `records` is the teardown's own by now
    assert not [record.getMessage() for record in said if record.exc_info]


async def reason(socket: Socket) -> str:
    """Why the server ended the conversation."""
    said, _ = await socket.closing()
    assert said[-1]["type"] == "Superseded", said
    return str(said[-1]["reason"])


# -- the socket itself


async def test_only_the_owner_can_reach_the_socket(served: Served) -> None:
    """O6"""
    assert stat.S_IMODE(served.path.stat().st_mode) == 0o600


def test_a_socket_that_an_earlier_controller_left_is_replaced(tmp_path: Path) -> None:
    """G9"""
    bind_unix(tmp_path / "s").close()
    listener = bind_unix(tmp_path / "s")
    listener.listen()
    with sockets.socket(sockets.AF_UNIX) as client:
        client.connect(str(tmp_path / "s"))
    listener.close()


def test_a_socket_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    """F"""
    with pytest.raises(Unreachable, match="cannot listen on"):
        bind_unix(tmp_path / "no" / "s")
    with pytest.raises(Unreachable, match="cannot listen on"):
        bind_unix(tmp_path / ("x" * 200))


# -- agents


async def test_a_unit_converses(served: Served, healthy: Socket) -> None:
    """L1, T4"""
    await healthy.say({"type": "Claims", "id": 7, "claims": [{"unit": "web/0"}]})
    verdicts = (await healthy.hear())[0]
    assert (verdicts["id"], verdicts["verdicts"][0]["type"]) == (7, "Granted")
    status, answer = await served.ask("GET", "/v1/status")
    assert status == 200 and answer["applications"]["web"]["leader"] == "web/0"


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        ("no json", "not a frame"),
        ("", "not a frame"),
        ("{}", "not a frame"),
        ('[{"type":"Nonsense"}]', "Nonsense"),
        ('[{"type":"Hello","version":1}]', "units"),
        ('[{"type":"Hello","version":"one","units":[]}]', "version"),
        (b"\x00\xff\xfe\x80 binary", "not a frame"),
        ('[{"type":"Hello","version":2,"units":[]}]', "protocol version 2"),
        ('[{"type":"ReadSettings","id":1,"unit":"web/0"}]', "before its Hello"),
        (b'[{"type":"Hello","version":1,"units":[],"more":' + DEEP, "not a frame"),
        (DEEP, "not a frame"),
    ],
)
async def test_garbage_ends_the_conversation_with_a_clear_reason(
    served: Served, healthy: Socket, frame: str | bytes, why: str
) -> None:
    """F"""
    socket = await served.dial()
    if isinstance(frame, bytes):
        await socket.socket.send_bytes(frame)
    else:
        await socket.socket.send_str(frame)
    assert why in await reason(socket)


async def test_garbage_after_a_good_beginning_ends_only_that_conversation(
    served: Served, healthy: Socket
) -> None:
    """F"""
    socket = await served.dial()
    await socket.hello("web/1")
    await socket.socket.send_str('[{"type":"Release","id":1,"unit":')
    assert "not a frame" in await reason(socket)
    again = await served.dial()
    assert (await again.hello("web/1", session=2)).get("refused") is None


async def test_a_frame_beyond_the_limit_is_refused_as_such(served: Served, healthy: Socket) -> None:
    """F"""
    reader, writer = await served.raw()
    writer.write(UPGRADE)
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"\x81\xff" + (MAX_FRAME + 1).to_bytes(8, "big") + b"\0\0\0\0[")
    head, length = await asyncio.wait_for(reader.readexactly(2), PATIENCE)
    said = await asyncio.wait_for(reader.readexactly(length), PATIENCE)
    assert head == 0x88
    assert int.from_bytes(said[:2], "big") == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
    writer.close()


async def test_half_a_frame_and_then_nothing_leaves_no_trace(
    served: Served, healthy: Socket
) -> None:
    """F, L9"""
    reader, writer = await served.raw()
    writer.write(UPGRADE)
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"\x81\xfe\x10\x00abcdhalf")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert set(served.controller.model.sessions) == {"web/0"}


UPGRADE = (
    b"GET /v1/agent HTTP/1.1\r\nHost: c\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def test_a_connection_lost_right_after_its_hello_leaves_no_ghost(
    served: Served, healthy: Socket
) -> None:
    """L9"""
    hello = Hello(
        version=PROTOCOL_VERSION, units=(UnitHello(unit="web/1", instance="one", session=1),)
    )
    for _ in range(5):
        socket = await served.dial()
        await socket.socket.send_str(encode([hello]).decode())
        await socket.socket.close()
    sessions = served.controller.model.sessions
    await until(lambda: set(sessions) == {"web/0"}, "no ghost is left", PATIENCE)


async def test_who_says_nothing_is_told_so_and_closed(served: Served, healthy: Socket) -> None:
    """F"""
    socket = await served.dial()
    assert "no Hello within 0.2 s" in await reason(socket)


async def test_a_plain_request_to_the_agents_door_is_told_what_it_takes(
    served: Served, healthy: Socket
) -> None:
    """F"""
    status, answer = await served.ask("GET", "/v1/agent")
    assert status == 400
    assert answer == {
        "code": "bad-request", "message": "/v1/agent is for agents: it takes a WebSocket"
    }  # fmt: skip


async def test_a_slow_reader_is_cut_off(served: Served, healthy: Socket) -> None:
    """F: what one agent lags behind is bounded"""
    await healthy.say({"type": "Claims", "id": 1, "claims": [{"unit": "web/0"}]})
    term = (await healthy.hear())[0]["verdicts"][0]["term"]
    value = {"big": "x" * 900_000}
    await healthy.say(
        {"type": "WriteSettings", "id": 2, "unit": "web/0", "term": term, "changes": value}
    )
    await healthy.hear()
    reader, writer = await served.raw()
    writer.write(UPGRADE)
    await reader.readuntil(b"\r\n\r\n")
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    units = [{"unit": "web/1", "instance": "one", "session": 1}]
    writer.write(masked([{"type": "Hello", "version": 1, "units": units}]))
    sessions = served.controller.model.sessions
    await until(lambda: "web/1" in sessions, "it is connected", PATIENCE)
    for n in range(50):
        writer.write(masked([{"type": "ReadSettings", "id": n, "unit": "web/1"}]))
    await until(lambda: "web/1" not in sessions, "it is cut off", PATIENCE)
    writer.close()


def masked(messages: Any) -> bytes:
    """A client's text frame, with a mask of zeros."""
    content = json.dumps(messages).encode()
    return b"\x81" + bytes([0x80 | 126]) + len(content).to_bytes(2, "big") + b"\0\0\0\0" + content


async def test_a_newer_session_closes_the_older_connection(served: Served) -> None:
    """L9"""
    older, newer = await served.dial(), await served.dial()
    await older.hello("web/1")
    await newer.hello("web/1", session=2)
    assert "newer session" in await reason(older)
    assert (await newer.read("web/1"))["type"] == "Settings"


async def test_another_instance_is_accepted_once_the_first_is_gone(served: Served) -> None:
    """L9"""
    first, clone = await served.dial(), await served.dial()
    await first.hello("web/1")
    assert "another instance" in (await clone.hello("web/1", instance="two"))["refused"]
    await first.socket.close()
    sessions = served.controller.model.sessions
    await until(lambda: "web/1" not in sessions, "the first is gone", PATIENCE)
    again = await served.dial()
    assert (await again.hello("web/1", instance="two")).get("refused") is None


# -- operators


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/", None, 404, "not-found"),
        ("PUT", "/v1/status", None, 404, "not-found"),
        ("GET", "/v1/applications/nope/why", None, 404, "not-found"),
        ("GET", "/v1/applications/UP/why", None, 400, "bad-name"),
        ("GET", "/v1/units/web/007/why", None, 400, "bad-name"),
        ("GET", "/v1/units/web/9/why", None, 404, "not-found"),
        ("GET", "/v1/applications/web/history?limit=none", None, 400, "bad-request"),
        ("GET", "/v1/applications/web/history?limit=0", None, 400, "bad-request"),
        ("GET", "/v1/applications/web/history?limit=" + "9" * 5000, None, 400, "bad-request"),
        ("POST", "/v1/applications", b"\x00\xffjunk", 400, "bad-request"),
        ("POST", "/v1/applications", b"{}", 400, "bad-request"),
        ("POST", "/v1/applications", b'{"name":"db","no":1}', 400, "bad-request"),
        ("POST", "/v1/applications", DEEP[:60_000], 400, "bad-request"),
        ("POST", "/v1/applications", {"name": "Db"}, 400, "bad-name"),
        ("POST", "/v1/applications", {"name": "db", "duration": 1}, 400, "bad-request"),
        ("POST", "/v1/applications/web/elect", {"unit": "db/0"}, 400, "bad-request"),
        ("POST", "/v1/applications/web/elect", {"unit": "web/1"}, 409, "refused"),
        ("POST", "/v1/applications/web/step-down", None, 409, "refused"),
        ("POST", "/v1/applications/web/revoke", None, 409, "refused"),
        ("POST", "/v1/applications/web/pin", {"reason": "", "seconds": 1}, 400, "bad-request"),
        ("POST", "/v1/applications/web/pin", {"reason": "r", "seconds": -1}, 400, "bad-request"),
        ("POST", "/v1/units/web/0/resolve", {}, 409, "refused"),
        ("POST", "/v1/units/web/7/remove", {}, 404, "not-found"),
    ],
)
async def test_each_error_has_its_status_and_its_code(
    served: Served, method: str, path: str, body: Any, status: int, code: str
) -> None:
    """O6, O1, F"""
    found, answer = await served.ask(method, path, body)
    assert (found, answer["code"]) == (status, code), answer
    assert answer["message"] and "\n" not in answer["message"]


async def test_a_write_that_the_store_refuses_is_a_conflict_with_its_cause(served: Served) -> None:
    """G7, F"""
    served.disk.faults = ["refused"]
    status, answer = await served.ask("POST", "/v1/applications", {"name": "db"})
    assert (status, answer["code"]) == (409, "store-refused")
    assert "nothing was written" in answer["message"]


async def test_a_write_whose_outcome_is_unknown_says_so(served: Served) -> None:
    """G7, F"""
    served.disk.faults = ["unsure-landed"]
    status, answer = await served.ask("POST", "/v1/applications", {"name": "db"})
    assert (status, answer["code"]) == (503, "unsure")


async def test_a_huge_body_is_refused_with_the_limit(served: Served, healthy: Socket) -> None:
    """F"""
    status, answer = await served.ask("POST", "/v1/applications", b"x" * 10_000_000)
    assert (status, answer["code"]) == (413, "bad-request")
    assert "4194304 bytes" in answer["message"]


@pytest.mark.parametrize(
    "junk",
    [b"\x00\x01\x02\xff\xfe\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
     b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n"],
    ids=["binary", "tls", "version", "long line"],
)  # fmt: skip
async def test_junk_on_the_socket_is_answered_with_an_error_and_closed(
    served: Served, healthy: Socket, junk: bytes
) -> None:
    """F"""
    reader, writer = await served.raw()
    writer.write(junk)
    answer = await asyncio.wait_for(reader.read(), PATIENCE)
    assert answer.startswith(b"HTTP/1.") and b" 400 " in answer.split(b"\r\n")[0]
    assert b"Traceback" not in answer
    writer.close()


async def test_what_happens_is_streamed_to_operators(served: Served) -> None:
    """O4, O6"""
    async with served.http.get("http://c/v1/events") as stream:
        socket = await served.dial()
        await socket.hello("web/1")
        await socket.say({"type": "Claims", "id": 1, "claims": [{"unit": "web/1"}]})
        await socket.say({"type": "Report", "unit": "web/1", "running": "install"})
        lines = [
            json.loads(await asyncio.wait_for(stream.content.readline(), PATIENCE))
            for _ in range(3)
        ]
    assert sorted((line["kind"], line["unit"]) for line in lines) == [
        ("agent", "web/1"), ("granted", "web/1"), ("hook", "web/1"),
    ]  # fmt: skip
    assert [line["text"] for line in lines if line["kind"] == "granted"] == [
        "web/1 leads, term 1: nobody had led before"
    ]


async def test_a_stream_ends_with_the_server(served: Served) -> None:
    """O6"""
    async with served.http.get("http://c/v1/events") as stream:
        reading = asyncio.ensure_future(stream.content.read())
        await asyncio.sleep(0)
        await served.server.close()
        assert await asyncio.wait_for(reading, PATIENCE) == b""


# -- how agents dial it


async def test_an_agents_channel_carries_frames_both_ways(served: Served) -> None:
    """F"""
    channel = await dial_unix(served.path)()
    hello = Hello(version=1, units=(UnitHello(unit="web/1", instance="one", session=1),))
    await channel.send(encode([hello]))
    frame = await asyncio.wait_for(channel.receive(), PATIENCE)
    assert frame is not None and b"Welcome" in frame
    await channel.send(b"")
    assert await asyncio.wait_for(channel.receive(), PATIENCE) == b"", "a sign of life"
    await channel.close()
    assert await channel.receive() is None
    with pytest.raises(Unreachable):
        await channel.send(b"[]")


async def test_an_agent_sees_the_end_of_the_server(served: Served) -> None:
    """G5, U5"""
    channel = await dial_unix(served.path)()
    hello = Hello(version=1, units=(UnitHello(unit="web/1", instance="one", session=1),))
    await channel.send(encode([hello]))
    assert await channel.receive() is not None
    receiving = asyncio.ensure_future(channel.receive())
    await served.server.close()
    assert await asyncio.wait_for(receiving, PATIENCE) is None
    await channel.close()


async def test_nobody_at_the_socket_is_one_clear_error(tmp_path: Path) -> None:
    """T7"""
    with pytest.raises(Unreachable, match=r"^the controller does not answer: no such file or dir"):
        await dial_unix(tmp_path / "s")()
    bind_unix(tmp_path / "s").close()
    with pytest.raises(Unreachable, match="connection refused"):
        await dial_unix(tmp_path / "s")()
