"""What `up` looks after, besides processes: its lock, the length of logs, and what is of no use.

A state folder may lie where somebody sweeps. The controller and the agents look after their own
files; here it is the lock of `up` itself.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tenure.client.operator import Operator
from tenure.errors import TenureError
from tenure.statefolder import StateFolder
from tenure.up.cleaning import Cleaner, shorten
from tenure.up.lock import UpLock
from tenure.wire.operators import Event

EVERY = 2.0
"""Seconds between two looks."""

SOON = 0.1
"""Seconds after a cleaning that somebody kept from its end, at first: then ever longer. Who hands a
charm in holds it for a moment after it is the one that runs."""

CLEANS_EVERY = 10
"""Looks between two cleanings of which nobody said that they are due."""


class Caretaker:
    """Looks after one state folder, until it is cancelled."""

    def __init__(self, folder: StateFolder, lock: UpLock, operator: Operator) -> None:
        self._folder = folder
        self._lock = lock
        self._operator = operator
        self._cleaner = Cleaner(folder)
        self._due = asyncio.Event()

    def heard(self, event: Event) -> None:
        """The controller says what happened."""
        self._cleaner.heard(event)

    def wake(self) -> None:
        """Something may be of no use now."""
        self._due.set()

    async def run(self) -> None:
        """Look again and again."""
        looks, done, pause = 0, True, EVERY
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), pause)
            looks += 1
            with suppress(TenureError):
                self._folder.ensure()
                self._lock.renew()
            await asyncio.to_thread(self._shorten_logs)
            if self._due.is_set() or looks % CLEANS_EVERY == 0 or not done:
                pause = SOON if self._due.is_set() else min(pause * 2, EVERY)
                self._due.clear()
                done = await self.clean()
                pause = EVERY if done else pause

    async def clean(self) -> bool:
        """Remove what is of no use now; False if some of it is for another time."""
        try:
            return await asyncio.to_thread(self._cleaner.clean, self._operator.status)
        except (TenureError, OSError):
            return False

    def _shorten_logs(self) -> None:
        folder = self._folder
        logs = [folder.up_log, folder.controller_log]
        with suppress(TenureError):
            logs += [folder.agent_log(unit) for unit in folder.known_units()]
        for log in logs:
            shorten(log)
