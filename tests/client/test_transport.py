"""How the controller is reached, and what may be concluded when it is not."""

from __future__ import annotations

import asyncio
import socket as sockets
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tenure.client.transport import UnixHttp
from tenure.errors import Unreachable, Unsure
from tenure.statefolder import StateFolder


def test_a_deed_that_is_not_answered_in_time_is_unsure(folder: StateFolder) -> None:
    """G7"""
    with sockets.socket(sockets.AF_UNIX) as hung:
        hung.bind(str(folder.controller_socket))
        hung.listen()
        transport = UnixHttp(folder.controller_socket)
        with pytest.raises(Unsure, match="does not answer: it may or may not have happened"):
            transport.ask("POST", "/v1/applications/web/elect", b"{}", 0.05)
        with pytest.raises(Unreachable, match="does not answer: try again"):
            transport.ask("GET", "/v1/status", None, 0.05)


@pytest.fixture
def crowded(folder: StateFolder) -> Iterator[sockets.socket]:
    """A listener with as many waiting as may wait; they are gone, but it does not know yet."""
    with sockets.socket(sockets.AF_UNIX) as listener:
        listener.bind(str(folder.controller_socket))
        listener.listen(0)
        listener.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                with sockets.socket(sockets.AF_UNIX) as client:
                    client.setblocking(False)
                    client.connect(str(folder.controller_socket))
        yield listener


def test_where_too_many_wait_already_nothing_was_asked(
    crowded: sockets.socket, folder: StateFolder
) -> None:
    """G7"""
    with pytest.raises(Unreachable, match="takes no connection, so many wait for one"):
        UnixHttp(folder.controller_socket).ask("POST", "/v1/applications", b"{}", 0.05)


async def test_where_too_many_wait_already_a_command_waits_its_turn(
    crowded: sockets.socket, folder: StateFolder
) -> None:
    """O3"""
    transport, loop = UnixHttp(folder.controller_socket), asyncio.get_running_loop()
    asking = asyncio.create_task(asyncio.to_thread(transport.ask, "GET", "/v1/status", None, 10.0))
    asked = b""
    while not asked:
        client, _ = await asyncio.wait_for(loop.sock_accept(crowded), 10.0)
        with client:
            asked = await loop.sock_recv(client, 4096)
            if asked:
                client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    assert await asking == (200, b"{}")
