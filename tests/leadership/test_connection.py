"""The agent's connection: answers by id, coming back, and what may be concluded from silence."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tenure.errors import NotLeader, TenureError, Unreachable, Unsure
from tenure.leadership.connection import WELCOME_WITHIN, Connection
from tenure.testing.time.waiting import in_virtual_time, settle
from tenure.wire.channel import Channel
from tenure.wire.codec import MAX_FRAME, decode_from_agent, encode
from tenure.wire.messages import (
    PROTOCOL_VERSION,
    Claim,
    Claims,
    Done,
    Failed,
    FromAgent,
    FromController,
    Granted,
    Hello,
    Offer,
    ReadSettings,
    Settings,
    Superseded,
    UnitHello,
    Verdicts,
    Welcome,
    WriteSettings,
)

WELCOME = Welcome(version=PROTOCOL_VERSION, units=())


class Peer:
    """A controller played by the test: the far end of each connection that was dialled."""

    def __init__(self) -> None:
        self.channels: list[PeerChannel] = []
        self.refusing: str | None = None
        self.silent = False

    async def dial(self) -> Channel:
        if self.refusing is not None:
            raise Unreachable(self.refusing)
        channel = PeerChannel(self)
        self.channels.append(channel)
        return channel

    @property
    def last(self) -> PeerChannel:
        return self.channels[-1]


class PeerChannel:
    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.said: list[FromAgent] = []
        self.sizes: list[int] = []
        self.doubts = 0
        self.closed = False

    async def send(self, frame: bytes) -> None:
        if self.closed:
            raise Unreachable("the connection to the controller is gone")
        self.sizes.append(len(frame))
        if not frame:
            self.doubts += 1
            return
        said = decode_from_agent(frame)
        self.said += said
        if said and isinstance(said[-1], Hello) and not self._peer.silent:
            self.tell(WELCOME)

    async def receive(self) -> bytes | None:
        return await self._inbox.get()

    async def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._inbox.put_nowait(None)

    def tell(self, *messages: FromController) -> None:
        self._inbox.put_nowait(encode(messages))

    def tell_bytes(self, frame: bytes) -> None:
        self._inbox.put_nowait(frame)


class Ears:
    """Listens, and writes down what it heard."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def hello(self) -> Hello:
        return Hello(
            version=PROTOCOL_VERSION, units=(UnitHello(unit="web/0", instance="one", session=1),)
        )

    def welcomed(self, welcome: Welcome) -> None:
        self.heard.append(welcome)

    def disconnected(self, cause: str) -> None:
        self.heard.append(("lost", cause))

    def answered(self, verdicts: Verdicts) -> None:
        self.heard.append(verdicts)

    def pushed(self, push: Any) -> None:
        self.heard.append(push)

    @property
    def losses(self) -> list[str]:
        return [heard[1] for heard in self.heard if isinstance(heard, tuple)]


async def begun() -> tuple[Peer, Ears, Connection]:
    """A connection that keeps itself going."""
    peer, ears = Peer(), Ears()
    connection = Connection(peer.dial, ears, random.Random(3), asyncio.get_running_loop().time)
    connection.__dict__["running"] = asyncio.ensure_future(connection.run())
    await settle()
    return peer, ears, connection


def reading(number: int) -> FromAgent:
    return ReadSettings(id=number, unit="web/0")


def asking(connection: Connection, within: float = 5.0) -> asyncio.Task[Any]:
    """A request; its result is the answer or the error."""

    async def ask() -> Any:
        try:
            return await connection.request(reading, within)
        except TenureError as fault:
            return fault

    return asyncio.ensure_future(ask())


@in_virtual_time
async def test_a_conversation_begins_with_hello_and_welcome() -> None:
    """L9"""
    peer, ears, connection = await begun()
    assert isinstance(peer.last.said[0], Hello)
    assert connection.ready and ears.heard == [WELCOME]


@in_virtual_time
async def test_each_answer_goes_to_the_request_with_its_id() -> None:
    """G7"""
    peer, _, connection = await begun()
    first, second = asking(connection), asking(connection)
    await settle()
    ids = [said.id for said in peer.last.said if isinstance(said, ReadSettings)]
    assert ids == [1, 2]
    for number in reversed(ids):
        peer.last.tell(Settings(id=number, revision=number, settings={}))
    answers = [await first, await second]
    assert [answer.revision for answer in answers] == ids


@in_virtual_time
async def test_requests_of_one_moment_travel_in_one_frame() -> None:
    """L1"""
    peer, _, connection = await begun()
    frames = 0
    send = peer.last.send

    async def counting(frame: bytes) -> None:
        nonlocal frames
        frames += 1
        await send(frame)

    peer.last.__dict__["send"] = counting
    tasks = [asking(connection) for _ in range(10)]
    await asyncio.sleep(0)
    assert connection.claim((Claim(unit="web/0"),)) == 11
    assert connection.claim((Claim(unit="web/0"),)) == 12
    await settle()
    assert frames == 1
    for task in tasks:
        task.cancel()


