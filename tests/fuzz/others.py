"""Who stands beside: a leader that must notice nothing, and clients that misbehave at will."""

from __future__ import annotations

import asyncio
import json
import socket as sockets
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tests.controller.conftest import PATIENCE, Served, Socket

MIB = 1024 * 1024
PATIENT = 1.5
"""Seconds that the leader's agent may wait for an answer; a renewal is due every 15."""
UPGRADE = (
    b"GET /v1/agent HTTP/1.1\r\nHost: c\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Leader:
    """web/0, which leads, and must not notice anything."""

    def __init__(self, socket: Socket, term: int) -> None:
        self.socket = socket
        self.term = term
        self._ids = 100

    async def renews(self) -> float:
        """Its claim is granted under its term; the seconds that the answer took."""
        self._ids += 1
        began = time.monotonic()
        claim = {"unit": "web/0", "term": self.term, "seen_term": self.term}
        await self.socket.say({"type": "Claims", "id": self._ids, "claims": [claim]})
        while True:
            for message in await self.socket.hear():
                if message.get("id") == self._ids:
                    [verdict] = message["verdicts"]
                    assert (verdict["type"], verdict["term"]) == ("Granted", self.term), verdict
                    return time.monotonic() - began

    async def writes(self, **changes: str) -> None:
        message = {"type": "WriteSettings", "id": 1, "unit": "web/0", "term": self.term,
                   "changes": changes}  # fmt: skip
        await self.socket.say(message)
        assert (await self.socket.hear())[0]["type"] == "Done"


class Plain:
    """A socket without a library, which reads what is there also after it could not write."""

    def __init__(self, served: Served) -> None:
        self._loop = asyncio.get_running_loop()
        self.socket = sockets.socket(sockets.AF_UNIX)
        self.socket.setblocking(False)
        self.socket.connect(str(served.path))

    async def send(self, sent: bytes, *, ends: bool = False) -> None:
        with suppress(ConnectionError):
            await asyncio.wait_for(self._loop.sock_sendall(self.socket, sent), PATIENCE)
            if ends:
                self.socket.shutdown(sockets.SHUT_WR)

    async def until(self, end: bytes) -> bytes:
        received = b""
        while end not in received:
            part = await asyncio.wait_for(self._loop.sock_recv(self.socket, 65536), PATIENCE)
            assert part, received
            received += part
        return received

    async def rest(self) -> bytes:
        received = b""
        with self.socket, suppress(ConnectionError):
            while part := await asyncio.wait_for(
                self._loop.sock_recv(self.socket, 65536), PATIENCE
            ):
                received += part
        return received


async def said(served: Served, sent: bytes) -> bytes:
    """What comes back until the server closes; a reset after the last word is a close."""
    client = Plain(served)
    await client.send(sent)
    return await client.rest()


def frame(kind: int, content: bytes, *, fin: bool = True, mask: bool = True, rsv: int = 0) -> bytes:
    """A client's frame, with a mask of zeros."""
    first = (0x80 if fin else 0) | rsv << 4 | kind
    size, bit = len(content), 0x80 if mask else 0
    if size < 126:
        length = bytes([bit | size])
    elif size < 65536:
        length = bytes([bit | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([bit | 127]) + size.to_bytes(8, "big")
    return bytes([first]) + length + (b"\0\0\0\0" if mask else b"") + content


def hello(unit: str, session: Any = 1, **more: Any) -> bytes:
    units = [{"unit": unit, "instance": "fuzz", "session": session}]
    return frame(1, json.dumps([{"type": "Hello", "version": 1, "units": units, **more}]).encode())


@contextmanager
def held_below(limit: int) -> Iterator[None]:
    """Within this, Python never holds so many bytes more than at its beginning."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        yield
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < limit, f"{peak / MIB:.1f} MiB were held"
