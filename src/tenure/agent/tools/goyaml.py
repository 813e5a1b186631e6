"""YAML to the byte as Go's yaml.v2 writes it, on top of PyYAML's emitter.

Charms have parsed this output for years, some with grep, so its bytes are part of the promise (T4).
PyYAML's emitter and yaml.v2's have a common ancestor: the walk over the nodes, indentation and
simple keys is PyYAML's, and only what differs is replaced here.

| | yaml.v2 |
|---|---|
| style asked for | literal if there is a line feed; double if of another type; else plain |
| style given | the asked one, else single quotes, else double quotes, as `analyze_scalar` allows |
| not printable | tab, CR, all controls, NEL, BOM, all beyond the BMP: double quotes, escaped |
| folding | at the first lone space after column 80; never in a key |
| another type | YAML 1.1's words, numbers and base 60, as Go's parsers read them |
| floats | as gofloat.py says |
| lists | a dash at the column of their key; `[]` if empty |
| keys | in natural order, `a2` before `a10`; those of a struct (`Fields`) as they are |

Two consequences look like faults and are Juju's: more than one line feed at the end is cut to one,
and `<<`, `=` or `2001-12-14 21:59:43 -5` come out plain, although PyYAML reads those as no string.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cmp_to_key
from io import StringIO
from typing import TypeAlias

from yaml.emitter import Emitter, ScalarAnalysis
from yaml.events import (
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from tenure.agent.tools.base import valid
from tenure.agent.tools.gofloat import yaml_float

Node: TypeAlias = "str | bool | int | float | Sequence[Node] | Mapping[str, Node] | None"


class Fields(dict[str, Node]):
    """A struct of Go's: its fields are written in the order in which they are here."""


WIDTH = 80

_BREAKS = "\r\n\x85\u2028\u2029"
_SPECIAL = re.compile("[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]")
_BREAK = re.compile(f"[{_BREAKS}]")
_BREAK_SPACE = re.compile(f"[{_BREAKS}] ")
_SPACE_BREAK = re.compile(f" [{_BREAKS}]")
_INDICATOR_FIRST = re.compile(r"""[#,\[\]{}&*!|>'"%@`]|---|\.\.\.|[?-](?:[ \t]|\Z)""")
_INDICATOR = re.compile(rf":(?:[ \t]|\Z)|(?<=[ \t\0{_BREAKS}])#")

_FOLDABLE = re.compile(f" +|[{_BREAKS}]|[^ {_BREAKS}]+")
_LINES = re.compile(f"[{_BREAKS}]|[^{_BREAKS}]+")
_QUOTABLE = re.compile(
    "(?P<spaces> +)"
    r"|[\x21\x23-\x5b\x5d-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]+"
    "|(?P<escaped>(?s:.))"
)
_ESCAPES = {
    "\0": "\\0", "\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f",
    "\r": "\\r", "\x1b": "\\e", '"': '\\"', "\\": "\\\\", "\x85": "\\N", "\xa0": "\\_",
    "\u2028": "\\L", "\u2029": "\\P",
}  # fmt: skip


def dump(value: Node) -> str:
    """The document as Juju's tools print it: yaml.v2's text with one line feed at its end."""
    out = StringIO()
    emitter = _GoEmitter(out)
    for event in _document(value):
        emitter.emit(event)
    text = out.getvalue()
    return text[0] + text[1:].rstrip("\n") + "\n"


def _document(value: Node) -> Iterator[Event]:
    yield StreamStartEvent()
    yield DocumentStartEvent(explicit=False)
    yield from _events(value)
    yield DocumentEndEvent(explicit=False)
    yield StreamEndEvent()


def _events(value: Node) -> Iterator[Event]:
    if isinstance(value, str):
        text = valid(value)
        yield _scalar(text, _style_for(text))
    elif isinstance(value, Mapping):
        yield MappingStartEvent(None, None, implicit=True, flow_style=False)
        for key in value if isinstance(value, Fields) else in_natural_order(value):
            yield from _events(key)
            yield from _events(value[key])
        yield MappingEndEvent()
    elif isinstance(value, Sequence):
        yield SequenceStartEvent(None, None, implicit=True, flow_style=False)
        for item in value:
            yield from _events(item)
        yield SequenceEndEvent()
    else:
        yield _scalar(_plain(value), None)


