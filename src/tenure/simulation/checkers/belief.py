"""At most one believer, as a simulation sees it that looks inside of agents.

An agent believes from `Believed` until `Doubted`, or until its process is gone. `slack` is for
worlds whose clocks differ by more than the margin: there, the old leader may go on believing for so
many seconds beside the new one.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from tenure.names import application_of
from tenure.simulation.checkers.common import EPSILON, Hears, Revocations
from tenure.simulation.facts import (
    AgentBegan,
    AgentEnded,
    Believed,
    Doubted,
    Healed,
    Revoked,
    UnitAtEnd,
)
from tenure.simulation.judge import Checker


class _Belief(Struct, frozen=True):
    unit: str
    agent: str
    term: int

    def __str__(self) -> str:
        return f"{self.agent} in term {self.term}"


class _Overlap(Struct):
    """Two that believe at once. `since`: from when on nothing excuses it."""

    one: _Belief
    other: _Belief
    since: float
    is_told: bool = False


class OneBeliever(Checker):
    """At most one agent of an application believes at any instant.

    Exempt is a revoked term from its revocation until its `until`, and nothing else (L5).
    """

    clause = "G1"

    def __init__(self, slack: float = 0.0) -> None:
        super().__init__()
        self._slack = slack
        self._believers: dict[str, dict[str, _Belief]] = {}
        self._overlaps: list[_Overlap] = []
        self._revoked = Revocations()
        self._now = float("-inf")

    def _believed(self, fact: Believed) -> None:
        self._look(fact.at)
        believers = self._believers.setdefault(application_of(fact.unit), {})
        belief = _Belief(fact.unit, fact.agent, fact.term)
        if believers.get(fact.agent) == belief:
            return
        self._end(fact.unit, fact.agent)
        for other in believers.values():
            since = max(fact.at, self._excused_until(other), self._excused_until(belief))
            self._overlaps.append(_Overlap(other, belief, since))
        believers[fact.agent] = belief

    def _excused_until(self, belief: _Belief) -> float:
        return self._revoked.until(belief.unit, belief.term)

    def _doubted(self, fact: Doubted) -> None:
        self._look(fact.at)
        believers = self._believers.get(application_of(fact.unit), {})
        if believers.get(fact.agent) == _Belief(fact.unit, fact.agent, fact.term):
            self._end(fact.unit, fact.agent)

    def _agent_is_new_or_gone(self, fact: AgentBegan | AgentEnded) -> None:
        self._look(fact.at)
        self._end(fact.unit, fact.agent)

    def _end(self, unit: str, agent: str) -> None:
        belief = self._believers.get(application_of(unit), {}).pop(agent, None)
        if belief is not None:
            self._overlaps = [o for o in self._overlaps if belief not in (o.one, o.other)]

    def _was_revoked(self, fact: Revoked) -> None:
        self._look(fact.at)
        self._revoked.hear(fact)
        for overlap in self._overlaps:
            until = max(self._excused_until(overlap.one), self._excused_until(overlap.other))
            overlap.since = max(overlap.since, until)

    def _time(self, fact: Healed | UnitAtEnd) -> None:
        self._look(fact.at)

    def _look(self, now: float) -> None:
        self._now = max(self._now, now)
        for overlap in self._overlaps:
            if not overlap.is_told and self._now - overlap.since > self._slack + EPSILON:
                self._tell(overlap)

    def _tell(self, overlap: _Overlap) -> None:
        overlap.is_told = True
        self.broken(overlap.since, f"{overlap.one} and {overlap.other} believe at once")

    def close(self) -> None:
        """Whoever believes at the end goes on believing."""
        for overlap in self._overlaps:
            if not overlap.is_told and not self._slack and self._now >= overlap.since:
                self._tell(overlap)

    hears: ClassVar[Hears] = {
        Believed: _believed,
        Doubted: _doubted,
        AgentBegan: _agent_is_new_or_gone,
        AgentEnded: _agent_is_new_or_gone,
        Revoked: _was_revoked,
        Healed: _time,
        UnitAtEnd: _time,
    }
