"""What a hook writes, read into the unit's log line by line (H11).

Output is read a little per turn of the loop, so a hook that floods its log slows down itself and
nobody else.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import termios
from collections.abc import Callable

READ_SIZE = 4096
"""Bytes read from one pipe in one turn of the loop."""

MAX_LINE = 16 * 1024
"""Bytes of a line of output; a longer one is cut in pieces (H11)."""


MAX_CAPTURED = 64 * 1024
"""Bytes of an action's stdout that its caller gets, and as many of its stderr."""


class LineSplitter:
    """Cuts a stream of bytes into lines of text, the long ones in pieces (H11)."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, content: bytes) -> list[str]:
        """The lines that are complete now."""
        *lines, self._rest = (self._rest + content).split(b"\n")
        pieces = [piece for line in lines for piece in _pieces(line.removesuffix(b"\r"))]
        while len(self._rest) > MAX_LINE:
            cut = _cut(self._rest)
            pieces.append(self._rest[:cut])
            self._rest = self._rest[cut:]
        return [piece.decode("utf-8", "replace") for piece in pieces]

    def flush(self) -> list[str]:
        """What is left: a last line without newline counts."""
        rest, self._rest = self._rest, b""
        return [piece.decode("utf-8", "replace") for piece in _pieces(rest)] if rest else []


class Captured:
    """What was written to one pipe: the first `MAX_CAPTURED` bytes, and how many there were."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.size = 0

    def add(self, content: bytes) -> None:
        self.size += len(content)
        self.content += content[: MAX_CAPTURED - len(self.content)]


class Stream:
    """One pipe of a hook, read in the loop into the log, and into `captured` if that is given."""

    def __init__(
        self, pipe: int, write: Callable[[str], None], captured: Captured | None = None
    ) -> None:
        self.captured = captured
        self._pipe = pipe
        self._write = write
        self._lines = LineSplitter()
        self._read = 0
        self._loop = asyncio.get_running_loop()
        os.set_blocking(pipe, False)
        self._loop.add_reader(pipe, self._on_readable)

    @property
    def is_open(self) -> bool:
        """Whether somebody may still write to it."""
        return self._pipe >= 0

    async def catch_up(self) -> None:
        """Until all that is in the pipe now is in the log, a line without end included."""
        if self._pipe >= 0:
            there = bytearray(4)
            fcntl.ioctl(self._pipe, termios.FIONREAD, there)
            until = self._read + int.from_bytes(there, "little")
            while self._pipe >= 0 and self._read < until:  # noqa: ASYNC110
                await asyncio.sleep(0)  # each turn of the loop reads a little
        self._log(self._lines.flush())

    def close(self) -> None:
        if self._pipe >= 0:
            self._loop.remove_reader(self._pipe)
            os.close(self._pipe)
            self._pipe = -1
            self._log(self._lines.flush())

    def _on_readable(self) -> None:
        try:
            content = os.read(self._pipe, READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            content = b""
        if not content:
            self.close()
            return
        self._read += len(content)
        if self.captured is not None:
            self.captured.add(content)
        self._log(self._lines.feed(content))

    def _log(self, lines: list[str]) -> None:
        if lines:
            self._write("".join(f"{line}\n" for line in lines))


def _pieces(line: bytes) -> list[bytes]:
    pieces = []
    while len(line) > MAX_LINE:
        cut = _cut(line)
        pieces.append(line[:cut])
        line = line[cut:]
    return [*pieces, line]


def _cut(line: bytes) -> int:
    """Where to cut a line that is too long: not inside a character."""
    cut = MAX_LINE
    while cut > MAX_LINE - 3 and line[cut] & 0xC0 == 0x80:
        cut -= 1
    return cut
