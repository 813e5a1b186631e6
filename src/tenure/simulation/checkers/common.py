"""What several checkers need: names, the order of instants, revoked terms, and the end of a run.

**Instants.** Facts come in order of time, but what happened at one instant, or while a process was
stuck in the middle of a step, may be told in another order than it happened in. So a belief that is
told of up to `LAG` seconds after something that needed it is in time. Order that matters more than
that is the order of the facts themselves.

**The end.** Right before the end of a run something new may be owed that nobody had the time to
pay. `End` says what is old enough to be judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tenure.simulation.facts import Fact, Healed, Revoked

Hears = Mapping[type[Fact], Callable[[Any, Any], None]]

EPSILON = 1e-6
"""Seconds within which two instants are the same one."""

LAG = 0.1
"""Seconds. See the module."""

SETTLED = 1.0
"""Seconds for what was new at the end of a run to get to everybody."""

NO_HOOK = ("", "exec")
"""The hook's name where a context is an operator's command: its process is not the agent's."""


class Contexts:
    """Which contexts are over. A hook that is told to begin after that never ran: its agent was
    stuck right before starting it, and died."""

    def __init__(self) -> None:
        self._over: set[str] = set()

    def end(self, context: str) -> None:
        """It is over."""
        self._over.add(context)

    def is_over(self, context: str) -> bool:
        """Whether it is."""
        return context in self._over


class Revocations:
    """The terms that operators took away: exempt while their holder may still believe (L5)."""

    def __init__(self) -> None:
        self._until: dict[str, dict[int, float]] = {}

    def hear(self, fact: Revoked) -> None:
        """One more."""
        self._until.setdefault(fact.unit, {})[fact.term] = fact.until

    def until(self, unit: str, term: int | None) -> float:
        """Until when this unit may believe in a term that it lost; of any term if None is named."""
        terms = self._until.get(unit, {})
        if term is None:
            return max(terms.values(), default=float("-inf"))
        return terms.get(term, float("-inf"))


class End:
    """How old something must be to be judged at the end.

    A run that ends before `quiet_by` was found quiet: nothing was owed. One that lasted until then
    must have paid in `quiet_by - lead_by` seconds whatever came to be owed.
    """

    def __init__(self) -> None:
        self._healed: Healed | None = None

    def hear(self, fact: Healed) -> None:
        """Every fault is over."""
        self._healed = fact

    def judged_before(self, end_at: float) -> float:
        """What is not later than this instant must have had its consequence at `end_at`."""
        healed = self._healed
        if healed is None:
            return end_at
        if end_at < healed.quiet_by - EPSILON:
            return end_at - SETTLED
        return end_at - max(SETTLED, healed.quiet_by - healed.lead_by)

    def is_after_healing(self, end_at: float) -> bool:
        """Whether every fault is over, and for so long that nothing goes on because of one."""
        return self._healed is not None and end_at >= self._healed.quiet_by - EPSILON
