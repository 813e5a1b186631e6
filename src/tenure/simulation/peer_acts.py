"""What a simulated hook does with its peers: reads and sets bags, and reads its configuration.

It goes the ways that charms go: the relation's number comes from the environment or from
relation-ids, members from relation-list. Who finds itself leading may write the application's bag,
and now and then one tries that does not. Nothing that it writes says who leads (G10).
"""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from tenure.agent.hooks.process import HookCommand
from tenure.names import application_of
from tenure.simulation.facts import Fact
from tenure.simulation.peer_charm import OPTION, PeerCharm
from tenure.simulation.peer_facts import BagRead, BagSet, ConfigRead, StatusSaid
from tenure.testing.time.loop import VirtualLoop

KEYS = ("a", "b", "c", "d")

ANSWERS_IN_KIND = 0.12
"""The chance that a hook which is told of another unit makes a change: more, and changes never end.
"""

ANSWERS_ALL = 0.4
"""The same for one that is told of the application's bag: only one unit can write that, and is told
of what it wrote itself (P2)."""

RunTool = Callable[..., Awaitable[tuple[int, str, str]]]


class ActWorld(Protocol):
    """What it needs of its machine."""

    unit: str
    instance: str
    loop: VirtualLoop
    rng: random.Random

    @property
    def calm(self) -> bool: ...

    def tell(self, fact: Fact) -> None: ...

    def call_id(self) -> str: ...


class PeerActs:
    """One hook's. `tool` runs a hook tool."""

    def __init__(
        self, world: ActWorld, charm: PeerCharm, command: HookCommand, tool: RunTool
    ) -> None:
        self._world = world
        self._charm = charm
        self._command = command
        self._tool = tool
        self._application = application_of(world.unit)
        self._about = command.env.get("JUJU_REMOTE_UNIT")
        """None: the hook is none of a relation's. "": it is about no unit."""

    @property
    def acts(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        """One of these is a step of the hook."""
        reading = self.read, self.read_config
        if self._world.calm:
            return reading
        drawn = self._world.rng.random()
        if self._about == "" and drawn < ANSWERS_ALL:
            return (self.set_application, self.set_application, *reading)
        if self._about is None or drawn < ANSWERS_IN_KIND:
            return (
                self.set_own, self.set_own, self.set_application, self.set_status, *reading
            )  # fmt: skip
        return reading

    async def _relation(self) -> int | None:
        """A relation's number, if the unit takes part in one."""
        rng, here = self._world.rng, self._command.env.get("JUJU_RELATION_ID", "")
        if here and rng.random() < 0.8:
            return int(here.rpartition(":")[2])
        endpoint = rng.choice(self._charm.endpoints)
        code, out, _ = await self._tool("relation-ids", endpoint, "--format=json")
        found = json.loads(out) if code == 0 else []
        return int(found[0].rpartition(":")[2]) if found else None

    async def set_own(self) -> None:
        """Set a key of the unit's own bag, and sometimes remove another."""
        await self._set(self._world.unit)

    async def set_application(self) -> None:
        """Set the application's bag, if the unit leads."""
        _, out, _ = await self._tool("is-leader")
        if out == "True\n" or self._world.rng.random() < 0.1:
            await self._set(self._application, "--app")

    async def set_status(self) -> None:
        """Say how the application is, if the unit leads; now and then one tries that does not."""
        world = self._world
        _, out, _ = await self._tool("is-leader")
        if out != "True\n" and world.rng.random() >= 0.1:
            return
        message = world.call_id()
        code, _, _ = await self._tool("status-set", "--application", "active", message)
        if code == 0:
            world.tell(
                StatusSaid(
                    at=world.loop.time(), unit=world.unit, application=self._application,
                    message=message,
                )
            )  # fmt: skip

    async def _set(self, owner: str, *flags: str) -> None:
        world = self._world
        relation = await self._relation()
        if relation is None:
            return
        changes = self._changes()
        code, _, _ = await self._tool(
            "relation-set", "-r", str(relation), *flags, *(f"{k}={v}" for k, v in changes.items())
        )
        if code == 0:
            world.tell(
                BagSet(
                    at=world.loop.time(), unit=world.unit, agent=world.instance,
                    context=self._command.context_id, relation=relation, owner=owner,
                    changes=changes,
                )
            )  # fmt: skip

    def _changes(self) -> Mapping[str, str]:
        rng, value = self._world.rng, self._world.call_id()
        key, other = rng.sample(KEYS, 2)
        changes = {key: value}
        if (drawn := rng.random()) < 0.5:
            changes[other] = value if drawn < 0.3 else ""
        return changes

    async def read(self) -> None:
        """Read somebody's bag: in a relation's hook often that of whom it is about."""
        world, rng = self._world, self._world.rng
        relation = await self._relation()
        if relation is None:
            return
        is_close = self._about and rng.random() < 0.6
        owner = self._about if is_close and self._about else await self._somebody(relation)
        flags = ("--app",) if owner == self._application else ()
        code, out, _ = await self._tool(
            "relation-get", "-r", str(relation), "--format=json", *flags, "-", owner
        )
        if code == 0:
            world.tell(
                BagRead(
                    at=world.loop.time(), unit=world.unit, context=self._command.context_id,
                    relation=relation, owner=owner, settings=json.loads(out),
                )
            )  # fmt: skip

    async def _somebody(self, relation: int) -> str:
        rng = self._world.rng
        if rng.random() < 0.5:
            return rng.choice((self._world.unit, self._application))
        code, out, _ = await self._tool("relation-list", "-r", str(relation), "--format=json")
        members: list[str] = json.loads(out) if code == 0 else []
        return rng.choice([self._application, *members])

    async def read_config(self) -> None:
        """Read the charm's option."""
        world = self._world
        code, out, _ = await self._tool("config-get", OPTION)
        if code == 0:
            world.tell(
                ConfigRead(
                    at=world.loop.time(), unit=world.unit, context=self._command.context_id,
                    value=out.strip(),
                )
            )  # fmt: skip


def named_by(tool: str, out: str) -> tuple[str, ...]:
    """The units that a tool's output may name: relation-list's members, each once (G10)."""
    return tuple(json.loads(out)) if tool == "relation-list" and out.startswith("[") else ()
