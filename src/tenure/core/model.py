"""The whole state of a seated controller, and its one face for the shell. Pure.

What is asked goes to the part that it is about, within one step of the controller's loop (a
connection's end apart, which changes no fact that is kept):
`leases` for what units ask of leadership, `peers` for bags, `statuses` for what leaders say of
their applications, `charms`, `applications` and `orders` for what operators ask. What is there, is
read here. How the parts keep it is their own business: nobody outside the core looks into them.

The answers are values as decided now. Whether they are durable is the loop's to know (L7).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tenure.core.application import Application
from tenure.core.applications import MIN_DURATION, Applications
from tenure.core.changes import Cause
from tenure.core.charms import Charms
from tenure.core.effects import Push
from tenure.core.leases import OFFER_FOR, Leases
from tenure.core.observer import Observer
from tenure.core.orders import Orders
from tenure.core.peers import Peers
from tenure.core.sessions import Session
from tenure.core.staging import Batch
from tenure.core.statuses import Statuses


class Model:
    """See the module. `offer_for`, in seconds, and `least_duration` are lower in tests only."""

    def __init__(
        self,
        *,
        offer_for: float = OFFER_FOR,
        least_duration: float = MIN_DURATION,
        observer: Observer | None = None,
    ) -> None:
        self.leases = Leases(offer_for=offer_for, observer=observer)
        self.peers = Peers(self.leases)
        self.statuses = Statuses(self.leases)
        self.charms = Charms(self.leases)
        self.applications = Applications(
            self.leases, self.charms, self.peers, least_duration=least_duration
        )
        self.orders = Orders(self.leases, least_duration=least_duration)
        self.sessions: Mapping[str, Session] = self.leases.sessions
        """Who speaks for each connected unit."""
        self.unsure: Mapping[str, Cause] = self.leases.unsure
        """The applications of which it is not known what is durable, and why (L8)."""

    # -- what there is

    def known(self) -> list[Application]:
        """All applications, also what is left of those that were removed."""
        return list(self.leases.staging.applications.values())

    def find(self, name: str) -> Application | None:
        """The application, or what is left of it, if there is any."""
        return self.leases.staging.applications.get(name)

    def living(self, name: str) -> Application:
        """An application that is there. Raises BadName, NotFound."""
        return self.leases.staging.living(name)

    def living_with(self, unit: str) -> Application:
        """The application of a unit that is there. Raises BadName, NotFound."""
        return self.leases.living_with(unit)

    def units_of(self, names: Iterable[str]) -> list[str]:
        """All units of these applications."""
        found = (self.find(name) for name in names)
        return [unit for application in found if application for unit in application.units]

    def push(self, name: str, push: Push) -> None:
        """News for a unit of the application, once all that is decided of that is durable."""
        self.leases.pushes.append((name, push))

    # -- what the loop does with it

    def begin(self, now: float, loaded: Iterable[Application]) -> None:
        """The seat was taken, and this is what the store had (L8)."""
        for application in loaded:
            self.leases.take_up(now, application)

    def is_gathering(self, name: str) -> bool:
        """Whether something about the application is decided and not taken to be committed yet."""
        return name in self.leases.staging.gathering.before

    def take_batch(self) -> Batch | None:
        """What was decided since the last time, if anything."""
        return self.leases.staging.take()

    def take_pushes(self) -> list[tuple[str, Push]]:
        """The news for units since the last time, each with the application that it is about."""
        pushes = self.leases.pushes
        if pushes:
            self.leases.pushes = []
        return pushes

    def doubt(self, names: Iterable[str], cause: Cause) -> None:
        """Nobody knows whether the last commit about these applications happened (L8)."""
        self.leases.unsure.update(dict.fromkeys(names, cause))
