"""The rules of T0, T1 and T5 once more, so that the tools can be held against them.

Written from gnuflag's own loop, on bytes, as Go has them: one rune of a short flag after the other,
what is attached to a long one with its `=`. Nothing here is shared with the tools. Bytes that are
no UTF-8 are one-byte runes.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["text", "bool", "format", "no smart format", "relation"]

SPACES = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + (
    "\u2028\u2029\u202f\u205f\u3000"
)  # fmt: skip

RELATION = b"0"
"""The number of the only relation that there is."""

OUTPUT: Mapping[bytes, Kind] = {b"format": "format", b"o": "text", b"output": "text"}
NOTHING: Mapping[bytes, Kind] = {}
TO_RELATION: Mapping[bytes, Kind] = {b"r": "relation", b"relation": "relation"}
PORTS: Mapping[bytes, Kind] = {b"format": "text", b"endpoints": "text"}
FLAGS: Mapping[str, Mapping[bytes, Kind]] = {
    **dict.fromkeys(
        ("action-fail", "action-log", "action-set", "application-version-set", "resource-get",
         "state-delete"),
        NOTHING,
    ),
    **dict.fromkeys(("action-get", "relation-ids", "unit-get"), OUTPUT),
    "close-port": PORTS,
    "open-port": PORTS,
    "opened-ports": {**OUTPUT, b"endpoints": "bool"},
    "config-get": {**OUTPUT, b"a": "bool", b"all": "bool"},
    "goal-state": {**OUTPUT, b"format": "no smart format"},
    "network-get": {
        **OUTPUT, **TO_RELATION, b"bind-address": "bool", b"egress-subnets": "bool",
        b"ingress-address": "bool", b"primary-address": "bool",
    },
    "relation-get": {**OUTPUT, **TO_RELATION, b"app": "bool"},
    "relation-list": {**OUTPUT, **TO_RELATION, b"app": "bool"},
    "relation-model-get": {**OUTPUT, **TO_RELATION},
    "relation-set": {**TO_RELATION, b"app": "bool", b"file": "text", b"format": "text"},
    "state-get": {**OUTPUT, b"strict": "bool"},
    "state-set": {b"file": "text"},
    "is-leader": OUTPUT,
    "leader-get": OUTPUT,
    "leader-set": {},
    "juju-log": {b"debug": "bool", b"format": "text", b"l": "text", b"log-level": "text"},
    "status-get": {**OUTPUT, b"application": "bool", b"include-data": "bool"},
    "status-set": {b"application": "bool"},
}  # fmt: skip
"""What each tool takes."""

ALIASES = {b"o": b"output", b"l": b"log-level", b"r": b"relation", b"a": b"all"}
FORMATS: Mapping[Kind, tuple[bytes, ...]] = {
    "format": (b"json", b"smart", b"yaml"),
    "no smart format": (b"json", b"yaml"),
}
TRUTHS = {b"1": b"true", b"t": b"true", b"T": b"true", b"TRUE": b"true", b"true": b"true",
          b"True": b"true", b"0": b"false", b"f": b"false", b"F": b"false", b"FALSE": b"false",
          b"false": b"false", b"False": b"false"}  # fmt: skip


class Help(Exception):
    """Help is what is wanted."""


class Wrong(Exception):
    """The arguments are wrong; `words` says how."""

    def __init__(self, words: bytes) -> None:
        super().__init__(words)
        self.words = words


@dataclass
class Parsed:
    """What is left when all flags are taken."""

    values: dict[bytes, bytes] = field(default_factory=dict)
    rest: list[bytes] = field(default_factory=list)


def parse(flags: Mapping[bytes, Kind], args: list[bytes]) -> Parsed:
    """gnuflag's Parse with flags anywhere. Raises Help, Wrong."""
    found, left = Parsed(), list(args)
    while left:
        arg = left.pop(0)
        if arg == b"--":
            found.rest += left
            break
        if arg in (b"", b"-") or arg[:1] != b"-":
            found.rest.append(arg)
        elif arg[1:2] == b"-":
            name, equals, value = arg[2:].partition(b"=")
            if equals and not name:
                raise Wrong(b"empty option in argument " + quoted(arg))
            _take(flags, name, b"=" + value if equals else b"", True, left, found)
        else:
            _take_short(flags, arg[1:], left, found)
    return found


def _take_short(
    flags: Mapping[bytes, Kind], cluster: bytes, left: list[bytes], found: Parsed
) -> None:
    """A cluster `-abc` is -a -b -c, until a flag takes the rest as its value."""
    while cluster:
        size = len(runes(cluster)[0])
        cluster = _take(flags, cluster[:size], cluster[size:], False, left, found)


