"""Frames with much in them: heard in parts, and made no larger than can be taken (F)."""

from __future__ import annotations

from tenure.wire.codec import MAX_FRAME, decode_from_controller, encode, frames
from tenure.wire.messages import Done, Settings
from tests.controller.conftest import Served, Socket


async def test_many_messages_in_one_frame_are_heard_in_their_order(
    served: Served, healthy: Socket
) -> None:
    """F: in parts, so that others have their turns between them"""
    socket = await served.dial()
    await socket.hello("web/1")
    await socket.say(*({"type": "ReadSettings", "id": n, "unit": "web/1"} for n in range(3000)))
    answers: list[int] = []
    while len(answers) < 3000:
        answers += [message["id"] for message in await socket.hear()]
    assert answers == list(range(3000))
    read = {"type": "ReadSettings", "id": 1, "unit": "web/1"}
    await socket.say(*[read] * 600, {"type": "Hello", "version": 1, "units": []}, *[read] * 600)
    said, _ = await socket.closing()
    types = [message["type"] for message in said]
    assert types[-1] == "Superseded" and types.count("Settings") == len(types) - 1 <= 600


async def test_a_message_claims_at_most_once_for_each_unit(served: Served) -> None:
    """L2"""
    socket = await served.dial()
    await socket.hello("web/1")
    await socket.say({"type": "Claims", "id": 1, "claims": [{"unit": "web/1"}] * 2})
    [said], _ = await socket.closing()
    assert said["reason"] == "a message of claims carries one for each unit at most"


def test_what_is_said_at_once_travels_in_frames_that_can_be_taken() -> None:
    """F, T4"""
    bucket = {"key": "é" * 500_000}
    messages = [Settings(id=number, revision=1, settings=bucket) for number in range(20)]
    made = list(frames([*messages, Done(id=20)]))
    assert len(made) == 3 and max(map(len, made)) <= MAX_FRAME
    assert [m.id for frame in made for m in decode_from_controller(frame)] == list(range(21))
    assert list(frames([Done(id=1), Done(id=2)])) == [encode([Done(id=1), Done(id=2)])]
    assert list(frames([])) == [b"[]"]
