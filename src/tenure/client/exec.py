"""Asking a unit's agent for a hook context to run a command in.

One line of JSON each way over the unit's exec socket: `{"version": 1}`, and the world of a fresh
context once no hook runs (H6). The connection is the context: whoever closes it ends it.

What the command leaves pending is kept only if it ended well, as with a hook: so the agent is told,
and says whether that went well.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from tenure.clock import SystemClock
from tenure.errors import TenureError, Unreachable

Reached = TypeVar("Reached")

CLOCK = SystemClock()
PATIENCE = 10.0
"""Seconds in all for the agent to be there and for its running hook to end."""

RETRY = 0.05
"""Seconds between two attempts to reach the agent."""

_MAX_LINE = 1024 * 1024


class ExecContext(Struct, frozen=True, kw_only=True):
    """What a command of a hook context sees."""

    env: Mapping[str, str]
    cwd: str
    context: str


class Refusal(Struct, frozen=True, kw_only=True):
    """The agent's reason for not opening a context."""

    error: str


class Committed(Struct, frozen=True, kw_only=True):
    """What the command left pending is kept; or `failed` says why not."""

    failed: str = ""


class CannotRun(TenureError):
    """The command cannot be started. Its exit code is the shell's word for why."""

    def __init__(self, message: str, exit_code: int = 125) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class NotYet(Exception):
    """The agent is not there now, or went away; it may come back."""


def open_context(
    path: Path, unit: str, check_unit: Callable[[], None]
) -> tuple[socket.socket, ExecContext]:
    """A fresh context and the connection that keeps it open. See `reach` for `check_unit`.

    Raises CannotRun, Unreachable, and what `check_unit` raises.
    """
    deadline = CLOCK.now() + PATIENCE
    return reach(lambda: _attempt(path, unit, deadline), unit, check_unit, PATIENCE)


def reach(
    attempt: Callable[[], Reached], unit: str, check_unit: Callable[[], None], patience: float
) -> Reached:
    """What `attempt` returns, as soon as the agent is there; it raises NotYet while it is not.

    `check_unit` is asked once, if the agent is not there at once; it raises when there is no use
    in waiting. `patience` is in seconds. Raises Unreachable, and what both raise.
    """
    deadline = CLOCK.now() + patience
    waiting = False
    while True:
        try:
            return attempt()
        except NotYet as fault:
            if not waiting:
                with suppress(Unreachable):  # The agent may be there before its controller is.
                    check_unit()
                waiting = True
            if CLOCK.now() + RETRY > deadline:
                raise Unreachable(
                    f"the agent of {unit} is not there ({fault}): see `tenure status`"
                ) from fault
            time.sleep(RETRY)


def connect(path: Path) -> socket.socket:
    """A connection to the agent's exec socket. Raises NotYet."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(RETRY)
    try:
        connection.connect(str(path))
    except OSError as fault:
        connection.close()
        raise NotYet(fault.strerror or str(fault)) from fault
    return connection


def _attempt(path: Path, unit: str, deadline: float) -> tuple[socket.socket, ExecContext]:
    connection = connect(path)
    try:
        connection.settimeout(max(deadline - CLOCK.now(), RETRY))
        world = _world_of(_ask(connection, unit), unit)
    except BaseException:
        connection.close()
        raise
    return connection, world


def _ask(connection: socket.socket, unit: str) -> bytes:
    try:
        connection.sendall(b'{"version":1}\n')
        return _read_line(connection)
    except TimeoutError as fault:
        raise CannotRun(
            f"{unit} is busy: a hook was still running after {PATIENCE:.0f} s: "
            "see `tenure status`, and try again"
        ) from fault
    except OSError as fault:
        raise NotYet(fault.strerror or str(fault)) from fault


def tell_end(connection: socket.socket, code: int) -> str:
    """Tell the agent that the command has ended. Why what it left pending is not kept, or ""."""
    connection.settimeout(PATIENCE)
    try:
        connection.sendall(msgspec.json.encode({"exit": code}) + b"\n")
        line = _read_line(connection) if code == 0 else b"{}"
        return msgspec.json.decode(line, type=Committed).failed
    except (OSError, NotYet, msgspec.DecodeError, UnicodeError) as fault:
        return f"the agent did not say whether it is kept ({fault})" if code == 0 else ""


def _read_line(connection: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        more = connection.recv(65536)
        if not more:
            raise NotYet("it closed the connection")
        line += more
        if len(line) > _MAX_LINE:
            raise CannotRun("the agent's answer is too long: is it of another version?")
    return line


def _world_of(line: bytes, unit: str) -> ExecContext:
    try:
        if b'"error"' in line[:16]:
            raise CannotRun(f"{unit}: {msgspec.json.decode(line, type=Refusal).error}")
        return msgspec.json.decode(line, type=ExecContext)
    except (msgspec.DecodeError, UnicodeError) as fault:
        raise CannotRun(f"the agent of {unit} gave an answer that is none: {fault}") from fault
