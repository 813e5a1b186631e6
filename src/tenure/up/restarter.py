"""Keeping one process running: started, awaited, started again.

A restarter ends in one of three ways: the process is not wanted any more (its unit was removed),
nothing is to be restarted (`--no-restart`), or it is cancelled because
everything stops. It ends its process only if that outlives its unit. A unit that is there again
recalls the one that it has, or gets another if that `gave_up`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tenure.clock import Clock
from tenure.up.backoff import Backoff
from tenure.up.child import CannotStart, Child

Say = Callable[[str], None]

GRACE = 15.0
"""Seconds that the process of a removed unit gets to end by itself."""


class Restarter:
    """`what` names the process for people: `agent of web/0`."""

    def __init__(
        self,
        what: str,
        start: Callable[[], Child],
        *,
        say: Say,
        clock: Clock,
        restart: bool,
        is_wanted: Callable[[], Awaitable[bool]],
    ) -> None:
        self.child: Child | None = None
        self.started: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        """None once the process was ready; how it ended, if it never was."""
        self._what = what
        self._start = start
        self._say = say
        self._clock = clock
        self._restart = restart
        self._is_wanted = is_wanted
        self._dismissed = asyncio.Event()
        self._killing: asyncio.TimerHandle | None = None
        self.gave_up = False
        """It ended because its unit was gone."""

    async def keep(self, first: Child | None = None) -> None:
        """Run it again and again. `first` is one that runs already."""
        backoff = Backoff()
        while True:
            begun_at = self._clock.now()
            how = await self._run_once(first)
            first = None
            if not await self._is_wanted():
                self.gave_up = True
                self._say(f"{self._what} is gone, as its unit is")
                return
            if not self._restart:
                self._say(f"{self._what} ended ({how}); it is not restarted")
                return
            backoff = backoff.after(self._clock.now() - begun_at)
            self._say(f"{self._what} ended ({how}); restarting in {backoff.delay:g} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._dismissed.wait(), backoff.delay)
                self.gave_up = True
                return
            backoff = backoff.doubled()

    def dismiss(self) -> None:
        """Its unit is gone: it may finish, and is not started again."""
        if not self._dismissed.is_set():
            self._dismissed.set()
            if self.child is not None:
                loop = asyncio.get_running_loop()
                self._killing = loop.call_later(GRACE, self.child.kill)

    def recall(self) -> None:
        """Its unit is there after all: its process is kept running as before."""
        self._dismissed.clear()
        if self._killing is not None:
            self._killing.cancel()
            self._killing = None

    async def _run_once(self, first: Child | None) -> str:
        try:
            self.child = child = first or self._start()
        except CannotStart as fault:
            self._note_start(str(fault))
            return str(fault)
        if await asyncio.shield(child.ready):
            self._note_start(None)
        await asyncio.shield(child.ended)
        how = child.how_it_ended()
        self._note_start(how)
        return how

    def _note_start(self, how: str | None) -> None:
        if not self.started.done():
            self.started.set_result(how)
