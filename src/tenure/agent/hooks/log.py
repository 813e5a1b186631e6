r"""The log of one unit, for people: one line per line, and never a reason for anything to fail.

    2026-11-23T12:00:00.123Z INFO    web/0 leader-elected: text

Hooks write what they like, so what arrives is made harmless: a message of several lines becomes
several lines, each with its own headline, and control characters (tab apart) are shown as `\x1b`,
so no hook can forge a line or paint the terminal of who reads it.

A log that cannot be written (disk full, folder gone) loses lines, counts them, and says how many
once it can write again. A message is written whole or not at all, but of one that is far too long
only the beginning, and how much more there was: else a single call could make a log of any size.
The file is rotated at 10 MiB and one old file (`log.1`) is kept; nobody else writes to it.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from tenure.clock import Clock

MAX_SIZE = 10 * 1024 * 1024
"""Bytes in the file before it is rotated."""

MAX_LINES = 10_000
"""Lines of one message. Each gets its headline, so a message of empty ones would grow the most."""

MAX_TEXT = 1024 * 1024
"""Characters of one message; each becomes 6 bytes at most."""

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
del _CONTROLS[ord("\t")]
_CONTROL = re.compile("[" + "".join(map(re.escape, map(chr, _CONTROLS))) + "]")


class UnitLog:
    """Appends to one unit's log file; opens it at the first line. Belongs to one thread."""

    def __init__(self, path: Path, unit: str, clock: Clock) -> None:
        self._path = path
        self._unit = unit
        self._clock = clock
        self._file: int | None = None
        self._lost = 0

    def log(self, level: str, message: str, source: str = "") -> None:
        """Append `message`; a newline at its end is not another line. Never raises OSError.

        `level` is INFO, WARNING ...; `source` is the hook's or the tool's name.
        """
        head = self._head(level, source)
        lines = [head + _harmless(line) for line in _lines(message.removesuffix("\n"))]
        if self._lost:
            notice = f"{self._lost} lines lost: the log could not be written"
            lines.insert(0, self._head("WARNING", "") + notice)
        content = ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")
        lost_before = 1 if self._lost else 0
        try:
            self._append(content)
            self._lost = 0
        except OSError:
            self._lost += len(lines) - lost_before
            self.close()

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
            self._file = None

    def _head(self, level: str, source: str) -> str:
        moment = datetime.fromtimestamp(self._clock.wall(), UTC)
        stamp = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
        who = f"{self._unit} {source}" if source else self._unit
        return f"{stamp} {level:<7} {who}: "

    def _append(self, content: bytes) -> None:
        file, size = self._ready_for(len(content))
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[os.write(file, rest) :]
        except OSError:
            with suppress(OSError):
                os.ftruncate(file, size)
            raise

    def _ready_for(self, length: int) -> tuple[int, int]:
        """The open file and its size, rotated if `length` more bytes are too many."""
        file, size = self._open()
        if size and size + length > MAX_SIZE:
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
            self.close()
            file, size = self._open()
        return file, size

    def _open(self) -> tuple[int, int]:
        if self._file is not None:
            facts = os.fstat(self._file)
            if facts.st_nlink:  # 0: somebody removed the file, and nobody would ever read ours
                return self._file, facts.st_size
            self.close()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._file = os.open(self._path, flags, 0o600)
        return self._file, os.fstat(self._file).st_size


def _lines(message: str) -> list[str]:
    """The lines of a message, and at the end what it has too much of, if anything."""
    lines = message[:MAX_TEXT].split("\n", MAX_LINES)
    if len(lines) > MAX_LINES:
        rest = lines[MAX_LINES].count("\n") + message.count("\n", MAX_TEXT) + 1
        lines[MAX_LINES] = f"and {rest} lines more"
    elif len(message) > MAX_TEXT:
        lines.append(f"and {len(message) - MAX_TEXT} characters more")
    return lines


def _harmless(line: str) -> str:
    return line.translate(_CONTROLS) if _CONTROL.search(line) else line
