"""Where `tenure exec` asks for a hook context. Hooks are never told of this socket.

One JSON line each way, then the connection stays open for as long as the context lives: the
operator's command has ended when it closes, and the context is over when the agent closes it.

Garbage and silence get one line that says so, and are closed. There are `MAX_CONNECTIONS` at most:
beyond them a newcomer takes the place of who has been silent for longest, and is refused if all the
others have asked.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import msgspec
from msgspec import Struct

from tenure.agent.unit import Unit
from tenure.errors import Unreachable
from tenure.unixsocket import bind_private

ASK_WITHIN = 10.0
MAX_LINE = 4096
MAX_CONNECTIONS = 64


class Ask(Struct, frozen=True):
    """What the command asks."""

    version: int


class Opened(Struct, frozen=True):
    """The context is open: run the command with exactly this environment, in this folder."""

    env: dict[str, str]
    cwd: str
    context: str


class Error(Struct, frozen=True):
    """No context, and why."""

    error: str


_CROWDED = Error(f"too many commands at once (at most {MAX_CONNECTIONS}): try again")


class ExecServer:
    """Serves one unit's exec socket, mode 0600."""

    def __init__(self, unit: Unit, path: Path) -> None:
        self._unit = unit
        self._path = path
        self._server: asyncio.Server | None = None
        self._silent: dict[asyncio.StreamWriter, None] = {}
        self._asked = 0

    async def start(self) -> None:
        """Listen. Raises Unreachable if that cannot be."""
        try:
            self._server = await asyncio.start_unix_server(
                self._serve, sock=bind_private(self._path), limit=MAX_LINE
            )
        except OSError as fault:
            raise Unreachable(
                f"cannot listen on {self._path}: {fault.strerror or fault}: "
                "remove it, or choose another state folder with --state"
            ) from fault

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            if not self._has_room():
                await _say(writer, _CROWDED)
            elif (ask := await self._hear(reader, writer)) is None:
                await _say(writer, Error("not a request of tenure exec"))
            else:
                await self._open_one(ask, reader, writer)
        writer.close()

    def _has_room(self) -> bool:
        """Whether one more can be served; a silent one may have to go for it."""
        if len(self._silent) + self._asked < MAX_CONNECTIONS:
            return True
        oldest = next(iter(self._silent), None)
        if oldest is None:
            return False
        del self._silent[oldest]
        oldest.write(_line(_CROWDED))
        oldest.close()
        return True

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Ask | None:
        """What is asked; None if it is no request, or is late."""
        self._silent[writer] = None
        try:
            async with asyncio.timeout(ASK_WITHIN):
                line = await reader.readline()
                return msgspec.json.decode(line if line.endswith(b"\n") else b"", type=Ask)
        except (TimeoutError, msgspec.DecodeError, ValueError, RecursionError):
            return None
        finally:
            self._silent.pop(writer, None)

    async def _open_one(
        self, ask: Ask, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._asked += 1
        try:
            await self._open(ask, reader, writer)
        finally:
            self._asked -= 1

    async def _open(
        self, ask: Ask, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if ask.version != 1:
            await _say(writer, Error("the agent is of another version of Tenure"))
            return
        hung_up = asyncio.ensure_future(reader.read(1))
        opening = asyncio.ensure_future(self._unit.open_context())
        await asyncio.wait({hung_up, opening}, return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():
            opening.cancel()
            return
        context, env = opening.result()
        over = asyncio.ensure_future(context.over.wait())
        try:
            cwd = str(self._unit.place.charm)
            await _say(writer, Opened(env, cwd, context.context_id))
            await asyncio.wait({hung_up, over}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
            hung_up.cancel()
            self._unit.close_context(context)


async def _say(writer: asyncio.StreamWriter, answer: Struct) -> None:
    writer.write(_line(answer))
    await writer.drain()


def _line(answer: Struct) -> bytes:
    return msgspec.json.encode(answer) + b"\n"
