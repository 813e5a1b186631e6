"""A whole small world in virtual time: a store, a controller, and machines with an agent each.

All of it is the real thing but the store's disk, the network and the hooks. After every look of
`until` and in every slice of `pass_time` at most one unit believes (G1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from tenure.controller.access import OPERATOR
from tenure.controller.api import Api
from tenure.controller.loop import Controller
from tenure.controller.service import Service
from tenure.core.changes import Change, Persisted
from tenure.core.lease import Lease
from tenure.errors import StoreRefused, TenureError
from tenure.stores.base import Seat
from tenure.stores.memory import MemoryDisk, MemoryStore
from tenure.testing.charm import ALL_HOOKS
from tenure.testing.lines import Line
from tenure.testing.loading import slow_to_read
from tenure.testing.machine import Machine
from tenure.testing.time.clock import MachineClock
from tenure.testing.time.loop import Process, new_process
from tenure.testing.time.waiting import PATIENCE, settle

APP = "web"


class CountingStore(MemoryStore):
    """A memory store that remembers its commits, and whose commits a test can hold up."""

    def __init__(self, disk: MemoryDisk) -> None:
        super().__init__(disk)
        self.commits: list[Sequence[Change]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.seat_refused = False
        """No seat can be taken now: the disk is full."""
        self.reading: Callable[[], None] = lambda: None
        """Called whenever somebody goes through all units that were loaded: that takes time."""

    async def take_seat(self) -> Seat:
        if self.seat_refused:
            raise StoreRefused("cannot take the seat: no space left on device")
        return await super().take_seat()

    async def load(self, seat: Seat) -> Persisted:
        return slow_to_read(await super().load(seat), self.reading)

    async def commit(self, seat: Seat, changes: Sequence[Change]) -> None:
        self.commits.append(changes)
        await self.open.wait()
        await super().commit(seat, changes)


class Stage:
    """See the module."""

    def __init__(self, folder: Path, hidden: Path | None = None) -> None:
        self.folder = folder
        self.hidden = hidden
        """Where the controller says that its store is."""
        self.disk = MemoryDisk()
        self.clock = MachineClock(asyncio.get_running_loop(), 5000.0)
        self.machines: list[Machine] = []
        self.controller: Controller | None = None
        self.service: Service | None = None
        self.store: CountingStore | None = None
        self.deciding: asyncio.Task[None] | None = None
        self.process: Process | None = None
        """The controller's, of the present life or the last one."""

    @classmethod
    async def open(
        cls, folder: Path, *, units: int = 2, duration: float = 60.0, guarantee: float = 30.0,
        hooks: tuple[str, ...] = ALL_HOOKS, charm: Mapping[str, Any] | None = None,
        hidden: Path | None = None,
    ) -> Stage:  # fmt: skip
        """A controller with one application, and a machine, not started yet, for each unit."""
        stage = cls(folder, hidden)
        await stage.start_controller()
        lease = {"name": APP, "duration": duration, "guarantee": guarantee}
        await stage.post("/v1/applications", {**lease, **({"charm": charm} if charm else {})})
        for number in range(units):
            await stage.post(f"/v1/applications/{APP}/units")
            stage.add_machine(f"{APP}/{number}", hooks)
        return stage

    def add_machine(
        self, unit: str, hooks: tuple[str, ...] = ALL_HOOKS, instance: str | None = None
    ) -> Machine:
        """A machine for a unit; its clock shows anything, and runs a little fast or slow."""
        number = len(self.machines)
        machine = Machine(
            unit, self.folder, Line(lambda: self.service), hooks=hooks, instance=instance,
            offset=100_000.0 * (number + 1), rate=(1.0, 0.996, 1.004)[number % 3],
        )  # fmt: skip
        self.machines.append(machine)
        return machine

    # -- the controller

    async def start_controller(self) -> None:
        """A controller over the same disk."""
        self.store = CountingStore(self.disk)
        service = Service(self.store, self.clock, hidden=self.hidden)
        await service.controller.start()
        self.controller, self.service = service.controller, service
        self.process = new_process("controller")
        self.deciding = self.process.spawn(service.controller.run())

    async def kill_controller(self) -> None:
        """kill -9."""
        assert self.process is not None and self.deciding is not None
        self.process.kill()
        self.deciding.cancel()
        self.controller, self.service = None, None
        self.disk.free_seat()
        for machine in self.machines:
            machine.line.cut()
        await settle()

    @property
    def lease(self) -> Lease:
        assert self.controller is not None
        return self.controller.model.find(APP).lease

    @property
    def holder(self) -> str | None:
        return self.lease.holder.unit if self.lease.holder else None

    # -- operators

    async def call(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """What an operator is answered, as plain values. Raises TenureError."""
        assert self.service is not None
        content = msgspec.json.encode(body) if body is not None else b""
        answer = await Api(self.service, "memory").call(OPERATOR, method, path, query, content)
        return msgspec.to_builtins(answer)

    async def get(self, path: str, **query: str) -> Any:
        return await self.call("GET", path, None, **query)

    async def post(self, path: str, body: Any = None) -> Any:
        return await self.call("POST", path, body)

    def ask(self, path: str, body: Any = None) -> asyncio.Task[Any]:
        """An operator asks and waits; the task's result is the answer or the TenureError."""

        async def asking() -> Any:
            try:
                return await self.post(path, body)
            except TenureError as fault:
                return fault

        return asyncio.get_running_loop().create_task(asking())

    # -- time

    def check(self) -> None:
        """G1: never more than one."""
        believers = [m.name for m in self.machines if m.leads]
        assert len(believers) <= 1, f"G1: {believers} believe at once"

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, looking often."""
        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 1e-9:
            await asyncio.sleep(min(left, 0.25))
            self.check()
        await settle()

    async def until(
        self, is_so: Callable[[], object], what: str = "", within: float = PATIENCE
    ) -> float:
        """Wait until it is so; the virtual seconds that it took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.check()
        while not is_so():
            assert loop.time() - began <= within, f"not within {within:g} s: {what}"
            await asyncio.sleep(0.01)
            self.check()
        return loop.time() - began

    # -- beginnings that many tests share

    async def led(self, *, quiet: bool = True) -> tuple[Machine, ...]:
        """Every agent started, the first unit leads, and all first hooks have run."""
        first, *others = self.machines
        first.start()
        await self.until(lambda: first.leads, "the first unit leads")
        for other in others:
            other.start()
        if quiet:
            for machine in self.machines:
                await self.until(partial(_has_started, machine), "the first hooks ran")
        return tuple(self.machines)


def _has_started(machine: Machine) -> bool:
    return machine.count("start") == 1
