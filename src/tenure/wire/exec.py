"""What a command and a unit's agent say to each other on the exec socket. Pure.

Each message is a line of JSON, and each kind is here once, for both sides:

| the command says | the agent answers |
|---|---|
| `OpenContext` | `ContextOpened`, as soon as no hook runs (H6) |
| after that `CommandEnded` | `Committed`, if the command ended well |
| `RunAction` | `Logged` for each thing that it logs, then `ActionEnded` |

Instead of any answer there may be a `Refusal`, which is the last. The first line has the version,
which is looked at before all else. A line that is too long, or no message of these, is a
ProtocolError on either side. `Refusal` keeps its form in all versions, so that a command of any
version can be told that its version is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from tenure.errors import BadRequest, ProtocolError

VERSION = 2

MAX_ASK = 256 * 1024
"""Bytes of a line that a command says; an action's parameters are in it."""

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of a line that an agent says. What one call of a tool can log (8 MiB) still fits, escaped
at its worst, and so do all results of an action."""


class OpenContext(Struct, frozen=True, kw_only=True, tag=True):
    """Asks for a fresh context. It lives as long as the connection at most."""

    version: int = VERSION


class RunAction(Struct, frozen=True, kw_only=True, tag=True):
    """Asks that an action be run. `leader`: only if the unit leads when it begins."""

    version: int = VERSION
    name: str
    params: Mapping[str, Any] = {}
    leader: bool = False


class CommandEnded(Struct, frozen=True, kw_only=True, tag=True):
    """The command that ran in the context has ended: what it left pending is kept if `exit` is 0,
    as with a hook."""

    exit: int


class ContextOpened(Struct, frozen=True, kw_only=True, tag=True):
    """The context is open: run the command with exactly this environment, in this folder."""

    env: Mapping[str, str]
    cwd: str
    context: str


class Committed(Struct, frozen=True, kw_only=True, tag=True):
    """What the command left pending is kept; or `failed` says why not."""

    failed: str = ""


class Logged(Struct, frozen=True, kw_only=True, tag=True):
    """What an action logs."""

    text: str


WRITTEN = ("return-code", "stdout", "stderr", "stdout-encoding", "stderr-encoding")
"""Of an action's results those that it did not set: Juju's names."""


class ActionDone(Struct, frozen=True, kw_only=True):
    """How an action ended. `exit` is its process's exit code, or 1 if it ended without one.

    Among its `results` are that code and what it printed (`WRITTEN`). `cut`: of the streams that
    are not here as a whole, how many bytes were written to them.
    """

    id: str
    status: Literal["completed", "failed"]
    message: str = ""
    results: Mapping[str, Any] = {}
    exit: int = 0
    cut: Mapping[str, int] = {}


class ActionEnded(Struct, frozen=True, kw_only=True, tag=True):
    """The action's last line."""

    action: ActionDone


class Refusal(Struct, frozen=True, kw_only=True, tag=True):
    """Nothing was run, and why. `wants_text`: the parameter, like `a.b`, that was given as
    something else than the text that it must be."""

    error: str
    wants_text: str = ""


Ask: TypeAlias = OpenContext | RunAction
Answer: TypeAlias = ContextOpened | Committed | Logged | ActionEnded | Refusal
Message = TypeVar("Message")


class _First(Struct, frozen=True):
    """What a first line of any version has."""

    version: int


_first = msgspec.json.Decoder(_First)
_ask: msgspec.json.Decoder[Ask] = msgspec.json.Decoder(Ask)
_end = msgspec.json.Decoder(CommandEnded)
_answer: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)


def encode_ask(ask: Ask) -> bytes:
    """The line that a command begins with. Raises BadRequest if it is more than is taken."""
    try:
        line = _line(ask)
    except (OverflowError, UnicodeError, RecursionError) as fault:
        raise BadRequest(f"the parameters cannot be sent: {fault}") from fault
    if len(line) > MAX_ASK:
        raise BadRequest(
            f"the parameters are too large: {len(line)} bytes, and {MAX_ASK} are the most: "
            "put what is large in a file, and name it"
        )
    return line


def decode_ask(line: bytes) -> Ask:
    """What a command asks. Raises ProtocolError, for another version too."""
    version = _decoded(_first, line, _NO_ASK).version
    if version != VERSION:
        raise ProtocolError(
            f"the agent is of another version of Tenure (it speaks {VERSION} on this socket, and "
            f"the command {version}): `tenure down`, and `tenure up` again"
        )
    return _decoded(_ask, line, _NO_ASK)


def encode_end(ended: CommandEnded) -> bytes:
    """The line that a command ends with."""
    return _line(ended)


def decode_end(line: bytes) -> CommandEnded:
    """How a command ended. Raises ProtocolError."""
    return _decoded(_end, line, _NO_ASK)


def encode_answer(answer: Answer) -> bytes:
    """A line of an agent. Raises ProtocolError if it holds what is no text."""
    try:
        return _line(answer)
    except UnicodeError as fault:
        raise ProtocolError(f"the answer cannot be sent: {fault}") from fault


def decode_answer(line: bytes) -> Answer:
    """What an agent says. Raises ProtocolError."""
    return _decoded(_answer, line, "not an answer of an agent")


_NO_ASK = "not a request of `tenure exec` or `tenure run`"


def _line(message: Struct) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def _decoded(decoder: msgspec.json.Decoder[Message], line: bytes, wrong: str) -> Message:
    if not line.endswith(b"\n"):
        raise ProtocolError(f"{wrong}: its line does not end")
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as fault:
        raise ProtocolError(f"{wrong}: {fault}") from fault
