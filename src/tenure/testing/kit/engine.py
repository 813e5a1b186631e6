"""What happens on a stage: a controller over a store in memory, and machines, in virtual time.

All of it is the real thing but the store's disk, the agents' disks and the network. Nothing here is
for users: `Stage`, `App` and `Unit` are, and each of their methods runs this loop until it is done.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tenure.agent.hooks import warden as processes
from tenure.agent.hooks.warden_client import Warden
from tenure.agent.host.presence import Presence
from tenure.clock import SystemClock
from tenure.controller.access import OPERATOR
from tenure.controller.api import Api
from tenure.controller.service import Service
from tenure.core import outlook
from tenure.core.changes import Change, HistoryAdded, Persisted
from tenure.errors import TenureError
from tenure.stores.memory import MemoryDisk, MemoryStore
from tenure.testing.kit import charms
from tenure.testing.kit.disturbances import Disturbances
from tenure.testing.kit.errors import Forbidden, KitError, one_line
from tenure.testing.kit.machine import RealMachine, Surroundings
from tenure.testing.kit.story import Story
from tenure.testing.kit.turns import Turns
from tenure.testing.lines import Line
from tenure.testing.time.clock import MachineClock
from tenure.testing.time.loop import START, Process, Stuck, new_process
from tenure.testing.time.real import RealLoop

T = TypeVar("T")

SETTLES_WITHIN = 600.0
"""Virtual seconds in which a stage is to have nothing left to do."""

GONE_WITHIN = 5.0


class Engine:
    """See the module. `folder` is its own alone. With `order` the hook whose turn it is is drawn
    from that number. `patience`: real seconds that a hook may work without asking anything."""

    def __init__(self, folder: Path, order: int, patience: float) -> None:
        self.folder = folder
        self.sockets = Path(tempfile.mkdtemp(prefix="tenure-"))
        """Short, whatever the folder's path is: a socket's may not be long."""
        self.loop = RealLoop()
        self.story = Story()
        self.machines: dict[str, RealMachine] = {}
        self.disk = MemoryDisk()
        self.disk.on_durable.append(self._durable)
        self.service: Service | None = None
        self.disturbances = Disturbances()
        self.closed = False
        self._numbers = 0
        self._never: list[tuple[Callable[[], object], str]] = []
        self._kept: list[asyncio.Task[Any]] = []
        self._quiet: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._looks: list[Callable[[], None]] = []
        self._looking = False
        rng = random.Random(order) if order else None
        self.turns = Turns(self.now, SystemClock(), patience, rng)
        self.loop.patience = self.turns.real_time_left
        self.loop.impatient = self.turns.lose_patience
        self.loop.begin = self._begin_something
        self.loop.after = self._look
        self._clock: MachineClock
        self._process: Process | None = None
        self._deciding: asyncio.Task[None] | None = None
        self._warden = Warden()
        self.run(self._open())

    # -- running

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run the loop until it is done. Raises what it raises; KitError in a running loop."""
        if self.closed:
            coroutine.close()
            raise KitError("the stage is closed: make another")
        if asyncio._get_running_loop() is not None:
            coroutine.close()
            raise KitError(
                "an event loop runs in this thread: write a plain test without `async`, or call "
                "the stage in `asyncio.to_thread`"
            )
        try:
            return self.loop.run_until_complete(coroutine)
        except Stuck as stuck:
            raise KitError(f"{stuck}: see the story") from None

    def now(self) -> float:
        """Virtual seconds since the stage began."""
        return self.loop.world_time - START

    def number(self) -> int:
        """Of what happens now."""
        self._numbers += 1
        return self._numbers

    def tell(self, line: str) -> None:
        """Add a line to the story."""
        self.story.add(self.now(), line)

    async def _open(self) -> None:
        self._clock = MachineClock(self.loop, 5000.0)
        presence = Presence(self.folder / "tools", self.folder / "shims", lambda level, line: None)
        presence.make_folders()
        self._warden.start()
        await self.start_controller()

    # -- the controller

    async def start_controller(self) -> None:
        """A controller over the same store."""
        if self.service is not None:
            raise KitError("the controller runs already")
        service = Service(MemoryStore(self.disk), self._clock)
        await service.controller.start()
        self.service = service
        self._process = new_process("controller")
        self._deciding = self._process.spawn(service.controller.run())

    async def kill_controller(self) -> None:
        """kill -9."""
        if self.service is None or self._process is None or self._deciding is None:
            raise KitError("the controller does not run: start() begins one")
        self._process.kill()
        self._deciding.cancel()
        self.service = None
        self.disk.free_seat()
        for machine in self.machines.values():
            machine.line.cut()
        self.tell("the controller was killed")

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """What an operator is answered, as plain values. Raises TenureError."""
        if self.service is None:
            raise KitError("the controller does not run: controller.start() begins one")
        content = msgspec.json.encode(body) if body is not None else b""
        answer = await Api(self.service, "memory").call(OPERATOR, method, path, {}, content)
        return msgspec.to_builtins(answer)

    async def order(self, method: str, path: str, body: Any = None) -> Any:
        """The same; a refusal is a KitError."""
        try:
            return await self.call(method, path, body)
        except TenureError as refusal:
            raise KitError(str(refusal)) from refusal

    def keep(self, task: asyncio.Task[Any]) -> None:
        """It goes on while the stage runs."""
        self._kept.append(task)

    def body(
        self, charm: str | Path, name: str | None, units: int, config: Mapping[str, object],
        resources: Mapping[str, str | Path], lease: float, guarantee: float,
    ) -> dict[str, Any]:  # fmt: skip
        """What creates an application. Raises KitError."""
        folder = charms.prepared(charm)
        return {
            "name": charms.name_of(folder, name), "duration": lease, "guarantee": guarantee,
            "charm": charms.charm_body(folder, resources), "units": units, "new": True,
            "config": {key: option_text(value) for key, value in config.items()},
        }  # fmt: skip

    def charm_body(self, name: str, charm: str | Path | None) -> dict[str, Any]:
        """What hands a charm in; None: the one that it has. Raises KitError."""
        kept = Path(self.persisted().charms[name].source)
        return charms.charm_body(kept if charm is None else charms.prepared(charm), None)

    def bag(self, name: str, endpoint: str, owner: str) -> dict[str, str]:
        """A bag of a peer relation of that application, or that unit's. Raises KitError."""
        application, now = name.partition("/")[0], self.persisted()
        peers = now.charms[application].peers
        if endpoint not in peers:
            known = ", ".join(sorted(peers)) or "none"
            raise KitError(f"{application} has no peer relation {endpoint!r}: it has {known}")
        found = (bag for bag in now.bags.get(application, ()) if bag.owner == owner)
        bag = next((each for each in found if each.relation == peers[endpoint]), None)
        return {} if bag is None else dict(bag.settings)

    def persisted(self) -> Persisted:
        """What is durable now."""
        return self.disk.persisted()

    def _durable(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if isinstance(change, HistoryAdded):
                who = change.unit_to or change.unit_from or change.application
                term = "" if change.term is None else f" (term {change.term})"
                self.tell(f"{who}: {change.kind}{term}: {change.cause}")

    # -- machines

    def add_machine(self, unit: str) -> RealMachine:
        """A machine for a unit that exists, without an agent yet."""
        line = copy_context().run(Line, lambda: self.service)
        around = Surroundings(
            folder=self.folder, sockets=self.sockets, turns=self.turns,
            warden=self._warden,
            charm_of=self.charm_of, now=self.now, number=self.number, tell=self.tell,
            disturbances=self.disturbances,
        )  # fmt: skip
        machine = self.machines[unit] = RealMachine(unit, line, around)
        return machine

    def charm_of(self, unit: str) -> tuple[str, int]:
        """The folder and the revision of the charm that its application runs."""
        record = self.persisted().charms[unit.partition("/")[0]]
        return record.source, record.revision

    # -- time

    def _begin_something(self) -> bool:
        """Nothing is ready and nobody works: whose turn is it, and who waited for just that?"""
        if self.turns.begin_next():
            return True
        done = [pair for pair in self._quiet if pair[0]()]
        for pair in done:
            self._quiet.remove(pair)
            if not pair[1].done():
                pair[1].set_result(None)
        return bool(done)

    async def quiet(self, is_so: Callable[[], bool] = lambda: True) -> None:
        """Until nothing is ready, nobody works and it is so."""
        future: asyncio.Future[None] = self.loop.create_future()
        pair = is_so, future
        self._quiet.append(pair)
        try:
            await future
        finally:
            if pair in self._quiet:
                self._quiet.remove(pair)

    async def settle(self) -> None:
        """Until no hook is owed and none runs, or one is held. Raises KitError after
        SETTLES_WITHIN."""
        try:
            async with asyncio.timeout(SETTLES_WITHIN):
                await self.quiet(lambda: self.is_held or not self.owing())
        except TimeoutError:
            owing = "; ".join(self.owing())
            raise KitError(f"the stage does not settle in 10 minutes: {owing}") from None

    @property
    def is_held(self) -> bool:
        """Whether some hook is."""
        return any(machine.holds.holding for machine in self.machines.values())

    def owing(self) -> list[str]:
        """Who still has something to do, and what."""
        owes = {name: self._owes(machine) for name, machine in self.machines.items()}
        owing = [f"{name} {why}" for name, why in owes.items() if why]
        return [*owing, *self.disturbances.owing()]

    def _owes(self, machine: RealMachine) -> str:
        if not machine.alive or machine.frozen:
            return ""
        unit, known = machine.unit, machine.unit.snapshot()
        if machine.running is not None:
            return f"runs {machine.running}"
        failure, is_alone = unit.state.failure, machine.cut_off or self.service is None
        if failure and is_alone:
            return ""  # because it may well fail for just that
        if (hook := outlook.owed(unit.state, known)) is not None:
            return f"owes {hook}{f', which failed: {failure.detail}' if failure else ''}"
        if is_alone:
            return ""
        if unit.contexts.is_open:
            return "has a command that runs"
        if not machine.agent.connection.ready:
            return "is not connected yet"
        return "" if outlook.is_settled(unit.state, known) else "waits for the controller"

    async def pass_time(self, seconds: float) -> None:
        """So much time passes; what is due at its end happens."""
        await asyncio.sleep(seconds)
        await self.quiet()

    async def until(self, is_so: Callable[[], object], within: float, what: str) -> None:
        """Time passes until it is so, looked at after each event."""
        future: asyncio.Future[None] = self.loop.create_future()

        def look() -> None:
            if not future.done() and is_so():
                future.set_result(None)

        self._looks.append(look)
        look()
        try:
            async with asyncio.timeout(within):
                await future
        except TimeoutError:
            raise KitError(
                f"{what} did not come to pass within {within:g} s of virtual time"
            ) from None
        finally:
            self._looks.remove(look)

    # -- what must never be

    def forbid(self, condition: Callable[[], object], why: str) -> None:
        """Looked at after each event."""
        self._never.append((condition, why))

    def _look(self) -> None:
        if self._looking:
            return
        self._looking = True
        try:
            believers = [m.name for m in self.machines.values() if m.leads]
            if len(believers) > 1:
                raise Forbidden(
                    f"G1: {' and '.join(believers)} believe to lead at {self.now():.3f}"
                )
            for condition, why in self._never:
                self._check(condition, why)
            for look in list(self._looks):
                look()
        finally:
            self._looking = False

    def _check(self, condition: Callable[[], object], why: str) -> None:
        try:
            so = condition()
        except Exception as fault:
            raise KitError(f"the condition of never({why!r}) raised {one_line(fault)}") from fault
        if so:
            raise Forbidden(f"{why}: so it was at {self.now():.3f} s: see the story")

    # -- the end

    def close(self, *, keep: bool) -> None:
        """End all that runs, what hooks left in the background too; `keep` the folder."""
        if self.closed:
            return
        self.loop.after = lambda: None
        self.loop.begin = lambda: False
        self.loop.patience = lambda: None
        self._never.clear()
        try:
            self.loop.run_until_complete(self._end_all())
        finally:
            self.closed = True
            self._end_processes()
            self.loop.bury()
            self.loop.close()
            shutil.rmtree(self.sockets, ignore_errors=True)
            if not keep:
                shutil.rmtree(self.folder, ignore_errors=True)

    async def _end_all(self) -> None:
        for machine in self.machines.values():
            if machine.alive:
                machine._die()
        if self._process is not None:
            self._process.kill()
        for _ in range(10):
            await asyncio.sleep(0)
        await self._warden.close()

    def _end_processes(self) -> None:
        """Whatever carries a context id of the stage, also in a session of its own."""
        mark = f"JUJU_AGENT_SOCKET_ADDRESS={self.sockets}/".encode()
        clock = SystemClock()
        until = clock.now() + GONE_WITHIN
        while left := [each.pid for each in processes.living() if _carries(each.pid, mark)]:
            for pid in left:
                processes.kill(pid)
            if clock.now() > until:
                raise KitError(f"process {left[0]} of a hook was killed and does not end")


def option_text(value: object) -> str:
    """An option's value as an operator would type it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _carries(pid: int, mark: bytes) -> bool:
    with suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:
        return any(each.startswith(mark) for each in file.read().split(b"\0"))
    return False


def owner_folder(folder: Path) -> None:
    """Make a stage's folder its own. Raises KitError if another stage has it, or had."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.mkdir(folder / "units", 0o700)  # noqa: PTH102
    except FileExistsError:
        raise KitError(f"{folder} is another stage's: give each a folder of its own") from None
    except OSError as fault:
        raise KitError(f"cannot use {folder}: {fault.strerror}: name another folder") from fault
