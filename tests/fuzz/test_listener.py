"""The controller's listener under HTTP that is none, and handshakes that are none (F, O6).

A healthy leader stands beside everything: it gets its answers, and its lease goes on.
"""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest

from tests.controller.conftest import Served
from tests.fuzz.junk import requests
from tests.fuzz.others import MIB, PATIENT, UPGRADE, Leader, Plain, held_below, said


async def test_whatever_is_no_request_is_answered_and_nothing_is_logged(
    served: Served, leader: Leader, caplog: pytest.LogCaptureFixture
) -> None:
    """O6"""
    everything = list(requests())
    for first in range(0, len(everything), 50):
        together = everything[first : first + 50]
        answering = asyncio.gather(*(said(served, sent) for sent in together))
        assert await leader.renews() < PATIENT
        for sent, answer in zip(together, await answering, strict=True):
            assert answer.startswith(b"HTTP/") or not sent.strip(b"\r\n"), (sent[:99], answer)
            assert b" 500 Internal" not in answer, (sent[:99], answer[:300])
            assert b"Traceback" not in answer
    assert [record.getMessage() for record in caplog.records] == []


async def test_a_body_that_unpacks_to_a_thousand_times_its_size_takes_no_memory(
    served: Served, leader: Leader
) -> None:
    """O6"""
    packed = gzip.compress(b" " * (50 * MIB), 9)
    head = b"POST /v1/applications HTTP/1.1\r\nHost: c\r\nContent-Encoding: gzip\r\n"
    with held_below(16 * MIB):
        answer = await said(served, head + b"Content-Length: %d\r\n\r\n" % len(packed) + packed)
    assert b" 413 " in answer.split(b"\r\n")[0] or b" 400 " in answer.split(b"\r\n")[0], answer[:99]


async def test_who_connects_and_says_nothing_is_told_so(served: Served, leader: Leader) -> None:
    """O6"""
    answers = await asyncio.gather(*(said(served, b"") for _ in range(200)))
    assert set(answers) != {b""}
    assert all(b"no whole request within 0.2 s" in answer for answer in answers)


HANDSHAKES = {
    "no key": UPGRADE.replace(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b""),
    "short key": UPGRADE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"abc"),
    "key of noise": UPGRADE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"\xff\xfe\x80"),
    "old version": UPGRADE.replace(b"Version: 13", b"Version: 5"),
    "no upgrade": UPGRADE.replace(b"Connection: Upgrade", b"Connection: close"),
    "other upgrade": UPGRADE.replace(b"websocket", b"h2c"),
    "post": UPGRADE.replace(b"GET", b"POST"),
    "other path": UPGRADE.replace(b"/v1/agent", b"/v1/agents"),
}


@pytest.mark.parametrize("name", HANDSHAKES)
async def test_a_handshake_that_is_none_is_refused_in_words(
    served: Served, leader: Leader, name: str
) -> None:
    """O6, L9"""
    answer = await said(served, HANDSHAKES[name])
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1] in (b"400", b"404", b"405"), answer[:300]
    assert set(json.loads(body)) == {"code", "message"}


async def test_who_goes_in_the_middle_of_a_handshake_leaves_no_word_in_the_log(
    served: Served, leader: Leader, caplog: pytest.LogCaptureFixture
) -> None:
    """L9"""
    for _ in range(20):
        client = Plain(served)
        await client.send(UPGRADE, ends=True)
        await client.rest()
    assert [record.getMessage() for record in caplog.records] == []