def _take(
    flags: Mapping[bytes, Kind], name: bytes, attached: bytes, long: bool, left: list[bytes],
    found: Parsed,
) -> bytes:  # fmt: skip
    """Take one flag; what is left of its cluster."""
    kind = flags.get(name)
    if kind is None and name in (b"help", b"h"):
        raise Help
    if kind is None:
        raise Wrong(b"option provided but not defined: " + minus(name))
    if kind == "bool" and not attached.startswith(b"="):
        found.values[ALIASES.get(name, name)] = b"true"
        return attached
    if attached:
        value = attached[1:] if long else attached
    elif left:
        value = left.pop(0)
    else:
        raise Wrong(b"option needs an argument: " + minus(name))
    found.values[ALIASES.get(name, name)] = _checked(kind, name, value)
    return b""


def _checked(kind: Kind, name: bytes, value: bytes) -> bytes:
    why = b""
    if kind == "bool" and value not in TRUTHS:
        why = b"strconv.ParseBool: parsing " + quoted(value) + b": invalid syntax"
    elif value not in FORMATS.get(kind, (value,)):
        why = b"unknown format " + quoted(value)
    elif kind == "relation":
        why = _why_no_relation(value.split(b":")[-1])
    if why:
        raise Wrong(b"invalid value " + quoted(value) + b" for option " + minus(name) + b": " + why)
    return TRUTHS[value] if kind == "bool" else value


def _why_no_relation(number: bytes) -> bytes:
    """strconv.Atoi, and a look at what there is."""
    digits = number[1:] if number[:1] in (b"+", b"-") else number
    if not digits or set(digits) - set(b"0123456789"):
        return b"invalid relation id"
    return b"" if int(number) == int(RELATION) else b"relation not found"


def minus(name: bytes) -> bytes:
    """The name with as many dashes as its length in bytes asks for."""
    return (b"--" if len(name) > 1 else b"-") + name


# --- Go's text


def runes(text: bytes) -> list[bytes]:
    """The runes of a text; a byte that is no UTF-8 is one of its own."""
    return [os.fsencode(char) for char in os.fsdecode(text)]


def quoted(text: bytes) -> bytes:
    """Go's %q: strconv.Quote."""
    return b'"' + b"".join(map(_quoted_rune, runes(text))) + b'"'


def _quoted_rune(rune: bytes) -> bytes:
    short = dict(zip(b'\a\b\f\n\r\t\v\\"', b'abfnrtv\\"', strict=True))
    if len(rune) == 1 and rune[0] in short:
        return b"\\" + bytes([short[rune[0]]])
    if len(rune) == 1 and not 0x20 <= rune[0] < 0x7F:
        return b"\\x%02x" % rune[0]
    char = rune.decode()
    if char == " " or unicodedata.category(char)[0] in "LMNPS":
        return rune
    return b"\\u%04x" % ord(char) if ord(char) < 0x10000 else b"\\U%08x" % ord(char)


def utf8(text: bytes) -> str:
    """As Go writes it where only UTF-8 may be: U+FFFD for each byte that is none."""
    whole = os.fsdecode(text)
    lost = {char for char in set(whole) if 0xDC80 <= ord(char) <= 0xDCFF}
    return whole.translate(dict.fromkeys(map(ord, lost), "\ufffd"))


def trimmed(text: bytes) -> bytes:
    """strings.TrimSpace."""
    whole = os.fsdecode(text)
    first, last = 0, len(whole)
    while first < last and whole[first] in SPACES:
        first += 1
    while first < last and whole[last - 1] in SPACES:
        last -= 1
    return os.fsencode(whole[first:last])


# --- leader-set


def pairs(args: list[bytes]) -> dict[str, str]:
    """What `leader-set` is asked to write (T5). Raises Wrong."""
    found: dict[bytes, bytes] = {}
    for arg in args:
        if not arg:
            continue
        key, equals, value = arg.partition(b"=")
        if not equals:
            raise Wrong(b'expected "key=value", got ' + quoted(arg))
        key, value = trimmed(key), trimmed(value)
        if not key:
            raise Wrong(b'expected "key=value", got ' + quoted(b"=" + value))
        if key in found:
            raise Wrong(b"key " + quoted(key) + b" specified more than once")
        found[key] = value
    return {utf8(key): utf8(value) for key, value in found.items()}
