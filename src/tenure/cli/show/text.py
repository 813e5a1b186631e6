"""Text for people: one line is one line, and nothing in it steers a terminal.

Causes, reasons and a charm's status come from others. A control character in them could move the
cursor or end a line, so it is shown as `\\x1b` instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime


def plain(text: str) -> str:
    """The text with every unprintable character written out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def one_line(text: str) -> str:
    """The text on one line: runs of white space become one space."""
    return plain(" ".join(text.split()))


def zone_of(instants: Iterable[str | None]) -> str:
    """The name of this machine's zone at these instants of ISO 8601; two around a change of it."""
    moments = filter(None, map(_moment, instants))
    return "/".join(dict.fromkeys(each.tzname() or "" for each in moments)) or zone_now()


def zone_now() -> str:
    """The name of this machine's zone."""
    from tenure.clock import SystemClock  # because few commands need it, and each starts

    return datetime.fromtimestamp(SystemClock().wall()).astimezone().tzname() or ""


def _moment(at: str | None) -> datetime | None:
    try:
        return None if at is None else datetime.fromisoformat(at).astimezone()
    except ValueError:
        return None


def local_instant(at: str) -> str:
    """An instant of ISO 8601 in this machine's zone, as ISO 8601 with its offset; `Z` is UTC."""
    moment = _moment(at)
    return (
        at if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def local_time(at: str | None) -> str:
    """An instant of ISO 8601 as this machine's local time; `-` for none."""
    if at is None:
        return "-"
    moment = _moment(at)
    return plain(at) if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S")
