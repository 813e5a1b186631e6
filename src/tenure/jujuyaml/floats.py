"""Floats as Go writes them: the fewest digits that read back as the same float.

| | without an exponent | with one |
|---|---|---|
| yaml.v2, `strconv`'s `g` | from 1e-4 and below 1e+06 | two digits at least: `1e+06`, `1e-07` |
| encoding/json | from 1e-6 and below 1e21 | as few as there are: `1e+21`, `1e-7` |
"""

from __future__ import annotations

from typing import NamedTuple

_INFINITE = (float("inf"), -float("inf"))


class _Parts(NamedTuple):
    """`power` is the power of ten of the first digit."""

    sign: str
    digits: str
    power: int


def yaml_float(value: float) -> str:
    """As yaml.v2 writes it."""
    if value != value:
        return ".nan"
    if value in _INFINITE:
        return ".inf" if value > 0 else "-.inf"
    parts = _parts_of(value)
    return _positional(parts) if -4 <= parts.power < 6 else _scientific(parts, places=2)


def json_float(value: float) -> str:
    """As encoding/json writes it; `null` for what JSON has not, and Go refuses."""
    if value != value or value in _INFINITE:
        return "null"
    parts = _parts_of(value)
    if -6 <= parts.power < 21:
        return _positional(parts)
    # because Go takes the zero out of an exponent below 0 only, and above there is none to take
    return _scientific(parts, places=1)


def _parts_of(value: float) -> _Parts:
    text = repr(value)
    sign, text = text[: text.startswith("-")], text.lstrip("-")
    mantissa, _, power = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return _Parts(sign, "0", 0)
    zeros = len(whole + fraction) - len(digits)
    return _Parts(sign, digits.rstrip("0"), len(whole) - 1 - zeros + int(power or "0"))


def _positional(parts: _Parts) -> str:
    sign, digits, power = parts
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    whole, fraction = digits[: power + 1].ljust(power + 1, "0"), digits[power + 1 :]
    return f"{sign}{whole}.{fraction}" if fraction else sign + whole


def _scientific(parts: _Parts, *, places: int) -> str:
    sign, digits, power = parts
    mantissa = f"{digits[0]}.{digits[1:]}" if digits[1:] else digits
    return f"{sign}{mantissa}e{'-' if power < 0 else '+'}{abs(power):0{places}}"
