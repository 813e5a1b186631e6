"""Who watches what is decided: a simulation, say. Production has nobody there."""

from __future__ import annotations

from typing import Protocol

from tenure.core.lease import Lease


class Observer(Protocol):
    """Is told in the very step, before anything is durable. It must not change anything."""

    def settled(self, now: float, before: Lease | None, after: Lease) -> None:
        """A lease was settled: an offer of it may have been made, or taken back."""
        ...
