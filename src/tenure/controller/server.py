"""The controller's listener: agents' WebSocket and operators' HTTP/JSON on one address (O6).

This file moves bytes. Who may do what stands in `conversation.MESSAGES` and `api.ROUTES`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from tenure.controller.access import AGENT, OPERATOR
from tenure.controller.api import Api
from tenure.controller.conversation import Conversation
from tenure.controller.http import REQUEST_WITHIN, Handler, HttpListener, refusal
from tenure.controller.service import Service
from tenure.errors import (
    BadRequest,
    NotFound,
    ProtocolError,
    Refused,
    TenureError,
    Unreachable,
    Unsure,
)
from tenure.net.unix import bind_private
from tenure.wire.codec import MAX_FRAME, decode_from_agent, frames
from tenure.wire.messages import FromAgent, FromController
from tenure.wire.operators import ErrorAnswer

HELLO_WITHIN = 10.0
"""Seconds in which a conversation must say Hello."""

MAX_BODY = 4 * 1024 * 1024
"""Bytes. A whole configuration (256 KiB of text) escaped at its worst fits, beside a charm with all
its options described at length."""
_PART = 64 * 1024

MAX_BACKLOG = 64 * 1024 * 1024
"""Bytes that a conversation may lag behind in reading before it is cut off."""

ACCEPT_AT_ONCE = 64
"""Connections that are taken in one turn of the loop, before anybody else has theirs."""
MAX_WAITING = 4096
"""Connections that may wait to be taken."""

HEARD_AT_ONCE = 500
"""Messages of one agent that are heard in one turn of the loop."""

_STATUS = {BadRequest: 400, NotFound: 404, Refused: 409, Unsure: 503}


def bind_unix(path: Path) -> socket.socket:
    """A listening socket with mode 0600 from the moment it exists. Raises Unreachable.

    Whoever has the seat may replace a socket that an earlier controller left behind.
    """
    try:
        return bind_private(path)
    except OSError as fault:
        raise Unreachable(
            f"cannot listen on {path}: {fault.strerror or fault}: "
            "remove it, or choose another state folder with --state"
        ) from fault


class Server:
    """Serves a controller on a socket that somebody else bound."""

    def __init__(
        self,
        service: Service,
        api: Api,
        *,
        hello_within: float = HELLO_WITHIN,
        max_backlog: int = MAX_BACKLOG,
        request_within: float = REQUEST_WITHIN,
    ) -> None:
        self._service = service
        self._api = api
        self._hello_within = hello_within
        self._max_backlog = max_backlog
        self._request_within = request_within
        self._runner: web.ServerRunner | None = None
        self._site: web.SockSite | None = None
        self._ending = asyncio.Event()
        self._outboxes: set[_Outbox] = set()

    async def start(self, listener: socket.socket) -> None:
        """Listen."""
        server = HttpListener(
            self._serve,
            access_log=None,
            keepalive_timeout=self._request_within,
            lingering_time=0.5,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=0.5)
        await self._runner.setup()
        await self._take(listener)

    async def _take(self, listener: socket.socket) -> None:
        assert self._runner is not None
        self._site = web.SockSite(self._runner, listener, backlog=ACCEPT_AT_ONCE)
        await self._site.start()
        listener.listen(MAX_WAITING)  # because asyncio takes as many in one turn as may wait

    async def move(self, listener: socket.socket) -> None:
        """Listen on this one instead, since nobody finds the other any more; whoever is connected
        stays so."""
        before = self._site
        await self._take(listener)
        if before is not None:
            await before.stop()

    async def close(self) -> None:
        """End every connection."""
        self._ending.set()
        for outbox in self._outboxes:
            outbox.finish()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        _took(request)
        if request.method == "GET" and request.path in STREAMS:
            return await STREAMS[request.path](self, request)
        return await self._operator(request)

    # -- operators

    async def _operator(self, request: web.BaseRequest) -> web.StreamResponse:
        if (request.content_length or 0) > MAX_BODY:
            return _closing(refusal(413, f"the request's body is larger than {MAX_BODY} bytes"))
        try:
            async with asyncio.timeout(self._request_within):
                body = await _body(request)
        except TimeoutError:
            within = f"{self._request_within:g} s"
            return _closing(refusal(408, f"the request's body was not whole within {within}"))
        except (web.RequestPayloadError, OSError):
            return _closing(refusal(400, "the request's body ended in the middle"))
        _took(request)
        if len(body) > MAX_BODY:
            return _closing(refusal(413, f"the request's body is larger than {MAX_BODY} bytes"))
        try:
            answer = await self._api.call(
                OPERATOR, request.method, request.path, dict(request.query), body
            )
        except TenureError as fault:
            return _json(_status_of(fault), ErrorAnswer(code=fault.code, message=str(fault)))
        return _json(200, answer)

    async def _events(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        stream = self._service.events.subscribe()
        try:
            while (event := await self._next(stream.get())) is not None:
                await response.write(msgspec.json.encode(event) + b"\n")
        except OSError:
            pass
        finally:
            self._service.events.unsubscribe(stream)
        return response

    async def _next(self, coming: Awaitable[Any]) -> Any:
        """What comes, or None when the server ends first."""
        getting = asyncio.ensure_future(coming)
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            await asyncio.wait({getting, ending}, return_when=asyncio.FIRST_COMPLETED)
            return getting.result() if getting.done() else None
        finally:
            getting.cancel()
            ending.cancel()

    # -- agents

    async def _agent(self, request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            # because aiohttp refuses what reaches its limit, and MAX_FRAME itself may be sent
            compress=False,
            max_msg_size=MAX_FRAME + 1,
            heartbeat=20,
            autoping=True,
        )
        if not _is_handshake(socket, request):
            fault = BadRequest("/v1/agent is for agents: it takes a WebSocket")
            return _json(400, ErrorAnswer(code=fault.code, message=str(fault)))
        await socket.prepare(request)
        _took(request, upgraded=True)
        outbox = _Outbox(socket, request.transport, self._max_backlog)
        conversation = Conversation(self._service, AGENT, outbox.put, outbox.finish)
        self._outboxes.add(outbox)
        writer = asyncio.create_task(outbox.run())
        try:
            await self._listen(socket, conversation, outbox)
        finally:
            self._outboxes.discard(outbox)
            conversation.closed()
            outbox.finish()
            with contextlib.suppress(asyncio.CancelledError, TimeoutError):
                await asyncio.wait_for(writer, 1.0)
        return socket

    async def _listen(
        self, socket: web.WebSocketResponse, conversation: Conversation, outbox: _Outbox
    ) -> None:
        patience: float | None = self._hello_within
        while not outbox.finished:
            try:
                frame = await socket.receive(timeout=patience)
            except TimeoutError:
                conversation.end(f"no Hello within {self._hello_within:g} s")
                return
            if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            try:
                messages = decode_from_agent(frame.data)
            except ProtocolError as fault:
                conversation.end(str(fault))
                return
            await _hear(conversation, outbox, messages)
            patience = None  # because whoever says anything but Hello first is cut off


async def _hear(conversation: Conversation, outbox: _Outbox, messages: list[FromAgent]) -> None:
    """Hear a frame in parts, between which everybody else has a turn."""
    for at in range(0, max(1, len(messages)), HEARD_AT_ONCE):
        if outbox.finished:
            return
        conversation.hear(messages[at : at + HEARD_AT_ONCE])
        await asyncio.sleep(0)


class _Outbox:
    """Frames on their way to one agent; bounded, and never in the loop's way."""

    def __init__(self, socket: web.WebSocketResponse, transport: Any, max_backlog: int) -> None:
        self._socket = socket
        self._transport = transport
        self._max_backlog = max_backlog
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._backlog = 0
        self.finished = False

    def put(self, messages: list[FromController]) -> None:
        """Send these; who lags behind too far is cut off, and the rest is not even made."""
        if self.finished:
            return
        for frame in frames(messages):
            self._backlog += len(frame)
            if self._backlog > self._max_backlog:
                self._cut_off()
                return
            self._frames.put_nowait(frame)

    def _cut_off(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        self.finish()

    def finish(self) -> None:
        """Close after what was put so far."""
        if not self.finished:
            self.finished = True
            self._frames.put_nowait(None)

    async def run(self) -> None:
        """Write until finished or the connection is gone."""
        with contextlib.suppress(OSError, RuntimeError):
            while (frame := await self._frames.get()) is not None:
                await self._socket.send_str(frame.decode())
                self._backlog -= len(frame)
        with contextlib.suppress(OSError, RuntimeError):
            await self._socket.close()


STREAMS = {"/v1/agent": Server._agent, "/v1/events": Server._events}
"""The two routes that are not question and answer: a unit's conversation, an operator's stream."""


def _is_handshake(socket: web.WebSocketResponse, request: web.BaseRequest) -> bool:
    try:
        return socket.can_prepare(request).ok
    except ValueError:  # because a key that is not ASCII is not foreseen there
        return False


async def _body(request: web.BaseRequest) -> bytes:
    """The body, or where that is larger than MAX_BODY its beginning, somewhat more than that."""
    body = bytearray()
    while len(body) <= MAX_BODY and (part := await request.content.read(_PART)):
        body += part
    return bytes(body)


def _took(request: web.BaseRequest, *, upgraded: bool = False) -> None:
    if isinstance(request.protocol, Handler):
        request.protocol.took(upgraded=upgraded)


def _closing(response: web.Response) -> web.Response:
    response.force_close()
    return response


def _status_of(fault: TenureError) -> int:
    return next((status for kind, status in _STATUS.items() if isinstance(fault, kind)), 500)


def _json(status: int, answer: Any) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(answer), content_type="application/json"
    )
