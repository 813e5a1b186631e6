"""leader-settings-changed: that minions are told what they are owed.

**What ran counts from its beginning.** A hook that had begun before its unit was elected tells
nothing about having been deposed since. So beginnings are numbered. One that began while its unit
still led was a deposition's (U4), or `LeaderNotTold` says so.

**Operators skip failed hooks** (H7), and no fact tells of that: a debt whose last hook failed, of a
unit that is not in error, is taken for skipped.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from tenure.names import application_of
from tenure.simulation.checkers.common import Contexts, End, Hears
from tenure.simulation.facts import (
    AgentBegan,
    AgentEnded,
    Believed,
    BucketAtEnd,
    Doubted,
    Fact,
    Healed,
    HookBegan,
    HookEnded,
    Paid,
    UnitAtEnd,
    WriteBegan,
    Wrote,
)
from tenure.simulation.judge import Checker

SETTINGS = "leader-settings-changed"
ELECTED = "leader-elected"


class _Agent(Struct):
    """One agent, through all of its lives. The numbers count facts, the instants are true time."""

    unit: str
    is_alive: bool = True
    began_at: float = float("-inf")
    term: int | None = None
    led: int = -1
    """The number of its last beginning to lead; -1: it never led."""
    ended_at: float = float("-inf")
    """When it last ceased to lead."""
    running: HookBegan | None = None
    running_number: int = -1
    told: int = -1
    """The number of the beginning of the last hook that ended well."""
    target: int = 0
    is_failing: bool = False


class ToldMinions(Checker):
    """A quiet minion has run leader-settings-changed since it last led, or ever if it never did,
    and for the last revision that another unit wrote."""

    clause = "H3"

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._over = Contexts()
        self._agents: dict[str, _Agent] = {}
        self._writes: dict[str, list[Wrote]] = {}
        self._last_call: dict[str, float] = {}
        self._buckets: dict[str, BucketAtEnd] = {}
        self._has_it: set[str] = set()
        """The applications whose charm has the hook: without, it is paid and never runs (H6)."""
        self._has_targets = False
        self._sees_belief = False
        self._end = End()
        self._at_end: list[UnitAtEnd] = []

    def _of(self, unit: str, agent: str) -> _Agent:
        self._count += 1
        return self._agents.setdefault(agent, _Agent(unit))

    # -- lives and belief

    def _agent_began(self, fact: AgentBegan) -> None:
        agent = self._of(fact.unit, fact.agent)
        self._forget_life(agent, fact.at)
        agent.is_alive, agent.began_at = True, fact.at

    def _agent_ended(self, fact: AgentEnded) -> None:
        agent = self._of(fact.unit, fact.agent)
        self._forget_life(agent, fact.at)
        agent.is_alive = False

    def _forget_life(self, agent: _Agent, at: float) -> None:
        if agent.term is not None:
            agent.ended_at = at
        agent.term = agent.running = None

    def _believed(self, fact: Believed) -> None:
        agent = self._of(fact.unit, fact.agent)
        self._sees_belief = True
        if agent.term != fact.term:
            self._leads(agent)
            agent.term = fact.term

    def _leads(self, agent: _Agent) -> None:
        agent.led = self._count
        agent.is_failing = False

    def _doubted(self, fact: Doubted) -> None:
        agent = self._of(fact.unit, fact.agent)
        if agent.term == fact.term:
            agent.term, agent.ended_at = None, fact.at

    # -- hooks

    def _hook_began(self, fact: HookBegan) -> None:
        agent = self._of(fact.unit, fact.agent)
        if self._over.is_over(fact.context):
            return
        agent.running, agent.running_number = fact, self._count
        self._has_targets |= fact.target > 0
        if fact.hook == ELECTED and agent.term is None:
            self._leads(agent)  # because where belief is not seen, this is the first sign of it
            agent.ended_at = fact.at
        elif fact.hook == SETTINGS:
            self._has_it.add(application_of(fact.unit))

    def _hook_ended(self, fact: HookEnded) -> None:
        self._over.end(fact.context)
        agent = self._of(fact.unit, fact.agent)
        hook = agent.running
        if hook is None or hook.context != fact.context:
            return
        agent.running = None
        if hook.hook == SETTINGS and fact.how == "done":
            agent.told = agent.running_number
            agent.target = max(agent.target, hook.target)
            agent.is_failing = False
        elif hook.hook == SETTINGS and fact.how == "failed":
            agent.is_failing = True

    def _was_paid(self, fact: Paid) -> None:
        for name, agent in self._agents.items():
            if fact.agent in ("", name) and agent.unit == fact.unit and fact.hook == SETTINGS:
                agent.target = max(agent.target, fact.revision)

    # -- the bucket

    def _wrote(self, fact: Wrote) -> None:
        if not fact.removed:
            self._writes.setdefault(fact.application, []).append(fact)

    def _write_began(self, fact: WriteBegan) -> None:
        self._last_call[application_of(fact.unit)] = fact.at

    # -- in the end

    def _note_end(self, fact: Fact) -> None:
        if isinstance(fact, Healed):
            self._end.hear(fact)
        elif isinstance(fact, BucketAtEnd):
            self._buckets[fact.application] = fact
        elif isinstance(fact, UnitAtEnd):
            self._at_end.append(fact)

    def close(self) -> None:
        """Who is a minion now has been told."""
        for fact in self._at_end:
            if fact.quiet and not fact.leads and not fact.in_error:
                self._check(fact, self._end.judged_before(fact.at))

    def _check(self, fact: UnitAtEnd, before: float) -> None:
        agents = [a for a in self._agents.values() if a.unit == fact.unit and a.is_alive]
        # because where belief is not seen, nobody knows how long ago it ended
        if not self._sees_belief and not self._end.is_after_healing(fact.at):
            return
        if any(agent.is_failing for agent in agents):
            return
        if all(max(a.began_at, a.ended_at) <= before for a in agents):
            self._check_deposition(fact, agents)
            self._check_revision(fact, agents, before)

    def _check_deposition(self, fact: UnitAtEnd, agents: list[_Agent]) -> None:
        if application_of(fact.unit) not in self._has_it or not agents:
            return
        if not any(agent.told > agent.led for agent in agents):
            led = any(agent.led >= 0 for agent in agents)
            what = f"never ran {SETTINGS}" + (" since it led" if led else "")
            self.broken(fact.at, f"{fact.unit} is a minion, and {what}")

    def _check_revision(self, fact: UnitAtEnd, agents: list[_Agent], before: float) -> None:
        last = self._last_of_others(fact, before)
        if fact.seen_revision < last:
            self.broken(fact.at, f"{fact.unit} has seen revision {fact.seen_revision}, not {last}")
        elif self._has_targets and not any(agent.target >= last for agent in agents):
            self.broken(fact.at, f"{fact.unit} never ran {SETTINGS} for revision {last}")

    def _last_of_others(self, fact: UnitAtEnd, before: float) -> int:
        """The last revision that another unit wrote, and that this one must have been told of."""
        application = application_of(fact.unit)
        for wrote in reversed(self._writes.get(application, ())):
            if wrote.unit != fact.unit and wrote.at <= before:
                return wrote.revision
        bucket = self._buckets.get(application)
        if application in self._writes or bucket is None or not fact.seen_revision:
            return 0  # because a run that sees no store may not see what its units have seen
        is_others = bucket.last_writer not in (None, fact.unit)
        is_old = self._last_call.get(application, float("-inf")) <= before
        return bucket.revision if is_others and is_old else 0

    hears: ClassVar[Hears] = {
        AgentBegan: _agent_began,
        AgentEnded: _agent_ended,
        Believed: _believed,
        Doubted: _doubted,
        HookBegan: _hook_began,
        HookEnded: _hook_ended,
        Paid: _was_paid,
        Wrote: _wrote,
        WriteBegan: _write_began,
        Healed: _note_end,
        BucketAtEnd: _note_end,
        UnitAtEnd: _note_end,
    }
