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
| another type | YAML 1.1's words, numbers and base 60, as scalars.py says |
| floats | as floats.py says |
| lists | a dash at the column of their key; `[]` if empty |
| keys | as order.py says, `a2` before `a10`; those of a struct (`Fields`) as they are |

Two consequences look like faults and are Juju's: more than one line feed at the end is cut to one,
and `<<`, `=`, `1e3` or `2001-12-14 21:59:43 -5` come out plain: Juju reads those as texts, and not
everybody does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
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

from tenure.jujuyaml.floats import yaml_float
from tenure.jujuyaml.order import in_natural_order
from tenure.jujuyaml.scalars import must_be_quoted
from tenure.wire.tools import valid

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
    text = marshal(value)
    return text[0] + text[1:].rstrip("\n") + "\n"


def marshal(value: Node) -> str:
    """The document as yaml.v2 writes it: whoever reads it gets the value back."""
    out = StringIO()
    emitter = _GoEmitter(out)
    for event in _document(value):
        emitter.emit(event)
    return out.getvalue()


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
    return '"' if must_be_quoted(text) else None


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
