"""docs/json.md has a row for each field of each command's JSON, with its type, and no other."""

from __future__ import annotations

import importlib
import re
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import click
import msgspec
import pytest

from tenure.cli.commands.add_unit import Added
from tenure.cli.commands.deploy import Deployed
from tenure.cli.commands.scale import Scaled
from tenure.cli.commands.wait import Waited
from tenure.cli.group import COMMANDS
from tenure.cli.show.logs import LogLine
from tenure.cli.show.several import AllDone
from tenure.wire.exec import ActionDone
from tenure.wire.operators import (
    Config,
    HandOver,
    History,
    Ok,
    OptionValue,
    Settings,
    Status,
    Why,
)

PAGE = (Path(__file__).parent.parent / "docs" / "json.md").read_text()

ANSWERS: dict[str, type] = {
    "status": Status,
    "wait": Waited,
    "why": Why,
    "history": History,
    "settings": Settings,
    "config APP": Config,
    "config APP KEY": OptionValue,
    "run": ActionDone,
    "log": LogLine,
    "deploy": Deployed,
    "scale": Scaled,
    "add-unit": Added,
    "remove-unit, resolve": AllDone,
    "elect, step-down": HandOver,
    "refresh, remove-application, config APP KEY=VALUE, pin, unpin, revoke, lease": Ok,
}
"""Heading -> what is printed."""

SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean", Any: "anything"}


def fields(kind: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each path in the JSON of a type, and the type there."""
    hints = typing.get_type_hints(kind)
    for field in msgspec.structs.fields(kind):
        yield from _of(hints[field.name], f"{path}{field.encode_name}")


def _of(hint: Any, path: str) -> Iterator[tuple[str, str]]:
    options = typing.get_args(hint) if _is_union(hint) else (hint,)
    there = [option for option in options if option is not type(None)]
    null = " or null" if len(there) < len(options) else ""
    kind = there[0]
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        yield path, "string" + null
    elif origin is tuple:
        yield path, "list" + null
        yield from _of(args[0], f"{path}[]") if _is_struct(args[0]) else ()
    elif origin in (Mapping, dict):
        yield path, "object" + null
        yield from _of(args[1], f"{path}.*") if _is_struct(args[1]) else ()
    elif _is_struct(kind):
        if null or path[-1] not in "]*":
            yield path, "object" + null
        yield from fields(kind, f"{path}.")
    else:
        yield path, SIMPLE.get(kind, "anything") + null


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (types.UnionType, typing.Union)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("heading", ANSWERS)
def test_every_field_has_a_row_with_its_type(heading: str) -> None:
    rows = re.findall(r"^\| `([^`]+)` \| ([a-z ]+?) \| \S.* \|$", section(heading), re.MULTILINE)
    expected = list(fields(ANSWERS[heading]))
    missing = [
        f"| `{path}` | {kind} | ... |" for path, kind in expected if (path, kind) not in rows
    ]
    assert not missing, "docs/json.md lacks:\n" + "\n".join(missing)
    assert rows == expected, "docs/json.md has others, or in another order"


def test_every_command_that_prints_json_is_there() -> None:
    named = {part.split()[0] for heading in ANSWERS for part in heading.split(", ")}
    assert named == {name for name in COMMANDS if _prints_json(name)}
    assert set(re.findall(r"^## (.*)$", PAGE, re.MULTILINE)) == set(ANSWERS)


def _prints_json(name: str) -> bool:
    module = importlib.import_module(f"tenure.cli.commands.{name.replace('-', '_')}")
    choices = [param.type for param in module.command.params if param.name == "form"]
    return any(isinstance(each, click.Choice) and "json" in each.choices for each in choices)
