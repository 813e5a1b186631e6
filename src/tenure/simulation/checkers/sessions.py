"""What the controller takes from whom: writes under the present term, one instance of a unit."""

from __future__ import annotations

from typing import ClassVar

from tenure.names import application_of
from tenure.simulation.checkers.common import Hears
from tenure.simulation.facts import (
    AgentEnded,
    Asked,
    Believed,
    ControllerBegan,
    ControllerEnded,
    Doubted,
    Parted,
    Revoked,
    Welcomed,
    Wrote,
)
from tenure.simulation.judge import Checker


class TermNamed(Checker):
    """A write that became durable had named the term under which it did (G6): not an earlier one of
    the same unit. A write is known by what it sets; where several set the same, one must fit."""

    clause = "G6"

    def __init__(self) -> None:
        super().__init__()
        self._asked: dict[tuple[str, str, str], set[int]] = {}
        self._settings: dict[str, dict[str, str]] = {}

    def _was_asked(self, fact: Asked) -> None:
        for key, value in fact.changes.items():
            self._asked.setdefault((fact.unit, key, value), set()).add(fact.term)

    def _wrote(self, fact: Wrote) -> None:
        before = self._settings.get(fact.application, {})
        self._settings[fact.application] = dict(fact.settings)
        if fact.removed:
            return
        for key, value in fact.settings.items():
            if before.get(key) == value:
                continue
            terms = self._asked.get((fact.unit, key, value))
            if terms and fact.term not in terms:
                named = ", ".join(map(str, sorted(terms)))
                self.broken(
                    fact.at,
                    f"{fact.unit} wrote revision {fact.revision} of {fact.application} under term "
                    f"{fact.term}, and had named term {named}",
                )
                return

    hears: ClassVar[Hears] = {Asked: _was_asked, Wrote: _wrote}


class OneInstance(Checker):
    """No instance of a unit is accepted while another is connected, or believes (L9).

    A belief whose term an operator revoked is no reason to refuse. With `slack`, clocks differ by
    more than the margin, and belief is none.
    """

    clause = "L9"

    def __init__(self, slack: float = 0.0) -> None:
        super().__init__()
        self._sees_belief = slack == 0.0
        self._connected: dict[str, str] = {}
        self._believes: dict[str, dict[str, int]] = {}
        self._revoked: dict[tuple[str, int], float] = {}

    def _welcomed(self, fact: Welcomed) -> None:
        other = self._connected.get(fact.unit)
        if other is not None and other != fact.agent:
            self.broken(fact.at, f"{fact.agent} was accepted while {other} was connected")
        self._connected[fact.unit] = fact.agent
        for agent, term in self._believes.get(fact.unit, {}).items():
            name = application_of(fact.unit), term
            is_revoked = fact.at <= self._revoked.get(name, float("-inf"))
            if agent != fact.agent and self._sees_belief and not is_revoked:
                self.broken(fact.at, f"{fact.agent} was accepted while {agent} believed")

    def _parted(self, fact: Parted) -> None:
        if self._connected.get(fact.unit) == fact.agent:
            del self._connected[fact.unit]

    def _controller(self, fact: ControllerBegan | ControllerEnded) -> None:
        self._connected.clear()

    def _believed(self, fact: Believed) -> None:
        self._believes.setdefault(fact.unit, {})[fact.agent] = fact.term

    def _doubted(self, fact: Doubted | AgentEnded) -> None:
        self._believes.get(fact.unit, {}).pop(fact.agent, None)

    def _was_revoked(self, fact: Revoked) -> None:
        self._revoked[application_of(fact.unit), fact.term] = fact.until

    hears: ClassVar[Hears] = {
        Welcomed: _welcomed,
        Parted: _parted,
        ControllerBegan: _controller,
        ControllerEnded: _controller,
        Believed: _believed,
        Doubted: _doubted,
        AgentEnded: _doubted,
        Revoked: _was_revoked,
    }
