"""Worlds to take the stores' exam in, and child processes that are gone at the end of a test."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tenure
from tenure.simulation.disk import ModelDisk, ModelStore
from tenure.stores.base import Store
from tenure.stores.memory import MemoryDisk, MemoryStore
from tenure.stores.sqlite.store import SqliteStore
from tests.support.patience import HANG

Open = Callable[[], Store]
SOURCE = Path(tenure.__file__).parents[1]
CHILDREN = Path(__file__).with_name("children.py")


@pytest.fixture(params=["memory", "sqlite", "model"])
async def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    """Makes handles on one and the same store; all are closed at the end."""
    disk, model = MemoryDisk(), ModelDisk(random.Random(1))
    opened: list[Store] = []

    def make() -> Store:
        if request.param == "memory":
            opened.append(MemoryStore(disk))
        elif request.param == "model":
            opened.append(ModelStore(model))
        else:
            opened.append(SqliteStore(tmp_path / "tenure.db", create=True))
        return opened[-1]

    yield make
    for store in opened:
        await store.close()


@pytest.fixture
async def store(open_store: Open) -> Store:
    """One handle, its seat not yet taken."""
    return open_store()


class Child:
    """A process that runs one function of `children.py` and reports in lines of JSON."""

    def __init__(self, *words: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(CHILDREN), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def report(self) -> Any:
        """The next line, or None at the end."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    def kill(self) -> None:
        """kill -9, and wait until it is dead."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        self._process.wait(timeout=HANG)

    def ended(self, within: float) -> int:
        """The exit code, once it has ended by itself. Raises TimeoutExpired."""
        return self._process.wait(timeout=within)

    def gone(self) -> None:
        """Whatever happened: no process and no pipe is left."""
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def child() -> Iterator[Callable[..., Child]]:
    """Starts children; kills what is left of them."""
    started: list[Child] = []

    def start(*words: object) -> Child:
        started.append(Child(*map(str, words)))
        return started[-1]

    yield start
    for process in started:
        process.gone()


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that users without rights can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)
