"""Small programs in the place of a controller and of agents."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tenure.up.child import Child

Start = Callable[[str], Child]

OBEDIENT = "print('ready', flush=True); input()"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('ready', flush=True); time.sleep(60)"
)


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    children: list[Child] = []

    def begin(program: str) -> Child:
        child = Child.start([sys.executable, "-ISc", program], tmp_path / "log")
        children.append(child)
        return child

    yield begin
    for child in children:
        child.kill()
        await child.ended
