"""The HTTP under the listener: half, too much and none of it, beside an agent that is well (F)."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from tests.controller.conftest import PATIENCE, Served, Socket


async def raw(served: Served, *parts: bytes) -> bytes:
    """Send these bytes as they are; all that comes until the server closes."""
    reader, writer = await asyncio.open_unix_connection(str(served.path))
    try:
        for part in parts:
            writer.write(part)
        async with asyncio.timeout(PATIENCE):
            return await reader.read()
    finally:
        writer.close()


def answer_of(said: bytes) -> tuple[int, dict[str, str]]:
    """The status and the JSON of the one answer."""
    head, _, body = said.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


HALF = {
    "nothing at all": (b"", 408, "no whole request within 0.2 s"),
    "a head that never ends": (b"GET /sta", 408, "no whole request within 0.2 s"),
    "a body that never comes": (
        b"POST /v1/applications HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{}",
        408,
        "not whole within 0.2 s",
    ),
    "a body announced too large": (
        b"POST /v1/applications HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n{}",
        413,
        "larger than 4194304 bytes",
    ),
    "no HTTP at all": (b"\x00\x01garbage\r\n\r\n", 400, "not an HTTP request"),
    "a line without end": (b"x" * 300_000, 400, "not an HTTP request"),
}


@pytest.mark.parametrize("name", HALF)
async def test_half_or_garbage_is_answered_shortly_closed_and_not_logged(
    name: str, served: Served, healthy: Socket, caplog: pytest.LogCaptureFixture
) -> None:
    """O6"""
    sent, status, words = HALF[name]
    with caplog.at_level(logging.INFO):
        found, answer = answer_of(await raw(served, sent))
    assert (found, answer["code"]) == (status, "bad-request")
    assert words in answer["message"]
    assert len(answer["message"]) < 100
    assert not caplog.records
    assert (await served.ask("GET", "/v1/status"))[0] == 200


async def test_a_connection_that_is_closed_in_mid_body_leaves_no_trace(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    """O6"""
    _, writer = await asyncio.open_unix_connection(str(served.path))
    writer.write(b"POST /v1/applications HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{}")
    await writer.drain()
    writer.close()
    assert (await served.ask("GET", "/v1/status"))[0] == 200
    assert not caplog.records


async def test_an_idle_connection_is_closed_without_a_second_answer(served: Served) -> None:
    """O6"""
    reader, writer = await asyncio.open_unix_connection(str(served.path))
    writer.write(
        b"POST /v1/applications/nope/step-down HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
    )
    await writer.drain()
    writer.write(b"{}")
    async with asyncio.timeout(PATIENCE):
        said = await reader.read()
    writer.close()
    assert said.count(b"HTTP/1.1 ") == 1
