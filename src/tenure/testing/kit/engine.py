"""What happens on a stage: a controller over a store in memory, and machines, in virtual time.

All of it is the real thing but the store's disk, the agents' disks and the network. Nothing here is
for users: `Stage`, `App` and `Unit` are, and each of their methods runs this loop until it is done.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import ExitStack
from contextvars import copy_context
from pathlib import Path
from typing import Any, TypeVar

import msgspec

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
from tenure.testing.kit.ending import cancel_all, end_processes, own_folder, refuse_running_loop
from tenure.testing.kit.errors import Forbidden, KitError, one_line
from tenure.testing.kit.machine import RealMachine, Surroundings
from tenure.testing.kit.story import Story
from tenure.testing.kit.turns import Turns
from tenure.testing.kit.watch import Watch
from tenure.testing.lines import Line
from tenure.testing.time.clock import MachineClock
from tenure.testing.time.loop import START, Process, Stuck, new_process
from tenure.testing.time.real import RealLoop

T = TypeVar("T")

SETTLES_WITHIN = 600.0
"""Virtual seconds in which a stage is to have nothing left to do."""

ROUNDS = 10
"""In which whatever is cancelled ends."""


class Engine:
    """See the module. `folder` is its own alone. With `order` the hook whose turn it is is drawn
    from that number. `patience`: real seconds that a hook may work without asking anything."""

    def __init__(self, folder: Path, order: int, patience: float) -> None:
        refuse_running_loop()
        own_folder(folder)
        self.folder = folder.resolve()
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
        self.watch = Watch(self.machines, self.now)
        self._calm: list[asyncio.Future[None]] = []
        self._quiet: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        rng = random.Random(order) if order else None
        self.turns = Turns(self.now, SystemClock(), patience, rng)
        self.loop.patience = self.turns.real_time_left
        self.loop.impatient = self.turns.lose_patience
        self.loop.idle = self._is_calm
        self.loop.begin = self._begin_something
        self.loop.after = self.watch.look
        self.loop.set_exception_handler(self._unforeseen)
        self._clock: MachineClock
        self._process: Process | None = None
        self._deciding: asyncio.Task[None] | None = None
        self._warden = Warden()
        try:
            self.run(self._open())
        except BaseException:
            self.close(keep=False)
            raise

    # -- running

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run the loop until it is done. Raises what it raises; KitError in a running loop."""
        try:
            self.check()
        except KitError:
            coroutine.close()
            raise
        task: asyncio.Task[T] = self.loop.create_task(coroutine)
        try:
            self.loop.run_until_complete(task)
            return task.result()
        except Stuck as stuck:
            raise KitError(f"{stuck}: see the story") from None
        finally:
            if not task.done():
                task.cancel()

    def check(self) -> None:
        """Raises KitError if the stage cannot be run now."""
        if self.closed:
            raise KitError("the stage is closed: make another")
        refuse_running_loop(self.loop)

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

    def _unforeseen(self, loop: asyncio.AbstractEventLoop, what: dict[str, Any]) -> None:
        fault = what.get("exception")
        if isinstance(fault, KitError | Forbidden):
            return  # because whoever ran the stage met another before, and heard of that
        said = what.get("message", "") if fault is None else one_line(fault)
        self.watch.fail(Forbidden(f"a part of Tenure itself fell, please report it: {said}"))

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
                if change.kind == "revoked":
                    self.watch.revoked[change.application] = change.term or 0
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
            fail=self.watch.fail,
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

    def _is_calm(self) -> bool:
        calm, self._calm = self._calm, []
        for future in calm:
            if not future.done():
                future.set_result(None)
        return bool(calm)

    async def calm(self) -> None:
        """Until nothing is ready; no time passes, and nothing real is looked at."""
        future: asyncio.Future[None] = self.loop.create_future()
        self._calm.append(future)
        await future

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
        await self.quiet()
        owing = await self.within(self.quiet(lambda: self.is_held or not self.owing()))
        if owing:
            raise KitError(
                f"the stage does not settle in 10 minutes: {owing}: mend that, or deploy with "
                "settle=False and pass_time()"
            )

    async def within(self, doing: Coroutine[Any, Any, Any]) -> str:
        """Do it within SETTLES_WITHIN; if it is not done by then, who still has what to do."""
        try:
            async with asyncio.timeout(SETTLES_WITHIN) as bound:
                await doing
        except TimeoutError:
            if not bound.expired():
                raise
            return "; ".join(self.owing()) or "nobody has anything left to do"
        return ""

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
            return f"owes {hook}{f', which failed: {machine.how_it_failed()}' if failure else ''}"
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
            try:
                if not future.done() and is_so():
                    future.set_result(None)
            except Exception as fault:
                future.set_exception(fault)

        self.watch.looks.append(look)
        look()
        try:
            async with asyncio.timeout(within):
                await future
        except TimeoutError:
            owing = "; ".join(self.owing())
            why = f"then {owing}" if owing else "nobody had anything left to do: see the story"
            raise KitError(
                f"{what} did not come to pass within {within:g} s of virtual time: {why}"
            ) from None
        finally:
            self.watch.looks.remove(look)

    # -- the end

    def close(self, *, keep: bool) -> None:
        """End all that runs, what hooks left in the background too; `keep` the folder."""
        if self.closed:
            return
        refuse_running_loop(self.loop)
        self.closed = True
        self.loop.after = lambda: None
        self.loop.begin = self.loop.idle = lambda: False
        self.loop.patience = lambda: None
        with ExitStack() as last_to_first:  # because each is done whatever becomes of the others
            if not keep:
                last_to_first.callback(shutil.rmtree, self.folder, ignore_errors=True)
            last_to_first.callback(shutil.rmtree, self.sockets, ignore_errors=True)
            last_to_first.callback(end_processes, self.sockets)
            last_to_first.callback(self.loop.close)
            last_to_first.callback(cancel_all, self.loop)
            for machine in self.machines.values():
                last_to_first.callback(machine.close_log)
            last_to_first.callback(self.loop.bury)
            self.loop.run_until_complete(self._end_all())

    async def _end_all(self) -> None:
        for machine in self.machines.values():
            if machine.alive:
                machine._die()
        if self._process is not None:
            self._process.kill()
        for _ in range(ROUNDS):
            await asyncio.sleep(0)
        await self._warden.close()


def option_text(value: object) -> str:
    """An option's value as an operator would type it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
