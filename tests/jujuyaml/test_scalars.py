"""Which words are a text and which mean something else, to Juju's reader and so to its writer."""

from __future__ import annotations

import pytest

from tenure.jujuyaml.reader import read
from tenure.jujuyaml.scalars import Meaning, meaning, must_be_quoted
from tenure.jujuyaml.writer import dump

INFINITE = float("inf")

FORMS: dict[bool | None, list[str]] = {
    value: [form for word in words for form in (word, word.capitalize(), word.upper())]
    for value, words in {
        True: ("yes", "on", "true"), False: ("no", "off", "false"), None: ("null",),
    }.items()
}  # fmt: skip

MEANINGS: dict[str, Meaning] = {
    **{word: value for value, words in FORMS.items() for word in words},
    "y": True, "Y": True, "n": False, "N": False, "": None, "~": None,
    "0": 0, "-1": -1, "+1": 1, "-0": 0, "00": 0, "010": 8, "0777": 511, "0_7": 7,
    "0x1F": 31, "0X1f": 31, "-0x1": -1, "0o7": 7, "0O17": 15, "0b1": 1, "0B1": 1, "-0b1": -1,
    "0b-1": -1, "1_000": 1000, "1_": 1, "18446744073709551615": 2**64 - 1,
    "-9223372036854775808": -(2**63), "9" * 30: 1e30, "-9223372036854775809": -(2.0**63),
    "1.5": 1.5, "0.5": 0.5, ".5": 0.5, "-.5": -0.5, "+.5": 0.5, ".5_0": 0.5, ".5e3": 500.0,
    "1e+3": 1000.0, "1E-3": 0.001, "+1.5e+3": 1500.0, "0e+5": 0.0, "1_0.5": 10.5, ".0e-0": 0.0,
    ".inf": INFINITE, "+.INF": INFINITE, "-.Inf": -INFINITE,
}  # fmt: skip
"""A word that is no text to Juju, and its meaning."""

OURS = [
    "01182252", "098", "08", "09", "-08", "+09", "0_8", "00.5", "01.5", "-01.5", "08e+1",
    "5.", "0.", "-5.", "1_0.", "1.e+3", "5.e-1",
    "1e3", "81E98", "+8E6", "1.5e3", "-1e3", "1E03", "0e0",
]  # fmt: skip
"""Numbers to yaml.v2 as others have it, texts in the fork that Juju is built with."""

TEXTS = [
    "yEs", "nULL", "~x", "<<", "=", ".", "..", "+", "0x", "0xG", "0b2", "0o8", "1e", "1e+",
    "1e+999", "e+5", "+e+5", ".e+5", "..5", "1.5.2", "0x1p4", ".5_", "._5", ".5__0",
    "0x" + "F" * 17, "-0x" + "F" * 16, "1:60", "1:2:99", "+inf", "nan", ".nAn", "Infinity",
    "2015-13-01", "2015-2-29", "2015-01-01T00:00:00", "2015-01-01 1:2:3Z", "2015-01-01 24:0:0",
    "2001-12-14 21:59:43.10 -5", "15-01-01", "a:b", "a#b", "-x", "?x", ":x", "it's", 'a"b',
    "é", "\xa0", "\ufffd", "a, b", "x]", "x=", "1 000", "12a", "٣",
]  # fmt: skip
"""Texts that stay as they are."""

QUOTED_TEXTS = [
    "12:30:45", "1:30", "10:30", "-1:5.25", "1_0:59", "2015-01-01", "2015-1-1", "2016-2-29",
    "2015-01-01T00:00:00Z", "2015-1-1t0:0:0.5+02:00", "2015-01-01  1:2:3", "2015-01-01 1:2:3,25",
]  # fmt: skip
"""Texts to Juju's reader, which Juju's writer puts in quotes, since others read more in them."""


@pytest.mark.parametrize(("word", "value"), MEANINGS.items())
def test_what_means_something_else_is_read_as_that_and_written_in_quotes(
    word: str, value: Meaning
) -> None:
    """T4"""
    found = meaning(word)
    assert (found, type(found)) == (value, type(value))
    assert read(f"[{word}]") == [value] if word else read("- ") == [None]
    assert dump(word) == f'"{word}"\n'
    assert read(dump(word)) == word


@pytest.mark.parametrize("word", [".nan", ".NaN", ".NAN"])
def test_no_number_is_not_itself(word: str) -> None:
    """T4"""
    assert read(word) != read(word)
    assert dump(word) == f'"{word}"\n'


@pytest.mark.parametrize("word", OURS + TEXTS)
def test_a_text_is_read_as_it_is_and_written_without_quotes(word: str) -> None:
    """T4: the fork decides, for reading and writing alike."""
    assert meaning(word) == word
    assert dump(word) == f"{word}\n"
    assert read(dump(word)) == word
    assert read(f"k: {word}") == {"k": word} if ": " not in word else True


@pytest.mark.parametrize("word", QUOTED_TEXTS)
def test_times_and_base_60_are_texts_in_quotes(word: str) -> None:
    """T4"""
    assert meaning(word) == word == read(word)
    assert dump(word) == f'"{word}"\n'


@pytest.mark.parametrize("base", ["", "0x", "0b", "0o", "0", "-"])
@pytest.mark.parametrize("zeros", ["", "0" * 100])
def test_a_number_of_thousands_of_digits_is_as_large_as_it_is(base: str, zeros: str) -> None:
    """T4: only the number of its digits counts then"""
    if not base.strip("-") and zeros:
        base += "0"  # because the zeros make it octal
    assert must_be_quoted(base + zeros + "1")
    # because what is too large for an integer may still be a float, if it is written like one
    assert must_be_quoted(base + zeros + "1" * 300) == (base in ("", "-"))
    assert not must_be_quoted(base + zeros + "1" * 6000)
