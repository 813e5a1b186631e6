"""A charm's configuration: what an operator set, against the options that the charm has. Pure.

What an operator's text means is found by the option's type, with the words that Juju takes: Go's
`ParseInt` in base 10, `ParseFloat` and `ParseBool`. Infinities and NaN, which Juju takes too, are
refused here: no JSON can carry them to a charm. What is kept is one text for each meaning (`true`
for `1` and `T`), and meanings are compared, never spellings (P5).

Options that nobody set are not kept: they have their charm's default, also when a later charm has
another.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from msgspec.structs import replace

from tenure.core.bucket import size_of
from tenure.core.changes import ConfigRecord, Option
from tenure.defaults import MOST_CONFIG
from tenure.errors import BadRequest, Refused

MAX_CONFIG = MOST_CONFIG.value
"""Bytes of all names and values that are set, in UTF-8."""

_SHOWN = 100
"""Characters of a wrong value that an error repeats."""
_LISTED = 20
"""Names that an error or a history entry lists."""

_INT = re.compile(r"[+-]?[0-9]+\Z")
_DIGITS = "[0-9]+(?:_[0-9]+)*"
_FLOAT = re.compile(
    rf"[+-]?(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?\Z"
)
_HEX = "[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*"
_HEX_FLOAT = re.compile(
    rf"[+-]?0[xX]_?(?:{_HEX}(?:\.(?:{_HEX})?)?|\.{_HEX})[pP][+-]?{_DIGITS}\Z"
)  # fmt: skip
_WORDS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
_LARGEST = 2**63 - 1


Value: TypeAlias = "str | int | float | bool"


def value_of(option: Option, text: str, name: str = "") -> Value:
    """What the text means for an option of this type; a secret is its URI.

    Raises BadRequest, naming the option if `name` does, its type and the text.
    """
    if option.type in ("string", "secret"):
        return text
    value = _PARSERS[option.type](text)
    if value is None:
        which = f'option "{name}" ' if name else ""
        raise BadRequest(f"{which}expected {option.type}, got {_quoted(text)}")
    return value


def text_of(value: Value) -> str:
    """The one text that is kept for what `value_of` reads in many."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def counting(option: Option, text: str | None) -> Value | None:
    """What counts: what was set (None: nothing), or else the default, if there is any."""
    counts = option.default if text is None else text
    return None if counts is None else value_of(option, counts)


def _int(text: str) -> int | None:
    digits = text.lstrip("+-0")
    if not _INT.match(text) or len(digits) > 19:
        return None
    value = int(digits or "0") * (-1 if text.startswith("-") else 1)
    return value if -_LARGEST - 1 <= value <= _LARGEST else None


def _float(text: str) -> float | None:
    if _FLOAT.match(text):
        value = float(text)
    elif _HEX_FLOAT.match(text):
        value = _from_hex(text.replace("_", ""))
    else:
        return None
    return value if math.isfinite(value) else None


def _from_hex(text: str) -> float:
    try:
        return float.fromhex(text)
    except OverflowError:
        return math.inf


def _boolean(text: str) -> bool | None:
    return _WORDS.get(text)


_PARSERS: Mapping[str, Callable[[str], int | float | bool | None]] = {
    "int": _int,
    "float": _float,
    "boolean": _boolean,
}


def _quoted(text: str) -> str:
    shown = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return json.dumps(shown, ensure_ascii=False)


def changed(
    record: ConfigRecord, options: Mapping[str, Option], put: Mapping[str, str],
    reset: Iterable[str] = (),
) -> ConfigRecord:  # fmt: skip
    """The record with these set, and those back at their defaults: the same object if it is so.

    A new revision only if something means another thing to the charm than before (P5): what is at
    its default and is set to just that, or the other way, is kept so and nobody is told.

    Raises BadRequest for an option that does not exist, is both set and reset, or cannot have that
    value; Refused beyond the limit.
    """
    reset = set(reset)
    _check_known(options, sorted({*put, *reset} - set(options)))
    if both := reset.intersection(put):
        raise BadRequest(f"{listed(both)}: either set it or reset it, not both")
    put = {name: text_of(value_of(options[name], text, name)) for name, text in put.items()}
    values = {name: text for name, text in record.values.items() if name not in reset}
    values |= {
        name: text
        for name, text in put.items()
        if name not in values or not _is_same(options[name], values[name], text)
    }
    _check_size(record.application, values)
    same = all(
        _is_same(options[name], record.values.get(name), values.get(name))
        for name in {*put, *reset}
    )
    return _with(record, values, told=not same)


def _is_same(option: Option, one: str | None, other: str | None) -> bool:
    """Whether both mean the same to a charm."""
    return counting(option, one) == counting(option, other)


def kept(
    record: ConfigRecord, before: Mapping[str, Option], options: Mapping[str, Option]
) -> ConfigRecord:
    """The record without values of options that are gone or of another type than `before`."""

    def goes_on(name: str) -> bool:
        return name in before and name in options and before[name].type == options[name].type

    return _with(record, {name: text for name, text in record.values.items() if goes_on(name)})


def differing(one: ConfigRecord, other: ConfigRecord) -> list[str]:
    """The names of what is set in one of them only, or otherwise."""
    names = {*one.values, *other.values}
    return sorted(name for name in names if one.values.get(name) != other.values.get(name))


def listed(names: Iterable[str]) -> str:
    """Some names for people: sorted, and not too many of them."""
    known = sorted(names)
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    return (
        ", ".join(json.dumps(name[:_SHOWN], ensure_ascii=False) for name in known[:_LISTED]) + more
    )


def _with(record: ConfigRecord, values: Mapping[str, str], *, told: bool = True) -> ConfigRecord:
    if values == record.values:
        return record
    return replace(record, revision=record.revision + told, values=values)


def _check_known(options: Mapping[str, Option], unknown: list[str]) -> None:
    if not unknown:
        return
    known = f"the options are {listed(options)}" if options else "the charm has no options"
    raise BadRequest(f"unknown option {listed(unknown)}: {known}")


def _check_size(application: str, values: Mapping[str, str]) -> None:
    size = size_of(values)
    if size > MAX_CONFIG:
        raise Refused(
            f'the configuration of "{application}" would take {size} bytes, more than the limit of '
            f"{MAX_CONFIG}: reset options, or give large values in a file"
        )
