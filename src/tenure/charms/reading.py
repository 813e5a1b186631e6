"""A charm's YAML files: what they say, or the file, the line and the reason why they are of no use.

YAML has scalars that surprise. Here they are read as Juju reads them: dates and times of day stay
text, `1e3` is a number, a mapping's keys are the words that stand there (`on:` is "on"), and
whatever is not JSON is refused. Files and what they unfold to are bounded, so that no charm can
make its reader large or slow: aliases are counted when all is read, merges (`<<`) while it is,
since each makes a mapping of its own.

Values know no lines. The rare error finds its line by reading the file a second time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from msgspec import Struct

from tenure.charms.fault import CharmError, reason_of

try:
    from yaml import CSafeLoader as _Base
except ImportError:  # libyaml is an option of PyYAML's; only this much slower without it
    from yaml import SafeLoader as _Base  # type: ignore[assignment]

Tree: TypeAlias = "str | int | float | bool | Sequence[Tree] | Mapping[str, Tree] | None"
"""JSON."""

MAX_FILE = 1024 * 1024
"""Bytes of one file."""
MAX_NODES = 100_000
"""Values in one file, each counted where an alias repeats it."""
MAX_DEPTH = 100
MAX_NUMBER = 400
"""Characters of one number: enough for any float, and short to print."""

_TAG = "tag:yaml.org,2002:"
_KEPT = tuple(f"{_TAG}{kind}" for kind in ("null", "bool", "int", "float", "seq", "map", "str"))
_INT = re.compile(r"[-+]?(?:0b[01_]+|0[0-7_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*)\Z")
_FLOAT = re.compile(
    r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)"
    r"|\.(?:nan|NaN|NAN))\Z"
)
_REPLACED = {f"{_TAG}{kind}" for kind in ("int", "float", "timestamp", "value")}


class _Loader(_Base):
    """YAML as Juju reads it."""

    merged = 0
    """What `<<` has made so far, in values."""

    yaml_constructors = {  # noqa: RUF012
        tag: construct
        for tag, construct in _Base.yaml_constructors.items()
        if tag in _KEPT or tag is None
    }
    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [pair for pair in pairs if pair[0] not in _REPLACED]
        for first, pairs in _Base.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        merged: dict[Hashable, Any] = {}
        own: dict[Hashable, Any] = {}
        for key, value in node.value:
            if key.tag == f"{_TAG}merge":
                merged |= self._merged(value)
            else:
                own[_key(key)] = self.construct_object(value, deep=deep)
        return merged | own

    def _merged(self, node: yaml.Node) -> dict[Hashable, Any]:
        """What `<<` brings. PyYAML's own way copies it all each time, without a bound."""
        found = self.construct_object(node, deep=True)
        layers = found if isinstance(found, list) else [found]
        if not all(isinstance(each, dict) for each in layers):
            raise yaml.constructor.ConstructorError(
                None, None, "<< takes mappings and nothing else", node.start_mark
            )
        self.merged += sum(len(each) + 1 for each in layers)
        if self.merged > MAX_NODES:
            problem = f"<< makes more than {MAX_NODES} values: make it smaller"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return {key: value for each in reversed(layers) for key, value in each.items()}


_Loader.add_implicit_resolver(f"{_TAG}int", _INT, list("-+0123456789"))
_Loader.add_implicit_resolver(f"{_TAG}float", _FLOAT, list("-+.0123456789"))


def _short(construct: Callable[[_Loader, yaml.Node], Any]) -> Callable[[_Loader, yaml.Node], Any]:
    """A number's constructor, but not for one that would take long to read or to print."""

    def constructed(loader: _Loader, node: yaml.Node) -> Any:
        if len(node.value) > MAX_NUMBER:
            problem = f"a number is longer than {MAX_NUMBER} characters"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return construct(loader, node)

    return constructed


for _kind in ("int", "float"):
    _Loader.add_constructor(f"{_TAG}{_kind}", _short(_Base.yaml_constructors[f"{_TAG}{_kind}"]))


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(None, None, "a key must be a word", node.start_mark)
    return str(node.value)


