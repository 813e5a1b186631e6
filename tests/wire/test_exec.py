"""The messages of the exec socket: as they are read, as they were written, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.errors import BadRequest, ProtocolError
from tenure.wire.exec import (
    MAX_ANSWER,
    MAX_ASK,
    ActionDone,
    ActionEnded,
    Answer,
    Ask,
    CommandEnded,
    Committed,
    ContextOpened,
    Logged,
    OpenContext,
    Refusal,
    RunAction,
    decode_answer,
    decode_ask,
    decode_end,
    encode_answer,
    encode_ask,
    encode_end,
)
from tests.support.steady import steady

ASKS: tuple[Ask, ...] = (
    OpenContext(),
    RunAction(name="backup"),
    RunAction(name="backup", params={"a": {"b": [1, None, "é"]}}, leader=True),
)

ANSWERS: tuple[Answer, ...] = (
    ContextOpened(env={"PATH": "/bin"}, cwd="/c", context="c"),
    Committed(),
    Committed(failed="not the leader"),
    Logged(text="a\nb"),
    ActionEnded(action=ActionDone(id="1", status="failed", message="no", exit=3)),
    Refusal(error="no", wants_text="a.b"),
)


@pytest.mark.parametrize("ask", ASKS)
def test_what_a_command_asks_is_one_line_and_read_as_it_was_written(ask: Ask) -> None:
    line = encode_ask(ask)
    assert line.count(b"\n") == 1 and decode_ask(line) == ask


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_an_agent_says_is_one_line_and_read_as_it_was_written(answer: Answer) -> None:
    line = encode_answer(answer)
    assert line.count(b"\n") == 1 and decode_answer(line) == answer


@steady
@given(st.integers(0, 255))
def test_the_end_of_a_command_is_read_as_it_was_written(code: int) -> None:
    assert decode_end(encode_end(CommandEnded(exit=code))).exit == code


@steady
@given(st.binary(max_size=200))
def test_no_bytes_at_all_make_a_reader_stumble(received: bytes) -> None:
    for line in (received, received + b"\n", b'{"version":2' + received + b"\n"):
        for read in (decode_ask, decode_end, decode_answer):
            with pytest.raises(ProtocolError):
                read(line)


@pytest.mark.parametrize("version", [-1, 0, 1, 3, 2**63])
def test_another_version_is_named_whatever_else_there_is(version: int) -> None:
    for line in (b'{"version":%d}\n', b'{"type":"New","version":%d,"more":[{}]}\n'):
        with pytest.raises(ProtocolError, match=rf"speaks 2 .* the command {version}\)"):
            decode_ask(line % version)


def test_a_refusal_keeps_its_form_in_all_versions() -> None:
    """Else a command of another version could not be told that it is"""
    assert decode_answer(b'{"type":"Refusal","error":"no","new":[1]}\n') == Refusal(error="no")


def test_half_a_line_is_none() -> None:
    with pytest.raises(ProtocolError, match="its line does not end"):
        decode_ask(encode_ask(OpenContext())[:-1])


def test_what_is_asked_has_a_limit_and_what_cannot_be_sent_is_refused() -> None:
    with pytest.raises(BadRequest, match=f"too large: .*{MAX_ASK} are the most"):
        encode_ask(RunAction(name="backup", params={"a": "x" * MAX_ASK}))
    with pytest.raises(BadRequest, match="the parameters cannot be sent: "):
        encode_ask(RunAction(name="backup", params={"a": "\udc80"}))
    with pytest.raises(ProtocolError, match="the answer cannot be sent: "):
        encode_answer(Logged(text="\udc80"))


def test_whatever_one_call_of_a_tool_can_log_fits_into_an_answer() -> None:
    assert len(encode_answer(Logged(text="\0" * 8 * 1024 * 1024))) < MAX_ANSWER
