"""A real server on a real UNIX socket, and a healthy agent beside whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from tenure.clock import SystemClock
from tenure.controller.api import Api
from tenure.controller.server import Server, bind_unix
from tenure.controller.service import Service
from tenure.stores.memory import MemoryDisk, MemoryStore
from tests.support.patience import HANG

PATIENCE = HANG


class Socket:
    """A WebSocket to the server, in plain values."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._ids = 0

    async def say(self, *messages: dict[str, Any]) -> None:
        await self.socket.send_str(msgspec.json.encode(messages).decode())

    async def hello(self, unit: str, instance: str = "one", session: int = 1) -> dict[str, Any]:
        units = [{"unit": unit, "instance": instance, "session": session}]
        await self.say({"type": "Hello", "version": 1, "units": units})
        return dict((await self.hear())[0]["units"][0])

    async def hear(self) -> list[dict[str, Any]]:
        """The next frame's messages."""
        frame = await asyncio.wait_for(self.socket.receive(), PATIENCE)
        assert frame.type is aiohttp.WSMsgType.TEXT, frame
        decoded: list[dict[str, Any]] = msgspec.json.decode(frame.data)
        return decoded

    async def read(self, unit: str) -> dict[str, Any]:
        """Ask for the settings, and hear the answer."""
        self._ids += 1
        await self.say({"type": "ReadSettings", "id": self._ids, "unit": unit})
        while True:
            for message in await self.hear():
                if message.get("id") == self._ids:
                    return message

    async def closing(self) -> tuple[list[dict[str, Any]], int | None]:
        """All that is still said, and the code that the other side closes with."""
        said: list[dict[str, Any]] = []
        while True:
            frame = await asyncio.wait_for(self.socket.receive(), PATIENCE)
            if frame.type is not aiohttp.WSMsgType.TEXT:
                return said, self.socket.close_code
            said += msgspec.json.decode(frame.data)


class Served:
    """The server, and clients for it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.disk = MemoryDisk()
        self.service = Service(MemoryStore(self.disk), SystemClock())
        self.controller = self.service.controller
        self.server = Server(
            self.service, Api(self.service, "memory"), hello_within=0.2, max_backlog=1024 * 1024,
            request_within=0.2,
        )  # fmt: skip

    async def start(self) -> None:
        await self.controller.start()
        self.deciding = asyncio.ensure_future(self.controller.run())
        await self.server.start(bind_unix(self.path))
        self.http = aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self.path)))
        await self.post("/v1/applications", {"name": "web"})
        for _ in range(3):
            await self.post("/v1/applications/web/units")

    async def close(self) -> None:
        await self.http.close()
        await self.server.close()
        self.deciding.cancel()
        await asyncio.gather(self.deciding, return_exceptions=True)

    async def dial(self) -> Socket:
        return Socket(await self.http.ws_connect("http://c/v1/agent", max_msg_size=0))

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """The status and the JSON answer."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body) if body else b""
        async with self.http.request(method, f"http://c{path}", data=content) as response:
            return response.status, dict(await response.json())

    async def post(self, path: str, body: Any = None) -> dict[str, Any]:
        status, answer = await self.ask("POST", path, body)
        assert status == 200, answer
        return answer

    async def raw(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(str(self.path))


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A served controller with web/0, web/1 and web/2, none of them connected."""
    served = Served(tmp_path / "s")
    await served.start()
    try:
        yield served
    finally:
        await served.close()


@pytest.fixture
async def healthy(served: Served) -> AsyncIterator[Socket]:
    """A unit whose conversation must not notice what happens beside it."""
    socket = await served.dial()
    assert (await socket.hello("web/0")).get("refused") is None
    yield socket
    assert (await socket.read("web/0"))["type"] == "Settings"
    assert not socket.socket.closed
    await socket.socket.close()
