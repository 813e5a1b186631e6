"""The agent's side of hook tools: a UNIX socket that serves the client of every tool call.

| what comes | what happens |
|---|---|
| a whole request | its context is looked up, and the tool runs when those before it are done (T9) |
| the client goes while its tool waits | the call is cancelled, unless it is already writing |
| garbage, half a request, too much, silence | that connection gets one ERROR line and is closed |
| more than `MAX_CONNECTIONS` at once | the longest silent, else the newcomer, gets an ERROR line |
| more than `MAX_KEPT` bytes in all | who adds to it gets one ERROR line; small calls go on |
| the client does not read its reply | it is dropped after as long as it had for its request |

A call is authorised by its context id alone (T9); the socket's mode keeps other users out. A reply
is written in the same step of the loop in which the tool decided it (G3): nothing is awaited
between.

What this file does not know: any tool, and the bytes, which are wire/tools.py's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from tenure.agent.tools import run_tool, wrong_context
from tenure.agent.tools.base import Context, ReadStdin
from tenure.agent.tools.flags import ToolFailed, error
from tenure.errors import ProtocolError, TenureError
from tenure.net.unix import Identity, bind_private, identity
from tenure.wire.tools import Call, ToolReply, encode_reply, input_wanted, parse_request

MAX_STDIN = 8 * 1024 * 1024
MAX_CONNECTIONS = 256
ACCEPTED_AT_ONCE = 64
MAX_KEPT = 64 * 1024 * 1024
SMALL = 64 * 1024

_NO_ROOM = f"hook tools have too much under way (at most {MAX_KEPT} bytes at once); try again"

Contexts = Callable[[str], Context | None]
RunTool = Callable[[Context, Call, ReadStdin], Awaitable[ToolReply]]


class ToolServer:
    """Serves the tools of all contexts of one agent on one socket.

    `contexts` gives the live context of an id, or None. A client may take `request_timeout` seconds
    to send its request, and as long to read its reply. `run` runs one call and raises nothing.
    `on_refused` hears of each call that ran and did not end with 0.
    """

    def __init__(
        self,
        path: Path,
        contexts: Contexts,
        *,
        request_timeout: float = 10.0,
        run: RunTool = run_tool,
        on_refused: Callable[[Call, ToolReply], None] = lambda call, reply: None,
    ) -> None:
        self.path = path
        self.contexts = contexts
        self.request_timeout = request_timeout
        self.run = run
        self.on_refused = on_refused
        self.turns = Turns()
        self.room = Room()
        self.connections: dict[ToolConnection, None] = {}
        self._server: asyncio.Server | None = None
        self._bound: Identity | None = None

    async def start(self) -> None:
        """Listen; the socket is only its owner's from the moment it exists. Raises TenureError."""
        try:
            listener = bind_private(self.path)
        except OSError as fault:
            reason = fault.strerror or str(fault)
            raise TenureError(
                f"cannot listen for hook tools on {self.path}: {reason}: "
                "remove it, or choose another state folder with --state"
            ) from fault
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(
            lambda: ToolConnection(self), sock=listener, backlog=ACCEPTED_AT_ONCE
        )
        # because asyncio accepts as many in one turn of the loop as it was told may wait in line
        listener.listen(MAX_CONNECTIONS)
        self._bound = identity(self.path)

    async def renew(self) -> bool:
        """Listen anew if the socket is gone from its path; whether it was. Raises TenureError.

        Calls that are under way go on.
        """
        if self._bound is not None and identity(self.path) == self._bound:
            return False
        if self._server is not None:
            self._server.close()
        await self.start()
        return True

    def longest_silent(self) -> ToolConnection | None:
        """The client that has said nothing whole for the longest, if there is one."""
        return next((each for each in self.connections if each.is_silent), None)

    async def close(self) -> None:
        """Stop listening, end every call and connection, and remove the socket."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        with suppress(OSError):
            self.path.unlink()
        calls = [call for connection in self.connections if (call := connection.abandon())]
        await asyncio.gather(*calls, return_exceptions=True)


class Turns:
    """Who may run in which context: one at a time, in order of arrival (T9). Kept while needed."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    def __len__(self) -> int:
        return len(self._locks)

    async def run(self, context_id: str, call: Callable[[], Awaitable[None]]) -> None:
        """Run the call when it is its turn."""
        lock, users = self._locks.get(context_id, (asyncio.Lock(), 0))
        self._locks[context_id] = lock, users + 1
        try:
            async with lock:
                await call()
        finally:
            lock, users = self._locks.pop(context_id)
            if users > 1:
                self._locks[context_id] = lock, users - 1


class Room:
    """Bytes kept for all clients together: requests until they are answered, replies until they are
    read. The first `SMALL` of each are free: so who asks for little is served also while others ask
    for too much, and the word that a write is done always has room (G7)."""

    def __init__(self) -> None:
        self._left = MAX_KEPT

    def change(self, before: int, after: int) -> bool:
        """Whether a client of `before` bytes may have `after`; if so, it has. Fewer always may."""
        more = max(after, SMALL) - max(before, SMALL)
        if 0 < more > self._left:
            return False
        self._left -= more
        return True


