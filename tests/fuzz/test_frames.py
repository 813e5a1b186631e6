"""The controller's listener under frames that are none, absurd, or far too many (F, L9).

A healthy leader stands beside everything: it gets its answers, and its lease goes on.
"""

from __future__ import annotations

import asyncio
import json

import pytest

from tenure.testing.time.waiting import until
from tenure.wire.codec import MAX_FRAME
from tests.controller.conftest import PATIENCE, Served, Socket
from tests.fuzz.junk import bad_frames
from tests.fuzz.others import MIB, PATIENT, UPGRADE, Leader, Plain, frame, held_below, hello


@pytest.mark.parametrize("greeted", [False, True])
async def test_bad_frames_end_their_own_conversation_only(
    served: Served, leader: Leader, greeted: bool
) -> None:
    """L9"""
    sessions = served.controller.model.sessions
    for session, sent in enumerate(bad_frames(), 1):
        client = Plain(served)
        await client.send(UPGRADE)
        await client.until(b"\r\n\r\n")
        await client.send((hello("web/1", session) if greeted else b"") + sent, ends=True)
        assert b"Traceback" not in await client.rest()
        if session % 20 == 0:
            assert await leader.renews() < PATIENT
    await until(lambda: set(sessions) == {"web/0"}, "no ghost is left", PATIENCE)


ABSURD = {
    "a second Hello": [{"type": "Hello", "version": 1, "units": []}],
    "another's settings": [{"type": "ReadSettings", "id": 1, "unit": "web/0"}],
    "another's write": [
        {"type": "WriteSettings", "id": 1, "unit": "web/0", "term": 1, "changes": {"k": "v"}}
    ],
    "another's release": [{"type": "Release", "id": 1, "unit": "web/0", "term": 1}],
    "another's goodbye": [{"type": "Gone", "id": 1, "unit": "web/0"}],
    "another's report": [{"type": "Report", "unit": "web/0", "eligible": False}],
    "a claim among good ones": [
        {"type": "Claims", "id": 1, "claims": [{"unit": "web/1"}, {"unit": "web/0"}]}
    ],
    "a pushed message": [{"type": "Revoked", "unit": "web/0", "term": 1}],
    "no id": [{"type": "ReadSettings", "unit": "web/1"}],
    "an id that is text": [{"type": "ReadSettings", "id": "1", "unit": "web/1"}],
    "changes that are no text": [
        {"type": "WriteSettings", "id": 1, "unit": "web/1", "term": 1, "changes": {"k": 1}}
    ],
    "an endless wait": [{"type": "Report", "unit": "web/1", "retry_in": float("nan")}],
    "for ever": [{"type": "Report", "unit": "web/1", "retry_in": float("inf")}],
}


@pytest.mark.parametrize("name", ABSURD)
async def test_what_a_conversation_may_not_say_ends_it_with_the_reason(
    served: Served, leader: Leader, name: str
) -> None:
    """L9, B2, G10"""
    socket = await served.dial()
    await socket.hello("web/1")
    await socket.socket.send_str(json.dumps(ABSURD[name]))
    words, _ = await socket.closing()
    assert words[-1]["type"] == "Superseded" and words[-1]["reason"]


HUGE = {
    "session": {"units": [{"unit": "web/1", "instance": "i", "session": 10**300}]},
    "session below zero": {"units": [{"unit": "web/1", "instance": "i", "session": -1}]},
    "revision": {
        "units": [{"unit": "web/1", "instance": "i", "session": 1, "seen_revision": -(10**99)}]
    },
    "process": {"units": [{"unit": "web/1", "instance": "i", "session": 1}], "pid": 2**70},
    "name": {"units": [{"unit": "x" * 200_000, "instance": "i", "session": 1}]},
    "names": {"units": [{"unit": f"no/{n}", "instance": "i", "session": 1} for n in range(5000)]},
    "the same name": {"units": [{"unit": "web/1", "instance": "i", "session": 1}] * 5000},
    "instance": {"units": [{"unit": "web/1", "instance": "i" * 200_000, "session": 1}]},
}


@pytest.mark.parametrize("name", HUGE)
async def test_absurd_numbers_and_names_in_a_hello_are_answered(
    served: Served, leader: Leader, name: str
) -> None:
    """L9, O3"""
    socket = await served.dial()
    await socket.say({"type": "Hello", "version": 1, **HUGE[name]})
    words = await socket.hear()
    assert words[0]["type"] == "Welcome"
    assert await leader.renews() < PATIENT
    assert (await served.ask("GET", "/v1/status"))[0] == 200
    await socket.socket.close()
    again = await served.dial()
    sessions = served.controller.model.sessions
    await until(lambda: set(sessions) == {"web/0"}, "no ghost is left", PATIENCE)
    assert (await again.hello("web/1", instance="two")).get("refused") is None


