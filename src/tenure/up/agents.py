"""An agent for each unit of each application that has a charm, as the controller's status has it.

An agent that is started again gets the charm that its application has by then. While the controller
is unsure, what its status does not have may be there all the same: no agent is dismissed for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from msgspec import Struct

from tenure.errors import TenureError
from tenure.names import split_unit
from tenure.up.child import Child
from tenure.up.restarter import Restarter
from tenure.wire.operators import CharmStatus, Status

StartAgent = Callable[[str, CharmStatus], Child]
MakeRestarter = Callable[[str, Callable[[], Child], Callable[[], Awaitable[bool]]], Restarter]
Spawn = Callable[[Coroutine[Any, Any, None]], None]


class Seen(Struct, frozen=True):
    """The units that are to run, and their charms; all there are, if it `is_sure`."""

    units: Mapping[str, CharmStatus]
    is_sure: bool


class AgentFailed(TenureError):
    """An agent could not be started when `up` began."""


class Agents:
    """Follows the status; `look` brings a new one, or None while there is none to be had.

    A unit's restarter stays for good, because an agent that is not to be restarted must not be
    taken for one that was never started. One that gave up makes room if its unit is there again.
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
        self._looking = asyncio.Lock()

    def children(self) -> list[Child]:
        """Every process, ended ones among them."""
        return [each.child for each in self._restarters.values() if each.child is not None]

    async def follow(self) -> Seen | None:
        """Look once, and start and dismiss agents; None if there was nothing to see."""
        seen = await self._see()
        if seen is None:
            return None
        for unit in sorted(seen.units, key=split_unit):
            self._keep(unit)
        for unit in self._restarters.keys() - seen.units.keys():
            if seen.is_sure:
                self._restarters[unit].dismiss()
        return seen

    def _keep(self, unit: str) -> None:
        restarter = self._restarters.get(unit)
        if restarter is not None and not restarter.gave_up:
            restarter.recall()
            return
        restarter = self._restarters[unit] = self._restarter(unit)
        self._spawn(restarter.keep())

    async def started(self) -> None:
        """Returns when each was ready once. Raises AgentFailed if one ended before."""
        for unit, restarter in list(self._restarters.items()):
            how = await asyncio.shield(restarter.started)
            if how is not None:
                raise AgentFailed(f"the agent of {unit} did not start: {how}")

    async def _see(self) -> Seen | None:
        """None while there is no status to be had."""
        async with self._looking:  # because an older status must not be taken for a later one
            status = await self._look()
        if status is None:
            return None
        units = units_with_charms(status)
        self._charms |= units
        return Seen(units=units, is_sure=not status.unsure)

    def _restarter(self, unit: str) -> Restarter:
        async def is_wanted() -> bool:
            seen = await self._see()
            return seen is None or not seen.is_sure or unit in seen.units

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
