"""How the operators' client reaches the controller: HTTP/1.1 over its UNIX socket.

By `http.client`, because a command lives for a tenth of a second and must not load an event loop
for it.

What may be concluded from a failure is decided here alone. Nobody listens: `Unreachable`,
nothing was asked. The connection is lost while an answer is awaited: for a question, `Unreachable`;
for a deed, `Unsure`, as it may or may not have happened (G7).
"""

from __future__ import annotations

import http.client
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from tenure.errors import TenureError, Unreachable, Unsure


class UnixHttp:
    """One connection for each request (operator.Transport).

    `next_step` says what to do where nobody listens.
    """

    def __init__(
        self, path: Path, next_step: Callable[[], str] = lambda: "start one with `tenure up CHARM`"
    ) -> None:
        self._path = path
        self._next_step = next_step

    def ask(self, method: str, path: str, body: bytes | None, timeout: float) -> tuple[int, bytes]:
        """See operator.Transport."""
        connection = _UnixConnection(self._path, timeout)
        try:
            self._connect(connection)
            return _exchange(connection, method, path, body)
        except (OSError, http.client.HTTPException) as fault:
            raise _lost(method, fault) from fault
        finally:
            connection.close()

    def _connect(self, connection: _UnixConnection) -> None:
        try:
            connection.connect()
        except (FileNotFoundError, ConnectionRefusedError) as fault:
            raise Unreachable(
                f"no controller reachable at {self._path}: {self._next_step()}"
            ) from fault
        except BlockingIOError as fault:
            raise Unreachable(
                f"the controller at {self._path} takes no connection, so many wait for one: "
                "try again, and see its log"
            ) from fault
        except OSError as fault:
            raise Unreachable(
                f"no controller reachable at {self._path}: {fault.strerror or fault}: "
                "see whether it runs and whose it is"
            ) from fault


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # because a socket with Python's own timeout does not wait where too many wait already
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(self.timeout or 0.0))
        self.sock.connect(str(self._path))
        self.sock.settimeout(self.timeout)


def _timeval(seconds: float) -> bytes:
    """The span as C's `struct timeval`."""
    whole, part = divmod(seconds, 1)
    return struct.pack("@ll", int(whole), int(part * 1e6))


def _exchange(
    connection: _UnixConnection, method: str, path: str, body: bytes | None
) -> tuple[int, bytes]:
    headers = {} if body is None else {"Content-Type": "application/json"}
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.status, response.read()


def _lost(method: str, fault: Exception) -> TenureError:
    if isinstance(fault, TimeoutError):
        what = "the controller does not answer"
    else:
        what = "the connection to the controller was lost while waiting for its answer"
    if method == "GET":
        return Unreachable(f"{what}: try again, and see its log")
    return Unsure(f"{what}: it may or may not have happened; look with `tenure status`")
