"""An agent for each unit that exists, as the controller's status has it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from tenure.errors import TenureError
from tenure.up.child import Child
from tenure.up.keeper import Keeper
from tenure.wire.operators import Status

StartAgent = Callable[[str], Child]
MakeKeeper = Callable[[str, Callable[[], Child], Callable[[], Awaitable[bool]]], Keeper]
Spawn = Callable[[Coroutine[Any, Any, None]], None]


class AgentFailed(TenureError):
    """An agent could not be started when the house was opened."""


class Agents:
    """Follows the status; `look` brings a new one, or None while there is none to be had.

    A unit's keeper is kept for good: numbers are never used twice, and an agent that is not to be
    restarted must not be taken for one that was never started.
    """

    def __init__(
        self,
        applications: frozenset[str],
        start: StartAgent,
        *,
        look: Callable[[], Awaitable[Status | None]],
        make_keeper: MakeKeeper,
        spawn: Spawn,
    ) -> None:
        self._applications = applications
        self._start = start
        self._look = look
        self._make_keeper = make_keeper
        self._spawn = spawn
        self._keepers: dict[str, Keeper] = {}

    def children(self) -> list[Child]:
        """Every process, ended ones among them."""
        return [keeper.child for keeper in self._keepers.values() if keeper.child is not None]

    async def follow(self) -> bool:
        """Look once, and start and dismiss agents; False if there was nothing to see."""
        status = await self._look()
        if status is None:
            return False
        units = self._units(status)
        for unit in sorted(units - self._keepers.keys()):
            keeper = self._keepers[unit] = self._keeper(unit)
            self._spawn(keeper.keep())
        for unit in self._keepers.keys() - units:
            self._keepers[unit].dismiss()
        return True

    async def started(self) -> None:
        """Returns when each was ready once. Raises AgentFailed if one ended before."""
        for unit, keeper in list(self._keepers.items()):
            how = await asyncio.shield(keeper.started)
            if how is not None:
                raise AgentFailed(f"the agent of {unit} did not start: {how}")

    def _units(self, status: Status) -> set[str]:
        found = (status.applications.get(name) for name in self._applications)
        return {unit for application in found if application for unit in application.units}

    def _keeper(self, unit: str) -> Keeper:
        async def is_wanted() -> bool:
            status = await self._look()
            return status is None or unit in self._units(status)

        return self._make_keeper(f"agent of {unit}", lambda: self._start(unit), is_wanted)
