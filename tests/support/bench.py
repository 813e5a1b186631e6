"""A controller's loop on a bench: its clock stands still, and it turns when the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tenure.controller.inputs import Input
from tenure.controller.service import Service
from tenure.core.changes import HistoryAdded
from tenure.core.effects import Granted, Push
from tenure.core.lease import Lease
from tenure.names import application_of
from tenure.stores.memory import MemoryDisk
from tenure.testing.time.clock import HandClock
from tenure.testing.time.waiting import settle
from tests.support.stage import CountingStore


class Recorded(Service):
    """A service that remembers what leaves the loop."""

    def __init__(self, store: CountingStore, clock: HandClock) -> None:
        super().__init__(store, clock)
        self.heard: list[Push] = []
        self.told: list[HistoryAdded] = []

    def pushed(self, push: Push) -> None:
        self.heard.append(push)
        super().pushed(push)

    def happened(self, entry: HistoryAdded) -> None:
        self.told.append(entry)
        super().happened(entry)


class Busy:
    """Something that takes so many seconds of the clock whenever it is done."""

    def __init__(self, clock: HandClock, seconds: float = 0.0) -> None:
        self.times = 0
        self._clock, self._seconds = clock, seconds

    def __call__(self) -> None:
        self.times += 1
        self._clock.at += self._seconds


class LoopBench:
    """See the module. `heard` are the pushes, `told` the history, as they leave the loop."""

    def __init__(self, disk: MemoryDisk | None = None, clock: HandClock | None = None) -> None:
        self.disk = disk or MemoryDisk()
        self.clock = clock or HandClock()
        self.store = CountingStore(self.disk)
        self.service = Recorded(self.store, self.clock)
        self.heard, self.told = self.service.heard, self.service.told
        self.controller, self.model = self.service.controller, self.service.model
        self.loading = Busy(self.clock)
        self._sessions = 0
        self.signs: list[Callable[[], None]] = []
        """What an agent that is well does while time passes, for each that is connected."""

    @classmethod
    async def with_applications(
        cls, *names: str, units: int = 2, connected: bool = True
    ) -> LoopBench:
        """A seated controller that has these applications; most often all units are connected."""
        bench = cls()
        await bench.controller.start()
        for name in names:
            bench.create(name, units)
        await bench.turn()
        if connected:
            bench.connect_all()
        return bench

    def create(self, name: str, units: int) -> None:
        """An application of so many units, after the next turn."""
        applications = self.model.applications
        self.give(name, lambda now: applications.create(now, name, 60.0, 30.0))
        for _ in range(units):
            self.give(name, lambda now: applications.add_unit(name))

    async def restarted(self, after: float = 0.0, loading: float = 0.0) -> LoopBench:
        """The controller is killed, and another takes its seat; nobody is connected yet. To go
        through what it loads takes it `loading` seconds each time."""
        self.disk.free_seat()
        self.clock.at += after
        bench = LoopBench(self.disk, self.clock)
        bench.loading = bench.store.reading = Busy(self.clock, loading)
        await bench.controller.start()
        return bench

    def connect_all(self) -> None:
        """Every unit has a session."""
        for application in self.model.known():
            for unit in application.units:
                self.connect(unit)

    def connect(self, unit: str, instance: str = "one") -> None:
        self._sessions += 1
        self.model.leases.connect(self.clock.at, unit, instance, self._sessions)

    # -- asking

    def give(self, application: str | None, step: Callable[[float], Any]) -> list[Any]:
        """Submit something; the list will hold its one answer."""
        answers: list[Any] = []
        self.controller.submit(Input(application, step, answers.append))
        return answers

    def claim(self, unit: str, term: int | None = None) -> list[Any]:
        leases = self.model.leases
        return self.give(application_of(unit), lambda now: leases.claim(now, unit, term))

    def write(self, unit: str, term: int, **changes: str) -> list[Any]:
        leases = self.model.leases
        return self.give(application_of(unit), lambda now: leases.write(now, unit, term, changes))

    def read(self, unit: str) -> list[Any]:
        leases = self.model.leases
        return self.give(application_of(unit), lambda now: leases.read(unit))

    async def run(self) -> asyncio.Task[None]:
        """Let it run on its own: the clock follows the loop's time from here on."""

        async def follow() -> None:
            loop, at = asyncio.get_running_loop(), self.clock.at
            began = loop.time()
            while not task.done():
                self.clock.at = at + loop.time() - began
                await asyncio.sleep(0.01)

        task = asyncio.get_running_loop().create_task(self.controller.run())
        self._following = asyncio.get_running_loop().create_task(follow())
        await settle()
        return task

    async def turn(self, later: float = 0.0) -> None:
        """One turn after `later` seconds, and all that follows without time."""
        self.clock.at += later
        self.controller.turn()
        await settle()

    async def pass_time(self, seconds: float) -> None:
        """Turn four times a second for so long."""
        for _ in range(round(seconds * 4)):
            for sign in self.signs:
                sign()
            await self.turn(0.25)

    async def granted(self, unit: str) -> int:
        """Claim a free lease; its term."""
        answers = self.claim(unit)
        await self.turn()
        assert isinstance(answers[0], Granted), answers
        return answers[0].term

    # -- looking

    def lease(self, name: str) -> Lease:
        return self.model.find(name).lease

    def term_on_disk(self, name: str) -> int:
        return self.disk.persisted().applications[name].term

    def is_told(self, application: str, kind: str) -> bool:
        return any((e.application, e.kind) == (application, kind) for e in self.told)
