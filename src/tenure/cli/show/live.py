"""`up` on a terminal: applications, units, who leads, the end of the log, kept current in place.

It has the terminal's other screen while it runs, so that a terminal which changes its size is drawn
anew as a whole; at the end the last picture is left on the first one.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

from msgspec import Struct
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from tenure.cli.show.logs import UnitLogs, parse_line
from tenure.cli.show.plain_screen import EMPTY, clock_time, event_line, now, process_line
from tenure.cli.show.rich_table import HEAD, table_of
from tenure.cli.show.status import application_table, notes, unit_table
from tenure.cli.show.table import Table
from tenure.cli.show.text import plain, zone_now
from tenure.statefolder import StateFolder
from tenure.wire.operators import Event, Status

LOG_LINES = 200
"""How many lines are kept, for the tallest terminal."""

LEAST_LOG = 3
"""Lines of the log that are always shown."""


class Line(Struct, frozen=True, order=True):
    """A line of the log's end. `at` is an instant of ISO 8601, in UTC: the order of lines."""

    at: str
    text: str


class LiveScreen:
    """See Screen."""

    every: float | None = 0.5

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, screen=True)
        self._headline = ""
        self._status: Status | None = None
        self._lines: list[Line] = []
        self._log: UnitLogs | None = None
        self._live.start()

    def begin(self, folder: StateFolder, status: Status) -> None:
        """See Screen."""
        self._headline = f"state folder {folder.state}; times are {zone_now()}; Ctrl-C stops"
        self._log = UnitLogs(folder)
        self._log.skip()
        asyncio.get_running_loop().add_signal_handler(signal.SIGWINCH, self._draw)
        self.status(status)

    def say(self, text: str) -> None:
        """See Screen."""
        self._add(Line(now(), process_line(text)))
        self._draw()

    def event(self, event: Event) -> None:
        """See Screen."""
        if event.kind not in ("hook", "status"):
            self._add(Line(event.at, event_line(event)))
            self._draw()

    def status(self, status: Status) -> None:
        """See Screen."""
        self._status = status
        if self._log is not None:
            with suppress(OSError):
                for line in self._log.lines():
                    self._add(self._logged(line))
        self._draw()

    def close(self) -> None:
        """See Screen."""
        self._live.stop()
        if self._log is not None:  # else it never began, and an error says why
            self._console.print(self.picture())

    def picture(self) -> Group:
        """All of it, as high as the terminal is."""
        parts: list[RenderableType] = [
            Text(self._headline, style="bold", overflow="ellipsis", no_wrap=True)
        ]
        room = self._console.height - len(parts)
        if self._status is not None:
            tables, taken = _tables(self._status, room - LEAST_LOG)
            parts += tables
            room -= taken
        tail = "\n".join(line.text for line in self._lines[-max(room, 1) :])
        return Group(*parts, Text(tail, style="dim", no_wrap=True, overflow="ellipsis"))

    def _draw(self) -> None:
        self._live.update(self.picture(), refresh=True)

    def _add(self, line: Line) -> None:
        """In its place: what is heard of first need not have happened first."""
        at = len(self._lines)
        while at > 0 and self._lines[at - 1].at > line.at:
            at -= 1
        self._lines.insert(at, line)
        del self._lines[:-LOG_LINES]

    def _logged(self, line: str) -> Line:
        """A line of a unit's log, in the clock and the form of the others."""
        parts = parse_line(line)
        if not parts.at:  # it goes on with the line before
            return Line(self._lines[-1].at if self._lines else "", plain(line))
        who = f"{parts.unit} {parts.source}" if parts.source else parts.unit
        level = "" if parts.level == "INFO" else f"{parts.level} "
        return Line(parts.at, plain(f"{clock_time(parts.at)} {who}: {level}{parts.text}"))


def _tables(status: Status, room: int) -> tuple[list[RenderableType], int]:
    """What there is, in `room` lines, and how many of them it takes."""
    if not status.applications:
        return [Text(EMPTY)], 1
    said = [_note(note) for note in notes(status)]
    applications, units = application_table(status), unit_table(status)
    left = room - 2 * HEAD - len(said)
    # half for the units, or more if the applications need less
    for_applications = max(min(len(applications.rows), left - left // 2), 1)
    first, taken = _drawn(applications, for_applications)
    second, more = _drawn(units, max(left - taken, 1))
    return [*first, *second, *said], 2 * HEAD + len(said) + taken + more


def _drawn(table: Table, room: int) -> tuple[list[RenderableType], int]:
    """The table, and a line that says how many of its rows do not fit; and the lines of both."""
    count = len(table.rows)
    if count <= room:
        return [table_of(table, fold=False)], count
    shown = max(room - 1, 0)
    cut = table._replace(rows=table.rows[:shown], marks=table.marks[:shown])
    below = f"{count - shown} more below: `tenure status` shows all"
    return [table_of(cut, fold=False), _note(below)], shown + 1


def _note(text: str) -> Text:
    return Text(text, style="yellow", no_wrap=True, overflow="ellipsis")
