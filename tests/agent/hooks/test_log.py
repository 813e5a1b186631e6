"""The unit's log: harmless lines, and never a reason to fail."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tenure.agent.hooks import log as unitlog
from tenure.agent.hooks.log import UnitLog

HEAD = "2026-11-23T12:00:00.123Z"


class StoppedClock:
    def now(self) -> float:
        return 0.0

    def wall(self) -> float:
        return 1795435200.1239


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def log(path: Path) -> Iterator[UnitLog]:
    log = UnitLog(path, "web/0", StoppedClock())
    yield log
    log.close()


def test_a_line_names_time_level_unit_and_hook(log: UnitLog, path: Path) -> None:
    """H11"""
    log.log("INFO", "text", "leader-elected")
    log.log("WARNING", "text")
    assert path.read_text() == (
        f"{HEAD} INFO    web/0 leader-elected: text\n{HEAD} WARNING web/0: text\n"
    )
    assert path.stat().st_mode & 0o777 == 0o600


def test_each_line_of_a_message_is_a_line_of_the_log(log: UnitLog, path: Path) -> None:
    """H11"""
    log.log("INFO", "one\n\nthree\u2028still three\n", "start")
    texts = [line.partition("start: ")[2] for line in path.read_text().split("\n")]
    assert texts == ["one", "", "three\u2028still three", ""]


@pytest.mark.parametrize(
    ("message", "texts"),
    [
        ("a\nb\nc\n", ["a", "b", "c"]),
        ("a\nb\nc\nd", ["a", "b", "c", "and 1 lines more"]),
        ("\n" * 20, ["", "", "", "and 17 lines more"]),
        ("12345678", ["12345678"]),
        ("123\n567890", ["123", "5678", "and 2 characters more"]),
    ],
)
def test_of_a_message_that_is_far_too_long_the_rest_is_counted(
    log: UnitLog, path: Path, monkeypatch: pytest.MonkeyPatch, message: str, texts: list[str]
) -> None:
    """H11"""
    monkeypatch.setattr(unitlog, "MAX_LINES", 3)
    monkeypatch.setattr(unitlog, "MAX_TEXT", 8)
    log.log("INFO", message)
    assert [line.partition("web/0: ")[2] for line in path.read_text().splitlines()] == texts


def test_the_longest_message_fits_in_one_file(log: UnitLog, path: Path) -> None:
    """H11: however many bytes a character becomes"""
    for message in ("\n" * 8_000_000, "\x01" * 8_000_000, "\udcff" * 8_000_000):
        log.log("INFO", message)
        assert path.stat().st_size < unitlog.MAX_SIZE
        assert path.read_text().endswith(" more\n")


def test_control_characters_are_shown_not_obeyed(log: UnitLog, path: Path) -> None:
    """H11"""
    log.log("INFO", "\x1b[31m\tred\r\x00\x7f\x9b é \ud800")
    assert path.read_bytes().endswith(
        "web/0: \\x1b[31m\tred\\x0d\\x00\\x7f\\x9b é \\ud800\n".encode()
    )


def test_the_log_is_rotated_and_one_old_file_kept(
    log: UnitLog, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H11"""
    monkeypatch.setattr(unitlog, "MAX_SIZE", 100)
    for number in range(5):
        log.log("INFO", f"line {number}")
    assert sorted(each.name for each in path.parent.iterdir()) == ["log", "log.1"]
    assert path.read_text().endswith("line 4\n")
    assert "line 3" in path.with_name("log.1").read_text()
    assert path.with_name("log.1").stat().st_size <= 100


def test_an_unwritable_log_loses_lines_and_says_how_many(tmp_path: Path) -> None:
    """H11"""
    folder = tmp_path / "later"
    log = UnitLog(folder / "log", "web/0", StoppedClock())
    log.log("INFO", "one\ntwo")
    log.log("INFO", "three")
    folder.mkdir()
    log.log("INFO", "four")
    log.log("INFO", "five")
    log.close()
    lines = [line.partition("web/0: ")[2] for line in (folder / "log").read_text().splitlines()]
    assert lines == ["3 lines lost: the log could not be written", "four", "five"]


def test_a_full_disk_loses_whole_messages_and_raises_nothing(log: UnitLog, path: Path) -> None:
    """H11"""
    log.log("INFO", "one")
    with disk_of(path.stat().st_size + 30):
        log.log("INFO", "lost")
        log.log("INFO", "lost\ntoo")
    log.log("INFO", "two")
    lines = [line.partition("web/0: ")[2] for line in path.read_text().splitlines()]
    assert lines == ["one", "3 lines lost: the log could not be written", "two"]
    assert path.read_text().count(HEAD) == 3


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file of this process grows beyond `size` bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_log_that_was_removed_is_begun_anew(log: UnitLog, path: Path) -> None:
    """H11"""
    log.log("INFO", "one")
    path.unlink()
    log.log("INFO", "two")
    assert path.read_text().endswith("two\n")
