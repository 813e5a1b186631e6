"""A conversation that goes on with nobody at its far end: what is said is kept."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tenure.errors import Unreachable
from tenure.leadership.connection import Connection
from tenure.wire.channel import Channel
from tenure.wire.messages import FromAgent, FromController, Hello, Welcome


class Asked(Connection):
    """See the module. It is not to be run."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__(nobody, Listener(), random.Random(1), now)
        self.ready = True
        self.said: list[FromAgent] = []

    def say(self, message: FromAgent) -> bool:
        if self.ready:
            self.said.append(message)
        return self.ready

    def tell(self, answer: FromController) -> None:
        """What was asked last is answered."""
        self._pending[self._ids].set_result(answer)


async def nobody() -> Channel:
    raise Unreachable("nobody answers")


class Listener:
    """Hears nothing."""

    def hello(self) -> Hello:
        return Hello(version=1, units=())

    def welcomed(self, welcome: Welcome) -> None: ...

    def disconnected(self, cause: str) -> None: ...
    def answered(self, verdicts: Any) -> None: ...
    def pushed(self, push: Any) -> None: ...
