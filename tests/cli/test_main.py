"""The door: one line and a documented code, whatever happens."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from tenure import __version__
from tenure.cli import group
from tenure.cli import main as door
from tenure.errors import Refused, Unreachable, Unsure
from tenure.statefolder import StateFolder
from tenure.wire.operators import ControllerStatus, History, HistoryEntry, Status
from tests.support.patience import HANG, ending

from .conftest import Desk, Reply, Result, call, python

NOTHING = Status(
    controller=ControllerStatus(pid=1, version="1", seat=1, started="", store="/s"),
    applications={},
)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], Result]:
    """Run a command that meets this fault."""

    def meet(fault: BaseException) -> Result:
        def fail() -> None:
            raise fault

        command = click.Command("status", callback=fail)
        monkeypatch.setattr(group.CommandTable, "get_command", lambda *_: command)
        return call("status")

    return meet


@pytest.mark.parametrize(
    ("fault", "code", "error"),
    [
        (Refused("no"), 1, "ERROR no\n"),
        (Unreachable("nobody"), 3, "ERROR nobody\n"),
        (Unsure("who\nknows\x1b[1m"), 4, "ERROR who knows\\x1b[1m\n"),
        (KeyboardInterrupt(), 130, ""),
        (PermissionError(13, "Permission denied", "/f"), 1, "ERROR /f: Permission denied\n"),
        (
            ZeroDivisionError("by zero"),
            1,
            "ERROR something unexpected happened: ZeroDivisionError: by zero: run it again with "
            "TENURE_DEBUG=1 and report what it prints\n",
        ),
    ],
)
def test_each_fault_is_one_line_and_a_code(
    failing: Callable[[BaseException], Result], fault: BaseException, code: int, error: str
) -> None:
    assert failing(fault) == Result(code, "", error)


def test_the_traceback_is_shown_to_who_asks_for_it(
    failing: Callable[[BaseException], Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENURE_DEBUG", "1")
    done = failing(ZeroDivisionError("by zero"))
    assert "Traceback" in done.err and done.code == 1


def test_elsewhere_than_on_linux_it_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert door.run(["status"], platform="darwin") == 1
    assert capsys.readouterr().err == (
        "ERROR tenure needs Linux: it lives on CLOCK_BOOTTIME, /proc and UNIX sockets\n"
    )


def test_version_and_help_cost_no_controller() -> None:
    assert call("--version") == Result(0, f"tenure {__version__}\n", "")
    done = call("--help")
    assert done.code == 0
    for name in group.COMMANDS:
        assert f"  {name} " in done.out
        assert call(name, "--help").code == 0


def test_without_controller_a_command_names_the_socket_and_the_next_step(
    folder: StateFolder,
) -> None:
    done = call("status", "--state", str(folder.state))
    assert done == Result(
        3,
        "",
        f"ERROR no controller reachable at {folder.controller_socket}: "
        "start one with `tenure up CHARM`\n",
    )


def test_a_lost_connection_is_unsure_for_a_deed_and_unreachable_for_a_question(
    desk: Desk,
) -> None:
    """G7"""
    desk.controller.reply = Reply(None)
    assert desk.call("status").code == 3
    assert desk.call("step-down", "web").code == 3  # It begins with a question.
    desk.controller.knows(NOTHING)
    done = desk.call("step-down", "web")
    assert done.code == 4
    assert "it may or may not have happened; look with `tenure status`" in done.err


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"\xff"])
def test_an_answer_that_is_none_is_one_line(desk: Desk, content: bytes) -> None:
    for status in (200, 500):
        desk.controller.reply = Reply(content, status)
        done = desk.call("status")
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith(f"ERROR the controller's answer (HTTP {status}) is not")
        assert done.err.count("\n") == 1


def test_garbage_instead_of_http_is_one_line(folder: StateFolder, tmp_path: Path) -> None:
    with ending(
        subprocess.Popen(
            [
                *python()[:1],
                "-c",
                "import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); "
                "s.listen(); print(flush=True); c, _ = s.accept(); c.recv(9); "
                "c.send(b'\\0garbage\\n')",
                str(folder.controller_socket),
            ],
            stdout=subprocess.PIPE,
        )
    ) as server:
        assert server.stdout is not None
        server.stdout.readline()
        done = call("status", "--state", str(folder.state))
        server.kill()
    assert done.code == 3
    assert done.err.startswith("ERROR the connection to the controller was lost")


def test_a_reader_that_went_away_ends_it_quietly(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Unbuffered, Python takes a write that was cut short for a whole one.
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    entry = HistoryEntry(at="2026-11-23T12:00:00Z", kind="granted", cause="c" * 1000)
    desk.controller.says(History(application="web", entries=(entry,) * 1000))
    argv = [*python(), "history", "web", "--state", str(desk.folder.state)]
    with ending(subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(HANG) == 1


def test_a_full_disk_behind_stdout_is_one_line(desk: Desk) -> None:
    desk.controller.says(History(application="web", entries=()))
    argv = [*python(), "history", "web", "--state", str(desk.folder.state)]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, timeout=HANG, check=False)
    assert (done.returncode, done.stderr) == (1, b"ERROR No space left on device\n")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_what_the_caller_closed_leads_nowhere(desk: Desk, closed: str) -> None:
    desk.controller.says(NOTHING)
    argv = [*python(), "status", "--state", str(desk.folder.state)]
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh"]
    done = subprocess.run([*shell, *argv], capture_output=True, timeout=HANG, check=False)
    shown = b"" if ">&-" in closed.replace("2>&-", "") else b"no applications yet\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, shown, b"")
    desk.controller.refuses("refused", "no")
    done = subprocess.run([*shell, *argv], capture_output=True, timeout=HANG, check=False)
    told = b"" if "2>&-" in closed else b"ERROR no\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", told)


def test_ctrl_c_ends_it_quietly(folder: StateFolder) -> None:
    argv = [*python(), "log", "-f", "--state", str(folder.state)]
    log = folder.unit_log("web/0")
    log.parent.mkdir()
    log.write_text("first\n")
    with ending(subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"first\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=HANG)
    assert (process.returncode, out, err) == (130, b"", b"")


LOADING = """
import os, signal, sys

class Finder:
    def find_spec(self, name, *_):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)

module = sys.argv[1]
sys.argv[1:] = ["status", "--state", "/nowhere"]
sys.meta_path.insert(0, Finder())
from tenure.cli import main
main()
"""


@pytest.mark.parametrize(
    "module",
    [
        "tenure.cli.main",
        "click",
        "tenure.errors",
        "tenure.cli.commands.status",
        "tenure.client.operator",
        "tenure.client.transport",
    ],
)
def test_ctrl_c_while_a_command_is_loaded_ends_it_quietly(module: str) -> None:
    done = subprocess.run(
        [*python()[:1], "-c", LOADING, module], capture_output=True, timeout=HANG, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_one_shot_commands_load_neither_rich_nor_aiohttp_nor_asyncio() -> None:
    program = (
        "import sys; from tenure.cli.main import run; run(['status', '--state', '/nowhere']); "
        "print(sorted({'rich', 'aiohttp', 'asyncio', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [*python()[:1], "-c", program], capture_output=True, timeout=HANG, check=False
    )
    assert done.stdout == b"[]\n"
