"""What a hook tool is: a function from a call and a hook context to a reply.

A tool parses its arguments, asks the context, and renders. It knows no socket, no clock and no
controller. Wrong arguments are found before the context is asked anything (T0).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from msgspec import Struct

_NO_UTF8 = re.compile("[\ud800-\udfff]")


class Call(Struct, frozen=True, kw_only=True):
    """One call of a tool, as the client saw it. Bytes that are no UTF-8 are surrogate-escaped."""

    context_id: str
    tool: str
    args: tuple[str, ...]
    cwd: str


class Reply(Struct, frozen=True, kw_only=True):
    """What the client prints and exits with.

    With `out_path` the client writes `stdout` to that file, in its own view of the file system
    (T7), and prints nothing of it.
    """

    exit_code: int = 0
    stdout: bytes = b""
    stderr: bytes = b""
    out_path: str | None = None


class LeadershipUnknown(Exception):
    """It cannot be said now whether the unit leads (T3). `str()` is the cause."""


class WriteRefused(Exception):
    """A write of settings failed or its outcome is unknown; `str()` is what follows
    `ERROR cannot write leadership settings: cannot write settings: ` (T6, T7)."""


class ReadFailed(Exception):
    """Settings cannot be read now; `str()` is what follows
    `ERROR cannot read leadership settings: cannot read settings: ` (T7)."""


class Status(Struct, frozen=True):
    """A unit's workload status as its charm sets it."""

    current: str = "unknown"
    message: str = ""


class Context(Protocol):
    """A hook context, as far as tools can see it."""

    @property
    def unit(self) -> str:
        """The unit's name."""
        ...

    async def is_leader(self) -> bool:
        """Whether the unit leads; True is a promise for the guarantee (G3, U2).

        Raises LeadershipUnknown.
        """
        ...

    def still_sure(self) -> bool:
        """Whether a True given just now may still be printed (G3: asked just before printing)."""
        ...

    async def settings(self) -> Mapping[str, str]:
        """This context's one snapshot of the bucket (T4). Raises ReadFailed."""
        ...

    async def write_settings(self, changes: Mapping[str, str]) -> None:
        """Merge into the bucket; "" removes a key (B3). Empty `changes` is a checked no-op (T5).

        Raises WriteRefused.
        """
        ...

    def log(self, level: str, message: str) -> None:
        """Write to the unit's log under one of TRACE DEBUG INFO WARNING ERROR CRITICAL."""
        ...

    def status(self, *, application: bool) -> Status:
        """The status last set, of the unit or of the application."""
        ...

    async def set_status(self, status: Status, *, application: bool) -> None:
        """Set the status of the unit, or of the application (the leader's to set).

        Raises WriteRefused (for the application, when this unit is not surely the leader); here
        `str()` is the whole message: `this unit is not the leader`.
        """
        ...


ReadStdin = Callable[[], Awaitable[bytes]]
"""Asks the client for its standard input, all of it; bounded."""


def valid(text: str) -> str:
    """The text with U+FFFD for each byte that is no UTF-8, as Go writes it."""
    return _NO_UTF8.sub("\ufffd", text)


Tool = Callable[[Context, Call, ReadStdin], Awaitable[Reply]]
