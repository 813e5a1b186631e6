"""A controller that says what a test wants, on a real socket; and the commands, run for real."""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingMixIn, UnixStreamServer

import msgspec
import pytest
from msgspec import Struct

from tenure.cli.main import run
from tenure.statefolder import StateFolder
from tenure.uprecord import UpRecord
from tenure.wire.operators import ErrorAnswer, Status


class Asked(Struct, frozen=True):
    """One request as it arrived."""

    method: str
    path: str
    body: object


class Reply(Struct, frozen=True):
    """One answer; without content the connection is closed instead."""

    content: bytes | None
    status: int = 200


class FakeController:
    """Answers every request with `reply` and remembers what was asked.

    What it `knows` answers questions for the status, which then are not remembered.
    """

    def __init__(self, path: Path) -> None:
        self.reply = Reply(b"{}")
        self.status: Reply | None = None
        self.later: Reply | None = None
        self.asked: list[Asked] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                fake.answer(self)

            def do_POST(self) -> None:
                fake.answer(self)

            def log_message(self, *_: object) -> None:
                pass

            def address_string(self) -> str:
                return "unix"

        class Server(ThreadingMixIn, UnixStreamServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that hangs up early is none of the test's business, nor its stderr's."""

        self._server = Server(str(path), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def says(self, answer: Struct) -> None:
        self.reply = Reply(msgspec.json.encode(answer))

    def knows(self, status: Status, then: Status | None = None) -> None:
        """The answer for the status; `then` from the moment on in which anything else was asked."""
        self.status = Reply(msgspec.json.encode(status))
        self.later = None if then is None else Reply(msgspec.json.encode(then))

    def refuses(self, code: str, message: str, status: int = 409) -> None:
        answer = ErrorAnswer(code=code, message=message)
        self.reply = Reply(msgspec.json.encode(answer), status)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length", 0))
        body = msgspec.json.decode(handler.rfile.read(length)) if length else None
        reply = self.reply
        if handler.path == "/v1/events":
            handler.close_connection = True
            return
        if handler.path == "/v1/status" and self.status is not None:
            reply = self.status
        else:
            self.asked.append(Asked(handler.command, handler.path, body))
            self.status = self.later or self.status
        if reply.content is None:
            handler.close_connection = True
            return
        handler.send_response(reply.status)
        handler.send_header("Content-Length", str(len(reply.content)))
        handler.end_headers()
        handler.wfile.write(reply.content)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class FakeAgent:
    """Answers each connection to a unit's exec socket with these lines, then hangs up.

    An answer of None is not given: the connection stays open. `...` waits for another line first.
    """

    def __init__(self, path: Path, *lines: object) -> None:
        self.asked: list[object] = []
        fake = self

        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                for line in (..., *lines):
                    if line is ...:
                        fake.asked.append(msgspec.json.decode(self.rfile.readline()))
                        continue
                    if line is None:
                        self.rfile.read()
                        return
                    said = line if isinstance(line, bytes) else msgspec.json.encode(line) + b"\n"
                    self.wfile.write(said)

        class Server(ThreadingMixIn, UnixStreamServer):
            daemon_threads = True

        self._server = Server(str(path), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


Agents = Callable[..., FakeAgent]
"""Makes an agent of web/0 that answers with these lines."""


class Result(Struct, frozen=True):
    """What a command did."""

    code: int
    out: str
    err: str


class Desk:
    """A state folder with a controller, and an operator at it."""

    def __init__(self, folder: StateFolder) -> None:
        self.folder = folder
        self.controller = FakeController(folder.controller_socket)

    def call(self, *args: str) -> Result:
        """Run a command in this process, through the door."""
        return call(args[0], "--state", str(self.folder.state), *args[1:])


def call(*args: str) -> Result:
    """Run `tenure` with these arguments, in this process, through the door."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(args)
    return Result(code, out.getvalue(), err.getvalue())


@pytest.fixture
def folder() -> Iterator[StateFolder]:
    folder = Path(tempfile.mkdtemp(prefix="tn-"))
    found = StateFolder(folder)
    found.ensure()
    found.write(UpRecord(model_uuid="u"))
    yield found
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def desk(folder: StateFolder) -> Iterator[Desk]:
    found = Desk(folder)
    try:
        yield found
    finally:
        found.controller.close()


@pytest.fixture
def agent(desk: Desk) -> Iterator[Agents]:
    """An agent of web/0 that answers with what the test says."""
    made: list[FakeAgent] = []

    def make(*lines: object) -> FakeAgent:
        made.append(FakeAgent(desk.folder.exec_socket("web/0"), *lines))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")


def python() -> list[str]:
    """The command line of `tenure` as a process of its own."""
    return [sys.executable, "-m", "tenure"]
