"""The bytes between the client of a hook tool and its agent. Pure.

The client sends one request: a byte with the protocol's version, four with the length of what
follows, and then texts, each behind four bytes with its length: the context's id, the caller's
folder, the tool, and its arguments. The agent answers with frames: a letter, four bytes with the
length of what follows, and that.

| frame | the client |
|---|---|
| `O` | prints it on stdout |
| `E` | prints it on stderr |
| `W` | writes it to the file whose name, behind four bytes with its length, comes first (T7) |
| `I` | sends its stdin, in chunks behind their lengths; an empty one ends it |
| `F` | sends the file of that name in the same way |
| `X` | ends, with that byte as its exit code |

hooktool.c and hooktool.py are the other side. The frames never change, so that a client of any
version can be told that its version is wrong.

Text is `str` here; a byte that is no UTF-8 travels as a lone surrogate (`surrogateescape`).
"""

from __future__ import annotations

import re

from msgspec import Struct

from tenure.errors import ProtocolError

VERSION = 1
MAX_REQUEST = 8 * 1024 * 1024
"""Bytes of a request behind its length."""

_NO_UTF8 = re.compile("[\ud800-\udfff]")


class Call(Struct, frozen=True, kw_only=True):
    """One call of a tool, as the client saw it."""

    context_id: str
    tool: str
    args: tuple[str, ...]
    cwd: str


class ToolReply(Struct, frozen=True, kw_only=True):
    """What the client prints and exits with.

    With `out_path` the client writes `stdout` to that file, in its own view of the file system
    (T7), and prints nothing of it.
    """

    exit_code: int = 0
    stdout: bytes = b""
    stderr: bytes = b""
    out_path: str | None = None


def parse_request(received: bytes | bytearray) -> Call | None:
    """The call, once the request is whole; None before. Raises ProtocolError."""
    if received and received[0] != VERSION:
        raise ProtocolError(
            f"bad request: protocol {received[0]}, this agent speaks {VERSION}; "
            "run the hook again with the tools of this agent"
        )
    if len(received) < 5:
        return None
    size = int.from_bytes(received[1:5], "big")
    if size > MAX_REQUEST:
        raise ProtocolError(f"bad request: {size} bytes are more than the limit of {MAX_REQUEST}")
    if len(received) < 5 + size:
        return None
    if len(received) > 5 + size:
        raise ProtocolError("bad request: more than one request")
    return _call(_texts(memoryview(bytes(received))[5:]))


def _texts(body: memoryview) -> list[str]:
    texts = []
    while body:
        end = 4 + int.from_bytes(body[:4], "big")
        if not 4 <= end <= len(body):
            raise ProtocolError("bad request: a text is longer than the request")
        texts.append(str(body[4:end], "utf-8", "surrogateescape"))
        body = body[end:]
    return texts


def _call(texts: list[str]) -> Call:
    if len(texts) < 3:
        raise ProtocolError("bad request: it names no context, folder and tool")
    context_id, cwd, name, *args = texts
    return Call(context_id=context_id, tool=name, args=tuple(args), cwd=cwd)


def encode_reply(reply: ToolReply) -> bytes:
    """The frames that make the client print the reply and end."""
    frames = []
    if reply.out_path is not None:
        path = to_bytes(reply.out_path)
        frames.append(frame(b"W", len(path).to_bytes(4, "big") + path + reply.stdout))
    elif reply.stdout:
        frames.append(frame(b"O", reply.stdout))
    if reply.stderr:
        frames.append(frame(b"E", reply.stderr))
    return b"".join([*frames, frame(b"X", bytes([reply.exit_code]))])


def input_wanted(path: str = "") -> bytes:
    """The frame that makes the client send that file of its; without a path, its stdin."""
    return frame(b"F", to_bytes(path)) if path else frame(b"I", b"")


def frame(kind: bytes, body: bytes) -> bytes:
    """One frame of an answer."""
    return kind + len(body).to_bytes(4, "big") + body


def to_bytes(text: str) -> bytes:
    """The bytes as they came: what was no UTF-8 is no UTF-8 again."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return valid(text).encode()


def valid(text: str) -> str:
    """The text with U+FFFD for each byte that is no UTF-8, as Go writes it."""
    return _NO_UTF8.sub("\ufffd", text)
