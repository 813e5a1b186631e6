"""The seam between what is said and how it travels: a connection that carries frames. Pure.

Nothing above the seam knows whether a channel is a WebSocket or the simulation's network.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol


class Channel(Protocol):
    """One connection, as the agent sees it."""

    async def send(self, frame: bytes) -> None:
        """Send a frame; an empty one asks for a sign of life. Raises Unreachable if the connection
        is gone."""
        ...

    async def receive(self) -> bytes | None:
        """The next frame; an empty one is a sign of life that was asked for. None when the
        connection is gone."""
        ...

    async def close(self) -> None:
        """Close it; nothing more is received."""
        ...


Dial = Callable[[], Awaitable[Channel]]
"""Opens a connection. Raises Unreachable, saying why."""
