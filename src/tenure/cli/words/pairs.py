"""`KEY=VALUE` on the command line: options of a charm, files of resources."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import click

from tenure.defaults import MOST_CONFIG
from tenure.errors import TenureError
from tenure.names import as_text, is_text

MAX_FILE = MOST_CONFIG.value
"""Bytes of a file that is a value: all that a configuration may hold."""


def pair(word: str) -> tuple[str, str]:
    """Key and value, split at the first `=`. Raises BadParameter."""
    key, equals, value = word.partition("=")
    if not equals or not key:
        raise click.BadParameter(f"{word!r} is not KEY=VALUE")
    return key, value


def pairs(words: Iterable[str]) -> dict[str, str]:
    """All of them; a key twice is refused. Raises BadParameter."""
    found: dict[str, str] = {}
    for word in words:
        key, value = pair(word)
        if key in found:
            raise click.BadParameter(f"{key!r} is given twice")
        found[key] = value
    return found


def settings(words: Iterable[str]) -> dict[str, str]:
    """Values of a charm's options; `KEY=@FILE` is what the file holds, as it is.

    Raises BadParameter, TenureError.
    """
    return {key: _value(key, text) for key, text in pairs(words).items()}


def _value(key: str, text: str) -> str:
    return read_text(text[1:], f"the value of {key}") if text.startswith("@") else text


def read_text(name: str, what: str, limit: int = MAX_FILE) -> str:
    """The text in a file, of at most `limit` bytes. Raises TenureError."""
    try:
        with open(name, "rb") as file:
            content = file.read(limit + 1)
    except (OSError, ValueError) as fault:  # ValueError: a null byte in the name.
        reason = getattr(fault, "strerror", None) or str(fault)
        raise TenureError(f"cannot read {what} from {name!r}: {reason.lower()}") from fault
    if len(content) > limit:
        raise TenureError(f"cannot take {what} from {name!r}: it is larger than {limit} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError as fault:
        raise TenureError(f"cannot take {what} from {name!r}: it is not text in UTF-8") from fault


def files(words: Iterable[str]) -> dict[str, str]:
    """Names and files of resources: absolute paths of files that can be read.

    Raises BadParameter, TenureError.
    """
    return {name: _file(name, path) for name, path in pairs(words).items()}


def _file(resource: str, path: str) -> str:
    absolute = os.path.abspath(path)  # noqa: PTH100 because links stay as they are
    if not is_text(absolute):
        raise click.BadParameter(f"the path {as_text(absolute)} is not UTF-8: rename that folder")
    if not Path(absolute).is_file():
        reason = "it is not a file" if Path(absolute).exists() else "there is no such file"
        raise TenureError(f"cannot use {absolute} as the resource {resource!r}: {reason}")
    if not os.access(absolute, os.R_OK):
        raise TenureError(f"cannot use {absolute} as the resource {resource!r}: it cannot be read")
    return absolute
