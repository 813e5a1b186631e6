"""Whether what a test gives is what it should be; each refusal is one line."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any

from tenure.names import nearest
from tenure.testing.kit.errors import KitError

LONGEST = 366 * 86400.0
"""Seconds of virtual time that may be asked for at once."""


def number(what: str, value: object, least: int, most: int = 1000) -> int:
    """A whole number. Raises KitError."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise KitError(f"{what} is a number from {least} to {most}, not {value!r}")
    return value


def mapping(what: str, value: object, example: str) -> Mapping[Any, Any]:
    """Names and values; None is none. Raises KitError."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise KitError(f"{what} takes names and values, as in {example}, not {value!r}")
    return value


def condition(where: str, value: object) -> None:
    """Raises KitError for what cannot be asked again and again."""
    if not callable(value):
        raise KitError(f"{where} asks again and again: give it a function, as in lambda: ...")


def words(argv: Collection[object]) -> tuple[str, ...]:
    """A command's words; paths may be among them. Raises KitError."""
    found = []
    for word in argv:
        if not isinstance(word, str | os.PathLike):
            raise KitError(f"a command is made of words: write {str(word)!r} instead of {word!r}")
        text = os.fspath(word)
        found.append(text if isinstance(text, str) else os.fsdecode(text))
    return tuple(found)


def known(what: str, word: str, names: Collection[str]) -> None:
    """Raises KitError, with the nearest, for a name that does not exist."""
    if word not in names:
        near = nearest(word, names)
        hint = f": did you mean {near!r}?" if near else ""
        raise KitError(f"there is no {what} {word!r}{hint}")
