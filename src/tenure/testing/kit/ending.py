"""How a stage begins alone in its folder, and what it leaves when it ends: nothing."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path

from tenure.agent.hooks import warden as processes
from tenure.clock import SystemClock
from tenure.testing.kit.errors import KitError

GONE_WITHIN = 5.0
"""Real seconds in which a process that was killed has ended."""

ROUNDS = 10
"""In which tasks that are cancelled end."""


def own_folder(folder: Path) -> None:
    """Make a stage's folder its own. Raises KitError if another stage has it, or had."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.mkdir(folder / "units", 0o700)  # noqa: PTH102
    except FileExistsError:
        raise KitError(f"{folder} is another stage's: give each a folder of its own") from None
    except OSError as fault:
        raise KitError(f"cannot use {folder}: {fault.strerror}: name another folder") from fault


def refuse_running_loop(own: asyncio.AbstractEventLoop | None = None) -> None:
    """Raises KitError if an event loop runs in this thread, which cannot wait for another, or
    `own`, the stage's, in any."""
    running = asyncio._get_running_loop()
    if own is not None and own is running:
        raise KitError("a condition may only look: it cannot run the stage that asks it")
    if own is not None and own.is_running():
        raise KitError("another thread runs this stage: wait for it, or make a stage for each")
    if running is not None:
        raise KitError(
            "an event loop runs in this thread: write a plain test without `async`, or call the "
            "stage in `asyncio.to_thread`"
        )


def cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    """End all tasks of a loop that does not run."""
    for _ in range(ROUNDS):
        left = asyncio.all_tasks(loop)
        if not left:
            return
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.wait(left, timeout=1.0))


def end_processes(sockets: Path) -> None:
    """Whatever was told of a socket in this folder, also in a session of its own."""
    mark = f"JUJU_AGENT_SOCKET_ADDRESS={sockets}/".encode()
    clock = SystemClock()
    until = clock.now() + GONE_WITHIN
    while left := [each.pid for each in processes.living() if _carries(each.pid, mark)]:
        for pid in left:
            processes.kill(pid)
        if clock.now() > until:
            raise KitError(f"process {left[0]} of a hook was killed and does not end")


def _carries(pid: int, mark: bytes) -> bool:
    with suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:
        return any(each.startswith(mark) for each in file.read().split(b"\0"))
    return False
