"""What a unit asks for its own sake, and what becomes of a fault: `leadership/requests.py`."""

from __future__ import annotations

import asyncio

from tenure.leadership.requests import Requests
from tenure.testing.time.waiting import in_virtual_time, settle, until
from tenure.wire.messages import Done, Failed, Gone

from .asked import Asked

NO = Failed(id=1, code="refused", message="it holds nothing")


class Desk:
    """Requests, and what follows from each."""

    def __init__(self) -> None:
        self.connection = Asked(asyncio.get_running_loop().time)
        self.heard: list[str] = []
        self.requests = Requests(
            self.connection, self.heard.append, lambda: self.heard.append("woken")
        )

    def ask(self) -> bool:
        return self.requests.ask(
            lambda number: Gone(id=number, unit="web/0"),
            lambda: self.heard.append("then"),
            over=lambda: self.heard.append("over"),
        )

    async def told(self, answer: Done | Failed) -> list[str]:
        """What follows from one request that is answered so."""
        self.heard.clear()
        assert self.ask() and self.requests.busy
        await settle()
        self.connection.tell(answer)
        await settle()
        assert not self.requests.busy
        return list(self.heard)


@in_virtual_time
async def test_a_request_is_said_at_once_and_what_follows_waits_for_its_answer() -> None:
    """L5"""
    desk = Desk()
    assert not desk.requests.busy
    assert desk.ask() and desk.requests.busy
    assert desk.connection.said == [Gone(id=1, unit="web/0")]
    await settle()
    assert desk.heard == []
    desk.connection.tell(Done(id=1))
    await settle()
    assert desk.heard == ["then", "over", "woken"] and not desk.requests.busy


@in_virtual_time
async def test_a_fault_is_complained_of_once_until_something_else_is_heard() -> None:
    """G7"""
    desk = Desk()
    fault = "the controller was not told: it holds nothing"
    assert await desk.told(NO) == [fault, "over", "woken"]
    assert await desk.told(NO) == ["over", "woken"]
    assert await desk.told(Failed(id=1, code="refused", message="no")) == [
        "the controller was not told: no", "over", "woken",
    ]  # fmt: skip
    assert await desk.told(NO) == [fault, "over", "woken"]
    assert await desk.told(Done(id=1)) == ["then", "over", "woken"]
    assert await desk.told(NO) == [fault, "over", "woken"]


@in_virtual_time
async def test_what_is_not_answered_in_five_seconds_is_given_up() -> None:
    """G7"""
    desk = Desk()
    assert desk.ask()
    await asyncio.sleep(4.99)
    assert desk.heard == []
    await until(lambda: not desk.requests.busy, "it is given up", within=0.1)
    assert desk.heard == [
        "the controller was not told: no answer from the controller within 5 s", "over", "woken",
    ]  # fmt: skip


@in_virtual_time
async def test_what_could_not_be_asked_is_known_at_once() -> None:
    """G7"""
    desk = Desk()
    desk.connection.ready = False
    assert not desk.ask() and not desk.requests.busy
    assert desk.heard == ["the controller was not told: not connected yet"]


@in_virtual_time
async def test_a_request_after_which_nothing_is_done_is_fine() -> None:
    """L5"""
    desk = Desk()
    assert desk.requests.ask(lambda number: Gone(id=number, unit="web/0"))
    desk.connection.tell(Done(id=1))
    await settle()
    assert desk.heard == ["woken"]
