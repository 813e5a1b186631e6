"""Asking a unit's agent for a hook context to run a command in.

One line of JSON each way over the unit's exec socket: `{"version": 1}`, and the world of a fresh
context once no hook runs (H6). The connection is the context: whoever closes it ends it.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from tenure.clock import SystemClock
from tenure.errors import TenureError, Unreachable

CLOCK = SystemClock()
PATIENCE = 10.0
"""Seconds in all for the agent to be there and for its running hook to end."""

RETRY = 0.05
"""Seconds between two attempts to reach the agent."""

_MAX_LINE = 1024 * 1024


class World(Struct, frozen=True, kw_only=True):
    """What a command of a hook context sees."""

    env: Mapping[str, str]
    cwd: str
    context: str


class Refusal(Struct, frozen=True, kw_only=True):
    """The agent's reason for not opening a context."""

    error: str


class CannotRun(TenureError):
    """The command cannot be started. Its exit code is the shell's word for why."""

    def __init__(self, message: str, exit_code: int = 125) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class _NotYet(Exception):
    """The agent is not there now, or went away; it may come back."""


def open_context(
    path: Path, unit: str, check_unit: Callable[[], None]
) -> tuple[socket.socket, World]:
    """A fresh context and the connection that keeps it open.

    `check_unit` is asked once, if the agent is not there at once; it raises when there is no use
    in waiting. Raises CannotRun.
    """
    deadline = CLOCK.now() + PATIENCE
    waiting = False
    while True:
        try:
            return _attempt(path, unit, deadline)
        except _NotYet as fault:
            if not waiting:
                _check(check_unit)
                waiting = True
            if CLOCK.now() + RETRY > deadline:
                raise CannotRun(
                    f"the agent of {unit} is not there ({fault}): see `tenure status`"
                ) from fault
            time.sleep(RETRY)


def _check(check_unit: Callable[[], None]) -> None:
    try:
        check_unit()
    except Unreachable:
        return  # The agent may be there before its controller is.
    except TenureError as fault:
        raise CannotRun(str(fault)) from fault


def _attempt(path: Path, unit: str, deadline: float) -> tuple[socket.socket, World]:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(max(deadline - CLOCK.now(), RETRY))
        world = _world_of(_ask(connection, path, unit), unit)
    except BaseException:
        connection.close()
        raise
    return connection, world


def _ask(connection: socket.socket, path: Path, unit: str) -> bytes:
    try:
        connection.connect(str(path))
    except OSError as fault:
        raise _NotYet(fault.strerror or str(fault)) from fault
    try:
        connection.sendall(b'{"version":1}\n')
        return _read_line(connection)
    except TimeoutError as fault:
        raise CannotRun(
            f"{unit} is busy: a hook was still running after {PATIENCE:.0f} s: "
            "see `tenure status`, and try again"
        ) from fault
    except OSError as fault:
        raise _NotYet(fault.strerror or str(fault)) from fault


def _read_line(connection: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        more = connection.recv(65536)
        if not more:
            raise _NotYet("it closed the connection")
        line += more
        if len(line) > _MAX_LINE:
            raise CannotRun("the agent's answer is too long: is it of another version?")
    return line


def _world_of(line: bytes, unit: str) -> World:
    try:
        if b'"error"' in line[:16]:
            raise CannotRun(f"{unit}: {msgspec.json.decode(line, type=Refusal).error}")
        return msgspec.json.decode(line, type=World)
    except (msgspec.DecodeError, UnicodeError) as fault:
        raise CannotRun(f"the agent of {unit} gave an answer that is none: {fault}") from fault
