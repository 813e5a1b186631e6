"""Reading the units' logs: all of them as one, by time, through rotations.

A log is rotated by renaming it to `log.1` and beginning anew. So a reader keeps the file open that
it is in, and goes on to the next one only once the name means another file, after a last look at
the old one: what was written between that look's beginning and the renaming is in it.

Lines begin with their instant (UTC, ISO 8601), so order by time is order by text.
"""

from __future__ import annotations

import heapq
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path

from msgspec import Struct

from tenure.errors import NotFound
from tenure.names import application_of
from tenure.statefolder import StateFolder

_CHUNK = 64 * 1024
_STAMP = len("2026-11-23T12:00:00.123Z")
_LINE = re.compile(r"(\S+) (\S+) +([^\s:]+)(?: ([^:]*))?: (.*)", re.DOTALL)


class LogLine(Struct, frozen=True, kw_only=True):
    """One line, for programs. What is not in the log's form has only a text."""

    at: str = ""
    level: str = ""
    unit: str = ""
    source: str = ""
    text: str


def parse_line(line: str) -> LogLine:
    """The parts of a line as the agents write them."""
    found = _LINE.fullmatch(line)
    if found is None:
        return LogLine(text=line)
    at, level, unit, source, text = found.groups()
    return LogLine(at=at, level=level, unit=unit, source=source or "", text=text)


class LogFile:
    """One unit's log, the rotated part first. Opens nothing until it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rotated = path.with_name(f"{path.name}.1")
        self._file: FileIO | None = None
        self._seen: list[int] = []
        self._rest = b""

    def lines(self) -> Iterator[str]:
        """Every whole line that was not given yet. Raises OSError."""
        while self._file is not None or self._open_next():
            moved = self._is_moved()
            yield from self._to_the_end()
            if not moved:
                return
            yield from self._last_words()

    def skip(self) -> None:
        """Go on from the end of what is there now. Raises OSError."""
        with suppress(FileNotFoundError):
            self._open(self._path).seek(0, os.SEEK_END)

    def _open_next(self) -> bool:
        for path in (self._rotated, self._path):
            with suppress(FileNotFoundError):
                if path == self._rotated and path.stat().st_ino in self._seen:
                    continue
                self._open(path)
                return True
        return False

    def _open(self, path: Path) -> FileIO:
        self._file = file = path.open("rb", buffering=0)
        self._seen = [*self._seen[-1:], os.fstat(file.fileno()).st_ino]
        return file

    def _is_moved(self) -> bool:
        try:
            return self._path.stat().st_ino != self._seen[-1]
        except FileNotFoundError:
            return False

    def _to_the_end(self) -> Iterator[str]:
        assert self._file is not None
        while chunk := self._file.read(_CHUNK):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                yield line.decode("utf-8", "replace")

    def _last_words(self) -> Iterator[str]:
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._rest:
            yield self._rest.decode("utf-8", "replace")
            self._rest = b""


class UnitLogs:
    """The logs of all units, or of those that are named, or whose application is: those that
    appear later among them."""

    def __init__(self, folder: StateFolder, named: Sequence[str] = ()) -> None:
        self._folder = folder
        self._named = named
        self._files: dict[str, LogFile] = {}

    def lines(self) -> Iterator[str]:
        """Every line that was not given yet, by time.

        Raises OSError, StateFolderUnusable, NotFound.
        """
        self._meet_new_units()
        return heapq.merge(*(log.lines() for log in self._files.values()), key=_instant)

    def skip(self) -> None:
        """Leave out what is there now. Raises OSError, StateFolderUnusable, NotFound."""
        self._meet_new_units()
        for log in self._files.values():
            log.skip()

    def _meet_new_units(self) -> None:
        for unit in self._units():
            if unit not in self._files:
                self._files[unit] = LogFile(self._path(unit))

    def _path(self, unit: str) -> Path:
        """A removed unit's log is kept for a while."""
        path, kept = self._folder.unit_log(unit), self._folder.removed_log(unit)
        return kept if kept.exists() and not path.parent.exists() else path

    def _units(self) -> list[str]:
        known = self._folder.known_units()
        if not self._named:
            return known
        known += [
            unit for unit in self._named if "/" in unit and self._folder.removed_log(unit).exists()
        ]
        found = [
            unit for unit in dict.fromkeys(known) if {unit, application_of(unit)} & set(self._named)
        ]
        for name in self._named:
            if not any(name in (unit, application_of(unit)) for unit in found):
                raise NotFound(
                    f"{name} has no log in {self._folder.state}: see `tenure status` for the units"
                )
        return found


def _instant(line: str) -> str:
    return line[:_STAMP]
