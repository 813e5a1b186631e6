"""How an agent reaches the controller: a WebSocket by aiohttp. Foreign errors end here."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import aiohttp

from tenure.errors import Unreachable
from tenure.wire.channel import Channel, Dial
from tenure.wire.codec import MAX_FRAME

CONNECT_WITHIN = 5.0


class _WebSocket:
    """A Channel over one aiohttp session."""

    def __init__(
        self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse
    ) -> None:
        self._session = session
        self._socket = socket

    async def send(self, frame: bytes) -> None:
        try:
            if frame:
                await self._socket.send_str(frame.decode())
            else:
                await self._socket.ping()
        except (OSError, RuntimeError, aiohttp.ClientError) as fault:
            raise Unreachable(f"the connection to the controller is gone: {fault}") from fault

    async def receive(self) -> bytes | None:
        message = await self._socket.receive()
        while message.type is aiohttp.WSMsgType.PING:
            await self._pong(message.data)
            message = await self._socket.receive()
        if message.type is aiohttp.WSMsgType.PONG:
            return b""
        return str(message.data).encode() if message.type is aiohttp.WSMsgType.TEXT else None

    async def _pong(self, payload: bytes) -> None:
        with suppress(OSError, RuntimeError, aiohttp.ClientError):  # because that is heard next
            await self._socket.pong(payload)

    async def close(self) -> None:
        try:
            async with asyncio.timeout(1.0):
                await self._socket.close()
        except (OSError, RuntimeError, TimeoutError, aiohttp.ClientError):
            pass  # because a connection that cannot be closed well is gone too
        finally:
            await self._session.close()


def dial_unix(path: Path) -> Dial:
    """Dial the controller's UNIX socket."""

    async def dial() -> Channel:
        session = aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path)))
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                socket = await session.ws_connect(
                    "http://controller/v1/agent", max_msg_size=MAX_FRAME + 1, heartbeat=20,
                    autoping=False,  # because pongs are to be seen
                )  # fmt: skip
        except (OSError, TimeoutError, aiohttp.ClientError) as fault:
            await session.close()
            why = (getattr(fault, "strerror", None) or str(fault) or "no answer").lower()
            # because hooks are told this, and are never given the address
            why = why.replace(str(path).lower(), "its socket")
            raise Unreachable(f"the controller does not answer: {why}") from fault
        except BaseException:
            await session.close()
            raise
        return _WebSocket(session, socket)

    return dial
