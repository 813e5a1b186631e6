"""A state folder for the sockets that the clients talk to."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenure.statefolder import StateFolder


@pytest.fixture
def folder() -> Iterator[StateFolder]:
    """Its path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="tn-") as temp:
        found = StateFolder(Path(temp))
        found.ensure()
        yield found
