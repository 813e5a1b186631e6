"""Peers' bags as the store sees them: what a hook leaves, who writes, and how versions go.

Every `relation-set` of a simulated hook carries a value that nothing else ever sets. So a value
that is found in a bag says which hook set it, and which request brought it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from msgspec import Struct

from tenure.names import application_of
from tenure.simulation.checkers.bag_store import Store
from tenure.simulation.checkers.common import Hears
from tenure.simulation.facts import Fact, HookEnded, Led, Wrote
from tenure.simulation.judge import Checker
from tenure.simulation.peer_facts import (
    Bag,
    BagGone,
    BagSet,
    BagsLanded,
    BagWrote,
    CommitAnswered,
    CommitAsked,
    HookSettled,
)

Settings = Mapping[str, str]


class _Hook(Struct):
    """What one hook set, and what became of it."""

    unit: str
    context: str
    pending: dict[Bag, dict[str, str]] = {}
    ended: str = ""
    acknowledged: bool = False
    refused: str = ""
    """By which words it is known that nothing of it is written, or ever will be."""
    landed: bool = False

    @property
    def application(self) -> str:
        return application_of(self.unit)


class HookLeavesAllOrNothing(Checker):
    """What a hook sets in bags is durable if it ended well and its commit was acknowledged: all of
    it at once. If it failed, was killed, or was refused, nothing ever is."""

    clause = "G6, G7, H7"

    def __init__(self) -> None:
        super().__init__()
        self._store = Store()
        self._hooks: dict[str, _Hook] = {}
        self._of_value: dict[str, _Hook] = {}
        self._asked: dict[tuple[str, int], _Hook] = {}
        self._new: dict[str, _Hook] = {}
        """The hooks of which something came with the commit that is being told."""

    # -- what hooks do

    def _set(self, fact: BagSet) -> None:
        hook = self._hooks.setdefault(fact.context, _Hook(fact.unit, fact.context))
        hook.pending.setdefault((fact.relation, fact.owner), {}).update(fact.changes)
        for value in fact.changes.values():
            if value:
                self._of_value[value] = hook

    def _ended(self, fact: HookEnded) -> None:
        hook = self._hooks.get(fact.context)
        if hook is not None:
            hook.ended = fact.how

    def _settled(self, fact: HookSettled) -> None:
        hook = self._hooks.get(fact.context)
        if hook is None:
            return
        if fact.how == "done" and not hook.acknowledged:
            self.broken(fact.at, f"{hook.context} is done, and nobody acknowledged what it set")
        if fact.said.endswith("nothing was written"):
            self._refuse(fact.at, hook, fact.said)

    # -- what is asked of the controller

    def _asked_for(self, fact: CommitAsked) -> None:
        hook = next(self._named(fact.bags.values()), None)
        if hook is None:
            return
        self._asked[fact.agent, fact.number] = hook
        if hook.ended != "done":
            how = hook.ended or "not over"
            self.broken(fact.at, f"{hook.context} is {how}, and what it set is committed")

    def _named(self, many: object) -> Iterator[_Hook]:
        for settings in many:  # type: ignore[attr-defined]
            for value in settings.values():
                if value in self._of_value:
                    yield self._of_value[value]

    def _answered(self, fact: CommitAnswered) -> None:
        hook = self._asked.pop((fact.agent, fact.number), None)
        if hook is None:
            return
        if fact.outcome == "refused":
            self._refuse(fact.at, hook, "the controller refused it")
        elif fact.outcome == "done":
            hook.acknowledged = True
            if not hook.landed and not self._store.held(hook.application, hook.pending):
                self.broken(
                    fact.at, f"{hook.context} was acknowledged, and the store lacks what it set"
                )

    def _refuse(self, at: float, hook: _Hook, words: str) -> None:
        hook.refused = words
        if hook.landed:
            self.broken(at, f"{hook.context} was told that nothing was written, and all was")

    # -- the store

    def _wrote(self, fact: BagWrote) -> None:
        for value in sorted(self._store.hear(fact)):
            hook = self._of_value.get(value)
            if hook is None:
                continue
            self._new[hook.context] = hook
            if (fact.relation, fact.owner) not in hook.pending:
                self.broken(
                    fact.at, f"what {hook.context} set is in the bag of {fact.owner}: not its own"
                )

    def _landed(self, fact: BagsLanded) -> None:
        new, self._new = self._new, {}
        self._store.landed()
        for hook in new.values():
            self._check(fact.at, hook)
            hook.landed = True

    def _check(self, at: float, hook: _Hook) -> None:
        if hook.ended != "done":
            how = hook.ended or "not over"
            self.broken(at, f"{hook.context} is {how}, and what it set is durable")
        elif hook.refused:
            self.broken(at, f"{hook.context} set something that is durable, but {hook.refused}")
        if not self._store.held(hook.application, hook.pending):
            what = "again, and not all" if hook.landed else "not all"
            self.broken(at, f"something that {hook.context} set is durable, {what} of it")

    hears: ClassVar[Hears] = {
        BagSet: _set,
        HookEnded: _ended,
        HookSettled: _settled,
        CommitAsked: _asked_for,
        CommitAnswered: _answered,
        BagWrote: _wrote,
        BagsLanded: _landed,
        BagGone: lambda self, fact: self._store.lose(fact),
        Wrote: lambda self, fact: self._store.removed(fact),
    }


class ApplicationBagFenced(Checker):
    """The application's bag is written by the latest term's leader, under that term; a unit's bag
    by that unit."""

    clause = "G6"

    def __init__(self) -> None:
        super().__init__()
        self._store = Store()
        self._led: dict[str, tuple[int, str]] = {}
        self._asked: dict[str, tuple[int | None, str]] = {}
        """Each value that was asked for, under which term and by whom."""

    def _now_leads(self, fact: Led) -> None:
        self._led[fact.application] = fact.term, fact.unit

    def _asks(self, fact: CommitAsked) -> None:
        for changes in fact.bags.values():
            self._asked.update(dict.fromkeys(changes.values(), (fact.term, fact.unit)))

    def _wrote(self, fact: BagWrote) -> None:
        for value in sorted(self._store.hear(fact)):
            if value not in self._asked:
                continue  # because what a bag begins with is not a hook's
            term, writer = self._asked[value]
            led = self._led.get(fact.application)
            wrote = f"{writer} wrote version {fact.version} of the bag of {fact.owner}"
            if fact.owner != fact.application and writer != fact.owner:
                self.broken(fact.at, wrote)
            elif fact.owner == fact.application and (term, writer) != led:
                now, leader = led or (0, "nobody")
                self.broken(fact.at, f"{wrote} under term {term}; {leader} leads in term {now}")
            return

    hears: ClassVar[Hears] = {
        Led: _now_leads,
        CommitAsked: _asks,
        BagWrote: _wrote,
        BagGone: lambda self, fact: self._store.lose(fact),
        Wrote: lambda self, fact: self._store.removed(fact),
    }


class BagVersionsRise(Checker):
    """A bag's version rises by one with each change, and with nothing else."""

    clause = "B4"

    def __init__(self) -> None:
        super().__init__()
        self._store = Store()

    def _wrote(self, fact: BagWrote) -> None:
        before = self._store.bags.get((fact.application, fact.relation, fact.owner))
        self._store.hear(fact)
        version = before.version if before is not None else 0
        bag = f"the bag of {fact.owner} in relation {fact.relation}"
        if before is not None and before.present and not fact.present:
            if (fact.version, fact.settings) != (version, before.settings):
                self.broken(fact.at, f"{bag} changed when its unit left")
            return
        if fact.version != version + 1:
            self.broken(fact.at, f"{bag} is at version {fact.version}, after version {version}")
        if before is not None and before.present and fact.settings == before.settings:
            self.broken(fact.at, f"{bag} has a new version {fact.version}, and nothing changed")

    def _gone(self, fact: Fact) -> None:
        if isinstance(fact, BagGone):
            self._store.lose(fact)
        elif isinstance(fact, Wrote):
            self._store.removed(fact)

    hears: ClassVar[Hears] = {BagWrote: _wrote, BagGone: _gone, Wrote: _gone}
