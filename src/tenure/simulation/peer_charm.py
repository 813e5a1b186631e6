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
        self, application: str, update_every: float, *, later: bool = False
    ) -> dict[str, Any]:
        """It, as an operator hands it in; `update_every` in seconds."""
        return {
            "source": f"/charms/{application}",
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


class CopiedCharm(NoCharm):
    """A unit's copy of it. To bring it up to date takes `takes()` seconds, and fails if that says
    so by a negative number."""

    def __init__(self, takes: Callable[[], float]) -> None:
        super().__init__()
        self._takes = takes

    def facts(self) -> Facts:
        return Facts(options={OPTION: Option(type="int", default=DEFAULT)})

    async def refresh(self, source: str) -> None:
        takes = self._takes()
        await asyncio.sleep(abs(takes))
        if takes < 0:
            raise CharmError(f"cannot copy {source}: no space left on device")
