"""A house for each test, in which nothing runs any more at the test's end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .house import House


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short path, because sockets will live in it."""
    with tempfile.TemporaryDirectory(prefix="tenure-") as folder:
        yield Path(folder)


@pytest.fixture
def house(short: Path) -> Iterator[House]:
    """A house that was never up."""
    house = House(short)
    try:
        yield house
    finally:
        house.close()
