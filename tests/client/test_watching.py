"""Looking again when something happened: soon, and not for ever."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenure.client.watching import GLANCE, until

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Bell:
    """A stream of events that a test rings, to each who listens, one after the other."""

    def __init__(self, path: Path) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self.heard = threading.Event()
        self.asked: list[bytes] = []
        self._connection: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                self._connection, _ = self._listener.accept()
                self.asked.append(self._connection.recv(1000))
                self._connection.sendall(HEAD)
            except OSError:
                return
            self.heard.set()

    def ring(self) -> None:
        assert self._connection is not None
        self._connection.sendall(b"{}\n")

    def hang_up(self) -> None:
        assert self._connection is not None
        self.heard.clear()
        self._connection.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self._connection is not None:
            self._connection.close()
        self._thread.join(5)


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tn-") as folder:
        yield Path(folder) / "s"


@pytest.fixture
def bell(path: Path) -> Iterator[Bell]:
    found = Bell(path)
    yield found
    found.close()


def test_what_is_so_already_costs_one_look(path: Path, bell: Bell) -> None:
    assert until(path, lambda: True, 0.0)
    assert b"".join(bell.asked).startswith(b"GET /v1/events HTTP/1.1\r\n")


def test_it_looks_again_as_soon_as_something_happened(path: Path, bell: Bell) -> None:
    looks: list[float] = []

    def look() -> bool:
        looks.append(time.monotonic())
        bell.ring()
        return len(looks) > 20

    assert until(path, look, None)
    assert looks[-1] - looks[0] < 20 * GLANCE / 2


def test_it_is_not_so_when_time_is_over(path: Path, bell: Bell) -> None:
    begun_at = time.monotonic()
    assert not until(path, lambda: False, 0.2)
    assert time.monotonic() - begun_at >= 0.2


def test_without_a_controller_it_goes_on_looking(path: Path) -> None:
    looks = iter([False, False, True])
    assert until(path, lambda: next(looks), 30.0)


def test_a_stream_that_ends_is_opened_again(path: Path, bell: Bell) -> None:
    looks = 0

    def look() -> bool:
        nonlocal looks
        looks += 1
        if looks == 1:
            bell.hang_up()
        return looks > 1 and bell.heard.is_set()

    assert until(path, look, 30.0)
    assert len(bell.asked) == 2
