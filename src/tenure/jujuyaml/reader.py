"""YAML read as Juju reads it: a text, or a file's bytes, and the one value that it holds.

What a word means, `scalars` says. Otherwise as yaml.v2 does: only the first document counts; a
mapping's keys are the words that stand there (`on:` is "on"), the last of two equal ones wins, and
what `<<` brings is laid over what stands before it; tags that are not YAML's own mean nothing.

What is read is bounded, so that no text can make its reader large or slow: aliases are counted when
all is read, merges (`<<`) while it is, since each makes a mapping of its own.

Values know no lines. The rare error finds its line by reading the text a second time (`line_of`).
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import yaml

from tenure.jujuyaml import scalars

try:
    from yaml import CSafeLoader as _Base
except ImportError:  # libyaml is an option of PyYAML's; only this much slower without it
    from yaml import SafeLoader as _Base  # type: ignore[assignment]

Tree: TypeAlias = "str | int | float | bool | Sequence[Tree] | Mapping[str, Tree] | None"
"""JSON, but for infinities and NaN."""

MAX_NODES = 100_000
"""Values in one document, each counted where an alias repeats it."""
MAX_DEPTH = 100
MAX_NUMBER = 400
"""Characters of one number: enough for any float, and short to print."""

_TAG = "tag:yaml.org,2002:"
_PLAIN, _TEXT, _MERGE = "plain", f"{_TAG}str", f"{_TAG}merge"


class NotYaml(Exception):
    """The text is no YAML, or more than is taken. `str()` is the reason, `line` counts from 1."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


def read(text: str | bytes, *, empty: Tree = None) -> Any:
    """The value; `empty` if there is none, not even a null. Raises NotYaml."""
    try:
        value = _first_document(text, empty)
    except yaml.MarkedYAMLError as fault:
        line = fault.problem_mark.line + 1 if fault.problem_mark else None
        raise NotYaml(fault.problem or "not valid yaml", line) from fault
    except yaml.YAMLError as fault:
        raise NotYaml(str(getattr(fault, "reason", "it is damaged"))) from fault
    except RecursionError as fault:
        raise NotYaml("it is nested too deeply") from fault
    except UnicodeError as fault:
        raise NotYaml("it is not text in UTF-8") from fault
    if not _is_bounded(value):
        raise NotYaml(
            f"it holds more than {MAX_NODES} values, or values nested deeper than {MAX_DEPTH}: "
            "make it smaller"
        )
    return value


def line_of(text: str | bytes, where: Sequence[str]) -> int | None:
    """The line, from 1, of the last key that can be found on the way there."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    line = None
    for key in where:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next((pair for pair in pairs if pair[0].value == key), None)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def _first_document(text: str | bytes, empty: Tree) -> Any:
    loader: Any = _Loader(text)
    try:
        return loader.get_data() if loader.check_data() else empty
    finally:
        loader.dispose()


class _Loader(_Base):
    """PyYAML's parser with yaml.v2's idea of what its nodes mean."""

    merged = 0
    """What `<<` has made so far, in values."""

    def resolve(self, kind: type[yaml.Node], value: str, implicit: tuple[bool, bool]) -> str:
        return _PLAIN if kind is yaml.ScalarNode and implicit[0] else _TEXT


def _construct(loader: _Loader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [loader.construct_object(each, deep=True) for each in node.value]
    assert isinstance(node, yaml.MappingNode)
    return _mapping(loader, node)


_Loader.yaml_constructors = {None: _construct}
_Loader.yaml_multi_constructors = {}


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    found: dict[Hashable, Any] = {}
    for key, value in node.value:
        if _is_merge(key):
            found |= _merged(loader, value)
        else:
            found[_key(key)] = loader.construct_object(value, deep=True)
    return found


def _is_merge(key: yaml.Node) -> bool:
    return key.value == "<<" and key.tag in (_PLAIN, _MERGE)


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _fault(node, "a key must be a word")
    return str(node.value)


def _merged(loader: _Loader, node: yaml.Node) -> dict[Hashable, Any]:
    """What `<<` brings. PyYAML's own way copies it all each time, without a bound."""
    found = loader.construct_object(node, deep=True)
    layers = found if isinstance(found, list) else [found]
    if not all(isinstance(each, dict) for each in layers):
        raise _fault(node, "<< takes mappings and nothing else")
    loader.merged += sum(len(each) + 1 for each in layers)
    if loader.merged > MAX_NODES:
        raise _fault(node, f"<< makes more than {MAX_NODES} values: make it smaller")
    return {key: value for each in reversed(layers) for key, value in each.items()}


def _scalar(node: yaml.ScalarNode) -> Any:
    convert = _TAGGED.get(node.tag)
    if convert is None:
        return node.value
    if len(node.value) > MAX_NUMBER and scalars.is_formed_as_number(node.value):
        raise _fault(node, f"a number is longer than {MAX_NUMBER} characters")
    try:
        return convert(node.value)
    except ValueError as fault:
        kind = node.tag.removeprefix(_TAG)
        raise _fault(node, f"what is tagged as {kind} is none") from fault


def _typed(*kinds: type) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        value = scalars.meaning(text)
        if type(value) not in kinds:
            raise ValueError(text)
        return kinds[0](value) if value is not None else None

    return convert


def _time(text: str) -> str:
    if not scalars.is_time(text):
        raise ValueError(text)
    return text


def _binary(text: str) -> str:
    try:
        return b64decode("".join(text.split()), validate=True).decode()
    except binascii.Error as fault:
        raise ValueError(text) from fault


_TAGGED: Mapping[str, Callable[[str], Any]] = {
    _PLAIN: scalars.meaning,
    f"{_TAG}null": _typed(type(None)),
    f"{_TAG}bool": _typed(bool),
    f"{_TAG}int": _typed(int),
    f"{_TAG}float": _typed(float, int),
    f"{_TAG}timestamp": _time,
    f"{_TAG}binary": _binary,
}
"""What a scalar with this tag means; any other is a text."""


def _fault(node: yaml.Node, problem: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


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
