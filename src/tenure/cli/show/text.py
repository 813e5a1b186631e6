"""Text for people: one line is one line, and nothing in it steers a terminal.

Causes, reasons and a charm's status come from others. A control character in them could move the
cursor or end a line, so it is shown as `\\x1b` instead.
"""

from __future__ import annotations

from datetime import datetime


def plain(text: str) -> str:
    """The text with every unprintable character written out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def one_line(text: str) -> str:
    """The text on one line: runs of white space become one space."""
    return plain(" ".join(text.split()))


def local_time(at: str | None) -> str:
    """An instant of ISO 8601 as this machine's local time; `-` for none."""
    if at is None:
        return "-"
    try:
        return datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return plain(at)
