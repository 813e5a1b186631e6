"""A Tenure for each test; nothing of it runs any more at the test's end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .running import Tenure


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short path, because sockets will live in it."""
    with tempfile.TemporaryDirectory(prefix="tenure-") as folder:
        yield Path(folder)


@pytest.fixture
def tenure(short: Path) -> Iterator[Tenure]:
    """One that was never up."""
    tenure = Tenure(short)
    try:
        yield tenure
    finally:
        tenure.close()