@in_virtual_time
async def test_a_refusal_is_raised_as_what_the_controller_said_it_was() -> None:
    """G7, T6"""
    peer, _, connection = await begun()
    task = asking(connection)
    await settle()
    number = connection._ids
    peer.last.tell(Failed(id=number, code="not-leader", message="you are not"))
    answer = await task
    assert isinstance(answer, NotLeader) and str(answer) == "you are not"


@in_virtual_time
async def test_without_a_conversation_nothing_was_asked() -> None:
    """G7, T7: unreachable, for the reason that is known"""
    peer, _, connection = await begun()
    peer.refusing = "no controller answers at /run/c: connection refused"
    await peer.last.close()
    await asyncio.sleep(1.0)
    answer = await asking(connection)
    assert isinstance(answer, Unreachable) and str(answer) == peer.refusing
    assert not connection.say(reading(1)) and connection.claim(()) is None


@in_virtual_time
async def test_a_connection_lost_while_waiting_leaves_the_outcome_unknown() -> None:
    """G7"""
    peer, _, connection = await begun()
    task = asking(connection)
    await settle()
    await peer.last.close()
    answer = await task
    assert isinstance(answer, Unsure)
    assert str(answer) == "the connection to the controller was lost"


@in_virtual_time
async def test_no_answer_in_time_leaves_the_outcome_unknown() -> None:
    """G7, U2"""
    peer, _, connection = await begun()
    loop = asyncio.get_running_loop()
    asked_at = loop.time()
    answer = await asking(connection, within=5.0)
    assert isinstance(answer, Unsure)
    assert str(answer) == "no answer from the controller within 5 s"
    assert connection._pending == {}
    assert loop.time() - asked_at == pytest.approx(5.0)
    peer.last.tell(Done(id=connection._ids))
    await settle()
    assert connection.ready, "a late answer is nobody's, and harmless"


@in_virtual_time
async def test_an_answer_of_an_earlier_connection_never_arrives() -> None:
    """L2"""
    peer, ears, connection = await begun()
    number = connection.claim((Claim(unit="web/0"),))
    await settle()
    assert isinstance(peer.last.said[-1], Claims)
    old = peer.last
    await old.close()
    await asyncio.sleep(1.0)
    assert number is not None and len(peer.channels) == 2
    old.tell(
        Verdicts(id=number, verdicts=(Granted(unit="web/0", term=1, duration=60, guarantee=30),))
    )
    await settle()
    assert not any(isinstance(heard, Verdicts) for heard in ears.heard)


@in_virtual_time
async def test_what_was_not_sent_before_the_end_is_not_sent_later() -> None:
    """G7, L2: a write must not arrive twice, nor after its caller was told it is unknown"""
    peer, _, connection = await begun()
    await peer.last.close()  # its end is seen before the frame is written
    connection.say(WriteSettings(id=9, unit="web/0", term=1, changes={"k": "v"}))
    await asyncio.sleep(1.0)
    assert len(peer.channels) == 2
    assert [type(said) for said in peer.last.said] == [Hello]


@in_virtual_time
async def test_what_has_piled_up_is_sent_in_frames_that_the_controller_takes() -> None:
    """B6, G7: large writes that waited together must not end the conversation"""
    peer, _, connection = await begun()
    for number in range(12):
        connection.say(
            WriteSettings(id=number, unit="web/0", term=1, changes={"k": "v" * 1_000_000})
        )
    await settle()
    assert [said.id for said in peer.last.said if isinstance(said, WriteSettings)] == [*range(12)]
    assert max(peer.last.sizes) <= MAX_FRAME


@in_virtual_time
async def test_pushes_and_verdicts_reach_the_listener() -> None:
    """L4, L2"""
    peer, ears, _ = await begun()
    verdicts = Verdicts(id=1, verdicts=())
    peer.last.tell(Offer(unit="web/0"), verdicts)
    await settle()
    assert ears.heard[1:] == [Offer(unit="web/0"), verdicts]


@in_virtual_time
async def test_what_comes_with_the_welcome_is_heard_after_it() -> None:
    """L9, U4"""
    peer, ears, _ = await begun()
    peer.silent = True
    await peer.last.close()
    await asyncio.sleep(0.05)
    peer.last.tell(WELCOME, Offer(unit="web/0"))
    await settle()
    assert ears.heard[-2:] == [WELCOME, Offer(unit="web/0")]