class Document(Struct, frozen=True, kw_only=True):
    """A file's mapping, or one in it: `prefix` says where. A file that is not there is empty."""

    path: Path
    content: Mapping[str, Any] = {}
    prefix: tuple[str, ...] = ()

    def fault(self, where: Sequence[str], reason: str) -> CharmError:
        """The error to raise about the value that the keys `where` lead to."""
        full = (*self.prefix, *where)
        line = f" line {found}" if (found := _line_of(self.path, full)) else ""
        return CharmError(f'"{self.path}"{line}: {".".join(full)} {reason}')

    def at(self, *where: str) -> Any:
        """The value; None if it or what leads to it is not there. Raises CharmError."""
        value: Any = self.content
        for number, key in enumerate(where):
            value = self._as_mapping(value, where[:number]).get(key)
        return value

    def mapping(self, *where: str) -> Mapping[str, Any]:
        """The mapping; {} if it is not there or empty. Raises CharmError for anything else."""
        return self._as_mapping(self.at(*where), where)

    def below(self, *where: str) -> Document:
        """A mapping in this one. Raises CharmError."""
        prefix = (*self.prefix, *where)
        return Document(path=self.path, content=self.mapping(*where), prefix=prefix)

    def text(self, *where: str) -> str:
        """The text; "" if it is not there. Raises CharmError for anything but text."""
        value = self.at(*where)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.fault(where, f"must be text, like {str(value)[:40]!r} in quotes")
        return value

    def flag(self, *where: str, default: bool = False) -> bool:
        """True or false. Raises CharmError for anything else."""
        value = self.at(*where)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.fault(where, "must be true or false")
        return value

    def words(self, *where: str) -> tuple[str, ...]:
        """A list of texts; () if it is not there. Raises CharmError for anything else."""
        value = self.at(*where)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.fault(where, "must be a list of words")
        return tuple(value)

    def _as_mapping(self, value: Any, where: Sequence[str]) -> Mapping[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.fault(where, "must hold a mapping, like `key: value`")
        return value


def read_document(path: Path) -> Document:
    """The mapping in a YAML file; empty if the file is, or is not there. Raises CharmError."""
    text = _read(path)
    content = None if text is None else _parse(path, text)
    if content is None or content == "":
        return Document(path=path)
    if not isinstance(content, dict):
        raise CharmError(f'"{path}" line 1: it must hold a mapping, like "name: web"')
    if not _is_bounded(content):
        raise CharmError(
            f'"{path}" holds more than {MAX_NODES} values, or values nested deeper than '
            f"{MAX_DEPTH}: make it smaller"
        )
    return Document(path=path, content=content)


def _read(path: Path) -> bytes | None:
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CharmError(f'cannot read "{path}": {reason_of(error)}') from error
    except ValueError as error:
        raise CharmError(f"cannot read {str(path)!r}: no path holds a NUL") from error
    if len(text) > MAX_FILE:
        raise CharmError(f'"{path}" is larger than the limit of {MAX_FILE} bytes: make it smaller')
    return text


def _parse(path: Path, text: bytes) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise CharmError(f'"{path}"{line}: {error.problem or "not valid yaml"}') from error
    except yaml.YAMLError as error:
        reason = getattr(error, "reason", "it is damaged")
        raise CharmError(f'"{path}" is not yaml: {reason}') from error
    except RecursionError as error:
        raise CharmError(f'"{path}" is not yaml: it is nested too deeply') from error
    except (ValueError, LookupError, OverflowError) as error:  # `!!bool x`, `!!float 9:9:9...`
        raise CharmError(f'"{path}" is not yaml: {str(error).lower()}') from error


def _is_bounded(content: Any) -> bool:
    """Whether the whole of it is small, with everything counted that aliases repeat."""
    left, level = MAX_NODES, [content]
    for _ in range(MAX_DEPTH):
        left -= len(level)
        if left < 0:
            return False
        level = _children(level, left)
        if not level:
            return True
    return False


def _children(level: list[Any], limit: int) -> list[Any]:
    """What is one level below, a little more than `limit` at most."""
    found: list[Any] = []
    for value in level:
        if isinstance(value, dict):
            found += value.values()
        elif isinstance(value, list):
            found += value
        if len(found) > limit:
            break
    return found


def _line_of(path: Path, where: Sequence[str]) -> int | None:
    """The line, from 1, of the last key that can be found on the way there."""
    try:
        node = yaml.compose(path.read_bytes(), Loader=_Loader)
    except (OSError, yaml.YAMLError, RecursionError, ValueError):
        return None  # it has changed since: the error is true all the same
    line = None
    for key in where:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next((pair for pair in pairs if pair[0].value == key), None)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line
