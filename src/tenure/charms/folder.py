"""A charm's folder: whether it is one, what it suggests to be called, and what runs in it."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from tenure.charms.facts import OWN_HOOKS
from tenure.charms.fault import CharmError, reason_of
from tenure.charms.hooks import is_executable, programs_without_bit
from tenure.charms.reading import Document, read_document
from tenure.errors import BadName
from tenure.names import check_application

__all__ = [
    "OWN_HOOKS",
    "CharmError",
    "check_charm",
    "default_name",
    "fault_of",
    "find_action",
    "find_hook",
]


def check_charm(source: Path) -> None:
    """Raises CharmError, naming what is missing and the next step, if this is not a charm."""
    if (fault := fault_of(source)) is not None:
        raise CharmError(fault)


def fault_of(source: Path) -> str | None:
    """Why the folder is not a charm and what to do about it, None if it is one.

    Raises CharmError if it cannot be read.
    """
    try:
        return _fault(source)
    except OSError as error:
        raise CharmError(
            f'cannot read the charm "{source}": {reason_of(error)}: "{error.filename}"'
        ) from error


def default_name(source: Path) -> str:
    """The application name a charm suggests: its metadata's, or else its folder's, made valid.

    Raises CharmError if the metadata cannot be read, BadName if nothing valid can be made of it.
    """
    files = (read_document(source / name) for name in ("metadata.yaml", "charmcraft.yaml"))
    found = next(filter(None, map(_name_in, files)), None) or source.resolve().name
    words = [word for word in re.split(r"[^a-z0-9]+", found.lower()) if word]
    while words and not re.search("[a-z]", words[0]):
        del words[0]
    # because Juju wants a letter in every part: web-2 becomes web2
    name = "".join(f"-{word}" if re.search("[a-z]", word) else word for word in words)
    try:
        return check_application(name.lstrip("-0123456789"))
    except BadName as error:
        raise BadName(
            f"{found!r} gives no application name: name the application yourself"
        ) from error


def find_hook(copy: Path, hook: str, declared: Collection[str] = ()) -> tuple[str, ...] | None:
    """What to run for a hook: `dispatch` if executable, else `hooks/<hook>`; None if missing (H6).

    Hooks of relations are no different: `cluster-relation-changed`. Of those that Juju does not
    know, `dispatch` hears if there is a file for it or if it is `declared` (H10).
    Raises CharmError for a hook that is there and cannot be run: it fails, it is not missing.
    """
    return _find(copy, f"hooks/{hook}", wanted=hook not in OWN_HOOKS or hook in declared)


def find_action(copy: Path, name: str) -> tuple[str, ...] | None:
    """What to run for an action: `dispatch` if executable, else `actions/<name>`.

    None if missing; raises CharmError as `find_hook` does.
    """
    return _find(copy, f"actions/{name}")


def _find(copy: Path, what: str, *, wanted: bool = True) -> tuple[str, ...] | None:
    dispatch, path = copy / "dispatch", copy / what
    try:
        if (wanted or path.exists()) and is_executable(dispatch):
            return (str(dispatch),)
        if not path.exists():
            return None
        if is_executable(path):
            return (str(path),)
        reason = "is not executable" if path.is_file() else "is not a file"
    except OSError as error:
        reason = f"cannot be read: {reason_of(error)}"
    raise CharmError(f"{what} {reason}")


def _fault(source: Path) -> str | None:
    if not source.exists():
        return f'"{source}" does not exist: name the folder of a charm'
    if not source.is_dir():
        return f'"{source}" is not a folder: name the folder of a charm'
    hooks = source / "hooks"
    there = [source / "dispatch", *(sorted(hooks.iterdir()) if hooks.is_dir() else ())]
    if any(map(is_executable, there)) or programs_without_bit(source):
        return None
    for path in filter(Path.is_file, there):
        return f'{path.relative_to(source)} is not executable: run chmod +x "{path}"'
    return (
        f'"{source}" is not a charm: put an executable "dispatch" there, or a folder "hooks" with '
        "executable files named like hooks/leader-elected"
    )


def _name_in(document: Document) -> str | None:
    """The `name` in a metadata file, None if it has none."""
    name = document.at("name")
    return str(name) if isinstance(name, str | int) and name != "" else None
