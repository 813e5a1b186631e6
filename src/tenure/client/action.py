"""Asking a unit's agent to run an action.

One line of JSON is the request; lines of JSON come back: what the action logs, as it does, and one
with its outcome, or one that says why it was not run. A request that was sent and not answered may
have been carried out, so it is never sent again (G7).
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from tenure.client.exec import CLOCK, PATIENCE, connect, reach
from tenure.durations import format_duration
from tenure.errors import BadRequest, ProtocolError, Refused, Unsure

MAX_REQUEST = 256 * 1024
"""Bytes of a request, its line feed among them."""

MAX_ANSWER = 16 * 1024 * 1024
"""Bytes of one line of an answer."""


class Interrupted(Unsure):
    """Ctrl-C ended the wait for an action, and not the action."""

    exit_code = 130


class Action(Struct, frozen=True, kw_only=True):
    """What is to run. `leader`: only if the unit leads when it begins."""

    name: str
    params: Mapping[str, Any] = {}
    leader: bool = False


class Request(Struct, frozen=True, kw_only=True):
    """The line that is sent."""

    version: int = 1
    action: Action


class Outcome(Struct, frozen=True, kw_only=True):
    """How the action ended. `exit` is its process's exit code, if there was one."""

    id: str
    status: Literal["completed", "failed"]
    message: str = ""
    results: Mapping[str, Any] = {}
    exit: int | None = None


class Line(Struct, frozen=True, kw_only=True):
    """A line of an answer: one of these."""

    log: str | None = None
    action: Outcome | None = None
    error: str | None = None


def encoded(action: Action) -> bytes:
    """The request as it is sent. Raises BadRequest if it is too large."""
    try:
        line = msgspec.json.encode(Request(action=action)) + b"\n"
    except (OverflowError, UnicodeError, RecursionError) as fault:
        raise BadRequest(f"the parameters cannot be sent: {fault}") from fault
    if len(line) > MAX_REQUEST:
        raise BadRequest(
            f"the parameters are too large: {len(line)} bytes, and {MAX_REQUEST} are the most: "
            "put what is large in a file, and name it"
        )
    return line


def run_action(
    path: Path,
    unit: str,
    request: bytes,
    *,
    check_unit: Callable[[], None],
    wait: float,
    on_log: Callable[[str], None],
) -> Outcome:
    """Run it to its end, for `wait` seconds at most.

    Raises Unreachable and Refused if it was not run, Unsure if that cannot be known, Interrupted,
    ProtocolError.
    """
    deadline = CLOCK.now() + wait
    connection = reach(lambda: connect(path), unit, check_unit, min(wait, PATIENCE))
    with connection:
        try:
            connection.settimeout(max(deadline - CLOCK.now(), 0.001))
            connection.sendall(request)
            return _heard(_lines(connection, deadline), unit, on_log)
        except TimeoutError as fault:
            raise Unsure(
                f"{unit} has not ended the action in {format_duration(wait)}: it may still come to "
                f"run, or run: see `tenure log {unit}`, and wait longer with --wait"
            ) from fault
        except OSError as fault:
            raise _lost(unit) from fault
        except KeyboardInterrupt as interrupt:
            raise Interrupted(
                f"nobody waits for the action on {unit} any more, and it goes on, or runs when its "
                f"turn comes: `tenure log {unit}` has what it logs, and how it ends"
            ) from interrupt


def _heard(lines: Iterator[bytes], unit: str, on_log: Callable[[str], None]) -> Outcome:
    for line in lines:
        said = _decoded(line, unit)
        if said.error is not None:
            raise Refused(f"{unit}: {said.error}")
        if said.action is not None:
            return said.action
        if said.log is not None:
            on_log(said.log)
    raise _lost(unit)


def _lines(connection: socket.socket, deadline: float) -> Iterator[bytes]:
    """Whole lines, until the agent closes. Raises OSError, ProtocolError."""
    rest = b""
    while more := connection.recv(65536):
        *whole, rest = (rest + more).split(b"\n")
        yield from whole
        if len(rest) > MAX_ANSWER:
            raise ProtocolError("the agent's answer is too long: is it of another version?")
        connection.settimeout(max(deadline - CLOCK.now(), 0.001))


def _decoded(line: bytes, unit: str) -> Line:
    try:
        return msgspec.json.decode(line, type=Line)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as fault:
        raise ProtocolError(f"the agent of {unit} gave an answer that is none: {fault}") from fault


def _lost(unit: str) -> Unsure:
    return Unsure(
        f"the agent of {unit} went away before the action ended: it may or may not have run: "
        f"see `tenure log {unit}`"
    )
