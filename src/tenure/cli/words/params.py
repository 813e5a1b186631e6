"""An action's parameters: a YAML file, and over it `KEY=VALUE` words whose values are YAML.

YAML knows more than JSON, and some of it surprises: `10:30` is 630 and `2026-11-23` a date. Here
both are strings, and what JSON does not have is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import TypeAlias

import click
import yaml

from tenure.cli.words.pairs import pair, read_text
from tenure.errors import BadRequest

Tree: TypeAlias = "str | int | float | bool | list[Tree] | dict[str, Tree] | None"

Resolvers = dict[str, list[tuple[str, re.Pattern[str]]]]

_PLAIN_NUMBER = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?\Z")
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.SafeLoader):
    """SafeLoader without dates, numbers of base 60, and aliases, which let a little grow large."""

    yaml_implicit_resolvers: Resolvers = {  # noqa: RUF012
        first: [(tag, found) for tag, found in rules if tag != _TIMESTAMP]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not taken")
        return super().compose_node(parent, index)


def _number(loader: _Loader, node: yaml.ScalarNode) -> int | float | str:
    if _PLAIN_NUMBER.match(node.value):
        return str(node.value)
    if node.tag.endswith(":int"):
        return loader.construct_yaml_int(node)
    return loader.construct_yaml_float(node)


_Loader.add_constructor("tag:yaml.org,2002:int", _number)
_Loader.add_constructor("tag:yaml.org,2002:float", _number)


def from_words(words: Iterable[str]) -> dict[str, Tree]:
    """What `KEY=VALUE` words say. Raises BadRequest, BadParameter."""
    said: dict[str, Tree] = {}
    for word in words:
        key, text = pair(word)
        _put(said, key, _parsed(text, key))
    return said


def from_file(name: str) -> dict[str, Tree]:
    """What a file says. Raises BadRequest, TenureError."""
    content = _parsed(read_text(name, "the parameters"), repr(name))
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise BadRequest(f"{name!r} holds no parameters: write a mapping, like `key: value`")
    return content


def _put(params: dict[str, Tree], key: str, value: Tree) -> None:
    """`a.b=c` nests."""
    *above, last = key.split(".")
    if not all([*above, last]):
        raise click.BadParameter(f"{key!r} is no key: write it like a.b")
    here = params
    for part in above:
        below = here.setdefault(part, {})
        if not isinstance(below, dict):
            raise click.BadParameter(f"{key!r} goes below {part!r}, which has a value already")
        here = below
    if last in here:
        raise click.BadParameter(f"{key!r} is given twice")
    here[last] = value


def over(below: dict[str, Tree], above: dict[str, Tree]) -> dict[str, Tree]:
    """Both, `above` where they differ; mappings are merged."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        both = isinstance(value, dict) and isinstance(under, dict)
        merged[key] = over(under, value) if both else value  # type: ignore[arg-type]
    return merged


def _parsed(text: str, what: str) -> Tree:
    """The YAML as JSON has it. Raises BadRequest."""
    try:
        return _checked(yaml.load(text, Loader=_Loader))
    except (yaml.YAMLError, ValueError, RecursionError) as fault:
        deep = isinstance(fault, RecursionError)
        reason = "it is nested too deeply" if deep else getattr(fault, "problem", fault)
        raise BadRequest(
            f"the value of {what} is not taken: {reason}: write it as YAML, in quotes if need be"
        ) from fault


def _checked(value: object) -> Tree:
    """The value, if JSON has it. Raises ValueError."""
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("a key is not a string")
        return {key: _checked(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_checked(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("JSON has no such number")
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError(f"JSON has no {type(value).__name__}")
