"""Whatever is typed: one line that names what is wrong, a documented code, nothing unexpected."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tenure.cli.group import COMMANDS
from tenure.statefolder import StateFolder
from tenure.wire.operators import Ok, Status
from tests.cli.commands.test_commands import CONTROLLER, application
from tests.cli.conftest import Desk, Result, call, python

BYTES = os.fsdecode(b"caf\xe9")
LONG = "a" * 150
BAD = {
    "not UTF-8": BYTES,
    "a part that is not UTF-8": f"key={BYTES}",
    "too long": LONG,
    "much too long": "a" * 100_000,
    "a long unit": f"{LONG}/0",
    "empty": "",
    "a negative number": "-1",
    "an option of nobody": "--nonsense",
    "control characters": "a\x1b[2Jb\nc",
    "a path that leads away": "../../x",
    "a slash": "/",
    "digits that are none here": "٣",
    "a huge number": "9" * 30,
    "a surrogate that is none": "\\udcff",
}
FIRST = {
    "scale": ["web"],
    "run": ["web/0"],
    "pin": ["web", "--reason", "R", "--for"],
    "unpin": ["web", "--reason"],
    "lease": ["web", "--duration"],
    "history": ["web", "--limit"],
    "wait": ["web", "--timeout", "0s", "--for"],
    "add-unit": ["web", "-n"],
    "log": ["-n"],
    "deploy": ["/nowhere"],
    "refresh": ["web"],
    "config": ["web"],
}
"""Right words before the bad one, for a second try of these commands."""


@pytest.fixture
def busy(desk: Desk) -> Desk:
    desk.controller.knows(Status(controller=CONTROLLER, applications={"web": application()}))
    desk.controller.says(Ok())
    return desk


def check(done: Result, code: int | None = None) -> None:
    assert "unexpected" not in done.err and "codec" not in done.err
    assert done.code in ((1, 2, 3, 5, 125, 0) if code is None else (code,))
    if done.code:
        assert done.err.startswith("ERROR ") and done.err.count("\n") == 1
        assert done.err.isprintable() or done.err[:-1].isprintable()
        assert len(done.err) < 1000


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("up", "down")])
def test_a_bad_word_is_one_line(busy: Desk, name: str, kind: str) -> None:
    tail = ["--", "true"] if name == "exec" else []
    for before in ([], FIRST.get(name)):
        if before is not None:
            done = busy.call(name, *before, BAD[kind], *tail)
            check(done)
            if "UTF-8" in kind:
                assert done.code == (125 if name == "exec" else 2)
                assert "is not text in UTF-8" in done.err


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_word_for_up_starts_nothing(folder: StateFolder, kind: str) -> None:
    for words in (["--name", BAD[kind], "/nowhere"], [BAD[kind]], ["--lease", BAD[kind], "/x"]):
        done = call("up", "--state", str(folder.state), *words)
        check(done)
        assert done.code in (1, 2)


def test_a_word_that_is_not_utf_8_is_named_and_a_value_is_not_repeated() -> None:
    assert call("why", BYTES) == Result(
        2,
        "",
        r"ERROR word 2 of the command (caf\xe9) is not text in UTF-8: write it anew, or rename "
        "what it names: see `tenure --help`\n",
    )
    done = call("config", "web", f"password=secret{BYTES}")
    assert done.code == 2 and "(password=...)" in done.err and "secret" not in done.err


def test_what_exec_runs_may_have_any_bytes(busy: Desk) -> None:
    done = busy.call("exec", "web/0", "--", "true", BYTES)
    assert done.code == 125 and "UTF-8" not in done.err


def test_a_folder_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    folder = tmp_path / BYTES
    folder.mkdir()
    for words in (["deploy", "."], ["deploy", str(tmp_path), "--resource", "a=b"]):
        done = subprocess.run(
            [*python(), *words, "--state", str(tmp_path / "s")],
            cwd=folder, capture_output=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert rb"caf\xe9" in done.stderr and b"is not UTF-8: rename that folder" in done.stderr


def test_a_name_that_is_only_too_long_says_the_limit(folder: StateFolder) -> None:
    done = call("up", "--state", str(folder.state), "/x", "--name", LONG)
    assert done.code == 2
    assert "at most 128 characters, and this one 150" in done.err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["pin", "web", "--reason", "R", "--for", "9000h"], "more than 0s and at most 8784h"),
        (["pin", "web", "--reason", "R", "--for", "0s"], "more than 0s and at most 8784h"),
        (["scale", "who", "-1"], "no number here is below 0"),
        (["history", "web/0"], "'web/0' is a unit: name its application, web"),
        (["settings", "web/0"], "'web/0' is a unit: name its application, web"),
        (["remove-unit", "web"], "name a unit of it, as in web/0"),
    ],
)
def test_the_message_says_what_would_be_right(busy: Desk, args: list[str], said: str) -> None:
    done = busy.call(*args)
    assert done.code == 2 and said in done.err
    assert busy.controller.asked == []


def test_a_state_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for command in ("status", "up", "down", "log", "history"):
        words = ["web"] if command == "history" else []
        assert call(command, "--state", str(file), *words) == Result(
            1, "", f"ERROR {file} is a file and no state folder: name another with --state\n"
        )


@pytest.mark.parametrize("content", [b"", b'{"version":1,"model_', b"\xff\xfe", b"[]"])
def test_a_record_that_is_cut_short_is_named_with_the_next_step(
    folder: StateFolder, content: bytes
) -> None:
    folder.record_file.write_bytes(content)
    done = call("up", "--state", str(folder.state))
    assert done.code == 1
    assert f"{folder.record_file} cannot be used: it is cut short" in done.err
    assert "move it away, and the next `tenure up` writes a new one" in done.err
