"""`tenure drill`: its words, its output, its exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Result, call, python
from tests.examples.running import wait_until
from tests.support.patience import HANG, ending


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lost.drill"
    path.write_text("settle\n")
    return path


def test_all_passed_is_0(file: Path) -> None:
    assert call("drill", str(file)) == Result(0, f"TAP version 14\n1..1\nok 1 - {file}\n", "")


def test_some_failed_is_1_and_the_file_for_junit_is_written(file: Path, tmp_path: Path) -> None:
    file.write_text("elect web/1\n")
    done = call("drill", str(tmp_path), "--junit", str(tmp_path / "x.xml"))
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith(f"TAP version 14\n1..1\nnot ok 1 - {file}\n  ---\n  line: 1\n")
    assert 'failures="1"' in (tmp_path / "x.xml").read_text()


def test_a_wrong_line_is_2_and_nothing_is_run(file: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.drill"
    wrong.write_text("settle\ncutoff web/1\nelect web\n")
    assert call("drill", str(file), str(wrong)) == Result(
        2,
        "",
        f'ERROR {wrong}:2: no command "cutoff": did you mean "cut-off"?\n'
        f"ERROR {wrong}:3: 'web' is not a unit name: a unit is named like \"web/0\"\n",
    )


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "say which files, or folders with files named like NAME.drill"),
        (["nowhere.drill"], "nowhere.drill: no such file or directory"),
        (["x", "--orders", "0"], "'0' is not a number from 1 to"),
        (["x", "--jobs", "many"], "'many' is not a number from 1 to"),
        (["--lines", "x"], "--lines takes no paths and no other options"),
        (["--lines", "--keep"], "--lines takes no paths and no other options"),
    ],
)
def test_wrong_words_are_2_and_one_line(words: list[str], why: str) -> None:
    done = call("drill", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("ERROR ") and done.err.count("\n") == 1
    assert why in done.err


def test_a_file_for_junit_that_cannot_be_written_is_told_before_anything_runs(file: Path) -> None:
    done = call("drill", str(file), "--junit", str(file / "x"))
    assert (done.code, done.out) == (2, "")
    assert "cannot write" in done.err and "not a directory" in done.err


def test_lines_are_answered_as_they_come() -> None:
    command = [*python(), "drill", "--lines"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with ending(process):
        assert process.stdin is not None and process.stdout is not None
        for _ in range(2):
            process.stdin.write(b"settle\n")
            process.stdin.flush()
            assert process.stdout.readline() == b'{"ok":true,"answer":""}\n'
        process.stdin.close()
        assert process.wait(HANG) == 0


def test_help_pays_for_no_stage() -> None:
    code = "import tenure.cli.commands.drill, sys; print('asyncio' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=HANG, check=True
    )
    assert done.stdout == b"False\n"


def test_the_processes_of_a_command_that_was_killed_end(tmp_path: Path) -> None:
    """As do their hooks, by their wardens"""
    os.mkfifo(tmp_path / "never")
    for name in "ab":
        line = f"sh 'echo $PPID >{name}.new; mv {name}.new {name}.pid; read x <never'\n"
        (tmp_path / f"{name}.drill").write_text(line)
    command = [*python(), "drill", str(tmp_path), "--jobs", "2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    files = [tmp_path / "a.pid", tmp_path / "b.pid"]
    with ending(process):
        wait_until(lambda: all(file.exists() for file in files))
    pids = [int(file.read_text()) for file in files]
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    os.close(os.open(tmp_path / "never", os.O_RDWR))  # whoever reads it goes on, and ends
