"""What is recorded as told of peers and configuration, and what that was paid with.

A hook pays for what it was run for (`HookAims`), which is what was known when it began; who leads
has paid for what it wrote into its application's bag by writing it. An operator may skip a hook
that failed, which pays as well (H7): who was told of a skip is let off once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct

from tenure.core.relations import CHANGED, JOINED, Told
from tenure.names import application_of
from tenure.simulation.checkers.bag_store import Store, Writers
from tenure.simulation.checkers.common import Contexts, Hears
from tenure.simulation.facts import AgentBegan, AgentEnded, HookBegan, HookEnded, Wrote
from tenure.simulation.judge import Checker
from tenure.simulation.peer_facts import (
    BagGone,
    BagSet,
    BagWrote,
    HookAims,
    HookSettled,
    PeersTold,
    SkipSaid,
)

NOTHING = Told()


class _Paying(Struct):
    """One agent: what its hooks were run for, and what it recorded."""

    told: Mapping[int, Told] = {}
    config: int = 0
    done: dict[tuple[str, int, str], int] = {}
    """(kind, relation, remote) -> the last version of which a hook told that ended well."""


class PaidForVersion(Checker):
    """A unit was told of a version when a hook that ended well was run for it: what came while that
    ran is owed again."""

    clause = "H5"

    def __init__(self) -> None:
        super().__init__()
        self._agents: dict[str, _Paying] = {}
        self._aims: dict[str, HookAims] = {}
        self._let_off: set[str] = set()
        self._own: dict[tuple[str, int], int] = {}
        """(unit, relation) -> the last version of the application's bag that it wrote."""
        self._store = Store()
        self._writers = Writers()

    def _of(self, agent: str) -> _Paying:
        return self._agents.setdefault(agent, _Paying())

    def _aimed(self, fact: HookAims) -> None:
        self._aims[fact.context] = fact

    def _settled(self, fact: HookSettled) -> None:
        aim = self._aims.pop(fact.context, None)
        if aim is not None and fact.how == "done":
            what = aim.kind, aim.relation, aim.remote
            done = self._of(fact.agent).done
            done[what] = max(aim.version, done.get(what, 0))

    def _skipped(self, fact: SkipSaid) -> None:
        self._let_off.add(fact.unit)

    def _set(self, fact: BagSet) -> None:
        self._writers.note(fact)

    def _wrote(self, fact: BagWrote) -> None:
        self._writers.wrote(fact, self._store.hear(fact))
        writer, _ = self._writers.of(fact.application, fact.relation, fact.version)
        if fact.owner == fact.application and writer:
            self._own[writer, fact.relation] = fact.version

    def _recorded(self, fact: PeersTold) -> None:
        paying = self._of(fact.agent)
        before, paying.told = paying.told, fact.relations
        config, paying.config = paying.config, fact.config
        if fact.config > max(config, paying.done.get(("config", -1, ""), 0)):
            self._lament(fact, f"revision {fact.config} of its configuration")
        for number, told in fact.relations.items():
            self._check(fact, paying, number, before.get(number, NOTHING), told)

    def _check(
        self, fact: PeersTold, paying: _Paying, number: int, before: Told, told: Told
    ) -> None:
        application = paying.done.get((CHANGED, number, ""), 0)
        own = self._own.get((fact.unit, number), 0)
        if told.application > max(before.application, application, own):
            self._lament(fact, f"version {told.application} of its application's bag")
        for unit, version in told.members.items():
            if unit not in before.members and (JOINED, number, unit) not in paying.done:
                self._lament(fact, f"{unit} as a member")
            known = max(before.members.get(unit, 0), paying.done.get((CHANGED, number, unit), 0))
            if version > known:
                self._lament(fact, f"version {version} of {unit}")

    def _lament(self, fact: PeersTold, what: str) -> None:
        if fact.unit in self._let_off:
            self._let_off.discard(fact.unit)
            return
        self.broken(
            fact.at, f"{fact.agent} counts {what} as told, and no hook that ended well told it"
        )

    hears: ClassVar[Hears] = {
        HookAims: _aimed,
        HookSettled: _settled,
        SkipSaid: _skipped,
        BagSet: _set,
        BagWrote: _wrote,
        BagGone: lambda self, fact: self._store.lose(fact),
        Wrote: lambda self, fact: self._store.removed(fact),
        PeersTold: _recorded,
    }


class WriterNotToldOfBag(Checker):
    """A leader is not told of what it wrote into the application's bag itself: neither at once nor,
    once its agent has recorded that, after a restart."""

    clause = "B5, H4"

    def __init__(self) -> None:
        super().__init__()
        self._over = Contexts()
        self._store = Store()
        self._writers = Writers()
        self._told: dict[str, Mapping[int, Told]] = {}
        self._recorded: dict[str, set[str]] = {}
        """For each agent the contexts whose hooks were done, and recorded so."""
        self._settled: dict[str, set[str]] = {}
        """For each agent those of which it may not have been recorded yet."""

    def _set(self, fact: BagSet) -> None:
        self._writers.note(fact)

    def _wrote(self, fact: BagWrote) -> None:
        self._writers.wrote(fact, self._store.hear(fact))

    def _was_told(self, fact: PeersTold) -> None:
        self._told[fact.agent] = fact.relations

    def _is_settled(self, fact: HookSettled) -> None:
        if fact.how == "done":
            self._settled.setdefault(fact.agent, set()).add(fact.context)

    def _began(self, fact: HookBegan) -> None:
        if not self._over.is_over(fact.context):
            # because an agent saves what it knows before it begins a hook
            settled = self._settled.pop(fact.agent, set())
            self._recorded.setdefault(fact.agent, set()).update(settled)

    def _ended(self, fact: HookEnded) -> None:
        self._over.end(fact.context)

    def _agent_is_new_or_gone(self, fact: AgentBegan | AgentEnded) -> None:
        self._settled.pop(fact.agent, None)

    def _aims(self, fact: HookAims) -> None:
        if fact.kind != CHANGED or fact.remote or self._over.is_over(fact.context):
            return
        application, told = application_of(fact.unit), self._told.get(fact.agent, {})
        since = told.get(fact.relation, NOTHING).application
        writers = [
            self._writers.of(application, fact.relation, version)
            for version in range(since + 1, fact.version + 1)
        ]
        known = self._recorded.get(fact.agent, set())
        if writers and all(hook in known for _, hook in writers):
            self.broken(
                fact.at, f"{fact.agent} is told of version {fact.version}, which it wrote itself"
            )

    hears: ClassVar[Hears] = {
        BagSet: _set,
        BagWrote: _wrote,
        BagGone: lambda self, fact: self._store.lose(fact),
        Wrote: lambda self, fact: self._store.removed(fact),
        PeersTold: _was_told,
        HookSettled: _is_settled,
        HookBegan: _began,
        HookEnded: _ended,
        AgentBegan: _agent_is_new_or_gone,
        AgentEnded: _agent_is_new_or_gone,
        HookAims: _aims,
    }
