"""A charm's YAML files: what they say, or the file, the line and the reason why they are of no use.

Whatever is not JSON is refused, and files are bounded, so that no charm can make its reader large
or slow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from tenure.charms.fault import CharmError, reason_of
from tenure.jujuyaml.reader import NotYaml, line_of, read

MAX_FILE = 1024 * 1024
"""Bytes of one file."""


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
        return read(text)
    except NotYaml as fault:
        where = "" if fault.line is None else f" line {fault.line}"
        raise CharmError(f'"{path}"{where}: {fault}') from fault


def _line_of(path: Path, where: Sequence[str]) -> int | None:
    try:
        return line_of(path.read_bytes(), where)
    except OSError:
        return None  # it has changed since: the error is true all the same
