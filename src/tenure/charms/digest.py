"""What a charm's folder holds, as one short text: whether it is another charm than before."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tenure.charms.fault import CharmError, reason_of

NOT_PART = frozenset({".git", "__pycache__", ".pytest_cache"})
"""Names of what is no part of a charm: they come and go without a change of it."""


def digest_of(folder: Path) -> str:
    """Names, kinds, run bits and contents of all that is in a folder. Raises CharmError."""
    whole = hashlib.sha256()
    try:
        for name, kind, content in _entries(os.fspath(folder)):
            whole.update(f"{kind} {len(name)} ".encode() + name + content)
    except OSError as error:
        raise CharmError(
            f'cannot read the charm "{folder}": {reason_of(error)}: "{error.filename}"'
        ) from error
    return whole.hexdigest()[:32]


def _entries(top: str) -> Iterator[tuple[bytes, str, bytes]]:
    """In an order that does not depend on the disk; iterative, since a folder may be deep."""
    waiting = [top]
    while waiting:
        with os.scandir(waiting.pop()) as found:
            children = sorted(found, key=lambda child: child.name)
        for child in children:
            if child.name in NOT_PART:
                continue
            mode = child.stat(follow_symlinks=False).st_mode
            name = os.fsencode(os.path.relpath(child.path, top))
            if stat.S_ISLNK(mode):
                yield name, "link", os.fsencode(os.readlink(child.path))  # noqa: PTH115
            elif stat.S_ISDIR(mode):
                yield name, "folder", b""
                waiting.append(child.path)
            elif stat.S_ISREG(mode):
                with open(child.path, "rb") as file:
                    digest = hashlib.file_digest(file, "sha256").digest()
                yield name, "program" if mode & 0o111 else "file", digest
