"""Looking again whenever something happened, until it is as somebody wants it.

The controller's stream of events says when; what it says is not read. Not all that can be waited
for is an event (that an agent fell silent, say), and a stream can break, so there is a look now and
then without one.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from pathlib import Path

from tenure.clock import SystemClock
from tenure.errors import TenureError

CLOCK = SystemClock()

GLANCE = 1.0
"""Seconds between two looks while nothing is heard."""

RETRY = 0.2
"""Seconds between two attempts to hear a controller that is not there."""

CALM = 0.02
"""Seconds that a burst of events gets, so that it costs one look."""

_ASK = b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"


class NotInTime(TenureError):
    """What was waited for did not come about in time."""

    exit_code = 5
    code = "not-in-time"


def until(path: Path, look: Callable[[], bool], timeout: float | None) -> bool:
    """Whether `look` said so before `timeout` seconds were over; None: for as long as it takes.

    It looks at once, whatever the timeout. Raises what `look` raises.
    """
    deadline = None if timeout is None else CLOCK.now() + timeout
    bell = _Bell(path)
    try:
        while True:
            bell.listen()  # before the look, so that nothing after it is missed
            if look():
                return True
            left = GLANCE if deadline is None else deadline - CLOCK.now()
            if left <= 0:
                return False
            bell.wait(min(left, GLANCE))
    finally:
        bell.close()


class _Bell:
    """Rings when the controller says anything."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: socket.socket | None = None

    def listen(self) -> None:
        """Be connected, if there is a controller."""
        if self._connection is not None:
            return
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(GLANCE)
        try:
            connection.connect(str(self._path))
            connection.sendall(_ASK)
            if connection.recv(65536):  # the answer's head: from now on it rings
                self._connection = connection
        except OSError:
            pass
        if self._connection is None:
            connection.close()

    def wait(self, seconds: float) -> None:
        """Until it rings; `seconds` at most."""
        if self._connection is None:
            time.sleep(min(seconds, RETRY))
            return
        if select.select([self._connection], [], [], seconds)[0]:
            time.sleep(min(seconds, CALM))
            self._drain(self._connection)

    def _drain(self, connection: socket.socket) -> None:
        try:
            if connection.recv(1024 * 1024):
                return
        except OSError:
            pass
        self.close()

    def close(self) -> None:
        """Hear nothing more."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
