"""The parts of a unit below its hooks: what all else in the agent speaks to."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tenure.agent.charm.files import Charm
from tenure.agent.config import UnitConfig
from tenure.agent.hooks.process import Log
from tenure.clock import Clock
from tenure.core.remote import Remote
from tenure.leadership.claimant import Claimant, Identity
from tenure.leadership.connection import Connection
from tenure.leadership.observer import Observer
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


def assembled(
    config: UnitConfig,
    record: Record,
    *,
    clock: Clock,
    rng: random.Random,
    log: Log,
    connection: Connection,
    wake: Callable[[], None],
    charm: Charm,
    observer: Observer,
) -> UnitParts:
    """The parts over what is recorded of the unit. See `Unit`."""
    requests = Requests(connection, lambda fault: log.log("WARNING", fault), wake)
    identity = Identity(unit=config.unit, instance=config.instance, boot_id=config.boot_id)
    claimant = Claimant(
        identity, record, connection, requests,
        clock=clock, rng=rng, say=log.log, wake=wake, observer=observer,
    )  # fmt: skip
    return UnitParts(
        config=config, clock=clock, record=record, connection=connection, requests=requests,
        remote=Remote(config.unit, record.state.seen_revision), claimant=claimant, charm=charm,
        log=log, wake=wake,
    )  # fmt: skip
