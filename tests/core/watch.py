"""What must hold in a world of the core, at every instant and of everything that is said in it.

Whoever believes must hold, at that very instant, the lease under that very term (G1, G5); whoever
was promised something must have it (G3). Terms rise and belong to one unit (G8); a write lands
under the present term only (G6). A revoked term, and no other, is exempt from the first two (L5).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from tenure.core.effects import Granted, Verdict
from tenure.core.lease import Lease, ends_at

from .actors import Controller
from .agents import Agent


class Promise(Struct, frozen=True):
    """`True` was said; it holds until the true instant `until`, or until its context has ended."""

    agent: int
    context: str
    term: int
    until: float


class Watch:
    """See the module. It sees the controller and all agents."""

    def __init__(self, controller: Controller, agents: Sequence[Agent]) -> None:
        self.revoked: set[int] = set()
        self.owners: dict[int, str] = {}
        """Who was granted each term."""
        self._controller = controller
        self._agents = agents
        self._given: list[Promise] = []

    def promised(self, agent: Agent, context: str, term: int, until: float) -> None:
        """A context was told True; it may count on it until the true instant `until`."""
        self._given.append(Promise(self._agents.index(agent), context, term, until))

    def check(self) -> None:
        """G1, G3, G5 at this instant."""
        believers = [a for a in self._agents if a.believes() and a.believes() not in self.revoked]
        assert len(believers) <= 1, f"G1: {[a.unit for a in believers]} believe at once"
        leases = self._controller.leases
        if leases is not None and not leases.unsure:
            for agent in believers:
                self._check_held(agent)
        for promise in self._given:
            self._check_promise(promise)
        self._given = [promise for promise in self._given if self._is_open(promise)]

    def _check_held(self, agent: Agent) -> None:
        lease: Lease = self._controller.lease()
        holder = lease.holder
        assert holder is not None, f"G5: {agent.unit} believes, and nobody holds the lease"
        assert (holder.unit, holder.instance) == (agent.unit, agent.instance), "G5: another holds"
        assert lease.term == agent.believes(), "G8: it believes in another term"
        assert self._controller.now() <= ends_at(lease), "G5: it believes longer than its lease"

    def _is_open(self, promise: Promise) -> bool:
        kept_up = promise.context in self._agents[promise.agent].contexts
        return (
            kept_up
            and self._controller.world.time() < promise.until
            and promise.term not in self.revoked
        )

    def _check_promise(self, promise: Promise) -> None:
        if self._is_open(promise):
            believes = self._agents[promise.agent].believes()
            assert believes == promise.term, f"G3: {promise} is broken, it believes in {believes}"

    def check_unbroken(self, agent: Agent) -> None:
        """G8: a term is one unbroken tenure, so what is extended is believed in."""
        assert agent.believes() == agent.tracker.term, "G8: a term began again after its end"

    def check_verdict(self, agent: Agent, verdict: Verdict) -> None:
        """G8: a term belongs to one unit for ever, and the next one is greater. G10."""
        self.check_secrecy(agent.unit, verdict)
        if isinstance(verdict, Granted):
            owner = f"{agent.unit} {agent.instance}"
            last = max(self.owners, default=0)
            assert verdict.term >= last, f"G8: term {verdict.term} was granted after {last}"
            assert self.owners.setdefault(verdict.term, owner) == owner, "G8: a term came back"

    def check_write(self, agent: Agent, term: int) -> None:
        """G6: a write lands under the present term only, and only of the unit that has it."""
        assert term not in self.revoked, "G6: a write landed under a revoked term"
        assert term >= max(self.owners), "G6: a write landed under a term that is over"
        assert self.owners[term] == f"{agent.unit} {agent.instance}", "G6: it is another unit's"

    def check_secrecy(self, unit: str, said: object) -> None:
        """G10: nothing that a unit is told names another unit."""
        text = said if isinstance(said, str) else json.dumps(msgspec.to_builtins(said))
        for agent in self._agents:
            assert agent.unit == unit or agent.unit not in text, f"G10: {unit} is told {text}"
