"""How tools quote, trim and print: Go's ways, since Juju's tools are written in Go.

Text inside Tenure is `str`; a byte that is no UTF-8 travels as a lone surrogate (`surrogateescape`)
and is written the way Go writes such a byte in that place.

| | smart | yaml | json |
|---|---|---|---|
| a string | as it is | as yaml.v2 | as encoding/json |
| a bool | `True`, `False` | `true`, `false` | `true`, `false` |
| a map | as yaml | sorted naturally | sorted by bytes, compact |
| a struct (`Fields`) | as yaml | as it is | as it is, compact |
| strings in a list | one a line | `- ` before each | compact |
| any other list | as yaml | `- ` before each | compact |
| a number | as yaml | `1`, `1.5`, `1e+06` | `1`, `1.5`, `1000000` |
| nothing | nothing | nothing | `null` |

Each ends in a line feed, unless nothing is printed at all.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from tenure.jujuyaml.floats import json_float
from tenure.jujuyaml.writer import Fields, Node, dump
from tenure.wire.tools import Call, ToolReply, to_bytes

Value: TypeAlias = Node

FORMATS = ("json", "smart", "yaml")

# because str.strip() also takes \x1c to \x1f, which are no white space to Go
_GO_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)

_QUOTED = {
    "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
    "\\": "\\\\", '"': '\\"',
}  # fmt: skip

_JSON_UNSAFE = re.compile('[\x00-\x1f"\\\\<>&\u2028\u2029\ud800-\udfff]')
_JSON_SHORT = {
    "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\",
}  # fmt: skip


def trim(text: str) -> str:
    """Without white space at both ends, as Go's `strings.TrimSpace`."""
    return text.strip(_GO_SPACE)


def quote(text: str) -> str:
    """In double quotes, as Go's `%q`: always one line of printable text."""
    return '"' + "".join(map(_quote_char, text)) + '"'


def quote_all(texts: Iterable[str]) -> str:
    """Several at once, as Go's `%q` of a list: `["a" "b"]`."""
    return "[" + " ".join(map(quote, texts)) + "]"


def _quote_char(char: str) -> str:
    if char in _QUOTED:
        return _QUOTED[char]
    if char.isprintable():
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def go_json(value: Value) -> str:
    """As Go's encoding/json (1.22 or later) marshals it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + _JSON_UNSAFE.sub(_json_escape, value) + '"'
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return json_float(value)
    if isinstance(value, Mapping):
        keys = value if isinstance(value, Fields) else sorted(value, key=to_bytes)
        return "{" + ",".join(f"{go_json(key)}:{go_json(value[key])}" for key in keys) + "}"
    return "[" + ",".join(map(go_json, value)) + "]"


def _json_escape(match: re.Match[str]) -> str:
    char = match[0]
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        return "\\ufffd"
    return _JSON_SHORT.get(char, f"\\u{code:04x}")


def render(value: Value, format: str) -> bytes:
    """What a tool prints for a value; see the table above."""
    if format == "json":
        return to_bytes(go_json(value) + "\n")
    if value is None or (format == "smart" and value == ""):
        return b""
    if format == "smart" and isinstance(value, (str, bool)):
        return to_bytes(f"{value}\n")
    if format == "smart" and isinstance(value, Sequence) and not isinstance(value, str):
        lines = [text for text in value if isinstance(text, str)]
        if len(lines) == len(value):
            return render("\n".join(lines), "smart")
    return dump(value).encode()


def answer(call: Call, value: Value, *, format: str, out_path: str) -> ToolReply:
    """The reply that prints the value, or has the client write it to `out_path` if given."""
    stdout = render(value, format)
    if not out_path:
        return ToolReply(stdout=stdout)
    return ToolReply(stdout=stdout, out_path=absolute(out_path, call.cwd))


def absolute(path: str, cwd: str) -> str:
    """The path as the caller means it: from its folder, `~` expanded, dots removed."""
    joined = posixpath.join(cwd, _expanded(path))
    return re.sub("^//", "/", posixpath.normpath(joined))


def _expanded(path: str) -> str:
    try:
        return str(Path(path).expanduser())
    except (RuntimeError, ValueError):
        # because a user that nobody knows or could have is part of a file's name, as in Juju
        return path
