"""G6: what was acknowledged survives power loss, at whatever moment of a store's life it comes.

The life is real: a process that makes a store, writes, closes, opens it again and meets a sync that
fails. Its writes and syncs are recorded (`support/power.py`), the record is cut at every point, and
whatever the disk may hold then is opened by the real store.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tenure.errors import TenureError
from tenure.stores.sqlite.store import SqliteStore
from tests.stores.children import PLANTS
from tests.stores.conftest import CHILDREN, SOURCE
from tests.support import power
from tests.support.preload import build, compiler

NO_COMPILER = "there is no C compiler to record a disk with"

MARK = re.compile(rb"acknowledged (\d+)\n")


@dataclass(frozen=True)
class Story:
    """How a life goes: which sync fails, whether that kills it, which copy it begins with."""

    failing: str = ""
    dies: bool = False
    copied: str = ""


STORIES = {
    "all is well": Story(),
    "an early commit's sync fails": Story("4 -wal"),
    "the sync before a log is written back fails": Story("5 -wal"),
    "the first sync of a log begun again fails": Story("6 -wal"),
    "a later commit's sync fails": Story("7 -wal"),
    "a sync of the database fails": Story("2 tenure.db"),
    "a sync fails and the controller dies": Story("4 -wal", dies=True),
    "a later sync fails and the controller dies": Story("7 -wal", dies=True),
    "a copy was put in place": Story(copied="closed"),
    "a copy of a store in use was put in place": Story(copied="killed"),
}

FOUND_IN = {
    "commits are not synced": "all is well",
    "a new store is not synced": "all is well",
    "a restored store is not synced": "a copy was put in place",
    "a log is not written anew after doubt": "a later sync fails and the controller dies",
}


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that records."""
    if compiler() is None:
        pytest.skip(NO_COMPILER)
    library = tmp_path_factory.mktemp("recorder") / "recorder.so"
    assert build(power.SOURCE, library)
    return library


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory, if there is one: the disk is on paper, and syncs cost nothing."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as made:
        yield Path(made)


class Life:
    """One recorded life of a store in a folder of its own."""

    def __init__(self, recorder: Path, folder: Path, story: Story, plant: str = "") -> None:
        self._recorder, self._record = recorder, folder / "record"
        self._below, self._left, self._origin = (folder / n for n in ("life", "left", "origin"))
        for made in (self._below, self._left, self._origin):
            made.mkdir()
        if story.copied:
            self._run("keep", self._origin / "tenure.db", story.copied)
        words = ("live", self._below / "tenure.db", self._origin if story.copied else "", plant)
        ended = self._run(*words, failing=story.failing, dies=story.dies)
        assert ended == (-signal.SIGKILL if story.dies else 0)
        if story.dies:
            words = (*words[:2], "", plant)
            assert self._run(*words) == 0
        self.entries = power.read(self._record)

    def _run(self, *words: object, failing: str = "", dies: bool = False) -> int:
        recorded = power.environment(self._recorder, self._below, self._record, failing)
        return subprocess.run(
            [sys.executable, str(CHILDREN), *map(str, words)],
            env={
                **os.environ, "PYTHONPATH": str(SOURCE), **recorded,
                **({"TENURE_RECORD_DIES": "yes"} if dies else {}),
            },
            timeout=60, check=False,
        ).returncode  # fmt: skip

    async def losses(self) -> AsyncIterator[str]:
        """What is lost or broken, for each moment at which the power may go."""
        disk = power.Disk(self._below, random.Random(1))
        seen = set[int]()
        acknowledged = -1
        for at, entry in enumerate(self.entries):
            disk.do(entry)
            if mark := MARK.fullmatch(entry.data):
                acknowledged = int(mark[1])
            for files in disk.remains():
                files.pop("marks", None)
                key = hash((acknowledged, *sorted(files.items())))
                if key not in seen and (acknowledged >= 0 or not self._is_restored):
                    seen.add(key)
                    if fault := await self._fault(files, acknowledged):
                        yield f"after entry {at}, {entry.kind}: {fault}"

    @property
    def _is_restored(self) -> bool:
        """Until it was opened, a copy that nobody synced is the operator's to lose."""
        return any(self._origin.iterdir())

    async def _fault(self, files: dict[str, bytes], acknowledged: int) -> str:
        for old in self._left.iterdir():
            old.unlink()
        for name, content in files.items():
            (self._left / name).write_bytes(content)
        store = SqliteStore(self._left / "tenure.db", create=acknowledged < 0)
        try:
            persisted = await store.load(await store.take_seat())
        except TenureError as error:
            return str(error)
        finally:
            await store.close()
        application = persisted.applications.get("web")
        term = application.term if application else 0
        if term < acknowledged:
            return f"{acknowledged} was acknowledged, {term} is left"
        if term and set(persisted.buckets["web"].settings.values()) != {str(term)}:
            return f"half of commit {term} is left"
        return ""


@pytest.mark.long
@pytest.mark.parametrize("story", STORIES)
async def test_no_loss_of_power_loses_or_halves_what_was_acknowledged(
    recorder: Path, folder: Path, story: str
) -> None:
    """G6, L8, F"""
    told = STORIES[story]
    life = Life(recorder, folder, told)
    assert sum(entry.kind == "sync" for entry in life.entries) > 15
    assert any(entry.kind == "nosync" for entry in life.entries) == bool(told.failing)
    assert [loss async for loss in life.losses()] == []


@pytest.mark.parametrize("plant", PLANTS)
async def test_a_store_that_syncs_less_is_found_out(
    recorder: Path, folder: Path, plant: str
) -> None:
    """Each line that power loss makes necessary has a loss that shows it."""
    life = Life(recorder, folder, STORIES[FOUND_IN[plant]], plant)
    async for loss in life.losses():
        assert loss
        return
    pytest.fail("nothing was lost")