@pytest.mark.parametrize("term", [-1, 2**53 - 1, 2**53, 2**63, 2**64, 10**300])
async def test_a_unit_that_reports_an_absurd_term_takes_leadership_from_nobody(
    served: Served, healthy: Socket, term: int
) -> None:
    """G8, G11: also not from itself: whatever it claims, some later claim is granted and renewed"""
    await healthy.say({"type": "Claims", "id": 1, "claims": [{"unit": "web/0", "seen_term": term}]})
    await healthy.hear()
    await healthy.say({"type": "Claims", "id": 2, "claims": [{"unit": "web/0"}]})
    [granted] = (await healthy.hear())[0]["verdicts"]
    assert granted["type"] == "Granted"
    for number in (3, 4):
        claim = {"unit": "web/0", "term": granted["term"], "seen_term": granted["term"]}
        await healthy.say({"type": "Claims", "id": number, "claims": [claim]})
        [again] = (await healthy.hear())[0]["verdicts"]
        assert (again["type"], again.get("term")) == ("Granted", granted["term"]), again


# --- too much


async def flood(served: Served, content: str) -> Socket:
    """One accepted conversation that says this, whatever it is."""
    socket = await served.dial()
    assert (await socket.hello("web/1")).get("refused") is None
    await socket.socket.send_str(content)
    return socket


def many(message: str, size: int) -> str:
    """A frame of about so many bytes full of this message."""
    return "[" + ",".join([message] * (size // (len(message) + 1) - 1)) + "]"


CLAIMS = '{"type":"Claims","id":1,"claims":' + many('{"unit":"web/1"}', MAX_FRAME - 99) + "}"
# because each of them is answered, those with an id are shorter: they take as long
FLOODS = {
    "claims in one message": f"[{CLAIMS}]",
    "messages of one claim": many(
        '{"type":"Claims","id":1,"claims":[{"unit":"web/1"}]}', MAX_FRAME
    ),
    "reports": many('{"type":"Report","unit":"web/1"}', MAX_FRAME),
    "writes": many(
        '{"type":"WriteSettings","id":1,"unit":"web/1","term":1,"changes":{}}', MAX_FRAME // 4
    ),
    "goodbyes": many('{"type":"Gone","id":1,"unit":"web/1"}', MAX_FRAME // 4),
}


@pytest.mark.parametrize("name", FLOODS)
async def test_the_largest_frames_of_one_agent_hold_up_no_other(
    served: Served, leader: Leader, name: str
) -> None:
    """L8, L1: a loop that stands still for a second stops everybody's renewals"""
    socket = await flood(served, FLOODS[name])
    took = await leader.renews()
    await socket.socket.close()
    assert took < PATIENT, f"the leader waited {took:.1f} s for its answer"


async def test_answers_that_nobody_could_take_are_not_made(served: Served, leader: Leader) -> None:
    """B6: a question of 50 bytes has an answer of a whole bucket"""
    await leader.writes(k="v" * 500_000)
    message = '{"type":"ReadSettings","id":1,"unit":"web/1"}'
    with held_below(40 * MIB):
        socket = await flood(served, many(message, 200 * len(message)))
        took = await leader.renews()
        await socket.socket.close()
    assert took < PATIENT, f"the leader waited {took:.1f} s for its answer"


async def test_who_never_reads_what_is_pushed_is_cut_off_and_held_in_little_memory(
    served: Served, leader: Leader
) -> None:
    """B5"""
    deaf = Plain(served)
    await deaf.send(UPGRADE)
    await deaf.until(b"\r\n\r\n")
    await deaf.send(hello("web/1"))
    sessions = served.controller.model.sessions
    await until(lambda: "web/1" in sessions, "it is connected", PATIENCE)
    with held_below(40 * MIB):
        for number in range(400):
            await leader.writes(**{f"{number}-" + "k" * 4000: str(number)})
            await leader.writes(**{f"{number}-" + "k" * 4000: ""})
            if "web/1" not in sessions:
                break
        assert "web/1" not in sessions
    deaf.socket.close()


async def test_a_stream_of_events_that_nobody_reads_takes_no_memory(
    served: Served, leader: Leader
) -> None:
    """O4"""
    deaf = Plain(served)
    await deaf.send(b"GET /v1/events HTTP/1.1\r\nHost: c\r\n\r\n")
    await deaf.until(b"\r\n\r\n")
    socket = await served.dial()
    await socket.hello("web/1")
    with held_below(70 * MIB):
        for number in range(20):
            text = str(number) + "x" * (7 * MIB)
            await socket.say({"type": "Report", "unit": "web/1", "message": text})
            await socket.read("web/1")
    await socket.socket.close()
    deaf.socket.close()


async def test_ten_thousand_pings_that_nobody_hears_answered_take_no_memory(
    served: Served, leader: Leader
) -> None:
    """L9"""
    deaf = Plain(served)
    await deaf.send(UPGRADE)
    await deaf.until(b"\r\n\r\n")
    await deaf.send(hello("web/1"))
    pings = frame(9, b"x" * 125) * 1000
    with held_below(16 * MIB):
        for _ in range(100):
            try:
                async with asyncio.timeout(0.2):
                    await asyncio.get_running_loop().sock_sendall(deaf.socket, pings)
            except (TimeoutError, ConnectionError):
                break
    assert await leader.renews() < PATIENT
    deaf.socket.close()
