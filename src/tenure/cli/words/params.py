"""An action's parameters: a YAML file, and over it `KEY=VALUE` words whose values are YAML.

As in Juju, `KEY=` is the empty text and `KEY=~` is null. What JSON does not have is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import click

from tenure.cli.words.pairs import pair, read_text
from tenure.errors import BadRequest
from tenure.jujuyaml.reader import NotYaml, Tree, read

Params = dict[str, Tree]


def from_words(words: Iterable[str], *, as_text: bool = False) -> Params:
    """What `KEY=VALUE` words say; `as_text`: each value is the text that stands there.

    Raises BadRequest, BadParameter.
    """
    said: Params = {}
    for word in words:
        key, text = pair(word)
        _put(said, key, text if as_text else _parsed(text, key, empty=text))
    return said


def from_file(name: str) -> Params:
    """What a file says. Raises BadRequest, TenureError."""
    content = _parsed(read_text(name, "the parameters"), repr(name), empty=None)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise BadRequest(f"{name!r} holds no parameters: write a mapping, like `key: value`")
    return content


def _put(params: Params, key: str, value: Tree) -> None:
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


def over(below: Params, above: Params) -> Params:
    """Both, `above` where they differ; mappings are merged."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        both = isinstance(value, dict) and isinstance(under, dict)
        merged[key] = over(under, value) if both else value  # type: ignore[arg-type]
    return merged


def _parsed(text: str, what: str, *, empty: str | None) -> Tree:
    """The YAML as JSON has it; `empty` if nothing stands there. Raises BadRequest."""
    try:
        value: Tree = read(text, empty=empty)
        _check(value)
    except NotYaml as fault:
        line = f" (line {fault.line})" if fault.line and "\n" in text else ""
        raise BadRequest(
            f"the value of {what} is not taken{line}: {fault}: "
            "write it as YAML, in quotes if need be"
        ) from fault
    return value


def _check(value: Tree) -> None:
    """Raises NotYaml for a number that JSON does not have."""
    if isinstance(value, dict):
        for each in value.values():
            _check(each)
    elif isinstance(value, list):
        for each in value:
            _check(each)
    elif isinstance(value, float) and not math.isfinite(value):
        raise NotYaml("JSON has no such number")
