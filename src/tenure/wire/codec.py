"""Frames to messages and back: a frame is a JSON array of messages. Pure."""

from __future__ import annotations

from collections.abc import Sequence

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
