"""`up` off a terminal: one plain line for each event.

Showing is the least that `up` does, so it never holds up the rest: lines are written by a thread of
their own, and are lost if nobody reads them.
"""

from __future__ import annotations

import os
import queue
import threading
from datetime import UTC, datetime

from tenure.cli.show.text import plain, zone_now
from tenure.clock import SystemClock
from tenure.statefolder import StateFolder
from tenure.wire.operators import Event, Status

EMPTY = "no applications yet: `tenure deploy CHARM` adds one"

_BACKLOG = 10_000


class PlainScreen:
    """One line for each event, to a file descriptor."""

    every: float | None = None

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._lines: queue.Queue[str | None] = queue.Queue(_BACKLOG)
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def begin(self, folder: StateFolder, status: Status) -> None:
        """See Screen."""
        self._put(headline(folder, status))
        self._put(f"times are {zone_now()}")

    def say(self, text: str) -> None:
        """See Screen."""
        self._put(process_line(text))

    def event(self, event: Event) -> None:
        """See Screen."""
        self._put(event_line(event))

    def status(self, status: Status) -> None:
        """See Screen."""

    def close(self) -> None:
        """See Screen."""
        self._put(None)
        self._writer.join(timeout=1.0)

    def _put(self, line: str | None) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            return  # because nobody reads, and the rest must go on

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            rest = (line + "\n").encode("utf-8", "backslashreplace")
            try:
                while rest:
                    rest = rest[os.write(self._handle, rest) :]
            except OSError:
                continue


def headline(folder: StateFolder, status: Status) -> str:
    """The state folder and each application's lease, on one line."""
    said = [
        f"{name}: lease {found.lease.duration:g} s, guarantee {found.lease.guarantee:g} s"
        for name, found in sorted(status.applications.items())
    ]
    return "; ".join([f"state folder {folder.state}", *(said or [EMPTY])])


def process_line(text: str) -> str:
    """What happened to a process, with the time of now."""
    return f"{clock_time()} {plain(text)}"


def event_line(event: Event) -> str:
    """The event as people read it: local time, who, what."""
    who = event.unit or event.application
    return f"{clock_time(event.at)} {who} {event.kind}: {plain(event.text)}"


def now() -> str:
    """The instant of now as ISO 8601 in UTC, as events and logs have it."""
    moment = datetime.fromtimestamp(SystemClock().wall(), UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock_time(at: str | None = None) -> str:
    """The local time of day of an instant of ISO 8601, or of now."""
    try:
        moment = (
            datetime.fromtimestamp(SystemClock().wall())
            if at is None
            else datetime.fromisoformat(at).astimezone()
        )
    except ValueError:
        return plain(at or "")
    return moment.strftime("%H:%M:%S.") + f"{moment.microsecond // 1000:03d}"
