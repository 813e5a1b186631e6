"""The controller's machine in a simulated world: its disk, its clock, and one process at a time.

The loop, what answers agents, and the operators' API are the real ones. The store is a model, on a
disk that survives the process and, if it is `ModelDisk`, loses what was not synced when the power
fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from tenure.controller.access import OPERATOR
from tenure.controller.api import Api
from tenure.controller.loop import Controller
from tenure.controller.service import Service
from tenure.core.application import Application
from tenure.core.changes import (
    ApplicationPut,
    Change,
    HistoryAdded,
    Holder,
    PinPut,
    SettingsMerged,
)
from tenure.core.effects import Denied, Granted, Offer, Revision
from tenure.core.lease import Lease, LineOffer
from tenure.errors import TenureError
from tenure.simulation.disk import ModelDisk, ModelStore
from tenure.simulation.facts import (
    Answered,
    Asked,
    ControllerBegan,
    ControllerEnded,
    Fact,
    Heard,
    Led,
    Offered,
    Parted,
    Released,
    Revoked,
    ToldRevision,
    Welcomed,
    Wrote,
)
from tenure.simulation.network import Link
from tenure.simulation.peer_charm import PeerCharm
from tenure.simulation.peer_watch import Commits, facts_of, landed, named_in
from tenure.simulation.slowstore import SlowStore
from tenure.stores.base import Store
from tenure.stores.memory import MemoryDisk, MemoryStore
from tenure.testing.time.clock import MachineClock
from tenure.testing.time.loop import Process, VirtualLoop
from tenure.wire.codec import encode
from tenure.wire.messages import (
    Done,
    FromAgent,
    FromController,
    Release,
    Report,
    Verdicts,
    Welcome,
    WriteSettings,
)

Disk = MemoryDisk | ModelDisk

ANSWER_WITHIN = 400.0
"""Seconds after which an operator gives up: the longest that a hand-over may take, and more."""


class WorldView(Protocol):
    """What the host needs of its world."""

    loop: VirtualLoop

    @property
    def peer_charm(self) -> PeerCharm | None: ...

    def tell(self, fact: Fact) -> None: ...

    def note(self, text: str) -> None: ...

    def complain(self, text: str) -> None: ...


class Host:
    """See the module. `grace` and `offer_for` are in seconds of its clock."""

    def __init__(
        self, world: WorldView, disk: Disk, clock: MachineClock, grace: float, offer_for: float,
        loading: float = 0.0,
    ) -> None:  # fmt: skip
        self.world = world
        self.disk = disk
        self.clock = clock
        self.grace = grace
        self.offer_for = offer_for
        self.loading = loading
        """Seconds that it takes to go through all that was loaded; nothing else is done then."""
        self.links: list[Link] = []
        self.process: Process | None = None
        self.controller: Controller | None = None
        self.service: Service | None = None
        self.lives = 0
        self._api: Api | None = None
        self.told = Told(self._pinned_until if world.peer_charm else None)
        self._commits = Commits()
        self._releases: dict[str, set[int]] = {}
        disk.on_durable.append(self._durable)

    # -- what there is

    @property
    def has_hardware(self) -> bool:
        """Whether its disk can lose what was not synced."""
        return isinstance(self.disk, ModelDisk)

    def mend_disk(self) -> None:
        """All is well again with the store's disk."""
        self.disk.full = False
        self.disk.faults.clear()
        self.disk.deliver_late()
        if isinstance(self.disk, ModelDisk):
            self.disk.sync_fails = False

    def applications(self) -> tuple[Application, ...]:
        """All that the controller knows now; none while there is no controller."""
        controller = self.controller
        return tuple(controller.model.known()) if controller else ()

    def application(self, name: str) -> Application | None:
        """What the controller knows of it now."""
        controller = self.controller
        return controller.model.find(name) if controller else None

    # -- a life

    @property
    def alive(self) -> bool:
        """Whether its process runs, or could if it were not stopped."""
        return self.process is not None and not self.process.dead

    @property
    def serves(self) -> bool:
        """Whether it has its seat and decides."""
        return self.alive and self.service is not None

    def start(self) -> None:
        """A new controller process over the same disk."""
        assert not self.alive, "it runs already"
        self.lives += 1
        self.process = self.world.loop.process(f"controller {self.lives}")
        self.process.spawn(self._live(self.process))

    async def _live(self, process: Process) -> None:
        store: Store = SlowStore(_store(self.disk), lambda: process.stall(self.loading))
        service = Service(
            store, self.clock, grace=self.grace, offer_for=self.offer_for, least_duration=0.01,
            observer=self,
        )  # fmt: skip
        controller = service.controller
        try:
            await controller.start()
            self.controller, self.service = controller, service
            self._api = Api(service, "simulated")
            longest = dict(self.told.longest)
            self._tell(ControllerBegan(at=self.world.loop.time(), longest=longest))
            await controller.run()
        except TenureError as fault:
            self.world.note(f"the controller ends: {fault}")
            self._gone(process)
        except Exception as fault:
            self.world.complain(f"the controller fell: {fault!r}")
            self._gone(process)

    def settled(self, now: float, before: Lease | None, after: Lease) -> None:
        """Tell of offers that are taken back before they lapse, and not for a grant."""
        offer = before.offer if before is not None else None
        is_open = offer is not None and after.holder is None and now <= offer.until
        if offer is not None and is_open and not _same_unit(after.offer, offer):
            self._tell(Released(at=self.world.loop.time(), unit=offer.unit))

    def kill(self, *, power: bool = False) -> None:
        """kill -9 or, with `power`, the whole machine at once."""
        if self.process is not None and self.alive:
            self._gone(self.process, power=power)
        elif power and isinstance(self.disk, ModelDisk):
            self.disk.power_loss()

    def _gone(self, process: Process, *, power: bool = False) -> None:
        was_serving = self.service is not None
        process.dead = True
        self.service = self._api = self.controller = None
        if isinstance(self.disk, MemoryDisk):
            self.disk.free_seat()
        elif power:
            self.disk.power_loss()
        else:
            self.disk.crash_process()
        for link in self.links:
            link.controller_gone()
        if was_serving:
            self._tell(ControllerEnded(at=self.world.loop.time()))

    # -- operators

    async def ask(self, method: str, path: str, body: Any = None) -> str:
        """What an operator is answered, as words; as part of the controller's process."""
        assert self._api is not None and self.process is not None
        content = msgspec.json.encode(body) if body is not None else b""
        asking = self.process.spawn(self._ask(self._api, method, path, content))
        asking.add_done_callback(_retrieved)
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        asking.add_done_callback(lambda task: None if done.done() else done.set_result(_word(task)))
        try:
            return await asyncio.wait_for(done, ANSWER_WITHIN)
        except TimeoutError:
            return "no answer"

    async def _ask(self, api: Api, method: str, path: str, content: bytes) -> str:
        try:
            answer = await api.call(OPERATOR, method, path, {}, content)
        except TenureError as fault:
            return f"refused: {fault}"
        return str(getattr(answer, "note", "")) or type(answer).__name__

    # -- Exchange, for the links

    def said(self, link: Link, messages: list[FromController]) -> None:
        at = self.world.loop.time()
        named = named_in(messages) if self.world.peer_charm else ()
        text = encode(messages).decode()
        self._tell(Heard(at=at, unit=link.unit, text=text, named=named))
        for message in messages:
            for fact in self._facts(link, message):
                self._tell(fact)
            if self.world.peer_charm is not None:
                self._tell_all(self._commits.said(at, link.unit, link.instance, message))

    def _facts(self, link: Link, message: FromController) -> list[Fact]:
        at = self.world.loop.time()
        if isinstance(message, Verdicts):
            return [
                Answered(at=at, unit=v.unit, agent=link.instance,
                         term=v.term if isinstance(v, Granted) else None)
                for v in message.verdicts if isinstance(v, Granted | Denied)
            ]  # fmt: skip
        if isinstance(message, Welcome):
            return [
                Welcomed(at=at, unit=welcome.unit, agent=link.instance)
                for welcome in message.units if welcome.refused is None
            ]  # fmt: skip
        if isinstance(message, Offer):
            return [Offered(at=at, unit=message.unit, lasts=self.offer_for / self.clock.rate)]
        if isinstance(message, Revision):
            return [ToldRevision(at=at, unit=message.unit, revision=message.revision)]
        if isinstance(message, Done) and message.id in self._releases.get(link.instance, ()):
            return [Released(at=at, unit=link.unit)]
        return []

    def heard(self, link: Link, messages: list[FromAgent]) -> None:
        for message in messages:
            self._tell_all(self._commits.heard(self.world.loop.time(), link.instance, message))
            if isinstance(message, Release):
                self._releases.setdefault(link.instance, set()).add(message.id)
            elif isinstance(message, WriteSettings):
                self._tell(
                    Asked(at=self.world.loop.time(), unit=message.unit, term=message.term,
                          changes=message.changes)
                )  # fmt: skip
            elif isinstance(message, Report) and not message.eligible:
                self._tell(Released(at=self.world.loop.time(), unit=link.unit))

    def closed(self, link: Link) -> None:
        self._releases.pop(link.instance, None)
        self._tell(Parted(at=self.world.loop.time(), unit=link.unit, agent=link.instance))
        self._tell(Released(at=self.world.loop.time(), unit=link.unit))

    def _tell(self, fact: Fact) -> None:
        self.world.tell(fact)

    def _tell_all(self, facts: list[Fact]) -> None:
        for fact in facts:
            self._tell(fact)

    # -- what the store made durable

    def _durable(self, changes: Sequence[Change]) -> None:
        for fact in self.told.facts(self.world.loop.time(), changes):
            self._tell(fact)

    def _pinned_until(self, pin: PinPut) -> float:
        """The true instant at which the pin ends: by what the controller knows and by what is left
        of it, whichever is sooner."""
        ends = self.world.loop.world_time + pin.left / self.clock.rate
        known = self.application(pin.application)
        until = known.lease.pins.get(pin.reason) if known else None
        return ends if until is None else min(ends, self.clock.when(until))


