"""A call of a hook tool without a socket: the client's bytes, and the agent's real tool server.

It runs in the caller's process, is served in the agent's, and the reply comes back to the caller's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any

from tenure.agent.toolserver import ToolConnection, ToolServer
from tenure.testing.time.loop import Process, process_now


class ToolCall:
    """One process of a hook tool. `find_server` gives the agent's process and its tool server, if
    one serves now.

    `on_reply` hears stdout at the instant at which the agent writes the reply: what was decided is
    decided then (G3).
    """

    def __init__(
        self,
        find_server: Callable[[], tuple[Process, ToolServer] | None],
        context: str,
        on_reply: Callable[[str], None] = lambda out: None,
    ) -> None:
        self._find_server = find_server
        self._loop = asyncio.get_running_loop()
        self._context = context
        self._on_reply = on_reply
        self._caller = Context()
        self._served: tuple[Process, ToolConnection] | None = None

    async def run(self, name: str, *args: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        found = self._find_server()
        if found is None:
            return 1, "", "ERROR dial unix tool.sock: connect: connection refused\n"
        process, server = found
        self._done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._caller = copy_context()
        request = _request([self._context, "/", name, *args])
        self._loop.call_soon(self._arrive, server, request, context=process.context)
        return _printed(await self._done)

    def _arrive(self, server: ToolServer, request: bytes) -> None:
        transport = _Transport(self._reply)
        connection = ToolConnection(server)
        transport.connection = connection
        process = process_now()
        assert process is not None
        self._served = process, connection
        connection.connection_made(transport)
        connection.data_received(request)

    def _reply(self, frames: bytes) -> None:
        _, out, _ = _printed(frames)
        self._on_reply(out)
        self._loop.call_at(self._loop.time(), self._hear, frames, context=self._caller)

    def abandon(self) -> None:
        """The tool's process was killed: its connection breaks."""
        if self._served is not None:
            process, connection = self._served
            self._loop.call_soon(connection.connection_lost, None, context=process.context)

    def _hear(self, frames: bytes) -> None:
        if not self._done.done():
            self._done.set_result(frames)


class _Transport(asyncio.Transport):
    """What the tool server's connection writes to."""

    def __init__(self, on_close: Callable[[bytes], None]) -> None:
        super().__init__()
        self.connection: ToolConnection | None = None
        self._on_close = on_close
        self._frames = b""
        self._closing = False

    def write(self, data: Any) -> None:
        self._frames += data

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._on_close(self._frames)
            if self.connection is not None:
                asyncio.get_running_loop().call_soon(self.connection.connection_lost, None)

    def abort(self) -> None:
        self.close()


def _request(texts: list[str]) -> bytes:
    body = b"".join(len(raw := text.encode()).to_bytes(4, "big") + raw for text in texts)
    return b"\1" + len(body).to_bytes(4, "big") + body


def _printed(frames: bytes) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a reply; an end without one is the client's own error."""
    code, out, err = 1, "", ""
    while frames:
        kind, size = frames[:1], int.from_bytes(frames[1:5], "big")
        body, frames = frames[5 : 5 + size], frames[5 + size :]
        if kind == b"O":
            out += body.decode()
        elif kind == b"E":
            err += body.decode()
        elif kind == b"X":
            return body[0], out, err
    return code, out, err or "ERROR connection to the agent lost\n"
