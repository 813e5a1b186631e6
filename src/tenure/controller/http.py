"""The HTTP under the controller's listener: aiohttp's, with three manners of its own.

What is no request is answered in one short line of JSON that repeats nothing of it, the connection
is closed, and no log grows by it. Who sends half a request, or nothing at all, is told so and
closed.
"""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from tenure.errors import BadRequest
from tenure.wire.operators import ErrorAnswer

REQUEST_WITHIN = 10.0
"""Seconds in which a request, head or body, must be whole; an idle connection lasts as long."""


_THEIRS = (OSError, web.RequestPayloadError)
"""Faults of whoever is at the other end: they went, or what they sent does not unpack."""


class Handler(RequestHandler):
    """One connection. `took` is called by whoever was given a request with its head whole."""

    __slots__ = ("_half", "_upgraded")

    def __init__(self, *args: Any, **options: Any) -> None:
        self._half = True
        self._upgraded = False
        super().__init__(*args, **options)

    def took(self, *, upgraded: bool = False) -> None:
        """A head or a body was heard whole; or what comes from now on is no HTTP any more."""
        self._half = False
        self._upgraded = upgraded

    def data_received(self, data: bytes) -> None:
        self._half = not self._upgraded
        super().data_received(data)

    def force_close(self) -> None:
        if self._half and self.transport is not None and not self.transport.is_closing():
            self._half = False
            within = f"{self._keepalive_timeout:g} s"
            self.transport.write(_plain(408, f"no whole request within {within}"))
        super().force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status >= 500:
            self.log_exception("internal fault", exc_info=exc)
        text = "internal fault of the controller" if status >= 500 else "not an HTTP request"
        response = refusal(status, text)
        response.force_close()
        return response

    def log_exception(self, *args: Any, **options: Any) -> None:
        fault = options.get("exc_info")
        if isinstance(fault, BaseException) and not isinstance(fault, _THEIRS):
            self.logger.error("internal fault: %s", repr(fault)[:500])


class HttpListener(web.Server):
    """Makes a Handler of each connection."""

    def __call__(self) -> RequestHandler:
        return Handler(self, loop=self._loop, **self._kwargs)


def refusal(status: int, message: str) -> web.Response:
    """A short refusal as JSON."""
    return web.Response(status=status, body=_json(message), content_type="application/json")


def _json(message: str) -> bytes:
    return msgspec.json.encode(ErrorAnswer(code=BadRequest.code, message=message))


def _plain(status: int, message: str) -> bytes:
    body = _json(message)
    return (
        f"HTTP/1.1 {status} Request Timeout\r\nContent-Type: application/json\r\n"
        f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
