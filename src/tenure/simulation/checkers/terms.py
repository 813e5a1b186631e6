"""Terms: one unbroken tenure each, rising for ever."""

from __future__ import annotations

from typing import ClassVar

from tenure.names import application_of
from tenure.simulation.checkers.common import EPSILON, Contexts, Hears
from tenure.simulation.facts import (
    AgentBegan,
    AgentEnded,
    Answered,
    Believed,
    Doubted,
    HookBegan,
    HookEnded,
    Led,
)
from tenure.simulation.judge import Checker


class _Terms:
    """What is known of one application's terms."""

    def __init__(self) -> None:
        self.leaders: dict[int, str] = {}
        """Whom each durable term was granted to."""
        self.last_led = 0
        self.highest_answered: tuple[int, float] = (0, float("-inf"))
        """The highest term that was granted, and when first."""
        self.too_soon: set[int] = set()
        """Answered, and not durable yet."""
        self.owners: dict[int, tuple[str, str]] = {}
        self.elected: dict[int, str] = {}
        self.given_up: set[int] = set()


class TermsRise(Checker):
    """A term rises at every grant, is durable before it is answered, and never comes back.

    One that is not believed any more is never believed again. But an agent that died while it
    believed may take its term up again in its next life (U1), unless it had given it up.
    """

    clause = "G8"

    def __init__(self) -> None:
        super().__init__()
        self._over = Contexts()
        self._terms: dict[str, _Terms] = {}
        self._believes: dict[str, int] = {}
        self._past: dict[str, set[int]] = {}
        self._highest: dict[str, int] = {}
        self._last_elected: dict[str, int] = {}

    def _of(self, application: str) -> _Terms:
        return self._terms.setdefault(application, _Terms())

    def _led(self, fact: Led) -> None:
        terms = self._of(fact.application)
        if fact.term <= terms.last_led:
            self.broken(
                fact.at, f"term {fact.term} of {fact.unit} was granted after term {terms.last_led}"
            )
        terms.last_led = max(terms.last_led, fact.term)
        terms.leaders.setdefault(fact.term, fact.unit)
        for term in sorted(term for term in terms.too_soon if term <= fact.term):
            terms.too_soon.discard(term)
            self._lament(fact.at, term, fact.application)

    def _lament(self, at: float, term: int, application: str) -> None:
        self.broken(at, f"term {term} of {application} was answered, and was not durable")

    def _answered(self, fact: Answered) -> None:
        if fact.term is None:
            return
        application = application_of(fact.unit)
        terms = self._of(application)
        highest, since = terms.highest_answered
        if fact.term < highest and fact.at > since + EPSILON:
            self.broken(fact.at, f"{fact.agent} was granted term {fact.term}, after term {highest}")
        if fact.term > highest:
            terms.highest_answered = fact.term, fact.at
        if fact.term not in terms.leaders:
            terms.too_soon.add(fact.term)
        elif terms.leaders[fact.term] != fact.unit:
            self.broken(
                fact.at,
                f"term {fact.term} is {terms.leaders[fact.term]}'s, and {fact.unit} was granted it",
            )
        self._own(fact.at, fact.unit, fact.agent, fact.term)

    def _own(self, at: float, unit: str, agent: str, term: int) -> None:
        owner = self._of(application_of(unit)).owners.setdefault(term, (unit, agent))
        if owner != (unit, agent):
            self.broken(at, f"term {term} is {owner[1]}'s, and now {agent}'s too")

    def _believed(self, fact: Believed) -> None:
        agent, term = fact.agent, fact.term
        before = self._believes.get(agent)
        if before == term:
            return
        if before is not None:
            self._past.setdefault(agent, set()).add(before)
        if term in self._past.get(agent, ()):
            self.broken(fact.at, f"{agent} believes in term {term} again, which was over")
        elif term in self._of(application_of(fact.unit)).given_up:
            self.broken(fact.at, f"{agent} believes in term {term}, which was given up")
        elif term < self._highest.get(agent, 0):
            self.broken(
                fact.at, f"{agent} believes in term {term}, after term {self._highest[agent]}"
            )
        self._own(fact.at, fact.unit, agent, term)
        self._believes[agent] = term
        self._highest[agent] = max(term, self._highest.get(agent, 0))

    def _doubted(self, fact: Doubted) -> None:
        if self._believes.get(fact.agent) != fact.term:
            return  # because a dead agent's belief was over with it
        del self._believes[fact.agent]
        self._past.setdefault(fact.agent, set()).add(fact.term)
        if fact.willing:
            self._of(application_of(fact.unit)).given_up.add(fact.term)

    def _agent_is_new_or_gone(self, fact: AgentBegan | AgentEnded) -> None:
        self._believes.pop(fact.agent, None)
        self._past.pop(fact.agent, None)

    def _hook_began(self, fact: HookBegan) -> None:
        if fact.hook != "leader-elected" or fact.term is None:
            return
        if self._over.is_over(fact.context):
            return
        elected = self._of(application_of(fact.unit)).elected.setdefault(fact.term, fact.unit)
        if elected != fact.unit:
            self.broken(
                fact.at, f"leader-elected ran for term {fact.term} on {elected} and on {fact.unit}"
            )
        last = self._last_elected.get(fact.unit, 0)
        if fact.term < last:
            self.broken(
                fact.at,
                f"leader-elected of {fact.unit} runs for term {fact.term}, after term {last}",
            )
        self._last_elected[fact.unit] = max(last, fact.term)

    def _hook_ended(self, fact: HookEnded) -> None:
        self._over.end(fact.context)

    def close(self) -> None:
        """A grant that was answered, and never became durable, was lost."""
        for application, terms in self._terms.items():
            for term in sorted(terms.too_soon) if terms.leaders else ():
                self._lament(terms.highest_answered[1], term, application)

    hears: ClassVar[Hears] = {
        Led: _led,
        Answered: _answered,
        Believed: _believed,
        Doubted: _doubted,
        AgentBegan: _agent_is_new_or_gone,
        AgentEnded: _agent_is_new_or_gone,
        HookBegan: _hook_began,
        HookEnded: _hook_ended,
    }
