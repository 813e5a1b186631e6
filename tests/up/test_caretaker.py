"""When `up` looks after its folder: in time, and not too often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tenure.charms.holding import Hold
from tenure.statefolder import StateFolder
from tenure.up import caretaker
from tenure.up.caretaker import Caretaker
from tenure.up.lock import UpLock
from tenure.wire.operators import Status
from tests.support.patience import HANG
from tests.support.tool_world import until
from tests.up.test_cleaning import NEW, OLD, prepared, runs


class Controller:
    """It knows of the charms that it is said to, and counts who asks."""

    def __init__(self, knows: Callable[[], Status]) -> None:
        self._knows = knows
        self.asked = 0

    def status(self) -> Status:
        self.asked += 1
        return self._knows()


async def test_what_was_held_when_it_became_of_no_use_goes_soon_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever hands in a charm holds it for a moment after the earlier one is of no use."""
    monkeypatch.setattr(caretaker, "EVERY", 2 * HANG)
    folder = StateFolder(tmp_path / "s")
    folder.ensure()
    old, new = prepared(folder, OLD), prepared(folder, NEW)
    controller = Controller(runs(NEW))
    lock = UpLock.take(folder)
    cares = Caretaker(folder, lock, controller)  # type: ignore[arg-type]
    caring = asyncio.create_task(cares.run())
    hold = Hold(folder.charms_folder)
    try:
        async with asyncio.timeout(HANG):
            cares.wake()
            await until(lambda: controller.asked > 1)
            assert old.exists()
            hold.release()
            await until(lambda: not old.exists())
    finally:
        hold.release()
        caring.cancel()
        lock.release()
    assert new.exists()
