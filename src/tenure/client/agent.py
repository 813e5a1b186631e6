"""Asking a unit's agent for a hook context to run a command in, or to run an action.

A context lives as long as the connection: whoever closes it ends it. What the command leaves
pending is kept only if it ended well, as with a hook: so the agent is told, and says whether that
went well.

A request to run an action that was sent and not answered may have been carried out, so it is never
sent again (G7).
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tenure.clock import SystemClock
from tenure.durations import format_duration
from tenure.errors import ProtocolError, Refused, TenureError, Unreachable, Unsure
from tenure.wire.exec import (
    MAX_ANSWER,
    ActionDone,
    ActionEnded,
    Answer,
    CommandEnded,
    Committed,
    ContextOpened,
    Logged,
    OpenContext,
    Refusal,
    decode_answer,
    encode_ask,
    encode_end,
)

Reached = TypeVar("Reached")

CLOCK = SystemClock()
PATIENCE = 10.0
"""Seconds in all for the agent to be there and for its running hook to end."""

RETRY = 0.05
"""Seconds between two attempts to reach the agent."""


class CannotRun(TenureError):
    """The command cannot be started. Its exit code is the shell's word for why."""

    def __init__(self, message: str, exit_code: int = 125) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class NotRun(Refused):
    """The agent did not run the action. `wants_text`: see wire.exec.Refusal."""

    def __init__(self, message: str, wants_text: str = "") -> None:
        super().__init__(message)
        self.wants_text = wants_text


class Interrupted(Unsure):
    """Ctrl-C ended the wait for an action, and not the action."""

    exit_code = 130


class NotYet(Exception):
    """The agent is not there now, or went away; it may come back."""


# -- a context for a command


def open_context(
    path: Path,
    unit: str,
    check_unit: Callable[[], None],
    why_late: Callable[[], str],
    patience: float = PATIENCE,
) -> tuple[socket.socket, ContextOpened]:
    """A fresh context and the connection that keeps it open, within `patience` seconds. See
    `_reach` for `check_unit`; `why_late` says why there was no answer: the kernel takes
    connections for a stopped agent, too.

    Raises CannotRun, ProtocolError, Unreachable, and what `check_unit` raises.
    """
    deadline = CLOCK.now() + patience
    try:
        return _reach(
            lambda: _attempt(path, unit, deadline), unit, check_unit, min(patience, PATIENCE)
        )
    except TimeoutError as fault:
        raise CannotRun(why_late()) from fault


def tell_end(connection: socket.socket, unit: str, code: int) -> str:
    """Tell the agent that the command has ended. Why what it left pending is not kept, or ""."""
    answers = _Answers(connection, unit, CLOCK.now() + PATIENCE)
    try:
        answers.send(encode_end(CommandEnded(exit=code)))
        if code != 0:
            return ""
        answer = answers.next()
    except (OSError, NotYet, ProtocolError) as fault:
        return f"the agent did not say whether it is kept ({fault})" if code == 0 else ""
    match answer:
        case Committed(failed=why) | Refusal(error=why):
            return why
    return f"the agent did not say whether it is kept ({_out_of_place(answer)})"


def _attempt(path: Path, unit: str, deadline: float) -> tuple[socket.socket, ContextOpened]:
    connection = _connect(path)
    try:
        return connection, _opened(_Answers(connection, unit, deadline), unit)
    except BaseException:
        connection.close()
        raise


def _opened(answers: _Answers, unit: str) -> ContextOpened:
    try:
        answers.send(encode_ask(OpenContext()))
        answer = answers.next()
    except TimeoutError:
        raise  # because an agent that is there and says nothing is not tried again
    except OSError as fault:
        raise NotYet(fault.strerror or str(fault)) from fault
    match answer:
        case ContextOpened():
            return answer
        case Refusal(error=why):
            raise CannotRun(f"{unit}: {why}")
    raise ProtocolError(f"{unit}: {_out_of_place(answer)}")


# -- an action