@in_virtual_time
@pytest.mark.parametrize(
    "spoil",
    [
        lambda channel: channel.tell_bytes(b"garbage"),
        lambda channel: channel.tell_bytes(b"\xff\xfe"),
        lambda channel: channel.tell_bytes(b'[{"type":"Nonsense"}]'),
        lambda channel: channel.tell_bytes(b'[{"type":"Done","id":1,"x":' + b"[" * 100_000),
    ],
)
async def test_garbage_from_the_controller_is_the_end_of_that_connection_only(
    spoil: Callable[[PeerChannel], None],
) -> None:
    """F"""
    peer, ears, connection = await begun()
    spoil(peer.last)
    await asyncio.sleep(1.0)
    assert len(peer.channels) == 2 and peer.channels[0].closed
    assert connection.ready
    assert "not a frame of a controller" in ears.losses[0]


@in_virtual_time
async def test_a_doubted_controller_is_asked_once_until_something_is_heard() -> None:
    """G11: a sign of life is all that is wanted"""
    peer, _, connection = await begun()
    for _ in range(3):
        connection.doubt()
        await settle()
    assert peer.last.doubts == 1
    await asyncio.sleep(3.0)
    peer.last.tell_bytes(b"")
    await settle()
    assert connection.heard_at == asyncio.get_running_loop().time() and connection.ready
    connection.doubt()
    await settle()
    assert peer.last.doubts == 2


@in_virtual_time
async def test_a_controller_that_does_not_welcome_is_given_up() -> None:
    """F, U2"""
    peer, ears, connection = await begun()
    peer.silent = True
    await peer.last.close()
    await asyncio.sleep(WELCOME_WITHIN + 1.0)
    assert not connection.ready
    assert ears.losses == ["the controller closed the connection", "no welcome within 15 s"]
    assert len(peer.channels) >= 3
    await peer.last.close()
    await asyncio.sleep(5.0)
    assert len(peer.channels) >= 4, "nor is one that hangs up before its welcome the end"


@in_virtual_time
async def test_a_refused_conversation_says_why() -> None:
    """L9, F"""
    peer, ears, connection = await begun()
    peer.silent = True
    await peer.last.close()
    await asyncio.sleep(0.05)
    peer.last.tell(Superseded(reason="another version"))
    await settle()
    assert ears.losses[-1] == "the controller refused the conversation: another version"
    assert connection.cause == ears.losses[-1]
    await asyncio.sleep(1.0)
    peer.last.tell(Done(id=1))
    await settle()
    assert ears.losses[-1] == "the controller refused the conversation: no welcome"


@in_virtual_time
async def test_the_reason_of_an_ended_conversation_is_kept() -> None:
    """T7"""
    peer, ears, _ = await begun()
    peer.last.tell(Superseded(reason="a newer session of web/0 took over"))
    await settle()
    await peer.last.close()
    await settle()
    assert ears.losses == ["a newer session of web/0 took over"]


@in_virtual_time
async def test_it_comes_back_ever_slower_and_at_once_after_a_good_conversation() -> None:
    """G9: with jitter, so that nobody is stampeded"""
    peer, ears = Peer(), Ears()
    at: list[float] = []
    loop = asyncio.get_running_loop()

    async def dial() -> Channel:
        at.append(loop.time())
        return await peer.dial()

    peer.refusing = "nobody"
    connection = Connection(dial, ears, random.Random(3), asyncio.get_running_loop().time)
    assert (connection.cause, connection.ready) == ("not connected yet", False)
    assert connection.heard_at == float("-inf")
    running = asyncio.ensure_future(connection.run())
    await asyncio.sleep(60.0)
    gaps = [after - before for before, after in pairwise(at)]
    draws = random.Random(3)
    expected = [min(0.02 * 2**n, 2.0) * draws.uniform(0.5, 1.0) for n in range(len(gaps))]
    assert gaps == pytest.approx(expected, abs=0.001)
    assert len({round(gap, 3) for gap in gaps[-10:]}) > 5
    assert connection.cause == "nobody"
    peer.refusing = None
    await asyncio.sleep(2.0)
    assert connection.ready
    await peer.last.close()
    await asyncio.sleep(0.05)
    assert connection.ready and len(peer.channels) == 2
    running.cancel()
    await asyncio.wait([running])
    assert peer.last.closed and not connection.ready


@in_virtual_time
async def test_a_conversation_that_is_given_up_is_begun_anew() -> None:
    """L2"""
    peer, ears, connection = await begun()
    task = asking(connection)
    await settle()
    await connection.drop("the controller did not answer a claim in time")
    assert isinstance(await task, Unsure)
    await asyncio.sleep(0.1)
    assert connection.ready and len(peer.channels) == 2
    assert ears.losses == ["the controller did not answer a claim in time"]


@in_virtual_time
async def test_a_sign_of_life_is_what_there_is_to_say_or_else_an_empty_frame() -> None:
    """G11: who is well can be heard"""
    peer, _, connection = await begun()
    sizes = peer.last.sizes
    sizes.clear()
    connection.sign()
    await settle()
    assert sizes == [len(b"[]")]
    connection.claim((Claim(unit="web/0"),))
    connection.sign()
    await settle()
    assert len(sizes) == 2 and isinstance(peer.last.said[-1], Claims)
