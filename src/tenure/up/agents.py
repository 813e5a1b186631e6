"""An agent for each unit of each application that has a charm, as the controller's status has it.

An agent that is started again gets the charm that its application has by then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from tenure.errors import TenureError
from tenure.names import split_unit
from tenure.up.child import Child
from tenure.up.restarter import Restarter
from tenure.wire.operators import CharmStatus, Status

StartAgent = Callable[[str, CharmStatus], Child]
MakeRestarter = Callable[[str, Callable[[], Child], Callable[[], Awaitable[bool]]], Restarter]
Spawn = Callable[[Coroutine[Any, Any, None]], None]


class AgentFailed(TenureError):
    """An agent could not be started when `up` began."""


class Agents:
    """Follows the status; `look` brings a new one, or None while there is none to be had.

    A unit's restarter stays for good: numbers are never used twice, and an agent that is not to be
    restarted must not be taken for one that was never started.
    """

    def __init__(
        self,
        start: StartAgent,
        *,
        look: Callable[[], Awaitable[Status | None]],
        make_restarter: MakeRestarter,
        spawn: Spawn,
    ) -> None:
        self._start = start
        self._look = look
        self._make_restarter = make_restarter
        self._spawn = spawn
        self._restarters: dict[str, Restarter] = {}
        self._charms: dict[str, CharmStatus] = {}

    def children(self) -> list[Child]:
        """Every process, ended ones among them."""
        return [each.child for each in self._restarters.values() if each.child is not None]

    async def follow(self) -> bool:
        """Look once, and start and dismiss agents; False if there was nothing to see."""
        units = await self._units()
        if units is None:
            return False
        for unit in sorted(units.keys() - self._restarters.keys(), key=split_unit):
            restarter = self._restarters[unit] = self._restarter(unit)
            self._spawn(restarter.keep())
        for unit in self._restarters.keys() - units.keys():
            self._restarters[unit].dismiss()
        return True

    async def started(self) -> None:
        """Returns when each was ready once. Raises AgentFailed if one ended before."""
        for unit, restarter in list(self._restarters.items()):
            how = await asyncio.shield(restarter.started)
            if how is not None:
                raise AgentFailed(f"the agent of {unit} did not start: {how}")

    async def _units(self) -> Mapping[str, CharmStatus] | None:
        """The units that are to run, and their charms; None while there is no status to be had."""
        status = await self._look()
        if status is None:
            return None
        units = units_with_charms(status)
        self._charms.update(units)
        return units

    def _restarter(self, unit: str) -> Restarter:
        async def is_wanted() -> bool:
            units = await self._units()
            return units is None or unit in units

        def start() -> Child:
            return self._start(unit, self._charms[unit])

        return self._make_restarter(f"agent of {unit}", start, is_wanted)


def units_with_charms(status: Status) -> dict[str, CharmStatus]:
    """Every unit that has something to run, and what."""
    return {
        unit: application.charm
        for application in status.applications.values()
        if application.charm is not None
        for unit in application.units
    }
