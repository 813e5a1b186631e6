"""From traces to facts: what was seen, and no more than that.

Every fact must be true whatever the scheduler did between two lines of a trace. So of the two
instants around a call each fact takes the one that accuses nobody wrongly:

- A promise counts from *before* its tool was called, as the tool decided later (G3), and is noted
  *after* that returned. Two of them that overlap in these terms did overlap. That argument needs
  the call to be shorter than the promise; a longer one is left out. But what was called while its
  agent was stopped was decided no sooner than the agent woke: its promise counts from there.
- `leader-elected` begins with a promise that was made shortly before. How shortly is not seen, so a
  bit is taken off, and where the agent was stopped about then it is over as it begins.
- A hook that wrote no last line ended when it wrote its last one, at the earliest; one whose agent
  was killed before its last line did not end well as far as anybody noted.
- A helper shares its hook's context. A promise to it counts only while the hook itself was there to
  see; its reads are not judged, because its hook's calls come between.
- Whether a read is its context's first is known as long as all writes before it were acknowledged.
  After another outcome, reads are left out, unless none had succeeded before.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from tenure.simulation.facts import (
    AgentBegan,
    AgentEnded,
    ControllerBegan,
    ControllerEnded,
    Fact,
    Heard,
    HookBegan,
    HookEnded,
    ReadBegan,
    ReadEnded,
    SaidTrue,
    WriteBegan,
    WriteEnded,
)
from tests.torture.calls import odd_words, outcome_of
from tests.torture.figures import Figures
from tests.torture.watch import CONTROLLER, Life

ELECTED = "leader-elected"
START_TAKES = 0.25
"""Seconds from the promise of `leader-elected` to its first line, on a busy machine."""


@dataclass
class Called:
    """One call of a tool; `answered_at` is None if the caller did not live to hear."""

    name: str
    argv: list[str]
    at: float
    answered_at: float | None = None
    code: int = 0
    out: str = ""
    err: str = ""


@dataclass
class Traced:
    """One process's trace: a hook's or a helper's."""

    pid: int
    parent: int
    instance: str
    env: dict[str, str]
    is_helper: bool
    began_at: float
    last_at: float
    ended: int | None = None
    calls: list[Called] = field(default_factory=list)

    @property
    def unit(self) -> str:
        return self.env["JUJU_UNIT_NAME"]

    @property
    def agent(self) -> str:
        return f"{self.unit} {self.instance[:8]}"

    @property
    def context(self) -> str:
        return self.env["JUJU_CONTEXT_ID"]

    @property
    def hook(self) -> str:
        return self.env["JUJU_HOOK_NAME"]


def read_traces(folder: Path) -> list[Traced]:
    """All processes that wrote at least their first line, in order of it."""
    found = [read_trace(path) for path in folder.glob("*.jsonl")]
    return sorted((each for each in found if each is not None), key=lambda each: each.began_at)


def read_trace(path: Path) -> Traced | None:
    """One process's; a line that was cut short by its death is none."""
    lines = [json.loads(line) for line in path.read_text().split("\n")[:-1]]
    if not lines:
        return None
    first = lines[0]
    traced = Traced(
        pid=first["pid"], parent=first["parent"], instance=first["instance"], env=first["env"],
        is_helper=first["helper"], began_at=first["at"], last_at=lines[-1]["at"],
    )  # fmt: skip
    for number, line in enumerate(lines[1:]):
        _take(traced, line, f"{path.stem}:{number}")
    return traced


def _take(traced: Traced, line: dict[str, Any], name: str) -> None:
    if line["what"] == "call":
        traced.calls.append(Called(name, line["argv"], line["at"]))
    elif line["what"] == "answer":
        called = traced.calls[-1]
        called.answered_at = line["at"]
        called.code, called.out, called.err = line["code"], line["out"], line["err"]
    elif line["what"] == "ended":
        traced.ended = line["code"]


