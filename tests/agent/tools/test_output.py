"""Go's ways to quote, to trim and to print."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.agent.tools.output import Value, go_json, quote, quote_all, render, trim
from tenure.jujuyaml.writer import Fields
from tenure.wire.tools import to_bytes
from tests.support.steady import steady


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("a b", '"a b"'),
        ('"\\', '"\\"\\\\"'),
        ("\a\b\f\n\r\t\v", '"\\a\\b\\f\\n\\r\\t\\v"'),
        ("\0\x1b\x7f", '"\\x00\\x1b\\x7f"'),
        ("é世😀", '"é世😀"'),
        ("\x85\xa0\xad", '"\\u0085\\u00a0\\u00ad"'),
        ("\u2028\ufeff\ue000", '"\\u2028\\ufeff\\ue000"'),
        ("\U000e0001", '"\\U000e0001"'),
        ("\udcff\udc80", '"\\xff\\x80"'),
        ("\ufffd", '"\ufffd"'),
    ],
)
def test_quoting_is_go_s(text: str, quoted: str) -> None:
    """T0"""
    assert quote(text) == quoted


def test_a_list_is_quoted_with_spaces_between() -> None:
    """T0"""
    assert quote_all(["a", "b c"]) == '["a" "b c"]'
    assert quote_all([]) == "[]"


@steady
@given(st.text(st.characters()))
def test_quoted_text_is_one_line_and_printable(text: str) -> None:
    """T0, T2"""
    quoted = quote(text)
    assert quoted.isprintable()
    assert quoted.startswith('"') and quoted.endswith('"')


SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000"


@steady
@given(st.text(SPACES), st.text(), st.text(SPACES))
def test_trimming_takes_white_space_as_go_knows_it(left: str, text: str, right: str) -> None:
    """T0, T5"""
    trimmed = trim(left + text + right)
    assert trimmed in text
    assert not trimmed or not any(
        char in SPACES or unicodedata.category(char) == "Zs" for char in (trimmed[0], trimmed[-1])
    )


@pytest.mark.parametrize("char", "\x1c\x1d\x1e\x1f\u200b\u180e\ufeff\0")
def test_trimming_leaves_what_is_no_white_space_to_go(char: str) -> None:
    """T0"""
    assert trim(f" {char} ") == char


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("<&>", '"\\u003c\\u0026\\u003e"'),
        ("\b\f\n\r\t", '"\\b\\f\\n\\r\\t"'),
        ("\0\x1f\x7f\v", '"\\u0000\\u001f\x7f\\u000b"'),
        ("\u2028\u2029", '"\\u2028\\u2029"'),
        ('"\\/', '"\\"\\\\/"'),
        ("é😀\ufffd", '"é😀\ufffd"'),
        ("\udcff\udcc3x", '"\\ufffd\\ufffdx"'),
    ],
)
def test_json_escapes_as_go_does(text: str, written: str) -> None:
    """T4"""
    assert go_json(text) == written


@steady
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.text("a<\n\u2028é")))
def test_json_reads_back_and_is_sorted_by_bytes(bucket: dict[str, str]) -> None:
    """T4"""
    written = go_json(bucket)
    read = json.loads(written)
    assert read == bucket
    assert list(read) == sorted(bucket, key=str.encode)
    assert not set(written) & set("\n<>&\u2028\u2029")


@pytest.mark.parametrize(
    ("value", "smart", "yaml", "json_"),
    [
        (True, b"True\n", b"true\n", b"true\n"),
        (False, b"False\n", b"false\n", b"false\n"),
        (None, b"", b"", b"null\n"),
        ("", b"", b'""\n', b'""\n'),
        ("True", b"True\n", b'"True"\n', b'"True"\n'),
        ("a\n", b"a\n\n", b"|\n  a\n", b'"a\\n"\n'),
        ({}, b"{}\n", b"{}\n", b"{}\n"),
        ({"b": "1", "a": "x"}, b'a: x\nb: "1"\n', b'a: x\nb: "1"\n', b'{"a":"x","b":"1"}\n'),
        (0, b"0\n", b"0\n", b"0\n"),
        (-8080, b"-8080\n", b"-8080\n", b"-8080\n"),
        (2.0, b"2\n", b"2\n", b"2\n"),
        (1e6, b"1e+06\n", b"1e+06\n", b"1000000\n"),
        ([], b"", b"[]\n", b"[]\n"),
        (("a", "b c"), b"a\nb c\n", b"- a\n- b c\n", b'["a","b c"]\n'),
        ([""], b"", b'- ""\n', b'[""]\n'),
        (["1", 1], b'- "1"\n- 1\n', b'- "1"\n- 1\n', b'["1",1]\n'),
        ({"k": None}, b"k: null\n", b"k: null\n", b'{"k":null}\n'),
        (Fields(b="1", a=[]), b'b: "1"\na: []\n', b'b: "1"\na: []\n', b'{"b":"1","a":[]}\n'),
    ],
)
def test_the_three_formats(value: Value, smart: bytes, yaml: bytes, json_: bytes) -> None:
    """T4"""
    assert [render(value, name) for name in ("smart", "yaml", "json")] == [smart, yaml, json_]


@steady
@given(st.binary())
def test_bytes_that_are_no_utf_8_come_out_as_they_went_in(sent: bytes) -> None:
    """B3"""
    assert to_bytes(sent.decode("utf-8", "surrogateescape")) == sent
