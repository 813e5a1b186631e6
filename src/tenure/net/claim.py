"""A name that at most one process of this machine's network has, as long as it lives.

It is the name of an abstract UNIX socket: the kernel keeps it apart from all files, for all users
of one network namespace, and frees it when the process ends, however that ends. Loopback addresses
are shared by the very same processes. A file that is locked would not do: users and services see
different folders under /tmp.

Who has a name tells it to whoever asks, if that is the same user: so a refusal can name both.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
from contextlib import suppress

MAX_TOLD = 4096
"""Bytes of what is told: a path may be as long."""

ASK_WITHIN = 1.0
"""Seconds to wait for who has a name to say who it is."""

_CREDENTIALS = struct.Struct("iii")


class Claim:
    """A name that is ours until `close`."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._server: asyncio.Server | None = None

    async def tell(self, what: bytes) -> None:
        """From now on, say this to processes of the same user that ask."""

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                if _peer(writer.get_extra_info("socket"))[1] == os.getuid():
                    writer.write(what[:MAX_TOLD])
                    await writer.drain()
            writer.close()

        self._server = await asyncio.start_unix_server(answer, sock=self._listener)

    def close(self) -> None:
        """Others may have it."""
        if self._server is not None:
            self._server.close()
        self._listener.close()


def claim(name: str) -> Claim | None:
    """The name, or None if another process has it. Raises OSError."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(f"\0{name}")
        listener.listen()
        listener.setblocking(False)
    except OSError as fault:
        listener.close()
        if fault.errno == errno.EADDRINUSE:
            return None
        raise
    return Claim(listener)


def who_has(name: str) -> tuple[bytes, int | None]:
    """What its owner tells, b"" if that is another user's or does not answer; and its pid, None if
    there is no owner any more."""
    told, pid = b"", None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking, suppress(OSError):
        asking.settimeout(ASK_WITHIN)
        asking.connect(f"\0{name}")
        pid = _peer(asking)[0]
        while len(told) < MAX_TOLD and (more := asking.recv(MAX_TOLD)):
            told += more
    return told, pid


def _peer(connection: socket.socket) -> tuple[int, int]:
    """The pid and the user of the other end."""
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(found)
    return pid, uid
