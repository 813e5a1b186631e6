"""`up` on a terminal: applications, units, who leads, the end of the log, kept current in place."""

from __future__ import annotations

from collections import deque
from contextlib import suppress

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from tenure.cli.show.logs import UnitLogs, parse_line
from tenure.cli.show.plain_screen import EMPTY, clock_time, event_line, process_line
from tenure.cli.show.rich_table import table_of
from tenure.cli.show.status import application_table, notes, unit_table
from tenure.cli.show.text import plain
from tenure.statefolder import StateFolder
from tenure.wire.operators import Event, Status

LOG_LINES = 200
"""How many lines are kept, for the tallest terminal."""

FRAME = 9
"""Lines of the screen that are neither rows of tables, nor notes, nor log."""


class LiveScreen:
    """See Screen."""

    every: float | None = 0.5

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="crop")
        self._headline = ""
        self._status: Status | None = None
        self._lines: deque[str] = deque(maxlen=LOG_LINES)
        self._log: UnitLogs | None = None
        self._live.start()

    def begin(self, folder: StateFolder, status: Status) -> None:
        """See Screen."""
        self._headline = f"state folder {folder.state}; Ctrl-C stops"
        self._log = UnitLogs(folder)
        self._log.skip()
        self.status(status)

    def say(self, text: str) -> None:
        """See Screen."""
        self._lines.append(process_line(text))
        self._draw()

    def event(self, event: Event) -> None:
        """See Screen."""
        if event.kind not in ("hook", "status"):
            self._lines.append(event_line(event))
            self._draw()

    def status(self, status: Status) -> None:
        """See Screen."""
        self._status = status
        if self._log is not None:
            with suppress(OSError):
                self._lines.extend(map(_log_line, self._log.lines()))
        self._draw()

    def close(self) -> None:
        """See Screen."""
        self._live.stop()

    def _draw(self) -> None:
        self._live.update(self._picture(), refresh=True)

    def _picture(self) -> Group:
        parts: list[object] = [Text(self._headline, style="bold")]
        rows = 0
        if self._status is not None:
            tables, rows = _tables(self._status)
            parts += tables
        room = max(self._console.height - FRAME - rows, 3)
        tail = "\n".join(list(self._lines)[-room:])
        return Group(*parts, Text(tail, style="dim", no_wrap=True, overflow="ellipsis"))  # type: ignore[arg-type]


def _tables(status: Status) -> tuple[list[object], int]:
    """What there is, and how many lines of it grow with what there is."""
    if not status.applications:
        return [Text(EMPTY)], 1
    applications, units = application_table(status), unit_table(status)
    said = [Text(note, style="yellow") for note in notes(status)]
    rows = len(applications.rows) + len(units.rows) + len(said)
    return [table_of(applications), table_of(units), *said], rows


def _log_line(line: str) -> str:
    """In the clock and the form of the other lines."""
    parts = parse_line(line)
    if not parts.at:
        return plain(line)
    who = f"{parts.unit} {parts.source}" if parts.source else parts.unit
    level = "" if parts.level == "INFO" else f"{parts.level} "
    return plain(f"{clock_time(parts.at)} {who}: {level}{parts.text}")
