"""The bytes of hook tools: as they are read, as they were written, and what is none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tenure.errors import ProtocolError
from tenure.wire.tools import Call, ToolReply, encode_reply, parse_request
from tests.support.steady import steady
from tests.support.tool_world import OK, frames, request, sized


@steady
@given(st.binary(max_size=200))
def test_no_bytes_at_all_make_the_parser_stumble(received: bytes) -> None:
    """T2"""
    for sent in (received, b"\1" + received, b"\1" + sized(received)):
        try:
            parse_request(sent)
        except ProtocolError as fault:
            assert "\n" not in str(fault)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@steady
@given(TEXTS, TEXTS, TEXTS, st.lists(TEXTS))
def test_a_request_is_read_as_it_was_written(
    context_id: str, cwd: str, tool: str, args: list[str]
) -> None:
    """T1"""
    call = Call(context_id=context_id, cwd=cwd, tool=tool, args=tuple(args))
    sent = request(context_id, cwd, tool, *args)
    assert parse_request(sent) == call
    assert all(parse_request(sent[:end]) is None for end in range(len(sent)))


def test_a_reply_is_a_file_or_stdout_then_stderr_then_the_exit_code() -> None:
    """T2, T7"""
    reply = ToolReply(exit_code=2, stdout=b"out", stderr=b"err")
    assert frames(encode_reply(reply)) == [(b"O", b"out"), (b"E", b"err"), (b"X", b"\2")]
    reply = ToolReply(stdout=b"out", out_path="/x")
    assert frames(encode_reply(reply)) == [(b"W", sized(b"/x") + b"out"), (b"X", b"\0")]
    assert frames(encode_reply(ToolReply())) == OK
