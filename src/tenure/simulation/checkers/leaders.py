"""leader-settings-changed never begins on a unit that leads.

**Stepping down** is not to be seen from outside. A unit that steps down still believes, and runs
the hooks of its deposition (U4). What gives away one that does not step down: that it runs the hook
for another reason than a deposition, that it says True afterwards, or that it still leads in that
term when all is quiet.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from tenure.simulation.checkers.common import Contexts, End, Hears
from tenure.simulation.facts import (
    AgentBegan,
    AgentEnded,
    Believed,
    Doubted,
    Healed,
    HookBegan,
    HookEnded,
    Revoked,
    SaidTrue,
    UnitAtEnd,
)
from tenure.simulation.judge import Checker


class _Tenure(Struct):
    """One agent's unbroken belief. `suspect`: a hook in order only if the unit stepped down."""

    unit: str
    term: int
    was_deposed: bool = False
    suspect: HookBegan | None = None


class LeaderNotTold(Checker):
    """leader-settings-changed begins on no unit that leads, unless it is stepping down."""

    clause = "H3"

    def __init__(self) -> None:
        super().__init__()
        self._over = Contexts()
        self._tenures: dict[str, _Tenure] = {}
        self._end = End()

    def _believed(self, fact: Believed) -> None:
        known = self._tenures.get(fact.agent)
        if known is None or known.term != fact.term:
            self._tenures[fact.agent] = _Tenure(fact.unit, fact.term)

    def _doubted(self, fact: Doubted) -> None:
        known = self._tenures.get(fact.agent)
        if known is not None and known.term == fact.term:
            del self._tenures[fact.agent]

    def _agent_is_new_or_gone(self, fact: AgentBegan | AgentEnded) -> None:
        self._tenures.pop(fact.agent, None)

    def _revoked(self, fact: Revoked) -> None:
        for tenure in self._tenures.values():
            if (tenure.unit, tenure.term) == (fact.unit, fact.term):
                tenure.suspect = None

    def _hook_began(self, fact: HookBegan) -> None:
        tenure = self._tenures.get(fact.agent)
        if tenure is None or fact.hook != "leader-settings-changed":
            return
        if self._over.is_over(fact.context):
            return
        if fact.reason in ("started", "settings") and not tenure.was_deposed:
            self._tell(fact, f"leads in term {tenure.term}, and does not step down")
        else:
            tenure.suspect = tenure.suspect or fact
        tenure.was_deposed |= fact.reason == "deposed"

    def _hook_ended(self, fact: HookEnded) -> None:
        self._over.end(fact.context)

    def _said_true(self, fact: SaidTrue) -> None:
        tenure = self._tenures.get(fact.agent)
        if tenure is not None and tenure.suspect and fact.term in (None, tenure.term):
            self._tell(tenure.suspect, f"said True at {fact.at:.3f}, so it did not step down")
            tenure.suspect = None

    def _tell(self, hook: HookBegan, why: str) -> None:
        self.broken(hook.at, f"{hook.agent} began {hook.context}, but {why}")

    def _healed(self, fact: Healed) -> None:
        self._end.hear(fact)

    def _unit_at_end(self, fact: UnitAtEnd) -> None:
        if not (fact.leads and fact.quiet and self._end.is_after_healing(fact.at)):
            return
        for tenure in self._tenures.values():
            if tenure.unit == fact.unit and tenure.suspect is not None:
                self._tell(tenure.suspect, f"still leads in term {tenure.term} in the end")

    hears: ClassVar[Hears] = {
        Believed: _believed,
        Doubted: _doubted,
        AgentBegan: _agent_is_new_or_gone,
        AgentEnded: _agent_is_new_or_gone,
        Revoked: _revoked,
        HookBegan: _hook_began,
        HookEnded: _hook_ended,
        SaidTrue: _said_true,
        Healed: _healed,
        UnitAtEnd: _unit_at_end,
    }
