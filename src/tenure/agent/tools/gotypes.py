"""Which plain texts yaml.v2 would read as something else than a text: those it writes in quotes.

They are YAML 1.1's words, its numbers and times, and numbers to the base 60. What counts is not
YAML's grammar but what Go's parsers take: a number too large for them is a text again, and Go knows
a 24th hour in a time zone and a year 0.
"""

from __future__ import annotations

import re
from datetime import date

_WORDS = frozenset(
    ["", "~", "y", "Y", "n", "N"]
    + [
        form
        for word in ("yes", "no", "on", "off", "true", "false", "null")
        for form in (word, word.capitalize(), word.upper())
    ]
    + [
        form
        for word in (".inf", "+.inf", "-.inf")
        for form in (word, word.replace("i", "I"), word.upper())
    ]
    + [".nan", ".NaN", ".NAN"]
)
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_POINT_FIRST = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")
_INTEGER = re.compile(
    r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]([0-7]+)|0([0-7]*)|([1-9][0-9]*))"
)
_BASES = (16, 2, 8, 8, 10)
_TOO_LONG = 65
"""Digits that are too many for 64 bits in any base, if the first is not 0."""
_GO_BINARY = re.compile(r"0b[-+]?[01]{1,63}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]|( +))([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?"
    r"(Z|[-+][0-9]{2}:[0-9]{2})?)?"
)


def reads_as_another_type(text: str) -> bool:
    """Whether the plain text is a bool, null, number, time or base 60 number to Go's parsers."""
    if text in _WORDS:
        return True
    first = text[0]
    if first == ".":
        return _finite(_POINT_FIRST, text)
    if first not in "+-0123456789":
        return False
    bare = text.replace("_", "")
    return (
        _BASE_60.fullmatch(text) is not None
        or _is_time(text)
        or _is_integer(bare)
        or _finite(_FLOAT, bare)
        or _GO_BINARY.fullmatch(bare) is not None
    )


def _finite(pattern: re.Pattern[str], text: str) -> bool:
    # because Go refuses a number too large for a float, and then it is a string
    return pattern.fullmatch(text) is not None and float(text) not in (float("inf"), -float("inf"))


def _is_integer(text: str) -> bool:
    match = _INTEGER.fullmatch(text)
    if match is None:
        return False
    sign, *runs = match.groups()
    number = next(
        _value(run, base) for run, base in zip(runs, _BASES, strict=True) if run is not None
    )
    if not sign:
        return number < 2**64
    return number <= 2**63 if sign == "-" else number < 2**63


def _value(digits: str, base: int) -> int:
    """The number; of one beyond 64 bits, some number beyond 64 bits."""
    # because Python refuses thousands of digits, and takes a time that grows with their square
    return int(digits.lstrip("0")[:_TOO_LONG] or "0", base)


def _is_time(text: str) -> bool:
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
