"""What is recorded as told of peers and configuration, and what that was paid with.

A hook pays for what it was run for (`HookAims`), which is what was known when it began, and nothing
else does: who leads is told of what it wrote into its application's bag, too (P2). An operator may
skip a hook that failed, which pays as well (H7): who was told of a skip is let off once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct

from tenure.core.relations import CHANGED, JOINED, Told
from tenure.simulation.checkers.common import Hears
from tenure.simulation.judge import Checker
from tenure.simulation.peer_facts import HookAims, HookSettled, PeersTold, SkipSaid

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
        if told.application > max(before.application, application):
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
        PeersTold: _recorded,
    }


class NotToldOfOwnBag(Checker):
    """A unit is not told of its own bag: neither that it joins nor that it changed."""

    clause = "P2"

    def _aims(self, fact: HookAims) -> None:
        if fact.remote == fact.unit:
            self.broken(fact.at, f"{fact.agent} runs {fact.context}, and is told of its own bag")

    hears: ClassVar[Hears] = {HookAims: _aims}
