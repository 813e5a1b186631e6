"""The controller's stream of events, for as long as `up` runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec

from tenure.errors import Unreachable
from tenure.wire.operators import Event

RETRY = 0.2
"""Seconds between two attempts to reach the controller."""

_decode = msgspec.json.Decoder(Event).decode


async def events(socket: Path) -> AsyncIterator[Event | None]:
    """What happens from now on, until the controller ends the stream.

    The first item is None and says that the stream is open: nothing after it is missed.

    Raises Unreachable if there is no stream to be had, or it breaks.
    """
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
    connector = aiohttp.UnixConnector(path=str(socket))
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.get("http://localhost/v1/events") as answer,
        ):
            answer.raise_for_status()
            yield None
            async for line in answer.content:
                if line.strip():
                    yield _decode(line)
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError, msgspec.DecodeError) as fault:
        raise Unreachable(f"no events from {socket}: {fault}") from fault
