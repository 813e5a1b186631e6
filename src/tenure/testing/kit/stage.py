"""The stage: applications with a charm's real hooks, on several units, in virtual time."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tenure.testing.kit import given
from tenure.testing.kit.app import App
from tenure.testing.kit.ending import refuse_running_loop
from tenure.testing.kit.engine import Engine
from tenure.testing.kit.errors import KitError
from tenure.testing.kit.spans import Span, seconds_of
from tenure.testing.kit.story import Story

PATIENCE = "10s"
WITHIN = "10m"


class Stage:
    """A small world for tests of charms. `folder` is where its units live: a temporary one, that is
    gone after `close`, unless one is named. With `order` the hook whose turn it is is drawn from
    that number. `patience` is the real time that a hook may work without calling a tool.

    Time is virtual: it stands still while a hook works, and jumps to what is due next when nothing
    does. All methods are plain functions, and each runs the stage until what it says is so.
    """

    def __init__(
        self, folder: str | Path | None = None, *, order: int = 0, patience: Span = PATIENCE
    ) -> None:
        self._temporary = folder is None
        refuse_running_loop()
        seconds = seconds_of(patience)
        given.number("order", order, 0, 2**63)
        place = Path(tempfile.mkdtemp(prefix="tenure-stage-") if folder is None else folder)
        self._engine = Engine(place, order, seconds)
        self._apps: dict[str, App] = {}
        self.controller = ControllerOfStage(self._engine)

    # -- what is there

    @property
    def folder(self) -> Path:
        """Where its units live: their logs and copies of charms."""
        return self._engine.folder

    @property
    def now(self) -> float:
        """Virtual seconds since it began."""
        return self._engine.now()

    @property
    def story(self) -> Story:
        """All that happened, in order: hooks, calls, grants, acts."""
        return self._engine.story

    @property
    def apps(self) -> Mapping[str, App]:
        """By name."""
        return dict(self._apps)

    # -- applications

    def deploy(
        self,
        charm: str | Path,
        name: str | None = None,
        *,
        units: int = 1,
        leader: int = 0,
        config: Mapping[str, object] | None = None,
        resources: Mapping[str, str | Path] | None = None,
        lease: Span = "60s",
        guarantee: Span = "30s",
        settle: bool = True,
    ) -> App:
        """An application of that charm, whose unit `leader` leads first. Returns when nothing is
        owed, or with `settle=False` when its agents were started. Raises KitError, CharmError."""
        self._engine.check()
        given.number("units", units, 1)
        if given.number("leader", leader, 0) >= units:
            raise KitError(f"of {units} units number {leader} cannot lead: they count from 0")
        body = self._engine.body(
            charm, name, units, given.mapping("config", config, "config={'port': 81}"),
            given.mapping("resources", resources, "resources={'image': 'image.tar'}"),
            seconds_of(lease), seconds_of(guarantee),
        )  # fmt: skip
        return self._engine.run(self._deployed(body, leader, settle))

    async def _deployed(self, body: dict[str, Any], leader: int, settle: bool) -> App:
        engine, name = self._engine, body["name"]
        await engine.order("POST", "/v1/applications", body)
        app = self._apps[name] = App(engine, name)
        units = [app.take(f"{name}/{number}") for number in range(body["units"])]
        first = engine.machines[units[leader].name]
        engine.tell(f"{name}: deployed, {len(units)} units")
        first.start()
        await engine.quiet()
        for unit in units:
            if unit is not units[leader]:
                engine.machines[unit.name].start()
        await engine.quiet()
        if settle:
            await engine.settle()
        return app

    # -- time

    def settle(self) -> None:
        """Run until no hook is owed and none runs, or one is held. Raises KitError, naming who owes
        what, if that is not so within 10 virtual minutes."""
        self._engine.run(self._engine.settle())

    def pass_time(self, span: Span) -> None:
        """Have so much time pass; all that is due by then happens."""
        self._engine.run(self._engine.pass_time(seconds_of(span)))

    def until(self, condition: Callable[[], object], within: Span = WITHIN) -> None:
        """Run until it is so, looked at after each event. Raises KitError if it does not come."""
        given.condition("until()", condition)
        seconds = seconds_of(within)
        self._engine.run(self._engine.until(condition, seconds, "what until() waits for"))

    def never(self, condition: Callable[[], object], why: str) -> None:
        """From now on this must not be so; looked at after each event. Whatever runs the stage then
        raises Forbidden."""
        self._engine.check()
        given.condition("never()", condition)
        self._engine.watch.forbid(condition, why)

    # -- the end

    def close(self, *, keep: bool = False) -> None:
        """End all that runs, and what hooks left in the background. The folder goes, if it was made
        for the stage and is not to be kept."""
        self._engine.close(keep=keep or not self._temporary)

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()


def engine_of(stage: Stage) -> Engine:
    """What happens on it."""
    return stage._engine


class ControllerOfStage:
    """The stage's controller."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def kill(self) -> None:
        """kill -9: nobody answers until `start`."""
        self._engine.run(self._engine.kill_controller())

    def start(self) -> None:
        """Another controller over the same store. The stage settles."""
        self._engine.run(self._started())

    async def _started(self) -> None:
        await self._engine.start_controller()
        self._engine.tell("the controller is started")
        await self._engine.settle()
