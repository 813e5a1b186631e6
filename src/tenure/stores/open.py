"""Which store a controller has, by what it is given."""

from __future__ import annotations

from pathlib import Path

from tenure.stores.base import Store
from tenure.stores.sqlite.store import SqliteStore


def open_store(path: Path, *, create: bool) -> Store:
    """The store in this file. Without `create` a missing one is refused when its seat is taken."""
    return SqliteStore(path, create)
