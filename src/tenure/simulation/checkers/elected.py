"""leader-elected: that it runs for every term, and only with the guarantee in hand.

Operators skip failed hooks (H7), and no fact tells of that: a debt whose hook failed, of a unit
that is not in error, is taken for skipped.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from tenure.names import application_of
from tenure.simulation.checkers.common import (
    EPSILON,
    LAG,
    NO_HOOK,
    Contexts,
    End,
    Hears,
)
from tenure.simulation.facts import (
    AgentBegan,
    AgentEnded,
    Believed,
    Doubted,
    Healed,
    HookBegan,
    HookEnded,
    SaidTrue,
    UnitAtEnd,
)
from tenure.simulation.judge import Checker

ELECTED = "leader-elected"


class _Election(Struct):
    """A leader-elected that began, and is not known to be in order yet."""

    hook: HookBegan
    is_believed: bool
    is_promised: bool = False


class _Leader(Struct):
    """One agent, as far as its leading goes."""

    term: int | None = None
    since: float = 0.0
    running: HookBegan | None = None
    election: _Election | None = None
    promised: SaidTrue | None = None


class ElectedOncePerTerm(Checker):
    """leader-elected runs for every term that lasts, and begins only with the guarantee in hand.

    Where belief is not seen, only what can be told by hooks and promises is looked at.
    """

    clause = "H2"

    def __init__(self, *, belief_is_seen: bool = True) -> None:
        super().__init__()
        self._belief_is_seen = belief_is_seen
        self._leaders: dict[str, _Leader] = {}
        self._ran: dict[str, set[int]] = {}
        self._failed: dict[str, set[int]] = {}
        self._has_it: set[str] = set()
        """The applications whose charm has the hook: without, it is paid and never runs (H6)."""
        self._over = Contexts()
        self._units: dict[str, set[str]] = {}
        self._end = End()
        self._at_end: list[UnitAtEnd] = []

    def _of(self, unit: str, agent: str) -> _Leader:
        self._units.setdefault(unit, set()).add(agent)
        return self._leaders.setdefault(agent, _Leader())

    # -- when it begins

    def _hook_began(self, fact: HookBegan) -> None:
        leader = self._of(fact.unit, fact.agent)
        self._judge(leader, fact.at)
        if fact.hook in NO_HOOK or self._over.is_over(fact.context):
            return
        leader.running = fact
        if fact.hook == ELECTED:
            self._has_it.add(application_of(fact.unit))
            promised = leader.promised is not None and leader.promised.context == fact.context
            believed = not self._belief_is_seen or fact.term in (None, leader.term)
            leader.election = _Election(fact, believed, promised)

    def _said_true(self, fact: SaidTrue) -> None:
        leader = self._of(fact.unit, fact.agent)
        leader.promised = fact
        election = leader.election
        if election is not None and election.hook.context == fact.context:
            election.is_promised |= fact.at <= election.hook.at + EPSILON
            self._judge(leader, fact.at)

    def _believed(self, fact: Believed) -> None:
        leader = self._of(fact.unit, fact.agent)
        if leader.election is not None and leader.election.hook.term == fact.term:
            leader.election.is_believed |= fact.at <= leader.election.hook.at + LAG
        if leader.term != fact.term:
            leader.term, leader.since = fact.term, fact.at

    def _judge(self, leader: _Leader, now: float, *, is_over: bool = False) -> None:
        """Look at a leader-elected that began, as soon as nothing can excuse it any more."""
        election = leader.election
        if election is None:
            return
        hook = election.hook
        if not election.is_believed and (is_over or now > hook.at + LAG):
            self.broken(hook.at, f"{hook.agent} runs {ELECTED} without term {hook.term}")
        elif not election.is_promised:
            self.broken(hook.at, f"{hook.agent} runs {ELECTED} without the guarantee in hand")
        elif not election.is_believed:
            return
        leader.election = None

    # -- how it ends

    def _hook_ended(self, fact: HookEnded) -> None:
        self._over.end(fact.context)
        leader = self._of(fact.unit, fact.agent)
        hook = leader.running
        if hook is None or hook.context != fact.context:
            return
        self._judge(leader, fact.at, is_over=fact.how == "done")
        leader.running = leader.election = None
        if hook.hook == ELECTED and hook.term is not None:
            outcome = {"done": self._ran, "failed": self._failed}.get(fact.how)
            if outcome is not None:
                outcome.setdefault(fact.unit, set()).add(hook.term)

    def _doubted(self, fact: Doubted) -> None:
        leader = self._of(fact.unit, fact.agent)
        if leader.term == fact.term:
            leader.term = None

    def _agent_is_new_or_gone(self, fact: AgentBegan | AgentEnded) -> None:
        self._of(fact.unit, fact.agent)
        self._leaders[fact.agent] = _Leader()

    # -- in the end

    def _healed(self, fact: Healed) -> None:
        self._end.hear(fact)

    def _unit_at_end(self, fact: UnitAtEnd) -> None:
        self._at_end.append(fact)

    def close(self) -> None:
        """Every leader has run it for the term that it leads in."""
        for fact in self._at_end:
            if fact.leads and fact.quiet and not fact.in_error and self._is_old_enough(fact):
                self._check(fact)

    def _is_old_enough(self, fact: UnitAtEnd) -> bool:
        if not self._belief_is_seen:
            return self._end.is_after_healing(fact.at)
        since = [
            leader.since
            for agent in self._units.get(fact.unit, ())
            if (leader := self._leaders[agent]).term is not None and leader.term == fact.term
        ]
        return bool(since) and max(since) <= self._end.judged_before(fact.at)

    def _check(self, fact: UnitAtEnd) -> None:
        term = fact.term
        if term is None or term in self._failed.get(fact.unit, ()):
            return
        if self._belief_is_seen and fact.elected_for != term:
            self.broken(
                fact.at, f"{fact.unit} leads in term {term}, elected for {fact.elected_for}"
            )
        elif application_of(fact.unit) in self._has_it and term not in self._ran.get(fact.unit, ()):
            self.broken(
                fact.at, f"{fact.unit} leads in term {term}, and never ran {ELECTED} for it"
            )

    hears: ClassVar[Hears] = {
        HookBegan: _hook_began,
        HookEnded: _hook_ended,
        SaidTrue: _said_true,
        Believed: _believed,
        Doubted: _doubted,
        AgentBegan: _agent_is_new_or_gone,
        AgentEnded: _agent_is_new_or_gone,
        Healed: _healed,
        UnitAtEnd: _unit_at_end,
    }
