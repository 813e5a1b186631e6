"""Reads facts about peer relations, configuration and pins: from what a store makes durable, and
from what agents and the controller say to each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from tenure.core.changes import (
    BagDropped,
    BagPut,
    Change,
    CharmPut,
    ConfigPut,
    HistoryAdded,
    PinDropped,
    PinPut,
    StatusPut,
)
from tenure.core.effects import BagChanged, PeerLeft
from tenure.errors import Unsure
from tenure.names import application_of
from tenure.simulation.facts import Fact
from tenure.simulation.peer_charm import OPTION
from tenure.simulation.peer_facts import (
    BagGone,
    BagsLanded,
    BagWrote,
    CharmWrote,
    CommitAnswered,
    CommitAsked,
    ConfigWrote,
    Expired,
    Pinned,
    SkipSaid,
    StatusWrote,
    Unpinned,
)
from tenure.wire.messages import (
    CommitHook,
    Done,
    Failed,
    FromAgent,
    FromController,
    Resolve,
    Welcome,
)


def facts_of(at: float, change: Change, pinned_until: Callable[[PinPut], float]) -> Fact | None:
    """What a durable change means, if it is about any of this."""
    if isinstance(change, BagPut):
        bag = change.record
        return BagWrote(
            at=at, application=bag.application, relation=bag.relation, owner=bag.owner,
            version=bag.version, present=bag.present, settings=bag.settings,
        )  # fmt: skip
    if isinstance(change, BagDropped):
        return BagGone(
            at=at, application=change.application, relation=change.relation, owner=change.owner
        )
    if isinstance(change, ConfigPut):
        config = change.record
        return ConfigWrote(
            at=at, application=config.application, revision=config.revision,
            value=config.values.get(OPTION),
        )  # fmt: skip
    if isinstance(change, StatusPut):
        status = change.record
        return StatusWrote(at=at, application=status.application, message=status.message)
    if isinstance(change, CharmPut):
        charm = change.record
        return CharmWrote(
            at=at, application=charm.application, revision=charm.revision, peers=charm.peers
        )
    return _of_a_pin(at, change, pinned_until)


def _of_a_pin(at: float, change: Change, until: Callable[[PinPut], float]) -> Fact | None:
    if isinstance(change, PinPut):
        return Pinned(
            at=at, application=change.application, reason=change.reason, until=until(change)
        )
    if isinstance(change, PinDropped):
        return Unpinned(at=at, application=change.application, reason=change.reason)
    if isinstance(change, HistoryAdded) and change.kind == "expired":
        return Expired(at=at, application=change.application, unit=str(change.unit_from))
    return None


def landed(at: float, facts: Sequence[Fact]) -> list[Fact]:
    """The word that what one commit wrote of bags is there, all of it."""
    wrote = any(isinstance(fact, BagWrote) for fact in facts)
    return [BagsLanded(at=at)] if wrote else []


class Commits:
    """The commits of hooks that are under way between agents and the controller."""

    def __init__(self) -> None:
        self._asked: dict[str, set[int]] = {}

    def heard(self, at: float, agent: str, message: FromAgent) -> list[Fact]:
        """What an agent's message means."""
        if not isinstance(message, CommitHook):
            # because its agent may have been started anew, and counts from the beginning again
            self._asked.get(agent, set()).discard(getattr(message, "id", 0))
            return []
        self._asked.setdefault(agent, set()).add(message.id)
        application = application_of(message.unit)
        asked = CommitAsked(
            at=at, unit=message.unit, agent=agent, number=message.id, term=message.term,
            bags={
                (bag.relation, application if bag.application else message.unit): bag.changes
                for bag in message.bags
            },
        )  # fmt: skip
        return [asked]

    def said(self, at: float, unit: str, agent: str, message: FromController) -> list[Fact]:
        """What a message of the controller means."""
        if isinstance(message, Resolve) and not message.retry:
            return [SkipSaid(at=at, unit=message.unit)]
        asked = self._asked.get(agent, set())
        if not isinstance(message, Done | Failed) or message.id not in asked:
            return []
        asked.discard(message.id)
        outcome = _outcome(message)
        return [CommitAnswered(at=at, unit=unit, agent=agent, number=message.id, outcome=outcome)]


def _outcome(message: Done | Failed) -> Literal["done", "refused", "unknown"]:
    if isinstance(message, Done):
        return "done"
    return "unknown" if message.code == Unsure.code else "refused"


def named_in(messages: Sequence[FromController]) -> tuple[str, ...]:
    """The units that these messages may name, since they take part in a relation: each as often as
    it may be named (G10)."""
    return tuple(name for message in messages for name in _named_in(message))


def _named_in(message: FromController) -> Iterator[str]:
    if isinstance(message, BagChanged | PeerLeft):
        yield message.owner
    elif isinstance(message, Welcome):
        for unit in message.units:
            for view in unit.peers:
                yield from view.members
