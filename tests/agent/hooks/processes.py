"""What tests of real hooks ask of processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from tenure.agent.hooks import warden
from tests.support.patience import HANG


async def eventually(holds: Callable[[], object], within: float = HANG) -> None:
    """Until it holds, looking often; `within` seconds at most."""
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 (no event tells)
            await asyncio.sleep(0.002)


def running(pid: int) -> bool:
    """Whether the process is there, and no zombie."""
    stat = warden.read_stat(pid)
    return stat is not None and stat.alive()


def pid_in(path: Path) -> int:
    """The pid that somebody wrote there; 0 before that."""
    return int(path.read_text() or 0) if path.exists() else 0
