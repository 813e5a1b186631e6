"""What a text of YAML holds, what is refused, and that a reader gets what the writer was given."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.jujuyaml.reader import MAX_NUMBER, NotYaml, line_of, read
from tenure.jujuyaml.writer import Node, marshal
from tests.support.steady import steady


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# nothing", None),
        ("~", None),
        ("a: 1\n---\nb: [\n", {"a": 1}),
        ("on: 1\n1: 2\n~: 3\n0x1F: 4\n", {"on": 1, "1": 2, "~": 3, "0x1F": 4}),
        ("{a: 1, a: 2}", {"a": 2}),
        ("'1e+3'", "1e+3"),
        ("! 12", 12),
        ("!!str 12", "12"),
        ('!!int "12"', 12),
        ("!!float 12", 12.0),
        ("!!bool yes", True),
        ("!!null ~", None),
        ("!!timestamp 2015-01-01", "2015-01-01"),
        ("!!binary aGk=", "hi"),
        ("!mine 12", "12"),
        ("!!set {a, b}", {"a": None, "b": None}),
        ("!!omap [{a: 1}]", [{"a": 1}]),
        ("[&a {x: 1}, *a]", [{"x": 1}, {"x": 1}]),
        ("{a: 1, <<: {a: 2, b: 3}}", {"a": 2, "b": 3}),
        ("{<<: {a: 2, b: 3}, a: 1}", {"a": 1, "b": 3}),
        ("<<: [{a: 1}, {a: 2, b: 3}]", {"a": 1, "b": 3}),
        ('{"<<": 1}', {"<<": 1}),
        ("a: <<\nb: =\n", {"a": "<<", "b": "="}),
        (b"\xef\xbb\xbfa: b", {"a": "b"}),
    ],
)
def test_a_text_is_read_as_juju_reads_it(text: str | bytes, value: object) -> None:
    """Tags, merges, keys and documents, as yaml.v2 takes them."""
    found = read(text)
    assert (found, type(found)) == (value, type(value))


def test_where_nothing_stands_the_caller_says_what_it_means() -> None:
    """As `KEY=` of an action, which is the empty text; a null is something."""
    assert read("", empty="") == ""
    assert read("~", empty="") is None


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        ("a:\n  - [1", "did not find expected ',' or ']'", 3),
        ("a: b: c", "mapping values are not allowed in this context", 1),
        ("x: 1\n? [a]\n: b", "a key must be a word", 2),
        ("<<: 5", "<< takes mappings and nothing else", 1),
        ("a: !!int 1e3", "what is tagged as int is none", 1),
        ("!!timestamp x", "what is tagged as timestamp is none", 1),
        ("!!binary x", "what is tagged as binary is none", 1),
        ("!!binary /w==", "what is tagged as binary is none", 1),
        ("a: &a [*a]", "found unconstructable recursive node", 1),
        ("\udcff", "it is not text in UTF-8", None),
        ("[" * 5000, "exceeded maximum nesting depth", 1),
        ("[" * 200 + "]" * 200, "values nested deeper than 100", None),
        ("a\0b", "control characters are not allowed", None),
    ],
)  # fmt: skip
def test_what_is_no_yaml_says_why_and_where(text: str, reason: str, line: int | None) -> None:
    """One clear reason, whatever is wrong."""
    with pytest.raises(NotYaml, match=reason.replace("[", r"\[")) as fault:
        read(text)
    assert fault.value.line == line


@pytest.mark.parametrize(
    "number", ["9" * 5000, "-0x" + "f" * 5000, "1." + "0" * 500, "0b" * 1 + "1" * 401]
)
@pytest.mark.parametrize("tag", ["", "!!int ", "!!float "])
def test_a_number_of_thousands_of_digits_is_refused_and_a_text_of_them_is_not(
    number: str, tag: str
) -> None:
    """No number takes long to read or to print."""
    with pytest.raises(NotYaml, match=f"longer than {MAX_NUMBER} characters"):
        read(f"a: {tag}{number}")
    assert read(f"a: '{number}'") == {"a": number}


def test_a_key_s_line_is_found_by_the_keys_that_lead_to_it() -> None:
    """For errors about a value."""
    text = "a: 1\nb:\n  c:\n    d: 2\n"
    assert line_of(text, ("b", "c", "d")) == 4
    assert line_of(text, ("b", "x")) == 2
    assert line_of(text, ("x",)) is None
    assert line_of("[", ("x",)) is None


WORDS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.text(" \n\t'\"\\:#-?.,[]{}&*!|>%@`~=<ab\r\x85\ufeff\U0001f600", max_size=12),
    st.text("0123456789_.:-+eExXoObBTtZ ~<=infayN", max_size=12),
    st.text("ab ", min_size=70, max_size=200),
).filter(lambda text: not _chomped(text))  # fmt: skip


def _chomped(text: str) -> bool:
    """Whether the end of the block is a separator that any reader takes for a line feed."""
    return "\n" in text and ("\u2028" in text or "\u2029" in text or not text.strip("\n"))


NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)
TREES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=12,
)


@steady
@given(TREES)
def test_the_reader_gets_what_the_writer_was_given(tree: Node) -> None:
    """T4: one dialect."""
    assert read(marshal(tree)) == tree


@steady
@given(WORDS)
def test_what_a_word_means_does_not_depend_on_where_it_stands(word: str) -> None:
    """T4: as a value, in a list, and as a key, which is always a text."""
    assert read(marshal({word: [word]})) == {word: [word]}