def run_action(
    path: Path,
    unit: str,
    request: bytes,
    *,
    check_unit: Callable[[], None],
    wait: float,
    on_log: Callable[[str], None],
) -> ActionDone:
    """Run what `request` asks for (an encoded RunAction) to its end, for `wait` seconds at most.

    Raises Unreachable and NotRun if it was not run, Unsure if that cannot be known, Interrupted,
    ProtocolError.
    """
    deadline = CLOCK.now() + wait
    connection = _reach(lambda: _connect(path), unit, check_unit, min(wait, PATIENCE))
    with connection:
        answers = _Answers(connection, unit, deadline)
        try:
            answers.send(request)
            return _heard(answers, unit, on_log)
        except TimeoutError as fault:
            raise Unsure(
                f"{unit} has not ended the action in {format_duration(wait)}: it may still come to "
                f"run, or run: see `tenure log {unit}`, and wait longer with --wait"
            ) from fault
        except (OSError, NotYet) as fault:
            raise Unsure(
                f"the agent of {unit} went away before the action ended: it may or may not have "
                f"run: see `tenure log {unit}`"
            ) from fault
        except KeyboardInterrupt as interrupt:
            raise Interrupted(
                f"nobody waits for the action on {unit} any more, and it goes on, or runs when its "
                f"turn comes: `tenure log {unit}` has what it logs, and how it ends"
            ) from interrupt


def _heard(answers: _Answers, unit: str, on_log: Callable[[str], None]) -> ActionDone:
    while True:
        answer = answers.next()
        match answer:
            case Logged(text=text):
                on_log(text)
            case ActionEnded(action=done):
                return done
            case Refusal(error=why, wants_text=parameter):
                raise NotRun(f"{unit}: {why}", parameter)
            case _:
                raise ProtocolError(f"{unit}: {_out_of_place(answer)}")


# -- the connection


def _reach(
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
                check_unit()
                waiting = True
            if CLOCK.now() + RETRY > deadline:
                raise Unreachable(
                    f"the agent of {unit} is not there ({fault}): see `tenure status`"
                ) from fault
            time.sleep(RETRY)


def _connect(path: Path) -> socket.socket:
    """A connection to the agent's exec socket. Raises NotYet."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(RETRY)
    try:
        connection.connect(str(path))
    except OSError as fault:
        connection.close()
        raise NotYet(fault.strerror or str(fault)) from fault
    return connection


class _Answers:
    """What the agent says on a connection, until the deadline.

    Its methods raise TimeoutError once it is over, and OSError when the connection is lost.
    """

    def __init__(self, connection: socket.socket, unit: str, deadline: float) -> None:
        self._connection = connection
        self._unit = unit
        self._deadline = deadline
        self._received = bytearray()

    def send(self, line: bytes) -> None:
        self._set_timeout()
        self._connection.sendall(line)

    def next(self) -> Answer:
        """The next answer. Raises ProtocolError, and NotYet when the agent has closed."""
        line = self._line()
        try:
            return decode_answer(line)
        except ProtocolError as fault:
            raise ProtocolError(
                f"{self._unit}: its agent says what this version of Tenure does not understand: "
                "`tenure down`, and `tenure up` again"
            ) from fault

    def _line(self) -> bytes:
        searched = 0
        while (end := self._received.find(b"\n", searched) + 1) == 0:
            searched = len(self._received)
            if searched >= MAX_ANSWER:
                raise ProtocolError(f"{self._unit}: its agent's answer is too long")
            self._set_timeout()
            if not (more := self._connection.recv(65536)):
                raise NotYet("it closed the connection")
            self._received += more
        line = bytes(self._received[:end])
        del self._received[:end]
        return line

    def _set_timeout(self) -> None:
        # because a timeout of 0 means something else
        self._connection.settimeout(max(self._deadline - CLOCK.now(), 0.001))


def _out_of_place(answer: Answer) -> str:
    return f"its agent answered with {type(answer).__name__}, which was not asked for"
