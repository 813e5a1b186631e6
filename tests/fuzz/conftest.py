"""Every test here draws the same examples on every run; all of Tenure, or a socket, if needed.

What was logged by the libraries is looked at after every test: a traceback is a failure.
"""

from __future__ import annotations

import gc
import logging
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.controller.conftest import Served, Socket, healthy, served
from tests.fuzz.others import Leader
from tests.whole.conftest import place

__all__ = ["folder", "healthy", "leader", "no_tracebacks", "place", "served"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A temporary folder with a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="tf-") as temp:
        yield Path(temp).resolve()


@pytest.fixture(autouse=True)
def no_tracebacks(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No traceback may ever reach a user, nor a log."""
    gc.collect()  # because tasks that an earlier test killed may complain when they are collected
    with caplog.at_level(logging.WARNING):
        yield
    # because `records` is the teardown's own by now
    said = [record for phase in ("setup", "call") for record in caplog.get_records(phase)]
    assert not [record.getMessage() for record in said if record.exc_info]


@pytest.fixture
async def leader(served: Served, healthy: Socket) -> AsyncIterator[Leader]:
    """The healthy unit leads before and after, under one term, over an unchanged store."""
    await healthy.say({"type": "Claims", "id": 1, "claims": [{"unit": "web/0"}]})
    leader = Leader(healthy, (await healthy.hear())[0]["verdicts"][0]["term"])
    before = served.disk.persisted()
    yield leader
    await leader.renews()
    assert served.disk.persisted().applications == before.applications
    status, answer = await served.ask("GET", "/v1/status")
    assert (status, answer["applications"]["web"]["leader"]) == (200, "web/0")
