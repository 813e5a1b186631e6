"""An action's parameters, checked against what its charm says of them.

That is a JSON schema, as Juju takes it: unknown parameters are allowed unless the charm says
`additionalProperties: false`, and defaults are filled in, also inside objects. Of the schema's
words those are known that charms use: `type`, `enum`, `minimum`, `maximum` (and exclusive ones),
`minLength`, `maxLength`, `minItems`, `maxItems`, `items`, `properties`, `required`,
`additionalProperties`, `default`. Others (`oneOf`, `format`, `$ref`) are not looked at.

Nor is `pattern`, which Juju does check. Its regular expressions take time in proportion to the
text; Python's may take for ever (`(a+)+$`), and nothing can stop one that does.

By hand, because a library for all of JSON schema takes longer to import than most actions to run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from tenure.errors import BadRequest
from tenure.jujuyaml.reader import Tree


class ActionSpec(Struct, frozen=True, kw_only=True):
    """An action as its charm describes it. `params` are schemas by name."""

    description: str = ""
    params: Mapping[str, Any] = {}
    required: tuple[str, ...] = ()
    additional: bool = True
    """Whether parameters are allowed that `params` does not name."""


class WrongParameter(BadRequest):
    """A parameter is not what the action takes. `wants_text`: its path, like `a.b`, if it must be a
    text and was given as something else."""

    def __init__(self, message: str, wants_text: str = "") -> None:
        super().__init__(message)
        self.wants_text = wants_text


def action_params(spec: ActionSpec, given: Mapping[str, Tree]) -> dict[str, Tree]:
    """What the action is to be given: `given`, and the defaults of what is missing.

    Only what was given is checked, as Juju does: a default that does not fit its own schema
    (`type: string, default: null`) is the charm's affair. Raises WrongParameter, naming it and
    what it must be.
    """
    schema = {
        "properties": spec.params,
        "required": spec.required,
        "additionalProperties": spec.additional,
    }
    if fault := next(_faults(schema, dict(given), ""), None):
        raise fault
    return _with_defaults(schema, given)


def _with_defaults(schema: Mapping[str, Any], given: Mapping[str, Tree]) -> dict[str, Tree]:
    filled = dict(given)
    for name, inner in _schemas(schema, "properties").items():
        if name not in filled and "default" in inner:
            filled[name] = inner["default"]
        below = filled.get(name, {})
        if isinstance(below, Mapping) and (found := _with_defaults(inner, below)):
            filled[name] = found
    return filled


def _schemas(schema: Mapping[str, Any], key: str) -> dict[str, Mapping[str, Any]]:
    """The schemas by name under a key; what is no schema demands nothing."""
    found = schema.get(key)
    return {
        name: inner
        for name, inner in (found.items() if isinstance(found, Mapping) else ())
        if isinstance(inner, Mapping)
    }


def _faults(schema: Mapping[str, Any], value: Tree, where: str) -> Iterator[WrongParameter]:
    """What is wrong with a value, the most telling first."""
    if (wrong := _type_fault(schema, value)) is not None:
        yield WrongParameter(
            f'parameter "{where}" must be {wrong}, not {_shown(value)}',
            wants_text=where if wrong == "string" else "",
        )
        return
    for key, check in _CHECKS.items():
        limit = schema.get(key)
        if limit is not None and (wrong := check(schema, limit, value)):
            yield WrongParameter(f'parameter "{where}" is {_shown(value)}: {wrong}')
    if isinstance(value, Mapping):
        yield from _object_faults(schema, value, where)
    elif isinstance(value, list) and isinstance(items := schema.get("items"), Mapping):
        for number, each in enumerate(value):
            yield from _faults(items, each, f"{where}[{number}]")


def _object_faults(
    schema: Mapping[str, Any], value: Mapping[str, Tree], where: str
) -> Iterator[WrongParameter]:
    known = _schemas(schema, "properties")
    missing = sorted(
        name
        for name in _names(schema.get("required"))
        if name not in value and "default" not in known.get(name, {})
    )
    if missing:
        first = _path(where, missing[0])
        yield WrongParameter(
            f"missing parameter {_listed(where, missing)}: give it as {first}=VALUE"
        )
    unknown = sorted(value.keys() - known.keys())
    if unknown and schema.get("additionalProperties") is False:
        takes = f"it takes {_listed(where, sorted(known))}" if known else "it takes none"
        yield WrongParameter(f"unknown parameter {_listed(where, unknown)}: {takes}")
    for name, inner in known.items():
        if name in value:
            yield from _faults(inner, value[name], _path(where, name))


def _names(found: Any) -> list[str]:
    return (
        [name for name in found if isinstance(name, str)] if isinstance(found, list | tuple) else []
    )


def _path(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _listed(where: str, names: list[str]) -> str:
    return ", ".join(f'"{_path(where, name)}"' for name in names)


def _shown(value: Tree) -> str:
    """The kind of a value and, if it is short, the value. Never a long text: it may be a secret."""
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 20 else "a text"
    return "an object" if isinstance(value, Mapping) else "a list"


_KINDS: dict[str, Callable[[Tree], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    ),
}


def _is_of(kind: str, value: Tree) -> bool:
    check = _KINDS.get(kind)
    return check is None or check(value)


def _type_fault(schema: Mapping[str, Any], value: Tree) -> str | None:
    """What the value must be and is not. A type that nobody knows demands nothing."""
    said = schema.get("type")
    kinds = [said] if isinstance(said, str) else _names(said)
    if not kinds or any(_is_of(kind, value) for kind in kinds):
        return None
    return " or ".join(kinds)


def _is_number(value: Any) -> bool:
    return _KINDS["number"](value)


def _minimum(schema: Mapping[str, Any], limit: Any, value: Any) -> str | None:
    if not (_is_number(limit) and _is_number(value)):
        return None
    if schema.get("exclusiveMinimum") is True:  # a flag in draft 4, a number of its own since
        return None if value > limit else f"it must be above {limit}"
    return None if value >= limit else f"it must be {limit} or more"


def _maximum(schema: Mapping[str, Any], limit: Any, value: Any) -> str | None:
    if not (_is_number(limit) and _is_number(value)):
        return None
    if schema.get("exclusiveMaximum") is True:
        return None if value < limit else f"it must be below {limit}"
    return None if value <= limit else f"it must be {limit} or less"


def _above(schema: Mapping[str, Any], limit: Any, value: Any) -> str | None:
    wrong = _is_number(limit) and _is_number(value) and value <= limit
    return f"it must be above {limit}" if wrong else None


def _below(schema: Mapping[str, Any], limit: Any, value: Any) -> str | None:
    wrong = _is_number(limit) and _is_number(value) and value >= limit
    return f"it must be below {limit}" if wrong else None


def _one_of(schema: Mapping[str, Any], limit: Any, value: Any) -> str | None:
    if not isinstance(limit, list) or any(
        each == value and isinstance(each, bool) == isinstance(value, bool) for each in limit
    ):
        return None
    return f"it must be one of {', '.join(map(_shown, limit))}"


def _length(kind: type[str] | type[list[Tree]], least: bool, unit: str) -> _Check:
    def check(schema: Mapping[str, Any], limit: Any, value: Any) -> str | None:
        if not isinstance(value, kind) or not isinstance(limit, int):
            return None
        fits = len(value) >= limit if least else len(value) <= limit
        return None if fits else f"it must have {limit} {unit} or {'more' if least else 'fewer'}"

    return check


_Check = Callable[[Mapping[str, Any], Any, Any], "str | None"]

_CHECKS: dict[str, _Check] = {
    "enum": _one_of,
    "minimum": _minimum,
    "maximum": _maximum,
    "exclusiveMinimum": _above,
    "exclusiveMaximum": _below,
    "minLength": _length(str, True, "characters"),
    "maxLength": _length(str, False, "characters"),
    "minItems": _length(list, True, "items"),
    "maxItems": _length(list, False, "items"),
}
"""A word of a schema -> what is wrong with a value, if anything."""
