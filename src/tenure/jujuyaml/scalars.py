"""What a word of YAML means that stands there without quotes and without a tag.

YAML 1.1's words, its numbers, and numbers to the base 60, as yaml.v2 takes them in the fork that
Juju is built with. What counts is not YAML's grammar but what Go's parsers take: a number too large
for them is a text again, and Go knows a 24th hour in a time zone and a year 0.

| a word like | means | the original |
|---|---|---|
| `01182252`, `098` | a text: no decimal number begins with 0 | a float |
| `5.` | a text: digits follow a point | a float |
| `1e3`, `81E98`, `+8E6` | a text: an exponent has a sign | a float |
| `1e+3`, `1.5`, `.5e3`, `010` (8), `0o17`, `0x1F`, `1_000` | a number | the same |
| `2026-11-23`, `10:30` | a text, written in quotes, since others read more in it | the same |
| `=`, `<<` | a text | the same |

Only the pattern of floats was changed there, and reading and writing both ask it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import TypeAlias

Meaning: TypeAlias = "str | int | float | bool | None"

_WORDS: Mapping[str, bool | float | None] = {
    form: value
    for words, value in (
        (("y", "yes", "on", "true"), True),
        (("n", "no", "off", "false"), False),
        (("", "~", "null"), None),
        ((".inf", "+.inf"), float("inf")),
        (("-.inf",), float("-inf")),
    )
    for word in words
    for form in (word, word.capitalize(), word.replace(".i", ".I"), word.upper())
} | dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan"))
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_POINT_FIRST = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")
_INTEGER = re.compile(
    r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]([0-7]+)|0([0-7]*)|([1-9][0-9]*))"
)
_BASES = (16, 2, 8, 8, 10)
_TOO_LONG = 65
"""Digits that are too many for 64 bits in any base, if the first is not 0."""
_GO_BINARY = re.compile(r"0b([-+]?[01]{1,63})")
_FLOAT = re.compile(r"[-+]?(?=[0-9.])(?:0|[1-9][0-9]*)?(?:\.[0-9]+)?(?:[eE][-+][0-9]+)?")
_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]|( +))([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?"
    r"(Z|[-+][0-9]{2}:[0-9]{2})?)?"
)


def meaning(text: str) -> Meaning:
    """The text itself, or what else the word means. Times are texts."""
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first == ".":
        return _finite(_POINT_FIRST, text, text)
    if first not in "+-0123456789":
        return text
    bare = text.replace("_", "")
    if (integer := _integer(bare)) is not None:
        return integer
    if match := _GO_BINARY.fullmatch(bare):
        return int(match[1], 2)
    return _finite(_FLOAT, bare, text)


def must_be_quoted(text: str) -> bool:
    """Whether the text would not be read as this text by Juju's reader, or by an older one's."""
    return (
        not isinstance(meaning(text), str) or is_time(text) or _BASE_60.fullmatch(text) is not None
    )


def is_formed_as_number(text: str) -> bool:
    """Whether the word is written as a number, be it as long as it may."""
    bare = text.replace("_", "")
    return bool(_INTEGER.fullmatch(bare) or _FLOAT.fullmatch(bare) or _POINT_FIRST.fullmatch(text))


def _finite(pattern: re.Pattern[str], number: str, text: str) -> float | str:
    # because Go refuses a number too large for a float, and then it is a text
    if not pattern.fullmatch(number):
        return text
    value = float(number)
    return text if value in (float("inf"), -float("inf")) else value


def _integer(text: str) -> int | None:
    match = _INTEGER.fullmatch(text)
    if match is None:
        return None
    sign, *runs = match.groups()
    number = next(
        _value(run, base) for run, base in zip(runs, _BASES, strict=True) if run is not None
    )
    if number >= 2**64 or (sign and number > 2**63 - (sign == "+")):
        return None
    return -number if sign == "-" else number


def _value(digits: str, base: int) -> int:
    """The number; of one beyond 64 bits, some number beyond 64 bits."""
    # because Python refuses thousands of digits, and takes a time that grows with their square
    return int(digits.lstrip("0")[:_TOO_LONG] or "0", base)


def is_time(text: str) -> bool:
    """Whether the word is a date, or a date and a time of day."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return False
    year, month, day, spaces, hour, minute, second, zone = match.groups()
    if not _is_day(int(year), int(month), int(day)):
        return False
    if hour is None:
        return True
    # because Go knows a time zone after a `T` only, and there it must be
    if (zone is None) != (spaces is not None):
        return False
    return int(hour) < 24 and int(minute) < 60 and int(second) < 60 and _is_zone(zone)


def _is_zone(zone: str | None) -> bool:
    return zone is None or zone == "Z" or (int(zone[1:3]) <= 24 and int(zone[4:6]) <= 60)


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        # because Go has a year 0, which is a leap year as 2000 is, and Python has not
        date(year or 2000, month, day)
    except ValueError:
        return False
    return True
