"""What units are told of their peers and of their configuration: all of it, none of it twice, and
none before its time. What an agent durably recorded as told is `PeersTold`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct

from tenure.core.relations import CHANGED, CREATED, JOINED, Told
from tenure.names import application_of
from tenure.simulation.checkers.bag_store import Store
from tenure.simulation.checkers.common import Contexts, End, Hears
from tenure.simulation.facts import (
    Fact,
    Healed,
    HookEnded,
    Wrote,
)
from tenure.simulation.judge import Checker
from tenure.simulation.peer_facts import (
    BagGone,
    BagWrote,
    CharmWrote,
    ConfigWrote,
    HookAims,
    HookSettled,
    PeersAtEnd,
    PeersTold,
)

NOTHING = Told()


class _Now(Struct):
    """What is so of an application, and since when."""

    config: tuple[float, int] = (float("-inf"), 0)
    charm: tuple[float, int] = (float("-inf"), 0)
    peers: Mapping[str, int] = {}


class PeersToldInTheEnd(Checker):
    """When all is well again, a quiet unit was told of exactly the members that take part, of the
    last version of each of their bags and of its application's, who wrote that too (P2), of the
    last configuration, and has taken up the last charm."""

    clause = "H3, P2"

    def __init__(self) -> None:
        super().__init__()
        self._store = Store()
        self._now: dict[str, _Now] = {}
        self._end = End()
        self._at_end: list[PeersAtEnd] = []

    def _of(self, application: str) -> _Now:
        return self._now.setdefault(application, _Now())

    def _wrote(self, fact: BagWrote) -> None:
        self._store.hear(fact)

    def _configured(self, fact: ConfigWrote) -> None:
        self._of(fact.application).config = fact.at, fact.revision

    def _given(self, fact: CharmWrote) -> None:
        now = self._of(fact.application)
        now.charm, now.peers = (fact.at, fact.revision), fact.peers

    def _removed(self, fact: Wrote) -> None:
        self._store.removed(fact)
        if fact.removed:
            self._now.pop(fact.application, None)

    def _note_end(self, fact: Fact) -> None:
        if isinstance(fact, Healed):
            self._end.hear(fact)
        elif isinstance(fact, PeersAtEnd) and not fact.in_error:
            self._at_end.append(fact)

    def close(self) -> None:
        """Look at each unit."""
        for fact in self._at_end:
            before = self._end.judged_before(fact.at)
            now = self._of(application_of(fact.unit))
            for what, (at, revision), seen in (
                ("configuration", now.config, fact.config), ("charm", now.charm, fact.charm)
            ):  # fmt: skip
                if at <= before and seen != revision:
                    self._lament(fact, f"revision {seen} of its {what}, not {revision}")
            if now.charm[0] <= before:
                for number in now.peers.values():
                    self._check(fact, number, before)

    def _lament(self, fact: PeersAtEnd, text: str) -> None:
        self.broken(fact.at, f"{fact.unit} has seen {text}")

    def _check(self, fact: PeersAtEnd, number: int, before: float) -> None:
        application, told = application_of(fact.unit), fact.relations.get(number, NOTHING)
        if not (told.entered and told.created):
            self._lament(fact, f"nothing of relation {number}")
        others = {
            bag.owner: bag for (name, relation, owner), bag in self._store.bags.items()
            if (name, relation) == (application, number) and owner not in (name, fact.unit)
        }  # fmt: skip
        for owner, bag in others.items():
            if bag.at <= before:
                self._check_member(fact, number, bag, told.members.get(owner))
        for owner in told.members.keys() - others.keys():
            self._lament(fact, f"{owner} in relation {number}, and no bag of it is there")
        shared = self._store.bags.get((application, number, application))
        if shared is not None and shared.at <= before:
            seen = told.application
            if seen != shared.version:
                seen_last = f"version {seen}, not {shared.version}"
                self._lament(fact, f"{seen_last}, of its application's bag")

    def _check_member(
        self, fact: PeersAtEnd, number: int, bag: BagWrote, version: int | None
    ) -> None:
        if bag.present and version != bag.version:
            self._lament(
                fact, f"version {version}, not {bag.version}, of {bag.owner} in relation {number}"
            )
        elif not bag.present and version is not None:
            self._lament(fact, f"{bag.owner} in relation {number}, which it left")

    hears: ClassVar[Hears] = {
        BagWrote: _wrote,
        BagGone: lambda self, fact: self._store.lose(fact),
        ConfigWrote: _configured,
        CharmWrote: _given,
        Wrote: _removed,
        Healed: _note_end,
        PeersAtEnd: _note_end,
    }


class EnteredBeforeCreated(Checker):
    """A unit takes part in a relation, durably, before its charm hears of the relation."""

    clause = "H5"

    def __init__(self) -> None:
        super().__init__()
        self._entered: set[tuple[str, int]] = set()

    def _wrote(self, fact: BagWrote) -> None:
        self._entered.add((fact.owner, fact.relation))

    def _aims(self, fact: HookAims) -> None:
        if fact.kind == CREATED and (fact.unit, fact.relation) not in self._entered:
            self.broken(
                fact.at, f"{fact.unit} runs {fact.context}, and is not in relation {fact.relation}"
            )

    hears: ClassVar[Hears] = {BagWrote: _wrote, HookAims: _aims}


class _Record(Struct):
    """All that one agent ever recorded as told."""

    created: set[int] = set()
    versions: dict[tuple[int, str], int] = {}
    """(relation, a member) or (relation, "" for the application) -> the highest version."""
    config: int = 0
    is_configured: bool = False


class PeersNotToldTwice(Checker):
    """What was recorded as told of peers and configuration is not told again, restart or not.

    But a failed config-changed is tried again, also by an agent that does not know yet for which
    revision.
    """

    clause = "H4"

    def __init__(self) -> None:
        super().__init__()
        self._over = Contexts()
        self._records: dict[str, _Record] = {}
        self._config: dict[str, str] = {}
        """Each agent's last config-changed, unless it ended well."""

    def _recorded(self, fact: PeersTold) -> None:
        record = self._records.setdefault(fact.agent, _Record())
        record.config, record.is_configured = max(record.config, fact.config), fact.configured
        for number, told in fact.relations.items():
            if told.created:
                record.created.add(number)
            for owner, version in (*told.members.items(), ("", told.application)):
                bag = number, owner
                record.versions[bag] = max(version, record.versions.get(bag, 0))

    def _ended(self, fact: HookEnded) -> None:
        self._over.end(fact.context)

    def _settled(self, fact: HookSettled) -> None:
        if fact.how == "done" and self._config.get(fact.agent) == fact.context:
            del self._config[fact.agent]

    def _aims(self, fact: HookAims) -> None:
        record = self._records.get(fact.agent, _Record())
        if not self._over.is_over(fact.context) and self._was_told(fact, record):
            about = f" of {fact.remote}" if fact.remote else ""
            self.broken(
                fact.at,
                f"{fact.agent} runs {fact.context} for version {fact.version}{about}, which was "
                "recorded as told",
            )
        if fact.kind == "config":
            self._config[fact.agent] = fact.context

    def _was_told(self, fact: HookAims, record: _Record) -> bool:
        known = record.versions.get((fact.relation, fact.remote))
        if fact.kind == "config":
            is_owed = not record.is_configured or fact.agent in self._config
            return fact.version <= record.config and not is_owed
        if fact.kind == CREATED:
            return fact.relation in record.created
        if fact.kind == JOINED:
            return known is not None
        return fact.kind == CHANGED and known is not None and fact.version <= known

    hears: ClassVar[Hears] = {
        PeersTold: _recorded,
        HookEnded: _ended,
        HookSettled: _settled,
        HookAims: _aims,
    }
