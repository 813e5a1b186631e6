"""One agent's side of a conversation with the controller, without a transport."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from tenure.controller.access import AGENT, OPERATOR
from tenure.controller.api import Api
from tenure.controller.conversation import Conversation
from tenure.controller.service import Service
from tenure.testing.time.waiting import settle
from tenure.wire.messages import (
    PROTOCOL_VERSION,
    Claim,
    Claims,
    FromAgent,
    FromController,
    Hello,
    UnitHello,
    Verdicts,
    Welcome,
)
from tests.support.bench import LoopBench


class Talk:
    """One agent's side of a conversation, without a transport."""

    def __init__(self, service: Service) -> None:
        self.frames: list[list[FromController]] = []
        self.ended = False
        self.frozen = False
        """Its process is stopped: the connection is there, and nothing comes."""
        self.conversation = Conversation(service, AGENT, self.frames.append, self._close)
        self._ids = 0

    def _close(self) -> None:
        self.ended = True

    @property
    def heard(self) -> list[FromController]:
        return [message for frame in self.frames for message in frame]

    def of(self, kind: type[Any]) -> list[Any]:
        return [message for message in self.heard if isinstance(message, kind)]

    def say(self, *messages: FromAgent) -> None:
        self.conversation.hear(messages)

    def sign(self) -> None:
        """Nothing but a sign of life, as an agent that is well gives it."""
        if not self.frozen:
            self.say()

    def hello(self, *units: str, instance: str = "one", session: int = 1, seen: int = 0) -> None:
        self.say(
            Hello(
                version=PROTOCOL_VERSION,
                units=tuple(
                    UnitHello(unit=u, instance=instance, session=session, seen_revision=seen)
                    for u in units
                ),
            )
        )

    def claim(self, *claims: tuple[str, int | None]) -> None:
        self._ids += 1
        self.say(
            Claims(id=self._ids, claims=tuple(Claim(unit=unit, term=term) for unit, term in claims))
        )

    def verdicts(self) -> list[Any]:
        return [verdict for each in self.of(Verdicts) for verdict in each.verdicts]

    def hang_up(self) -> None:
        self.conversation.closed()


async def service_with(*names: str, units: int = 2) -> tuple[LoopBench, Service]:
    """A bench whose units are not connected, and its service."""
    bench = await LoopBench.with_applications(*names, units=units, connected=False)
    return bench, bench.service


async def connected(bench: LoopBench, service: Service, *units: str, **hello: Any) -> Talk:
    talk = Talk(service)
    talk.hello(*units, **hello)
    bench.signs.append(talk.sign)
    await bench.turn()
    assert [u.refused for u in talk.of(Welcome)[-1].units] == [None] * len(units)
    return talk


async def leader(bench: LoopBench, service: Service, unit: str) -> tuple[Talk, int]:
    talk = await connected(bench, service, unit)
    talk.claim((unit, None))
    await bench.turn()
    return talk, talk.verdicts()[-1].term


async def ask(service: Service, path: str, method: str = "GET", body: Any = None) -> Any:
    """An operator asks; its answer once it is durable."""
    content = msgspec.json.encode(body or {})
    call = Api(service, "memory").call(OPERATOR, method, path, {}, content)
    asking = asyncio.ensure_future(call)
    await settle(1)
    while not asking.done():
        service.controller.turn()
        await settle()
    return await asking


async def asked(bench: LoopBench, path: str, method: str = "GET", body: Any = None) -> Any:
    """The same, with the turn that it takes."""
    task = asyncio.ensure_future(ask(bench.service, path, method, body))
    await settle()
    await bench.turn()
    return await task