class Reader:
    """The facts of one run, in order of time; and its figures, as far as they are seen here."""

    def __init__(
        self,
        figures: Figures,
        lives: Sequence[Life],
        hook_kills: Sequence[tuple[int, float]],
        guarantee: float,
    ) -> None:
        self._figures = figures
        self._lives = lives
        self._kills = hook_kills
        self._guarantee = guarantee
        self._facts: list[Fact] = []

    def facts(self, traces: Sequence[Traced], more: Sequence[Fact]) -> list[Fact]:
        """`more` are facts that are seen elsewhere."""
        self._read_lives(traces)
        hooks = {each.context: each for each in traces if not each.is_helper}
        for each in traces:
            if each.is_helper:
                self._read_helper(each, hooks.get(each.context))
            else:
                self._read_hook(each)
        self._facts += more
        self._facts.sort(key=lambda fact: fact.at)
        self._count_fail_overs()
        self._figures.facts = len(self._facts)
        return self._facts

    # -- lives

    def _read_lives(self, traces: Sequence[Traced]) -> None:
        self._name_instances(traces)
        for life in self._lives:
            if life.role == CONTROLLER:
                self._facts.append(ControllerBegan(at=life.began_at))
                if life.ended_at is not None:
                    self._facts.append(ControllerEnded(at=life.ended_at))
            else:
                self._read_agent(life)

    def _name_instances(self, traces: Sequence[Traced]) -> None:
        """An agent's hooks know its instance; what ran no hook has that of others of its role."""
        of_role: dict[str, str] = {}
        for each in traces:
            life = None if each.is_helper else self._life_of(each)
            if life is not None:
                life.instance = of_role[life.role] = each.instance
        for life in self._lives:
            life.instance = life.instance or of_role.get(life.role, "")

    def _read_agent(self, life: Life) -> None:
        unit = life.role.rpartition(" ")[2]
        agent = f"{unit} {life.instance[:8]}"
        self._facts.append(AgentBegan(at=life.began_at, unit=unit, agent=agent))
        if life.ended_at is not None:
            stopped = life.asked and life.killed_at is None
            self._facts.append(
                AgentEnded(
                    at=life.ended_at, unit=unit, agent=agent, how="stopped" if stopped else "died"
                )
            )  # fmt: skip

    def _life_of(self, hook: Traced) -> Life | None:
        """The agent that started it."""
        found = [
            life for life in self._lives
            if life.pid == hook.parent and life.began_at <= hook.began_at
        ]  # fmt: skip
        return found[-1] if found else None

    # -- hooks

    def _read_hook(self, hook: Traced) -> None:
        life = self._life_of(hook)
        term = hook.env.get("TENURE_TERM")
        self._facts.append(
            HookBegan(
                at=hook.began_at, unit=hook.unit, agent=hook.agent, context=hook.context,
                hook=hook.hook, term=int(term) if term else None,
                reason=hook.env.get("TENURE_REASON", ""),
            )
        )  # fmt: skip
        self._hear(hook, hook.began_at, "\n".join(f"{k}={v}" for k, v in hook.env.items()))
        if hook.hook == ELECTED:
            awake = self._was_awake(life, hook.began_at)
            lasts = self._guarantee - START_TAKES if awake else 0.0
            self._promise(hook, hook.began_at, hook.began_at + lasts)
        self._read_calls(hook, life, until=hook.last_at)
        self._read_settings(hook)
        how = self._how_it_ended(hook, life)
        self._figures.hooks[how] += 1
        self._facts.append(
            HookEnded(
                at=hook.last_at, unit=hook.unit, agent=hook.agent, context=hook.context,
                hook=hook.hook, how=how,
            )
        )  # fmt: skip

    def _was_awake(self, life: Life | None, at: float) -> bool:
        if life is None or (life.killed_at is not None and at >= life.killed_at):
            return False
        since = at - self._guarantee
        return not any(stop.asked_at <= at and since <= stop.woken_at for stop in life.stops)

    def _how_it_ended(self, hook: Traced, life: Life | None) -> Any:
        """As its agent must have seen it; where that is not sure, it was killed."""
        if hook.ended is None or life is None or self._was_killed(hook):
            return "killed"
        if life.killed_at is not None and hook.last_at >= life.killed_at:
            return "killed"
        return "done" if hook.ended == 0 else "failed"

    def _was_killed(self, hook: Traced) -> bool:
        span = hook.began_at - 1, hook.last_at + 5  # because numbers are given again
        return any(pid == hook.pid and span[0] <= at <= span[1] for pid, at in self._kills)

    def _read_helper(self, helper: Traced, hook: Traced | None) -> None:
        until = hook.last_at if hook is not None else helper.began_at
        self._read_calls(helper, self._life_of(hook) if hook else None, until=until)

    # -- calls

    def _read_calls(self, traced: Traced, life: Life | None, until: float) -> None:
        if life is not None:
            until = min(until, life.killed_at or until, life.ended_at or until)
        for called in traced.calls:
            if called.argv[0] == "leader-set":
                self._read_write(traced, called)
            answered_at = called.answered_at
            if answered_at is None:
                continue
            self._hear(traced, answered_at, called.out + called.err)
            words = odd_words(called.argv[0], called.code, called.err)
            if words is not None:
                self._figures.odd_words[words] += 1
            if called.argv[0] == "is-leader" and called.out == "True\n" and life is not None:
                decided_at = _decided_after(called.at, life)
                if answered_at <= min(until, decided_at + self._guarantee):
                    self._promise(traced, answered_at, decided_at + self._guarantee)

    def _promise(self, traced: Traced, at: float, until: float) -> None:
        self._figures.promises += 1
        self._facts.append(
            SaidTrue(
                at=at, unit=traced.unit, agent=traced.agent, context=traced.context, until=until
            )
        )

    def _hear(self, traced: Traced, at: float, text: str) -> None:
        self._facts.append(Heard(at=at, unit=traced.unit, text=text))

    def _read_write(self, traced: Traced, called: Called) -> None:
        changes = dict(pair.split("=", 1) for pair in called.argv[1:])
        self._facts.append(
            WriteBegan(
                at=called.at, unit=traced.unit, agent=traced.agent, call=called.name,
                changes=changes,
            )
        )  # fmt: skip
        outcome = outcome_of_call(called)
        self._figures.writes[outcome] += 1
        self._facts.append(
            WriteEnded(
                at=called.answered_at or max(called.at, traced.last_at), unit=traced.unit,
                call=called.name, outcome=outcome, said=called.err.strip(),
            )
        )  # fmt: skip

    def _read_settings(self, hook: Traced) -> None:
        """The reads of which it is known whether they asked the controller (T4)."""
        fresh, sure = True, True
        for called in hook.calls:
            if called.argv[0] == "leader-set":
                if outcome_of_call(called) == "done":
                    fresh, sure = True, True
                else:
                    sure = sure and fresh
            elif called.argv[0] == "leader-get" and sure:
                settings = settings_of(called)
                self._read(hook, called, fresh, settings)
                fresh = fresh and settings is None

    def _read(
        self, hook: Traced, called: Called, fresh: bool, settings: dict[str, str] | None
    ) -> None:
        self._figures.reads += settings is not None
        unit, context, call = hook.unit, hook.context, called.name
        self._facts.append(
            ReadBegan(at=called.at, unit=unit, context=context, call=call, fresh=fresh)
        )
        ended_at = called.answered_at or hook.last_at
        self._facts.append(
            ReadEnded(at=ended_at, unit=unit, context=context, call=call, settings=settings)
        )

    def _count_fail_overs(self) -> None:
        units = [fact.unit for fact in self._facts if isinstance(fact, SaidTrue)]
        self._figures.fail_overs = sum(a != b for a, b in pairwise(units))


def _decided_after(called_at: float, life: Life) -> float:
    """What was called while the agent stood still was decided when it woke."""
    within = [stop for stop in life.stops if stop.stopped_at <= called_at <= stop.waking_at]
    return within[0].waking_at if within else called_at


def outcome_of_call(called: Called) -> Any:
    """The outcome of a `leader-set`; unknown if nobody lived to hear it."""
    return "unknown" if called.answered_at is None else outcome_of(called.code, called.err)


def settings_of(called: Called) -> dict[str, str] | None:
    """What a `leader-get --format json -` printed, if it did."""
    if called.answered_at is None or called.code != 0:
        return None
    return dict(json.loads(called.out))
