"""Promises: what `True` means to the context that was told.

A context is over once its hook has ended, its agent's process is gone, or the agent begins another
hook, since one runs at a time (H6). What is said to one that is over is no promise. `slack` is for
worlds whose clocks differ by more than the margin: a promise may be broken by so many seconds.

On real runs an instant is known to lie between two others. Then, for these checkers to be right,
`SaidTrue.at` is when `True` had surely been said, its `until` counts from before the question, and
`HookEnded.at` is when the hook had surely not ended yet.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from tenure.names import application_of
from tenure.simulation.checkers.common import (
    EPSILON,
    LAG,
    Contexts,
    Hears,
    Revocations,
)
from tenure.simulation.facts import (
    AgentBegan,
    AgentEnded,
    Believed,
    Doubted,
    HookBegan,
    HookEnded,
    Revoked,
    SaidTrue,
)
from tenure.simulation.judge import Checker


class _Promise(Struct):
    """`True` was said to a context, which `is_open` until it ends, and its agent's life with it."""

    unit: str
    agent: str
    context: str
    term: int
    until: float
    is_open: bool = True

    def __str__(self) -> str:
        return f"{self.unit} said True to {self.context} until {self.until:.3f}"


class PromiseKept(Checker):
    """Who said True leads until then; who gave up willingly, until the context that was told ended.

    While its agent lives, it goes on believing in that term. When it died, nobody else believes
    before the promise is over: unless it came back, since a new life may give up what it holds.
    """

    clause = "G3"

    def __init__(self, slack: float = 0.0) -> None:
        super().__init__()
        self._slack = slack
        self._promises: dict[str, list[_Promise]] = {}
        self._believes: dict[str, int] = {}
        self._unfounded: dict[str, list[SaidTrue]] = {}
        self._over = Contexts()
        self._revoked = Revocations()

    def _said_true(self, fact: SaidTrue) -> None:
        self._look(fact.at)
        if self._over.is_over(fact.context) or self._revoked.until(fact.unit, fact.term) > fact.at:
            return
        term = self._believes.get(fact.agent)
        if term is None or fact.term not in (None, term):
            self._unfounded.setdefault(fact.agent, []).append(fact)
        else:
            self._promise(fact, term)

    def _promise(self, fact: SaidTrue, term: int) -> None:
        promises = self._alive(fact.at, fact.unit)
        for promise in promises:
            if (promise.agent, promise.context, promise.term) == (fact.agent, fact.context, term):
                promise.until = max(promise.until, fact.until)
                return
        promises.append(_Promise(fact.unit, fact.agent, fact.context, term, fact.until))

    def _look(self, now: float) -> None:
        for agent in [a for a, facts in self._unfounded.items() if facts[0].at + LAG < now]:
            for fact in self._unfounded.pop(agent):
                self._complain_of(fact)

    def _complain_of(self, fact: SaidTrue) -> None:
        if self._revoked.until(fact.unit, fact.term) <= fact.at:
            self.broken(fact.at, f"{fact.agent} said True to {fact.context}, and does not believe")

    def _believed(self, fact: Believed) -> None:
        self._look(fact.at)
        before = self._believes.get(fact.agent)
        if before == fact.term:
            return
        if before is not None:
            self._lose(fact.at, fact.unit, fact.agent, before, willing=False)
        self._believes[fact.agent] = fact.term
        if self._revoked.until(fact.unit, fact.term) <= fact.at:
            self._check_others(fact)
        for said in self._unfounded.pop(fact.agent, []):
            if said.term in (None, fact.term):
                self._promise(said, fact.term)
            else:
                self._complain_of(said)

    def _check_others(self, fact: Believed) -> None:
        promises = self._alive(fact.at, fact.unit)
        for promise in [p for p in promises if p.agent != fact.agent]:
            promises.remove(promise)
            self.broken(fact.at, f"{promise}, and {fact.agent} leads, term {fact.term}")

    def _alive(self, now: float, unit: str) -> list[_Promise]:
        """The promises of the unit's application that are not over yet."""
        application = application_of(unit)
        promises = self._promises.get(application, [])
        alive = [p for p in promises if p.until - self._slack > now + EPSILON]
        self._promises[application] = alive
        return alive

    def _doubted(self, fact: Doubted) -> None:
        self._look(fact.at)
        if self._believes.get(fact.agent) == fact.term:
            del self._believes[fact.agent]
            self._lose(fact.at, fact.unit, fact.agent, fact.term, willing=fact.willing)

    def _lose(self, at: float, unit: str, agent: str, term: int, *, willing: bool) -> None:
        promises = self._alive(at, unit)
        for promise in [p for p in promises if p.agent == agent and p.term == term]:
            promises.remove(promise)
            if willing and promise.is_open:
                self.broken(at, f"{promise}, which goes on, and gave the lease up")
            elif not willing:
                self.broken(at, f"{promise}, and believes no more")

    def _hook_began(self, fact: HookBegan) -> None:
        for promise in self._promises.get(application_of(fact.unit), ()):
            if promise.agent == fact.agent and promise.context != fact.context:
                promise.is_open = False  # because one hook runs at a time (H6)

    def _hook_ended(self, fact: HookEnded) -> None:
        self._over.end(fact.context)
        for promise in self._promises.get(application_of(fact.unit), ()):
            if promise.context == fact.context:
                promise.is_open = False

    def _agent_ended(self, fact: AgentEnded) -> None:
        self._believes.pop(fact.agent, None)
        self._unfounded.pop(fact.agent, None)
        for promise in self._promises.get(application_of(fact.unit), ()):
            if promise.agent == fact.agent:
                self._over.end(promise.context)
                promise.is_open = False

    def _agent_began(self, fact: AgentBegan) -> None:
        self._agent_ended(AgentEnded(at=fact.at, unit=fact.unit, agent=fact.agent, how="died"))
        promises = self._promises.get(application_of(fact.unit), [])
        promises[:] = [p for p in promises if p.agent != fact.agent]

    def _was_revoked(self, fact: Revoked) -> None:
        self._revoked.hear(fact)
        promises = self._promises.get(application_of(fact.unit), [])
        promises[:] = [p for p in promises if (p.unit, p.term) != (fact.unit, fact.term)]

    def close(self) -> None:
        """Nobody will begin to believe any more."""
        self._look(float("inf"))

    hears: ClassVar[Hears] = {
        SaidTrue: _said_true,
        Believed: _believed,
        Doubted: _doubted,
        HookBegan: _hook_began,
        HookEnded: _hook_ended,
        AgentBegan: _agent_began,
        AgentEnded: _agent_ended,
        Revoked: _was_revoked,
    }


