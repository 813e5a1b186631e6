"""Names of applications (`web`) and units (`web/0`), with Juju's rules, and words of the system."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from functools import lru_cache

from tenure.errors import BadName

MAX_NAME = 128
"""Characters of an application's name, and of a unit's."""

LEADER = "/leader"
"""What stands for a unit's number where whoever leads is meant: `web/leader`."""

_SHOWN = 20

_APPLICATION = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*\Z")
_NUMBER = re.compile(r"(0|[1-9][0-9]{0,8})\Z")


def check_application(name: str) -> str:
    """The name itself, if it is an application's.

    Raises BadName, saying what is allowed.
    """
    _check_length(name, "an application")
    if not _APPLICATION.match(name):
        raise BadName(
            f"{name!r} is not an application name: use lower-case letters, digits and "
            'single hyphens, beginning with a letter, as in "web" or "my-app"'
        )
    return name


def _check_length(name: str, what: str) -> None:
    if len(name) > MAX_NAME:
        raise BadName(
            f"the name of {what} has at most {MAX_NAME} characters, and this one {len(name)} "
            f"({name[:_SHOWN]!r}...): choose a shorter one"
        )


@lru_cache(maxsize=65536)
def split_unit(unit: str) -> tuple[str, int]:
    """A unit's application and number: `web/0` gives `("web", 0)`.

    Raises BadName.
    """
    application, slash, number = unit.partition("/")
    _check_length(unit, "a unit")
    if not slash or not _NUMBER.match(number):
        raise BadName(f'{unit!r} is not a unit name: a unit is named like "web/0"')
    return check_application(application), int(number)


def application_of(unit: str) -> str:
    """The application of a unit. Raises BadName."""
    return split_unit(unit)[0]


def file_name(unit: str) -> str:
    """A unit's name as a folder's: `web-0`. Raises BadName."""
    application, number = split_unit(unit)
    return f"{application}-{number}"


def unit_of_file(name: str) -> str | None:
    """The unit whose `file_name` this is; None if it is no unit's."""
    application, _, number = name.rpartition("-")
    try:
        split_unit(f"{application}/{number}")
    except BadName:
        return None
    return f"{application}/{number}"


def is_text(name: str) -> bool:
    """Whether a word or a name from the system is UTF-8: else it can be no part of a message."""
    return name.isascii() or not any("\ud800" <= char <= "\udfff" for char in name)


def as_text(name: str) -> str:
    """The same with those bytes that are not UTF-8 written out, as `\\xff`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def nearest(word: str, known: Collection[str], cutoff: float = 0.6) -> str | None:
    """Which of the known words was probably meant; None if nothing comes near."""
    from difflib import get_close_matches  # because it is seldom needed

    near = get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return near[0] if near else None
