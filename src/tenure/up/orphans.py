"""What process 1 of a container owes: to reap processes that nobody else will.

A process whose parent has ended becomes a child of process 1, and when it ends in turn it stays in
the table of processes until its new parent looks. Daemons that hooks leave end some day, so a
`tenure up` that is process 1 would fill the table. It looks whenever a child has ended.

The trap: a status can be had once, and the processes that `up` itself started are awaited by
`Child`. So who ended is looked at first, without taking the status, and one of our own is left
alone; those behind it in line get their turn a moment later.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Container
from contextlib import suppress

AGAIN = 0.2
"""Seconds until the next look; so many that end at once cost one look."""


class Orphans:
    """Reaps this process's children but for those that are `ours`, in the running loop."""

    def __init__(self, ours: Callable[[], Container[int]]) -> None:
        self._ours = ours
        self._looking: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Reap from now on, also those that have ended already."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._look_soon)
        self._look_soon()

    def close(self) -> None:
        """Reap no more."""
        asyncio.get_running_loop().remove_signal_handler(signal.SIGCHLD)
        if self._looking is not None:
            self._looking.cancel()

    def _look_soon(self) -> None:
        if self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(AGAIN, self._look)

    def _look(self) -> None:
        self._looking = None
        with suppress(ChildProcessError):  # there are none
            while (ended := _first_ended()) is not None:
                if ended in self._ours():
                    self._look_soon()
                    return
                os.waitpid(ended, os.WNOHANG)


def _first_ended() -> int | None:
    """The first in line of those that have ended; its status stays to be had."""
    found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return found.si_pid if found is not None else None