AT_ONCE = 0.1
"""Seconds within which an agent that is free to does what is due: timers are late by some."""


class GivesUpInTime(Checker):
    """Who steps down has given the lease up after one guarantee, whatever its hooks do."""

    clause = "U4"

    def _doubted(self, fact: Doubted) -> None:
        if fact.late > AT_ONCE:
            self.broken(
                fact.at, f"{fact.agent} gave term {fact.term} up {fact.late:.3f} s too late"
            )

    hears: ClassVar[Hears] = {Doubted: _doubted}


class OnePromise(Checker):
    """While a promise is open, no other agent of the application says True.

    Exempt is a unit whose term was revoked, until it cannot believe any more (L5).
    """

    clause = "G1, G3"

    def __init__(self, slack: float = 0.0) -> None:
        super().__init__()
        self._slack = slack
        self._open: dict[str, dict[str, SaidTrue]] = {}
        self._over = Contexts()
        self._revoked = Revocations()

    def _said_true(self, fact: SaidTrue) -> None:
        if self._over.is_over(fact.context) or self._revoked.until(fact.unit, fact.term) > fact.at:
            return
        promises = self._open.setdefault(application_of(fact.unit), {})
        for agent, other in promises.items():
            if agent != fact.agent and fact.at < other.until - self._slack - EPSILON:
                self.broken(
                    fact.at,
                    f"{fact.agent} said True to {fact.context}; {agent} said it to "
                    f"{other.context} at {other.at:.3f}, until {other.until:.3f}",
                )
        mine = promises.get(fact.agent)
        if mine is None or mine.context != fact.context or mine.until < fact.until:
            promises[fact.agent] = fact

    def _hook_began(self, fact: HookBegan) -> None:
        mine = self._open.get(application_of(fact.unit), {}).get(fact.agent)
        if mine is not None and mine.context != fact.context:
            self._void(fact.unit, fact.agent)

    def _hook_ended(self, fact: HookEnded) -> None:
        self._over.end(fact.context)
        mine = self._open.get(application_of(fact.unit), {}).get(fact.agent)
        if mine is not None and mine.context == fact.context:
            self._void(fact.unit, fact.agent)

    def _agent_is_new_or_gone(self, fact: AgentBegan | AgentEnded) -> None:
        self._void(fact.unit, fact.agent)

    def _void(self, unit: str, agent: str) -> None:
        promise = self._open.get(application_of(unit), {}).pop(agent, None)
        if promise is not None:
            self._over.end(promise.context)

    def _was_revoked(self, fact: Revoked) -> None:
        self._revoked.hear(fact)
        promises = self._open.get(application_of(fact.unit), {})
        for agent in [a for a, said in promises.items() if said.unit == fact.unit]:
            del promises[agent]

    hears: ClassVar[Hears] = {
        SaidTrue: _said_true,
        HookBegan: _hook_began,
        HookEnded: _hook_ended,
        AgentBegan: _agent_is_new_or_gone,
        AgentEnded: _agent_is_new_or_gone,
        Revoked: _was_revoked,
    }
