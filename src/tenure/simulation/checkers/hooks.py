"""One hook at a time, and none twice for what it has paid.

Operators' commands have contexts too, but are no hooks: their processes belong to whoever typed
them, and are not looked at here.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from tenure.simulation.checkers.common import EPSILON, NO_HOOK, Contexts, Hears
from tenure.simulation.facts import AgentBegan, AgentEnded, HookBegan, HookEnded, Paid
from tenure.simulation.judge import Checker
from tenure.simulation.peer_facts import HookSettled, PeersTold

ONCE = frozenset({"install", "config-changed", "start", "stop", "remove"})

AGAIN = {"upgrade-charm": "config-changed"}
"""Hooks after which another is owed once more."""

Debt = tuple[str, int | None]
"""What a hook pays for good: its name, and leader-elected's term."""


def debt_of(hook: str, term: int | None) -> Debt | None:
    """What such a hook pays for good; None for those that are owed again and again."""
    if hook == "leader-elected" and term is not None:
        return hook, term
    return (hook, None) if hook in ONCE else None


def _is_of_news(fact: HookBegan) -> bool:
    """Whether it runs because an operator changed the configuration: then it says no reason, which
    it does when it is owed for its own sake."""
    return fact.hook == "config-changed" and not fact.reason


class _Ghost(Struct):
    """A hook whose agent's life is over. `beside`: the next life's hook that began before it was
    seen to end."""

    hook: HookBegan
    beside: HookBegan | None = None


class OneHookAtATime(Checker):
    """An agent runs one hook at a time, and none beside what its earlier life left behind."""

    clause = "H6, H5"

    def __init__(self) -> None:
        super().__init__()
        self._open: dict[str, dict[str, HookBegan]] = {}
        self._ghosts: dict[str, dict[str, _Ghost]] = {}
        self._over = Contexts()

    def _hook_began(self, fact: HookBegan) -> None:
        if fact.hook in NO_HOOK or self._over.is_over(fact.context):
            return
        running = self._open.setdefault(fact.agent, {})
        for other in running.values():
            self.broken(fact.at, f"{fact.context} of {fact.agent} began beside {other.context}")
        running[fact.context] = fact
        for ghost in self._ghosts.get(fact.agent, {}).values():
            ghost.beside = ghost.beside or fact

    def _hook_ended(self, fact: HookEnded) -> None:
        self._over.end(fact.context)
        self._open.get(fact.agent, {}).pop(fact.context, None)
        ghost = self._ghosts.get(fact.agent, {}).pop(fact.context, None)
        if ghost is not None and ghost.beside and fact.at > ghost.beside.at + EPSILON:
            self.broken(
                fact.at,
                f"{fact.context} of {fact.agent} is of an earlier life, and ran on beside "
                f"{ghost.beside.context}",
            )

    def _agent_is_new_or_gone(self, fact: AgentBegan | AgentEnded) -> None:
        ghosts = self._ghosts.setdefault(fact.agent, {})
        for context, hook in self._open.pop(fact.agent, {}).items():
            ghosts[context] = _Ghost(hook)

    hears: ClassVar[Hears] = {
        HookBegan: _hook_began,
        HookEnded: _hook_ended,
        AgentBegan: _agent_is_new_or_gone,
        AgentEnded: _agent_is_new_or_gone,
    }


class _Payments:
    """What one agent has done, in all of its lives."""

    def __init__(self) -> None:
        self.running: HookBegan | None = None
        self.unsure: Debt | None = None
        """Done, but the agent may have died before it was recorded."""
        self.paid: set[Debt] = set()
        self.revision = 0
        self.was_told = False


class NothingTwice(Checker):
    """What was recorded as paid is not run again; nor is what ended well, by a living agent.

    What `Paid` says is durable. So is what ended well, once its agent has begun another hook: it
    saves its state before. If the agent's process went before that, the hook may run again.
    """

    clause = "H4"

    def __init__(self) -> None:
        super().__init__()
        self._over = Contexts()
        self._payments: dict[str, _Payments] = {}
        self._runners: dict[tuple[str, str], set[str]] = {}
        """The agents that ran this hook of this unit."""

    def _of(self, agent: str) -> _Payments:
        return self._payments.setdefault(agent, _Payments())

    def _hook_began(self, fact: HookBegan) -> None:
        if fact.hook in NO_HOOK or self._over.is_over(fact.context):
            return
        payments = self._of(fact.agent)
        if payments.unsure is not None:
            payments.paid.add(payments.unsure)
            payments.unsure = None
        if fact.hook in AGAIN:
            payments.paid.discard((AGAIN[fact.hook], None))
        debt = debt_of(fact.hook, fact.term)
        if debt in payments.paid and not _is_of_news(fact):
            what = fact.hook if fact.term is None else f"{fact.hook} for term {fact.term}"
            self.broken(fact.at, f"{fact.agent} runs {what} again, which was done")
        if fact.hook == "leader-settings-changed":
            self._check_settings(fact, payments)
        payments.running = fact
        self._runners.setdefault((fact.unit, fact.hook), set()).add(fact.agent)

    def _check_settings(self, fact: HookBegan, payments: _Payments) -> None:
        if fact.reason == "settings" and 0 < fact.target <= payments.revision:
            self.broken(
                fact.at,
                f"{fact.agent} runs {fact.hook} for revision {fact.target}, "
                f"and had seen {payments.revision}",
            )
        if fact.reason == "started" and payments.was_told:
            self.broken(fact.at, f"{fact.agent} runs {fact.hook} as if it had never been told")

    def _hook_ended(self, fact: HookEnded) -> None:
        self._over.end(fact.context)
        payments = self._of(fact.agent)
        running = payments.running
        if running is not None and running.context == fact.context and fact.how == "done":
            payments.unsure = debt_of(running.hook, running.term)

    def _peers_told(self, fact: PeersTold) -> None:
        if not fact.configured:  # because an upgrade that an operator skipped is one, too
            self._of(fact.agent).paid.discard(("config-changed", None))

    def _hook_settled(self, fact: HookSettled) -> None:
        payments = self._of(fact.agent)
        running = payments.running
        if running is not None and running.context == fact.context and fact.how != "done":
            payments.unsure = None  # because what it left pending was refused

    def _agent_is_new_or_gone(self, fact: AgentBegan | AgentEnded) -> None:
        payments = self._of(fact.agent)
        payments.running = payments.unsure = None

    def _was_paid(self, fact: Paid) -> None:
        runners = {fact.agent} if fact.agent else self._runners.get((fact.unit, fact.hook), set())
        if len(runners) != 1:
            return  # because nobody knows whose it is: several ran it, or none, as it is missing
        payments = self._of(*runners)
        debt = debt_of(fact.hook, fact.term)
        if debt is not None:
            payments.paid.add(debt)
        if fact.hook in ("leader-settings-changed", "leader-elected"):
            payments.was_told = True
            payments.revision = max(payments.revision, fact.revision)

    hears: ClassVar[Hears] = {
        HookBegan: _hook_began,
        HookEnded: _hook_ended,
        HookSettled: _hook_settled,
        PeersTold: _peers_told,
        Paid: _was_paid,
        AgentBegan: _agent_is_new_or_gone,
        AgentEnded: _agent_is_new_or_gone,
    }
