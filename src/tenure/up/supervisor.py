"""A running `tenure up`: a controller, an agent for each unit, and whoever stops them.

In order: the controller; what was asked for (application, units, lease); the stream of events; the
agents. From then on the controller's status says which units there are and what they run, so that
`tenure deploy` or `tenure add-unit` from another terminal starts agents here.

Everything stops together, so nobody hands over: there is nobody to hand to. The first signal stops
it, the second kills it at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from msgspec import Struct

from tenure.client.operator import Operator
from tenure.client.transport import UnixHttp
from tenure.clock import Clock
from tenure.errors import TenureError, Unreachable
from tenure.statefolder import StateFolder
from tenure.up import commands
from tenure.up.agents import Agents
from tenure.up.caretaker import Caretaker
from tenure.up.child import Child
from tenure.up.closing import close_all
from tenure.up.events import RETRY, events
from tenure.up.lock import UpLock
from tenure.up.opening import carry_out
from tenure.up.orphans import Orphans
from tenure.up.plan import Plan
from tenure.up.restarter import Restarter
from tenure.up.screen import Screen
from tenure.uprecord import UpRecord
from tenure.wire.operators import CharmStatus, Event, Status

START_FOR = 60.0
"""Seconds until a controller that is not ready counts as failed."""

UNSURE_RETRY = 1.0
"""Seconds between two looks while the controller is unsure: no event may come when it is not."""

INIT = 1
"""The process to which orphans go: `up` itself, where it is all that a container runs."""

NEW_ADDRESSES = "--new-addresses"
"""Said to the first controller of an `up` only: one that is started again keeps them."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class CannotOpen(TenureError):
    """`up` cannot begin; what was started is ended again."""


class CommandLines(Struct, frozen=True):
    """How the processes are started; tests have others."""

    controller: Callable[[StateFolder, bool], list[str]] = commands.controller_argv
    agent: Callable[[StateFolder, UpRecord, str, CharmStatus], list[str]] = commands.agent_argv


