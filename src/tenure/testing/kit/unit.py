"""A unit on a stage, as a test sees it and acts on it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tenure.agent.context.action import ActionRefused, ActionRun
from tenure.agent.execserver import checked_params
from tenure.agent.hooks.process import HookCommand
from tenure.agent.tools import TOOLS
from tenure.charms.hooks import ACTIONS, known_hooks
from tenure.core.status import Said
from tenure.errors import Refused, TenureError
from tenure.testing.kit import given
from tenure.testing.kit.engine import Engine
from tenure.testing.kit.errors import KitError
from tenure.testing.kit.halt import Halt
from tenure.testing.kit.halts import BEGIN, END, Hold, When
from tenure.testing.kit.machine import RealMachine, text_of
from tenure.testing.kit.records import Call, HookRuns, Outcome
from tenure.testing.kit.spans import Span, seconds_of
from tenure.wire.exec import WRITTEN, RunAction


class Unit:
    """One unit: `web/0`. What is read is so at this instant; each act says what it waits for."""

    def __init__(self, engine: Engine, machine: RealMachine) -> None:
        self._engine = engine
        self._machine = machine

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    def name(self) -> str:
        """`web/0`"""
        return self._machine.name

    # -- what is so

    @property
    def leads(self) -> bool:
        """Whether it believes to lead, at this very instant, by its own clock (U2)."""
        return self._machine.leads

    @property
    def is_cut_off(self) -> bool:
        """Whether nothing passes between it and the controller."""
        return self._machine.cut_off

    @property
    def status(self) -> Said:
        """What its charm said of it with status-set: `.current` and `.message`."""
        return Said(*self._machine.unit.state.status)

    @property
    def error(self) -> str:
        """`hook failed: "start"`, or "" where none did (H7)."""
        failure = self._machine.unit.state.failure
        return f'hook failed: "{failure.hook}"' if failure else ""

    @property
    def log(self) -> str:
        """Its log, as `tenure log` shows it."""
        return self._machine.log_text()

    @property
    def charm(self) -> Path:
        """The folder that its hooks run in: its own copy of the charm (H9)."""
        return self._machine.folder / "charm"

    @property
    def hooks(self) -> HookRuns:
        """Every run of a hook, in all lives of its agent; `hooks.names` to compare."""
        return self._machine.hooks

    @property
    def calls(self) -> Sequence[Call]:
        """Every call of a hook tool, in order."""
        return self._machine.calls

    def bag(self, endpoint: str) -> dict[str, str]:
        """Its own bag of that peer relation; {} if it takes no part. Raises KitError."""
        return self._engine.bag(self.name, endpoint, self.name)

    # -- what operators do

    def exec(self, *argv: str | os.PathLike[str]) -> Outcome:
        """Run a command in a context of its own, as `tenure exec` does; when nothing else runs."""
        if not argv:
            raise KitError("say what to run, as in unit.exec('leader-get', 'secret')")
        done: Outcome = self._ordered(self._exec(given.words(argv)))
        return done

    async def _exec(self, argv: Sequence[str]) -> Outcome:
        unit = self._free().unit
        context, env = await unit.contexts.open()
        command = HookCommand(
            hook="", argv=tuple(argv), env=env, cwd=str(self.charm), context_id=context.context_id,
        )  # fmt: skip
        try:
            result = await self._machine.runner.start(command).wait()
            ended = await unit.contexts.conclude(context, result)
        finally:
            unit.contexts.close(context)
        out, err = (text_of(each) for each in (result.stdout, result.stderr))
        code = result.exit_code if result.exit_code is not None else 1
        self._engine.tell(f"{self.name} exec: {' '.join(argv)} -> {code}")
        if ended.kind != "done" and code == 0:
            return Outcome(1, out, f"{err}ERROR {ended.detail}\n")
        return Outcome(code, out, err if result.kind == "done" or err else f"{result.detail}\n")

    def run(self, action: str, params: Mapping[str, Any] | None = None) -> Outcome:
        """Run an action to its end, as `tenure run` does. Raises KitError if it cannot be run."""
        params = given.mapping("run()", params, "run('backup', {'full': True})")
        done: Outcome = self._ordered(self._run(action, params))
        return done

    async def _run(self, action: str, params: Mapping[str, Any]) -> Outcome:
        unit = self._free().unit
        try:
            checked = checked_params(
                self.name, unit.parts.charm.facts(), RunAction(name=action, params=params)
            )
            run = ActionRun(action, checked, lambda message: None)
            done = await unit.actions.run(run, must_lead=False)
        except (ActionRefused, TenureError) as refusal:
            raise KitError(str(refusal)) from refusal
        self._engine.tell(f"{self.name} action {action}: {done.status}")
        said = dict(done.results)
        own = {key: value for key, value in said.items() if key not in WRITTEN}
        return Outcome(
            done.exit, str(said.get("stdout", "")), str(said.get("stderr", "")),
            status=done.status, message=done.message, results=own,
        )  # fmt: skip

    def resolve(self, *, retry: bool = True) -> None:
        """Have its failed hook run again at once, or be skipped (H7). The stage settles."""
        self._ordered(self._engine.call("POST", f"/v1/units/{self.name}/resolve", {"retry": retry}))

    def update_status(self) -> None:
        """Have `update-status` be due now. The stage settles."""
        self._ordered(self._update())

    async def _update(self) -> None:
        machine = self._alive()
        machine.unit.schedule.update_at = machine.clock.now()
        machine.agent.wake()
        await self._engine.quiet()

    def remove(self) -> None:
        """It steps down, runs its last hooks and goes (U4). The stage settles."""
        self._ordered(self._engine.call("POST", f"/v1/units/{self.name}/remove", {"force": False}))

    # -- faults

    def kill(self) -> None:
        """kill -9 of its agent; what the warden would end ends with it (H8)."""
        self._act("was killed", self._machine.crash)

    def stop(self) -> None:
        """SIGTERM of its agent: it steps down, and ends (U4). Returns when it has."""
        self._act("is told to stop", self._stopped)

    async def _stopped(self) -> None:
        machine = self._alive()
        machine.agent.stop()
        await self._engine.quiet(lambda: not machine.alive or bool(machine.holds.holding))

    def start(self) -> None:
        """Start its agent again. The stage settles."""
        self._check()
        if self._machine.alive:
            raise KitError(f"the agent of {self.name} runs already: kill() or stop() it first")
        self._engine.tell(f"{self.name} is started")
        self._engine.run(self._started())

    async def _started(self) -> None:
        self._machine.start()
        await self._engine.settle()

    def cut_off(self) -> None:
        """What it and the controller send vanishes from now on, and neither is told."""
        self._check()
        self._engine.tell(f"{self.name} is cut off")
        self._engine.run(self._cut())

    async def _cut(self) -> None:
        self._machine.cut_off = True
        self._machine.line.partition()

    def reconnect(self) -> None:
        """It reaches the controller again, on a new connection. The stage settles."""
        if not self._machine.cut_off:
            raise KitError(f"{self.name} is not cut off: cut_off() does that")
        self._engine.tell(f"{self.name} reaches the controller again")
        self._engine.run(self._healed())

    async def _healed(self) -> None:
        self._machine.cut_off = False
        self._machine.line.heal()
        await self._engine.settle()

    def freeze(self, span: Span) -> None:
        """Its machine is suspended for so long, from now on: pass_time() has it come back."""
        seconds = seconds_of(span)
        if not seconds:
            raise KitError("a machine that is suspended for no time is not suspended: say longer")

        async def frozen() -> None:
            self._alive().freeze(seconds)

        self._act(f"is frozen for {seconds:g} s", frozen)

    # -- halts

    def halt(self, hook: str, tool: str, *, when: When = "before", nth: int = 1) -> Halt:
        """Hold the hook when it calls that tool, or at its "begin" or "end". `nth` counts calls of
        the tool in all runs of the hook from now on."""
        self._check()
        given.number("nth", nth, 1, 10_000)
        if when not in ("before", "after"):
            raise KitError("a halt is when='before' or 'after' a call")
        given.known("tool", tool, {*TOOLS, BEGIN, END})
        self._check_hook(hook)
        if tool in (BEGIN, END) and when != "before":
            raise KitError(f"{tool!r} is one instant: leave when= out")
        hold = Hold(hook, tool, when, nth)
        self._machine.holds.add(hold)
        return Halt(self._engine, self._machine, hold)

    # -- helpers

    def _check(self) -> None:
        """Raises KitError if the stage cannot be run now, or the unit is not there any more."""
        self._engine.check()
        self._check_there()

    def _check_there(self) -> None:
        if self.name not in self._engine.persisted().units:
            raise KitError(f"{self.name} was removed: add_unit() makes another")

    def _check_hook(self, hook: str) -> None:
        facts = self._machine.files.facts()
        if hook:  # "" is what `exec` runs
            given.known(
                "hook", hook, {*known_hooks(facts), *(f"{ACTIONS}/{a}" for a in facts.actions)}
            )

    def _alive(self) -> RealMachine:
        self._check_there()
        if not self._machine.alive:
            raise KitError(f"the agent of {self.name} does not run: start() it first")
        if self._machine.frozen:
            raise KitError(f"{self.name} is frozen: pass_time() until it goes on")
        return self._machine

    def _free(self) -> RealMachine:
        machine = self._alive()
        if held := machine.holds.holding:
            raise KitError(
                f"{self.name} runs {held[0].hook or 'a command'}, which is held: nothing else runs "
                "there until go_on()"
            )
        return machine

    def _act(self, said: str, act: Any) -> None:
        self._check()
        self._alive()
        self._engine.tell(f"{self.name} {said}")
        self._engine.run(act())

    def _ordered(self, doing: Any) -> Any:
        try:
            self._check()
        except KitError:
            doing.close()
            raise
        return self._engine.run(self._done_and_settled(doing))

    async def _done_and_settled(self, doing: Any) -> Any:
        asked = asyncio.ensure_future(doing)
        try:
            if owing := await self._engine.within(asyncio.wait([asked])):
                asked.cancel()
                raise KitError(
                    f"{self.name} does not come to it in 10 minutes: {owing}: see the story"
                )
            answer = asked.result()
        except Refused as refusal:
            raise refusal if isinstance(refusal, KitError) else KitError(str(refusal)) from refusal
        await self._engine.settle()
        return answer
