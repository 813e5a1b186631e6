"""Keeping a folder of prepared charms from being cleaned while somebody needs one that is in it.

Who prepares a charm holds it until the controller knows of it, and who copies one until it is
copied: a shared lock. Who cleans takes the lock alone, looks at what is used, and takes away the
rest; if somebody holds it, that is for another time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tenure.files import lock_shared, open_lock, try_lock

_NAME = ".held"


class Hold:
    """Nothing in the folder, which is made if missing, goes before `release`. Raises OSError."""

    def __init__(self, prepared: Path) -> None:
        prepared.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._handle: int | None = lock_shared(prepared / _NAME)

    def release(self) -> None:
        """Enough."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


@contextmanager
def held_source(source: Path) -> Iterator[None]:
    """A charm's folder is not cleaned for the block, if it is one that could be. Raises OSError."""
    hold = Hold(source.parent) if (source.parent / _NAME).exists() else None
    try:
        yield
    finally:
        if hold is not None:
            hold.release()


@contextmanager
def alone(prepared: Path) -> Iterator[bool]:
    """Whether nobody holds the folder, and nobody can for the block. Raises OSError."""
    handle = open_lock(prepared / _NAME)
    try:
        yield try_lock(handle)
    finally:
        os.close(handle)
