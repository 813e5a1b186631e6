"""`tenure log`: all units by time, through rotations."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec

from tenure.cli.show.logs import LogFile, UnitLogs, parse_line
from tenure.statefolder import StateFolder
from tests.cli.conftest import Result, call, python
from tests.support.patience import ending


def line(second: int, unit: str, text: str = "text") -> str:
    return f"2026-11-23T12:00:{second:02d}.000Z INFO    {unit} start: {text}"


def write(folder: StateFolder, unit: str, *lines: str) -> None:
    path = folder.unit_log(unit)
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write("".join(f"{each}\n" for each in lines))


def rotate(folder: StateFolder, unit: str) -> None:
    path = folder.unit_log(unit)
    path.rename(path.with_name("log.1"))


def test_the_logs_of_all_units_are_one_by_time(folder: StateFolder) -> None:
    """H11"""
    write(folder, "web/0", line(1, "web/0"), line(4, "web/0"))
    write(folder, "web/1", line(2, "web/1"), line(3, "web/1"))
    seconds = [each[17:19] for each in call("log", "--state", str(folder.state)).out.splitlines()]
    assert seconds == ["01", "02", "03", "04"]
    assert call("log", "web/1", "-n", "1", "--state", str(folder.state)) == Result(
        0, line(3, "web/1") + "\n", ""
    )


def test_a_line_is_also_json(folder: StateFolder) -> None:
    """O6, H11"""
    write(folder, "web/0", line(1, "web/0", "a: b"), "torn")
    out = call("log", "--format", "json", "--state", str(folder.state)).out.splitlines()
    assert msgspec.json.decode(out[0]) == {
        "at": "2026-11-23T12:00:01.000Z",
        "level": "INFO",
        "unit": "web/0",
        "source": "start",
        "text": "a: b",
    }
    assert parse_line(out[1]).text == out[1]


def test_where_nothing_was_started_the_log_says_so_and_the_way_on(tmp_path: Path) -> None:
    assert call("log", "--state", str(tmp_path)) == Result(
        1,
        "",
        f"ERROR nothing was started in {tmp_path} yet: "
        "name another state folder with --state, or begin with `tenure up CHARM`\n",
    )


def test_a_unit_without_log_is_said(folder: StateFolder) -> None:
    done = call("log", "web/3", "--state", str(folder.state))
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("ERROR web/3 has no log in ")


def test_the_rotated_part_comes_first_and_nothing_is_lost_or_doubled(folder: StateFolder) -> None:
    """H11"""
    log = LogFile(folder.unit_log("web/0"))
    assert list(log.lines()) == []
    write(folder, "web/0", "a", "b")
    rotate(folder, "web/0")
    write(folder, "web/0", "c")
    assert list(log.lines()) == ["a", "b", "c"]
    write(folder, "web/0", "d")
    rotate(folder, "web/0")
    assert list(log.lines()) == ["d"]
    write(folder, "web/0", "e")
    assert list(log.lines()) == ["e"]
    rotate(folder, "web/0")
    write(folder, "web/0", "f")
    assert list(log.lines()) == ["f"]
    assert list(log.lines()) == []


def test_half_a_line_waits_for_its_end(folder: StateFolder) -> None:
    path = folder.unit_log("web/0")
    path.parent.mkdir()
    log = LogFile(path)
    path.write_bytes(b"one\ntw")
    assert list(log.lines()) == ["one"]
    with path.open("ab") as file:
        file.write(b"o \xff\n")
    assert list(log.lines()) == ["two \ufffd"]


def test_what_is_skipped_is_not_shown_but_new_units_are(folder: StateFolder) -> None:
    write(folder, "web/0", line(1, "web/0"))
    log = UnitLogs(folder)
    log.skip()
    write(folder, "web/0", line(3, "web/0"))
    write(folder, "web/1", line(2, "web/1"))
    assert [each[17:19] for each in log.lines()] == ["02", "03"]


def test_following_begins_with_the_last_lines_and_survives_a_rotation(folder: StateFolder) -> None:
    """H11"""
    write(folder, "web/0", *(line(second, "web/0") for second in range(20)))
    argv = [*python(), "log", "-f", "--state", str(folder.state)]
    with ending(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == line(10, "web/0") + "\n"
            for _ in range(9):
                process.stdout.readline()
            rotate(folder, "web/0")
            write(folder, "web/0", line(30, "web/0"))
            write(folder, "web/1", line(31, "web/1"))
            assert sorted(process.stdout.readline()[17:19] for _ in range(2)) == ["30", "31"]
        finally:
            process.kill()
