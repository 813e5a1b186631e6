"""Frames to messages and back: a frame is a JSON array of messages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from tenure.errors import ProtocolError
from tenure.wire.messages import FromAgent, FromController

MAX_FRAME = 8 * 1024 * 1024
"""Bytes. A whole bucket (1 MiB of text) escaped at its worst still fits."""

_encoder = msgspec.json.Encoder()
_from_agent = msgspec.json.Decoder(list[FromAgent])
_from_controller = msgspec.json.Decoder(list[FromController])


def encode(messages: Sequence[FromAgent] | Sequence[FromController]) -> bytes:
    """One frame. Every string must be valid Unicode."""
    return _encoder.encode(messages)


def frames(messages: Iterable[FromAgent] | Iterable[FromController]) -> Iterator[bytes]:
    """As few frames as carry these, in their order; none is longer than MAX_FRAME, unless by a
    single message. Each is made when it is asked for: who has enough of them stops asking."""
    parts: list[bytes] = []
    size = 1
    for message in messages:
        part = _encoder.encode(message)
        if parts and size + len(part) + 1 > MAX_FRAME:
            yield _frame(parts)
            parts, size = [], 1
        parts.append(part)
        size += len(part) + 1
    yield _frame(parts)


def _frame(parts: list[bytes]) -> bytes:
    return b"[" + b",".join(parts) + b"]"


def decode_from_agent(frame: bytes | str) -> list[FromAgent]:
    """The messages of an agent's frame. Raises ProtocolError."""
    try:
        return _from_agent.decode(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as fault:
        raise ProtocolError(f"not a frame of an agent: {fault}") from fault


def decode_from_controller(frame: bytes | str) -> list[FromController]:
    """The messages of a controller's frame. Raises ProtocolError."""
    try:
        return _from_controller.decode(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as fault:
        raise ProtocolError(f"not a frame of a controller: {fault}") from fault