class ToolConnection(asyncio.Protocol):
    """One client: its request, its call, its reply."""

    def __init__(self, server: ToolServer) -> None:
        self._server = server
        self._received = bytearray()
        self._call: asyncio.Task[None] | None = None
        self._stdin: StdinReader | None = None
        self._kept = 0
        self._context: Context | None = None
        """The one that its tool runs in, while it runs."""
        self._transport: asyncio.Transport
        self._deadline: asyncio.TimerHandle

    # --- what the transport tells ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._deadline = self._later(self._too_slow)
        crowded = len(self._server.connections) >= MAX_CONNECTIONS
        out = (self._server.longest_silent() or self) if crowded else None
        self._server.connections[self] = None
        if out is not None:
            out._refuse(f"too many hook tools at once (at most {MAX_CONNECTIONS}); try again")

    def data_received(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        try:
            if self._call is None:
                self._keep(len(data))
                self._received += data
                self._try_request()
            elif self._stdin is None:
                raise ProtocolError("bad request: more than one request")
            elif not self._stdin.ended:  # because nobody will ever read what comes after
                self._keep(len(data))
                self._stdin.feed(data)
        except ProtocolError as fault:
            self._refuse(str(fault))

    def eof_received(self) -> None:
        if self._call is None:
            self._refuse("bad request: it ends in the middle")

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.cancel()
        self._server.connections.pop(self, None)
        self._server.room.change(self._kept, 0)
        if self._stdin is not None:
            self._stdin.lost()
        if self._call is not None and not self._is_writing:
            self._call.cancel()

    # --- what it does ---------------------------------------------------------------------------

    @property
    def is_silent(self) -> bool:
        """Whether its request is not whole yet, and it was not told off for that."""
        return self._call is None and not self._transport.is_closing()

    @property
    def _is_writing(self) -> bool:
        # because in one context one tool runs at a time, it is this one that writes (T9)
        return self._context is not None and self._context.writing

    def abandon(self) -> asyncio.Task[None] | None:
        """Drop the client at once; the call that is thereby ended, if any."""
        self._transport.abort()
        if self._call is not None:
            self._call.cancel()
        return self._call

    def _keep(self, size: int) -> None:
        """Count what came. Raises ProtocolError if that is too much."""
        if not self._server.room.change(self._kept, self._kept + size):
            raise ProtocolError(_NO_ROOM)
        self._kept += size

    def _try_request(self) -> None:
        call = parse_request(self._received)
        if call is None:
            return
        self._deadline.cancel()
        self._received.clear()
        self._call = asyncio.get_running_loop().create_task(self._serve(call))

    async def _serve(self, call: Call) -> None:
        try:
            await self._server.turns.run(call.context_id, lambda: self._run(call))
        except Exception:
            # because nobody else would tell the client, which waits for a word
            self._reply(error("internal fault in the agent; see its log"))
            raise

    async def _run(self, call: Call) -> None:
        context = self._server.contexts(call.context_id)
        if context is None:
            self._reply(wrong_context(call.context_id))
            return
        self._context = context
        try:
            reply = await self._server.run(context, call, self._read_stdin)
        finally:
            self._context = None
        self._reply(reply)
        if reply.exit_code != 0:
            self._server.on_refused(call, reply)

    async def _read_stdin(self, path: str = "") -> bytes:
        if self._stdin is None:
            self._stdin = StdinReader(path or "stdin")
            self._transport.write(input_wanted(path))
        return await self._stdin.all()

    def _reply(self, reply: ToolReply) -> None:
        if self._transport.is_closing():
            return
        frames = encode_reply(reply)
        if self._server.room.change(self._kept, len(frames)):
            self._kept = len(frames)
        else:
            frames = encode_reply(error(_NO_ROOM))
        self._transport.write(frames)
        self._transport.close()
        # because closing waits for ever for who does not read
        self._deadline.cancel()
        self._deadline = self._later(self._transport.abort)

    def _refuse(self, message: str) -> None:
        self._reply(error(message))

    def _later(self, late: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(self._server.request_timeout, late)

    def _too_slow(self) -> None:
        self._refuse(f"bad request: not complete after {self._server.request_timeout:g} s")


class StdinReader:
    """The client's stdin, or a file of its, as it comes in chunks. `name` is for errors."""

    def __init__(self, name: str = "stdin") -> None:
        self._name = name
        self._received = bytearray()
        self._content = bytearray()
        self._whole: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    @property
    def ended(self) -> bool:
        """Whether all of it is there, or no more is wanted."""
        return self._whole.done()

    async def all(self) -> bytes:
        """All of it. Raises ToolFailed if it is too much, or if the client is gone."""
        return await asyncio.shield(self._whole)

    def feed(self, data: bytes) -> None:
        """Take what the client sent."""
        self._received += data
        while not self._whole.done() and len(self._received) >= 4:
            size = int.from_bytes(self._received[:4], "big")
            if len(self._content) + size > MAX_STDIN:
                self._end(ToolFailed(f"{self._name} is larger than {MAX_STDIN} bytes"))
            elif len(self._received) < 4 + size:
                return
            elif size == 0:
                self._whole.set_result(bytes(self._content))
            else:
                self._content += self._received[4 : 4 + size]
                del self._received[: 4 + size]

    def lost(self) -> None:
        """The client is gone."""
        self._end(ToolFailed(f"{self._name} ended in the middle"))

    def _end(self, fault: ToolFailed) -> None:
        if not self._whole.done():
            self._whole.set_exception(fault)
            # because nobody may be waiting any more, and that is no fault
            self._whole.exception()
