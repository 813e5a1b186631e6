"""No file descriptor left: one line about it, whatever asyncio has to say."""

from __future__ import annotations

import asyncio
import errno
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from tenure.process import tell_of_shortage
from tests.support.patience import HANG

CLOSED_MEANWHILE = """
import asyncio, os, resource, socket, sys
from tenure.process import tell_of_shortage

async def run(path):
    loop = asyncio.get_running_loop()
    tell_of_shortage(loop, lambda text: (print(text, flush=True), told.set()))
    told = asyncio.Event()
    server = await asyncio.start_unix_server(lambda reader, writer: None, path, backlog=8)
    clients = [socket.socket(socket.AF_UNIX) for _ in range(6)]
    for client in clients:
        client.connect(path)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")), 4096))
    await told.wait()
    server.close()
    tried_again = loop.create_future()
    loop.call_later(asyncio.constants.ACCEPT_RETRY_DELAY, tried_again.set_result, None)
    await tried_again

asyncio.constants.ACCEPT_RETRY_DELAY = 0.01
asyncio.run(run(sys.argv[1]))
"""


async def test_a_shortage_is_told_in_one_line_and_the_rest_as_ever(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop, said = asyncio.get_running_loop(), list[str]()
    tell_of_shortage(loop, said.append)
    for _ in range(64):
        fault = OSError(errno.EMFILE, "Too many open files")
        loop.call_exception_handler(
            {"message": "socket.accept() ...", "exception": fault, "socket": object()}
        )
    assert said == [
        "no connection can be taken now: too many open files: it goes on once some are closed"
    ]
    with caplog.at_level(logging.ERROR):
        loop.call_exception_handler({"message": "another thing", "exception": OSError("else")})
        loop.call_exception_handler({"message": "a task fell", "exception": fault})
    assert [record.getMessage() for record in caplog.records] == ["another thing", "a task fell"]


def test_a_listener_that_is_closed_while_it_waits_leaves_no_traceback(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", CLOSED_MEANWHILE, str(tmp_path / "s")],
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(ran.stdout.splitlines()) == 1 and "too many open files" in ran.stdout
