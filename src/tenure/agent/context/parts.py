"""The parts of a unit that its hook contexts speak to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tenure.agent.charm.files import Charm
from tenure.agent.config import UnitConfig
from tenure.agent.hooks.process import Log
from tenure.clock import Clock
from tenure.core.remote import Remote
from tenure.leadership.claimant import Claimant
from tenure.leadership.connection import Connection
from tenure.leadership.record import Record
from tenure.leadership.requests import Requests


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitParts:
    """What one unit is made of, below its hooks. `wake` has the agent turn soon."""

    config: UnitConfig
    clock: Clock
    record: Record
    remote: Remote
    connection: Connection
    requests: Requests
    claimant: Claimant
    charm: Charm
    log: Log
    wake: Callable[[], None]

    @property
    def unit(self) -> str:
        """The unit's name."""
        return self.config.unit

    @property
    def may_change_host(self) -> bool:
        """Whether hooks find the machine's own package tools, as the operator said last."""
        given = self.remote.charm
        return self.config.allow_host_changes if given is None else given.allow_host_changes