def _plain(value: bool | int | float | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return yaml_float(value) if isinstance(value, float) else str(value)


def _scalar(text: str, style: str | None) -> ScalarEvent:
    return ScalarEvent(None, None, (True, True), text, style=style)


def _style_for(text: str) -> str | None:
    if "\n" in text:
        return "|"
    return '"' if reads_as_another_type(text) else None


class _GoEmitter(Emitter):
    """PyYAML's emitter with yaml.v2's idea of scalars."""

    def __init__(self, stream: StringIO) -> None:
        super().__init__(stream, allow_unicode=True, width=WIDTH)

    def check_empty_document(self) -> bool:
        return False

    def check_simple_key(self) -> bool:
        """Whether the key fits in `key: value`; it is counted in bytes, and 128 still fits."""
        event = self.event
        assert isinstance(event, ScalarEvent)
        self.analysis = self.analyze_scalar(event.value)
        return not self.analysis.multiline and len(event.value.encode()) <= 128

    def choose_scalar_style(self) -> str:
        event = self.event
        assert isinstance(event, ScalarEvent)
        if self.analysis is None:
            self.analysis = self.analyze_scalar(event.value)
        if event.style == "|":
            return "|" if self.analysis.allow_block and not self.simple_key_context else '"'
        if event.style is None and self.analysis.allow_block_plain:
            return ""
        if event.style is None and self.analysis.allow_single_quoted:
            return "'"
        return '"'

    def analyze_scalar(self, scalar: str) -> ScalarAnalysis:
        """Which styles can carry the text unchanged, as yaml.v2 sees it."""
        multiline = _BREAK.search(scalar) is not None
        space_break = multiline and _SPACE_BREAK.search(scalar) is not None
        break_space = multiline and _BREAK_SPACE.search(scalar) is not None
        unfit = space_break or _SPECIAL.search(scalar) is not None
        plain = not (
            unfit
            or multiline
            or scalar[:1] == " "
            or scalar[-1:] == " "
            or _INDICATOR_FIRST.match(scalar)
            or _INDICATOR.search(scalar)
        )
        return ScalarAnalysis(
            scalar=scalar,
            empty=not scalar,
            multiline=multiline,
            allow_flow_plain=False,
            allow_block_plain=plain,
            allow_single_quoted=not (unfit or break_space),
            allow_double_quoted=True,
            allow_block=not (unfit or scalar[-1:] == " "),
        )

    def write_plain(self, text: str, split: bool = True) -> None:
        if not self.whitespace:
            self._put(" ")
        self._put_folding(text, split, "'")
        self.whitespace = False
        self.indention = False

    def write_single_quoted(self, text: str, split: bool = True) -> None:
        self.write_indicator("'", True)
        self._put_folding(text, split, "''")
        self.write_indicator("'", False)

    def write_double_quoted(self, text: str, split: bool = True) -> None:
        self.write_indicator('"', True)
        if text[:1] == "\ufeff":
            # because yaml.v2 looks for the BOM at the start of the text whatever character it is at
            self._put("".join(map(_escape, text)))
        else:
            for match in _QUOTABLE.finditer(text):
                self._put_quotable(match, split)
        self.write_indicator('"', False)

    def write_literal(self, text: str) -> None:
        self.write_indicator("|" + _hints(text), True)
        self.write_line_break()
        for match in _LINES.finditer(text):
            if match[0] in _BREAKS:
                self._put_break(match[0])
            else:
                self.write_indent()
                self._put(match[0])
                self.indention = False

    def _put(self, text: str) -> None:
        self.column += len(text)
        self.stream.write(text)

    def _put_break(self, text: str) -> None:
        self.stream.write(text)
        self.column = 0
        self.indention = True

    def _put_folding(self, text: str, split: bool, apostrophe: str) -> None:
        broken = False
        for match in _FOLDABLE.finditer(text):
            piece = match[0]
            if piece in _BREAKS:
                self._put_break(piece)
                broken = True
            elif piece == " " and split and self._folds_at(match):
                self.write_indent()
            else:
                if broken:
                    self.write_indent()
                self._put(piece.replace("'", apostrophe))
                self.indention = broken = False

    def _put_quotable(self, match: re.Match[str], split: bool) -> None:
        piece = match[0]
        if match["escaped"]:
            piece = _escape(piece)
        elif match["spaces"] and split and self._folds_at(match):
            self.write_indent()
            piece = "\\" + piece[1:] if len(piece) > 1 else ""
        self._put(piece)

    def _folds_at(self, match: re.Match[str]) -> bool:
        """Whether the line is full, and the space is neither the first nor the last character."""
        return self.column > WIDTH and 0 < match.start() < len(match.string) - 1


def _escape(char: str) -> str:
    code = ord(char)
    if code <= 0xFF:
        return _ESCAPES.get(char, f"\\x{code:02X}")
    return _ESCAPES.get(char, f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}")


def _hints(text: str) -> str:
    """The indentation and chomping indicators of a literal."""
    indentation = "2" if text[0] in " " + _BREAKS else ""
    if text[-1] not in _BREAKS:
        return indentation + "-"
    return indentation + ("+" if len(text) == 1 or text[-2] in _BREAKS else "")


# --- which strings would be read as another type ---------------------------------------------

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


# --- the order of keys -------------------------------------------------------------------------


def in_natural_order(keys: Iterable[str]) -> list[str]:
    """The keys as yaml.v2 writes them."""
    # because what is nearly in order takes few comparisons. And Go's order runs in circles in rare
    # cases (2 < 12 < 1b < 2): then it matters where sorting begins, and it begins at the same place
    return sorted(sorted(keys), key=cmp_to_key(compare_keys))


def compare_keys(a: str, b: str) -> int:
    """Natural order as yaml.v2 has it: below 0 if `a` comes first.

    Decided at the first character that differs: signs before digits before letters, runs of digits
    by value.
    """
    at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    if at is None:
        return len(a) - len(b)
    x, y = a[at], b[at]
    if x.isalpha() or y.isalpha():
        if x.isalpha() and y.isalpha():
            return -1 if x < y else 1
        return -1 if y.isalpha() else 1
    start = 1 if "0" in (x, y) and _after_a_number(a, at) else 0
    left, right = _number(a, at, start), _number(b, at, start)
    return -1 if (*left, x) < (*right, y) else 1


def _after_a_number(text: str, at: int) -> bool:
    """Whether digits that are not all zero stand right before: then a zero is no leading one."""
    while at and text[at - 1].isdecimal():
        at -= 1
        if text[at] != "0":
            return True
    return False


def _number(text: str, at: int, value: int) -> tuple[int, int]:
    """The value and the end of the run of digits at `at`, in Go's 64 wrapping bits."""
    while at < len(text) and text[at].isdecimal():
        # because without wrapping at each step, a run's cost would grow with its length squared
        value = (value * 10 + ord(text[at]) - ord("0")) % 2**64
        at += 1
    return (value + 2**63) % 2**64 - 2**63, at
