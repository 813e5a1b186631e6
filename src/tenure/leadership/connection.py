"""The agent's one connection to the controller: Hello, requests, claims, pushes, and coming back.

An answer is matched by id and belongs to the connection its request was sent on: when that is gone,
so are all its answers (L2). Reconnecting is jittered, so that a restarted controller is not
stampeded. What the messages mean is for the units; this file only carries them.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from tenure.errors import ProtocolError, TenureError, Unreachable, Unsure, from_code
from tenure.wire.channel import Channel, Dial
from tenure.wire.codec import decode_from_controller, encode, frames
from tenure.wire.messages import (
    Bag,
    Claim,
    Claims,
    Done,
    Failed,
    FromAgent,
    FromController,
    Goal,
    Hello,
    Settings,
    Statuses,
    Superseded,
    Verdicts,
    Welcome,
)

Answer = Done | Settings | Bag | Goal | Statuses

WELCOME_WITHIN = 5.0
FIRST_RETRY = 0.02
LAST_RETRY = 2.0


class ConnectionListener(Protocol):
    """Who hears what the controller says."""

    def hello(self) -> Hello:
        """What to begin the next conversation with."""
        ...

    def welcomed(self, welcome: Welcome) -> None: ...

    def disconnected(self, cause: str) -> None:
        """The connection is gone: no claim under way will be answered."""
        ...

    def answered(self, verdicts: Verdicts) -> None: ...

    def pushed(self, push: Any) -> None: ...


class PendingAnswer(NamedTuple):
    """A request that was sent, and where its answer comes."""

    number: int
    answer: asyncio.Future[FromController]


class Connection:
    """Keeps one conversation going. `cause` says why there is none at the moment."""

    def __init__(self, dial: Dial, listener: ConnectionListener, rng: random.Random) -> None:
        self._dial = dial
        self._listener = listener
        self._rng = rng
        self._channel: Channel | None = None
        self._ids = 0
        self._pending: dict[int, asyncio.Future[FromController]] = {}
        self._out: list[FromAgent] = []
        self._has_out = asyncio.Event()
        self.ready = False
        self.cause = "not connected yet"

    async def run(self) -> None:
        """Connect, talk, come back; until cancelled."""
        delay = FIRST_RETRY
        while True:
            try:
                self._channel = await self._dial()
                delay = await self._talk(self._channel, delay)
            except TenureError as fault:
                self.cause = str(fault)
            finally:
                await self._hang_up()
            await asyncio.sleep(delay * self._rng.uniform(0.5, 1.0))
            delay = min(delay * 2, LAST_RETRY)

    async def _hang_up(self) -> None:
        channel, self._channel = self._channel, None
        self.ready = False
        self._out.clear()
        pending, self._pending = self._pending, {}
        for future in pending.values():
            if not future.done():
                future.set_exception(Unsure("the connection to the controller was lost"))
                future.exception()  # because nobody may be waiting any more, and that is no fault
        if channel is not None:
            self._listener.disconnected(self.cause)
            await channel.close()

    async def _talk(self, channel: Channel, delay: float) -> float:
        self.cause = "the controller closed the connection"
        await channel.send(encode([self._listener.hello()]))
        try:
            async with asyncio.timeout(WELCOME_WITHIN):
                frame = await channel.receive()
        except TimeoutError:
            raise Unreachable(f"no welcome within {WELCOME_WITHIN:g} s") from None
        if frame is None:
            return delay
        self._welcome(decode_from_controller(frame))
        writer = asyncio.create_task(self._write(channel))
        try:
            while (frame := await channel.receive()) is not None:
                for message in decode_from_controller(frame):
                    self._hear(message)
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return FIRST_RETRY

    def _welcome(self, messages: list[FromController]) -> None:
        for message in messages:
            if isinstance(message, Welcome):
                self.ready = True
                self._listener.welcomed(message)
            elif self.ready:
                self._hear(message)
            else:
                reason = getattr(message, "reason", "no welcome")
                raise ProtocolError(f"the controller refused the conversation: {reason}")

    def _hear(self, message: FromController) -> None:
        if isinstance(message, Verdicts):
            self._listener.answered(message)
        elif isinstance(message, Answer | Failed):
            future = self._pending.pop(message.id, None)
            if future is not None and not future.done():
                future.set_result(message)
        elif isinstance(message, Superseded):
            self.cause = message.reason
        elif not isinstance(message, Welcome):
            self._listener.pushed(message)

    # -- out

    async def _write(self, channel: Channel) -> None:
        while True:
            await self._has_out.wait()
            self._has_out.clear()
            out, self._out = self._out, []
            for frame in frames(out) if out else ():
                await channel.send(frame)

    def say(self, message: FromAgent) -> bool:
        """Send with the next frame; False if there is no conversation."""
        if not self.ready:
            return False
        self._out.append(message)
        self._has_out.set()
        return True

    def claim(self, claims: tuple[Claim, ...]) -> int | None:
        """Send claims as one message; its id, or None if there is no conversation."""
        self._ids += 1
        return self._ids if self.say(Claims(id=self._ids, claims=claims)) else None

    async def request(self, build: Callable[[int], FromAgent], within: float) -> Answer:
        """Ask and wait. Raises Unreachable: not asked. Unsure: no answer came. Else what the
        controller said it was (errors.py)."""
        return await self.answer(self.ask(build), within)

    def ask(self, build: Callable[[int], FromAgent]) -> PendingAnswer:
        """Ask, before anything that is said later. Raises Unreachable."""
        self._ids += 1
        if not self.say(build(self._ids)):
            raise Unreachable(self.cause)
        self._pending[self._ids] = asyncio.get_running_loop().create_future()
        return PendingAnswer(self._ids, self._pending[self._ids])

    async def answer(self, asked: PendingAnswer, within: float) -> Answer:
        """Wait for the answer to what was asked. Raises like `request`."""
        try:
            async with asyncio.timeout(within):
                answer = await asked.answer
        except TimeoutError:
            raise Unsure(f"no answer from the controller within {within:g} s") from None
        finally:
            self._pending.pop(asked.number, None)
        if isinstance(answer, Failed):
            raise from_code(answer.code, answer.message)
        assert isinstance(answer, Answer)
        return answer

    async def drop(self, cause: str) -> None:
        """Give this conversation up and begin another: an answer is overdue."""
        self.cause = cause
        if self._channel is not None:
            await self._channel.close()