class Told:
    """Reads facts from what a store makes durable. `pinned_until` makes it tell of pins, and of all
    that charms need."""

    def __init__(self, pinned_until: Callable[[PinPut], float] | None = None) -> None:
        self._pinned_until = pinned_until
        self.holders: dict[str, tuple[int, Holder | None]] = {}
        self.buckets: dict[str, dict[str, str]] = {}
        self.revisions: dict[str, int] = {}
        self.writers: dict[str, str] = {}
        self.longest: dict[str, float] = {}

    def facts(self, at: float, changes: Sequence[Change]) -> list[Fact]:
        """What these changes mean. A write's unit stands in the history entry that follows it."""
        found: list[Fact] = []
        for index, change in enumerate(changes):
            if isinstance(change, ApplicationPut):
                record = change.record
                self.longest[record.name] = record.longest
                before = self.holders.get(record.name)
                self.holders[record.name] = (record.term, record.holder)
                if record.holder and (before is None or before[0] != record.term):
                    found.append(
                        Led(at=at, application=record.name, unit=record.holder.unit,
                            agent=record.holder.instance, term=record.term)
                    )  # fmt: skip
            elif isinstance(change, SettingsMerged):
                found.append(self._wrote(at, change, changes[index + 1]))
            elif isinstance(change, HistoryAdded) and change.kind == "revoked":
                until = at + self.longest.get(change.application, 0.0) * 1.05
                found.append(
                    Revoked(at=at, unit=str(change.unit_from), term=change.term or 0, until=until)
                )
            elif isinstance(change, HistoryAdded) and change.kind == "removed":
                self.buckets[change.application] = {}
                found.append(
                    Wrote(at=at, application=change.application, unit="", term=0, settings={},
                          revision=self.revisions.get(change.application, 0), removed=True)
                )  # fmt: skip
            if self._pinned_until and (fact := facts_of(at, change, self._pinned_until)):
                found.append(fact)
        return [*found, *landed(at, found)]

    def _wrote(self, at: float, change: SettingsMerged, told: Change) -> Wrote:
        assert isinstance(told, HistoryAdded) and told.kind == "settings"
        settings = {**self.buckets.get(change.application, {}), **change.put}
        for key in change.drop:
            settings.pop(key, None)
        self.buckets[change.application] = settings
        self.revisions[change.application] = change.revision
        self.writers[change.application] = str(told.unit_to)
        return Wrote(
            at=at, application=change.application, revision=change.revision,
            unit=str(told.unit_to), term=told.term or 0, settings=settings,
        )  # fmt: skip


def _store(disk: Disk) -> Store:
    return MemoryStore(disk) if isinstance(disk, MemoryDisk) else ModelStore(disk)


def _same_unit(one: LineOffer | None, other: LineOffer) -> bool:
    return one is not None and one.unit == other.unit


def _word(task: asyncio.Future[str]) -> str:
    return "no answer" if task.cancelled() or task.exception() else task.result()


def _retrieved(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()  # because nobody may be waiting any more, and that is no fault
