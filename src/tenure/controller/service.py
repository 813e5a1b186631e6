"""A controller with all around its loop that is no socket: who is there, and who watches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from tenure.clock import Clock
from tenure.controller.agents import Agents
from tenure.controller.events import Events
from tenure.controller.inputs import Input
from tenure.controller.loop import RECONNECT_GRACE, Controller
from tenure.core.applications import MIN_DURATION
from tenure.core.changes import HistoryAdded
from tenure.core.effects import Push
from tenure.core.leases import OFFER_FOR
from tenure.core.model import Model
from tenure.core.observer import Observer
from tenure.stores.base import Store


class Service:
    """What listeners serve, and the loop's `Audience`.

    `hidden` is the store's file, of which no unit is told. `place` says where a charm is that is
    known by its source, for operators. `grace`, `offer_for` and
    `least_duration` are in seconds, and lower in tests only (L1, L4, L8).
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        hidden: Path | None = None,
        place: Callable[[str], str] = str,
        grace: float = RECONNECT_GRACE,
        offer_for: float = OFFER_FOR,
        least_duration: float = MIN_DURATION,
        observer: Observer | None = None,
    ) -> None:
        self.model = Model(offer_for=offer_for, least_duration=least_duration, observer=observer)
        self.place = place
        self.events = Events(clock)
        self.agents = Agents(self.model, clock, self.events, hidden)
        self.controller = Controller(store, clock, self.model, self, grace=grace)

    async def settle_addresses(self, *, anew: bool = False) -> list[str]:
        """Once the loop runs: units without address, or with `anew` all, durably get one. Returns
        those units. Raises what keeps it from being durable."""
        applications = self.model.applications
        names = applications.without_addresses(anew=anew)
        if not names:
            return []
        settled: list[str] = await self.controller.ask(
            names, lambda now: applications.settle_addresses(anew=anew)
        )
        return settled

    # -- Audience

    def pushed(self, push: Push) -> None:
        self.agents.push(push)

    def turned(self) -> None:
        self.agents.flush()
        for speaker in self.agents.look():
            step = partial(self.agents.listened, speaker=speaker)
            self.controller.submit(Input(None, step, lambda result: None))

    def happened(self, entry: HistoryAdded) -> None:
        self.events.happened(entry)

    def reloaded(self, names: Iterable[str]) -> None:
        self.agents.reloaded(names)

    def rolled_back(self, names: Iterable[str]) -> None:
        self.agents.rolled_back(names)
