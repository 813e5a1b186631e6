"""A unit's part in its application, as the controller is asked for it: peer relations, and the end.

One question at a time, and none again before a moment has passed: the store may be hanging, and
hooks go on meanwhile.
"""

from __future__ import annotations

from functools import partial

from tenure.agent.parts import UnitParts
from tenure.core import localstate
from tenure.core.addresses import in_bag
from tenure.core.relations import Relation
from tenure.leadership.record import SAVE_AGAIN
from tenure.wire.messages import EnterPeers, Gone, LeavePeers


class Membership:
    """`entering` while the controller was asked to let the unit in and has not answered."""

    def __init__(self, parts: UnitParts) -> None:
        self.entering = False
        self.gone = False
        """The controller knows that the unit has left for ever."""
        self._parts = parts
        self._peers_at = float("-inf")
        self._gone_at = float("-inf")

    def may_ask_peers(self, now: float) -> bool:
        """Whether the controller can be asked now about peer relations."""
        return self._may_ask() and now >= self._peers_at

    def may_say_gone(self, now: float) -> bool:
        """Whether the controller can be told now that the unit has left."""
        return self._may_ask() and now >= self._gone_at and not self.gone

    def _may_ask(self) -> bool:
        return self._parts.claimant.accepted and not self._parts.requests.busy

    def enter(self, now: float, relations: tuple[Relation, ...]) -> bool:
        """Take part in all of these: those that the controller knows of, though others may be
        added before its answer. Hooks go on beside it."""
        self._peers_at = now + SAVE_AGAIN
        self.entering = self._parts.requests.ask(
            self._enter, partial(self._entered, relations),
            over=self._asked_to_enter,
        )  # fmt: skip
        return True

    def _enter(self, number: int) -> EnterPeers:
        bag = in_bag(self._parts.record.state.address)
        return EnterPeers(id=number, unit=self._parts.unit, settings=bag)

    def _entered(self, relations: tuple[Relation, ...]) -> None:
        record = self._parts.record
        record.remember(localstate.with_peers(record.state, relations))

    def _asked_to_enter(self) -> None:
        # counted from here, so that hooks go on in between: the store may be hanging (H2)
        self.entering = False
        self._peers_at = self._parts.clock.now() + SAVE_AGAIN

    def leave(self, now: float) -> bool:
        """Take part in none any more. Hooks go on beside it."""
        self._peers_at = now + SAVE_AGAIN
        unit = self._parts.unit
        self._parts.requests.ask(lambda number: LeavePeers(id=number, unit=unit), self._left)
        return True

    def _left(self) -> None:
        record = self._parts.record
        record.remember(localstate.without_peers(record.state))

    def say_gone(self, now: float) -> bool:
        """The unit has run its last hook (U4)."""
        self._gone_at = now + SAVE_AGAIN
        unit = self._parts.unit
        self._parts.requests.ask(lambda number: Gone(id=number, unit=unit), self.forget)
        return False

    def forget(self) -> None:
        """The controller knows of no such unit any more."""
        self.gone = True

    def next_wake(self) -> tuple[float, ...]:
        """The instants at which something may be asked again; past ones may be among them."""
        return self._gone_at, self._peers_at
