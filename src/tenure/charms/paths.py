"""The paths in a charm: which of them can be copied, kept and shown.

Whoever takes a charm looks at them first, because an agent that finds out copies nothing, and so
runs nothing.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from tenure.charms.fault import CharmError, reason_of
from tenure.names import as_text, is_text

MAX_FOLDERS = 100
"""How deep folders may be nested in a charm."""
MAX_PATH = 1024
"""Bytes of a path in a charm, relative to it: a copy lies deeper than what it is a copy of."""

NOT_COPIED = frozenset({".git"})
"""Names of what no unit's copy has."""

_SHOWN = 80


def check_paths(charm: Path) -> None:
    """Raises CharmError for the first path in a charm's folder that no unit could copy."""
    try:
        for name in walk(charm, NOT_COPIED):
            path = charm / name
            if path.is_symlink():
                check_link(charm, name, os.readlink(path))  # noqa: PTH115  a path of it is no text
    except OSError as error:
        raise CharmError(
            f'cannot read the charm "{charm}": {reason_of(error)}: "{_shown(error.filename)}"'
        ) from error


def check_path(charm: Path, name: str) -> None:
    """Raises CharmError for a path in a charm, relative to it, that cannot be copied or named."""
    if not is_text(name):
        reason = "is not UTF-8: rename it"
    elif name.count("/") > MAX_FOLDERS:
        reason = f"lies deeper than {MAX_FOLDERS} folders: move it up"
    elif len(name.encode()) > MAX_PATH:
        reason = f"is longer than {MAX_PATH} bytes: give it a shorter path"
    else:
        return
    raise CharmError(f'cannot use the charm "{charm}": "{_shown(name)}" {reason}')


def check_link(charm: Path, name: str, target: str) -> None:
    """Raises CharmError for a link in a charm whose target cannot be kept."""
    if not is_text(target):
        raise CharmError(
            f'cannot use the charm "{charm}": what the link "{_shown(name)}" leads to is not '
            "UTF-8: make it anew"
        )


def walk(top: Path, left_out: Collection[str]) -> Iterator[str]:
    """All paths, relative, a folder before what is in it, but for those of these names.

    Raises CharmError for one that cannot be copied, OSError.
    """
    folders = [""]
    while folders:
        below = folders.pop()
        with os.scandir(top / below) as children:
            found = [child for child in children if child.name not in left_out]
        for child in found:
            name = f"{below}/{child.name}" if below else child.name
            check_path(top, name)
            yield name
            if child.is_dir(follow_symlinks=False):
                folders.append(name)


def _shown(name: str) -> str:
    """With those bytes that are not UTF-8 written out, as `\\xff`."""
    text = as_text(name)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