class Supervisor:
    """One run of `tenure up`. Belongs to one event loop; `run` is called once."""

    def __init__(
        self,
        plan: Plan,
        lock: UpLock,
        screen: Screen,
        clock: Clock,
        *,
        on_planned: Callable[[], None] | None = None,
        on_ready: Callable[[], None] | None = None,
        command_lines: CommandLines | None = None,
    ) -> None:
        self._plan = plan
        self._folder = plan.folder
        self._lock = lock
        self._screen = screen
        self._clock = clock
        self._on_planned = on_planned
        self._on_ready = on_ready
        self._command_lines = command_lines or CommandLines()
        self._operator = Operator(UnixHttp(plan.folder.controller_socket))
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._changed = asyncio.Event()
        self._followed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._fault: BaseException | None = None
        self._first_controller: Child | None = None
        self._controller: Restarter | None = None
        self._agents: Agents | None = None
        self._caretaker = Caretaker(plan.folder, lock, self._operator)

    async def run(self) -> None:
        """Start everything, keep it running, and end it when a signal says so.

        Raises TenureError if it could not begin; all that was started has ended then.
        """
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # because `nohup` means it
            loop.add_signal_handler(number, self._on_signal)
        orphans = Orphans(self._running)
        if os.getpid() == INIT:
            orphans.begin()
        self._spawn(self._open())
        try:
            await self._stop.wait()
        finally:
            await self._close()
        if self._fault is not None:
            raise self._fault

    # -- beginning

    async def _open(self) -> None:
        record = self._folder.read()
        child = await self._start_first(must_exist=record is not None and record.store_created)
        status, record = await self._reconcile(record, child)
        if self._on_planned is not None:
            self._on_planned()
        self._controller = self._restarter(
            "controller", lambda: self._start_controller(must_exist=True), _always
        )
        self._spawn(self._controller.keep(child))
        self._screen.begin(self._folder, status)
        connected = asyncio.Event()
        self._spawn(self._listen(connected))
        await connected.wait()
        await self._caretaker.clean()
        await self._run_agents(record)
        self._spawn(self._caretaker.run())

    async def _start_first(self, *, must_exist: bool) -> Child:
        child = self._first_controller = self._start_controller(
            must_exist=must_exist, new_addresses=self._plan.new_addresses
        )
        try:
            ready = await asyncio.wait_for(asyncio.shield(child.ready), START_FOR)
        except TimeoutError:
            raise CannotOpen(
                f"the controller is not ready after {START_FOR:.0f} s: "
                f"see {self._folder.controller_log}"
            ) from None
        if not ready:
            raise await self._no_controller(child)
        return child

    async def _reconcile(self, record: UpRecord | None, child: Child) -> tuple[Status, UpRecord]:
        try:
            return await carry_out(self._plan, record, self._operator)
        except Unreachable:
            if child.ended.done():
                raise await self._no_controller(child) from None
            raise

    async def _no_controller(self, child: Child) -> CannotOpen:
        await asyncio.shield(child.ended)
        return CannotOpen(f"the controller ended: {child.last_words() or child.how_it_ended()}")

    async def _run_agents(self, record: UpRecord) -> None:
        def start(unit: str, charm: CharmStatus) -> Child:
            argv = self._command_lines.agent(self._folder, record, unit, charm)
            return Child.start(argv, self._folder.agent_log(unit))

        self._agents = Agents(
            start,
            look=self._look,
            make_restarter=self._restarter,
            spawn=self._spawn,
        )
        self._spawn(self._follow(self._agents))
        await self._followed.wait()
        if self._on_ready is not None:
            await self._agents.started()
            self._on_ready()

    # -- while all is up

    async def _listen(self, connected: asyncio.Event) -> None:
        while True:
            with suppress(Unreachable):
                async for event in events(self._folder.controller_socket):
                    connected.set()
                    if event is not None:
                        self._caretaker.heard(event)
                    if event is None or _changes_units(event):
                        self._changed.set()
                    if event is not None:
                        self._screen.event(event)
            await asyncio.sleep(RETRY)

    async def _follow(self, agents: Agents) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), self._screen.every)
            is_due = self._changed.is_set()
            self._changed.clear()
            seen = await agents.follow()
            if seen is not None:
                self._followed.set()
            if seen is None or not seen.is_sure:
                self._changed.set()
                await asyncio.sleep(RETRY if seen is None else UNSURE_RETRY)
            elif is_due:
                self._caretaker.wake()

    async def _look(self) -> Status | None:
        try:
            status = await asyncio.to_thread(self._operator.status)
        except TenureError:
            return None
        self._screen.status(status)
        return status

    # -- processes

    def _start_controller(self, *, must_exist: bool, new_addresses: bool = False) -> Child:
        argv = self._command_lines.controller(self._folder, must_exist)
        if new_addresses:
            argv = [*argv, NEW_ADDRESSES]
        return Child.start(argv, self._folder.controller_log)

    def _restarter(
        self, what: str, start: Callable[[], Child], is_wanted: Callable[[], Awaitable[bool]]
    ) -> Restarter:
        return Restarter(
            what,
            start,
            say=self._screen.say,
            clock=self._clock,
            restart=self._plan.restart,
            is_wanted=is_wanted,
        )

    def _controller_child(self) -> Child | None:
        return self._controller.child if self._controller else self._first_controller

    def _agent_children(self) -> list[Child]:
        return self._agents.children() if self._agents else []

    def _running(self) -> set[int]:
        """The pids of all that was started here and is awaited."""
        known = [self._controller_child(), self._first_controller, *self._agent_children()]
        return {child.pid for child in known if child is not None and not child.ended.done()}

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._fault = self._fault or fault
            self._stop.set()

    # -- ending

    def _on_signal(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
        else:
            self._screen.say("stopping; a second time kills at once")
            self._stop.set()

    async def _close(self) -> None:
        self._lock.stopping()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await close_all(self._agent_children(), self._controller_child(), self._hurry)
        self._folder.leave()


def _changes_units(event: Event) -> bool:
    """Whether there may be other units now, or something for them to run."""
    return event.kind.startswith("unit-") or event.kind in ("created", "charm", "removed")


async def _always() -> bool:
    return True
