"""Any sequence of messages, well-formed or nearly, from an agent that has no right to them.

Beside it web/0 leads. Whatever the other says - before its Hello, after it, about units that are
not its own, with numbers that cannot be - web/0's lease goes on under its term, its bucket is what
it wrote, and what the store holds of its application is what it held.
"""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tenure.controller.service import Service
from tenure.errors import ProtocolError
from tenure.wire.codec import decode_from_agent, decode_from_controller, encode
from tests.support.bench import LoopBench
from tests.support.talk import Talk, service_with

steady = partial(settings, deadline=None, derandomize=True, database=None)

NUMBERS = st.sampled_from([0, 1, 2, -1, 2**31, 2**53 - 1, 2**53, 2**63, 2**64, 10**60])
ODD = st.sampled_from([None, True, 1.5, "1", [], {}, [[]]])
UNITS = st.sampled_from(
    ["web/1", "web/1", "web/2", "db/0", "db/1", "web/0", "no/0", "web", "/", "", "web/01", "a/b/c",
     "x" * 5000, "\0", "é/1", "web/" + "9" * 40]
)  # fmt: skip
TEXTS = st.sampled_from(["", "one", "two", "install", "a\nb", "\x1b[2J", "z" * 5000, "é"])


def struct(tag: str | None, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A message of this kind, at times with a field missing or of a wrong type."""
    whole = st.fixed_dictionaries(fields)
    spoiled = st.builds(
        lambda message, name, value: {**message, name: value},
        whole, st.sampled_from(sorted(fields)), ODD,
    )  # fmt: skip
    kind = {} if tag is None else {"type": tag}
    mostly = st.integers(0, 9).flatmap(lambda n: spoiled if n == 0 else whole)
    return mostly.map(lambda message: {**kind, **message})


UNIT_HELLO = struct(
    None, unit=UNITS, instance=TEXTS.map("i".__add__), session=NUMBERS, seen_revision=NUMBERS
)
CLAIM = struct(None, unit=UNITS, term=NUMBERS | st.none(), seen_term=NUMBERS)
MESSAGE = st.one_of(
    struct("Hello", version=st.just(1), units=st.lists(UNIT_HELLO, max_size=3), pid=NUMBERS),
    struct("Claims", id=NUMBERS, claims=st.lists(CLAIM, max_size=3)),
    struct("Release", id=NUMBERS, unit=UNITS, term=NUMBERS),
    struct("WriteSettings", id=NUMBERS, unit=UNITS, term=NUMBERS,
           changes=st.dictionaries(TEXTS, TEXTS, max_size=3)),
    struct("ReadSettings", id=NUMBERS, unit=UNITS),
    struct("Gone", id=NUMBERS, unit=UNITS),
    struct("Report", unit=UNITS, running=TEXTS, retry_in=NUMBERS, current=TEXTS,
           eligible=st.booleans(), owed=TEXTS, since=NUMBERS, heard=NUMBERS),
    struct("SetStatus", id=NUMBERS, unit=UNITS, term=NUMBERS, current=TEXTS, message=TEXTS),
    struct("ReadStatus", id=NUMBERS, unit=UNITS, term=NUMBERS),
    struct("Revoked", unit=UNITS, term=NUMBERS),
)  # fmt: skip
GOOD_HELLO = st.builds(
    lambda units, session: {
        "type": "Hello", "version": 1,
        "units": [{"unit": unit, "instance": "i", "session": session} for unit in units],
    },
    st.lists(st.sampled_from(["web/1", "web/2", "db/0", "db/1"]), min_size=1, max_size=3),
    st.integers(1, 5),
)  # fmt: skip
FRAMES = st.lists(st.lists(MESSAGE, max_size=4), max_size=8)


class Beside:
    """A service, the healthy leader of web at it, and whoever comes."""

    def __init__(self, bench: LoopBench, service: Service) -> None:
        self.bench = bench
        self.service = service
        self.leader = Talk(service)

    @classmethod
    async def begin(cls) -> Beside:
        beside = cls(*await service_with("web", "db", units=3))
        beside.leader.hello("web/0")
        await beside.bench.turn()
        beside.leader.claim(("web/0", None))
        await beside.bench.turn()
        beside.term = beside.leader.verdicts()[-1].term
        beside.before = beside.kept()
        return beside

    def kept(self) -> tuple[Any, ...]:
        """What the store holds of web."""
        persisted = self.bench.disk.persisted()
        units = {unit for unit in persisted.units if unit.startswith("web/")}
        return persisted.applications["web"], units, persisted.buckets.get("web")

    async def hear(self, talk: Talk, frame: str) -> None:
        """What the listener does with a frame; the turns that follow."""
        try:
            talk.conversation.hear(decode_from_agent(frame))
        except ProtocolError as fault:
            talk.conversation.end(str(fault))
        await self.bench.turn(0.5)
        for said in talk.frames:
            decode_from_controller(encode(said))
        talk.frames.clear()

    async def check(self) -> None:
        self.leader.frames.clear()
        self.leader.claim(("web/0", self.term))
        await self.bench.turn()
        [verdict] = self.leader.verdicts()
        assert verdict.term == self.term, verdict
        assert not self.leader.ended
        assert self.kept() == self.before
        assert not self.bench.controller.model.find("web").bucket.settings


@steady(max_examples=250)
@given(st.lists(st.tuples(st.none() | GOOD_HELLO, FRAMES), min_size=1, max_size=3))
def test_whatever_an_agent_says_the_leader_of_another_unit_stays(
    conversations: list[tuple[dict[str, Any] | None, list[list[dict[str, Any]]]]],
) -> None:
    """G1, G6, L2, L9: and every answer that is made can be sent and read"""
    asyncio.run(_converse(conversations))


async def _converse(conversations: list[Any]) -> None:
    beside = await Beside.begin()
    talks = []
    for hello, frames in conversations:
        talk = Talk(beside.service)
        talks.append(talk)
        for messages in [[hello], *frames] if hello else frames:
            if not talk.ended:
                await beside.hear(talk, json.dumps(messages))
        await beside.check()
    for talk in talks:
        talk.hang_up()
    await beside.check()
    assert set(beside.bench.controller.model.sessions) == {"web/0"}


@steady(max_examples=300)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_frame_at_all_makes_the_codec_stumble(frame: bytes) -> None:
    """L9"""
    whole = b'[{"type":"Report","unit":"web/1","message":"' + frame + b'"}]'
    for each in (frame, whole, whole[: len(frame)], b"[" * 5000 + frame):
        try:
            messages = decode_from_agent(each)
        except ProtocolError as fault:
            assert "\n" not in str(fault)
        else:
            encode(messages)
