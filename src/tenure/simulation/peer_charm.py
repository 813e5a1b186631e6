"""The charms of worlds that have peer relations: drawn from the seed, and from nothing else.

About a third of all worlds has them. They are drawn apart, so that the other worlds are what they
would be without. Such a charm has one or two peer endpoints, an option, and hooks for what happens
in a relation, of which some may be missing (H6). A later charm may have an endpoint more.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from tenure.agent.charm.files import NoCharm
from tenure.charms.facts import Facts
from tenure.charms.fault import CharmError
from tenure.core.changes import Option
from tenure.core.localstate import UPGRADE
from tenure.core.relations import BROKEN, CHANGED, CREATED, DEPARTED, JOINED

ENDPOINTS = (("peers",), ("peers",), ("peers", "ring"))
OPTION = "level"
DEFAULT = "0"
MAY_LACK = (CREATED, DEPARTED, BROKEN)
"""Kinds of hooks that a charm may not have. The others it has, so that what they pay is seen."""


class PeerCharm(Struct, frozen=True):
    """What the applications of a world run. `lacks` are names of hooks that it does not have."""

    endpoints: tuple[str, ...]
    lacks: frozenset[str]

    @property
    def hooks(self) -> frozenset[str]:
        """The names of its hooks, beyond those that every charm has."""
        kinds = (CREATED, JOINED, CHANGED, DEPARTED, BROKEN)
        named = {hook(endpoint, kind) for endpoint in self._all for kind in kinds}
        return frozenset({*named, UPGRADE}) - self.lacks

    @property
    def _all(self) -> tuple[str, ...]:
        return (*self.endpoints, *self.more)

    @property
    def more(self) -> tuple[str, ...]:
        """Endpoints that only a later charm has."""
        return ("more",) if len(self.endpoints) == 1 else ()

    def given(
        self, application: str, update_every: float, *, later: bool = False, at: float = 0.0
    ) -> dict[str, Any]:
        """It, as an operator hands it in at an instant; `update_every` in seconds."""
        return {
            "source": f"/charms/{at:g}/{application}",
            "peers": self._all if later else self.endpoints,
            "options": {OPTION: {"type": "int", "default": DEFAULT}},
            "update_status_interval": update_every,
        }


def hook(endpoint: str, kind: str) -> str:
    """The name of a relation's hook."""
    return f"{endpoint}-relation-{kind}"


def drawn(seed: int) -> PeerCharm | None:
    """The charm of this world, if it has peer relations."""
    rng = random.Random(f"peers {seed}")
    if rng.randrange(3) != 1:
        return None
    endpoints = rng.choice(ENDPOINTS)
    lacks = {hook(endpoint, kind) for endpoint in endpoints for kind in MAY_LACK}
    return PeerCharm(endpoints, frozenset(name for name in sorted(lacks) if rng.random() < 0.15))


class CharmDisk(Struct):
    """The files of a unit's copy, and the source that each is from, or was before a hook changed
    it. It outlives the agent, as it is when that dies."""

    files: dict[str, str] = {}
    unfinished: bool = False

    def changed(self) -> None:
        """A hook writes to a file of its charm."""
        if self.files:
            self.files[FILES[-1]] = f"{self.files[FILES[-1]].removesuffix(BY_A_HOOK)}{BY_A_HOOK}"


FILES = ("hooks", "charm.py")
BY_A_HOOK = ", changed by a hook"


class CopiedCharm(NoCharm):
    """A unit's copy of it. To bring it up to date takes `takes()` seconds, and fails in the middle
    if that says so by a negative number."""

    def __init__(self, disk: CharmDisk, takes: Callable[[], float]) -> None:
        super().__init__()
        self._disk = disk
        self._takes = takes

    def damage(self) -> str:
        return "copying the charm was interrupted" if self._disk.unfinished else ""

    def facts(self) -> Facts:
        return Facts(options={OPTION: Option(type="int", default=DEFAULT)})

    async def refresh(self, source: str) -> None:
        takes = self._takes()
        await asyncio.sleep(abs(takes) / 2)
        self._disk.unfinished = True
        for name in FILES:
            self._put(name, source)
            await asyncio.sleep(abs(takes) / 2 / len(FILES))
            if takes < 0:
                raise CharmError(f"cannot copy {source}: no space left on device")
        self._disk.unfinished = False

    def _put(self, name: str, source: str) -> None:
        self._disk.files[name] = source
