"""A controller in small: the shell around the core, without sockets, stores or tasks.

It keeps the order that makes the core safe: step, persist, only then answer; and an agent
(`agents`) reads its clock, then asks. Everything that the real shells leave to luck (how late, how
often, in which order) is left to `world.World`, which owns the true time and the network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from tenure.core import application
from tenure.core.application import Application
from tenure.core.changes import HistoryAdded
from tenure.core.leases import Leases
from tenure.core.model import Model
from tenure.core.orders import Orders
from tenure.core.staging import Batch
from tenure.errors import InstanceRefused, Refused
from tenure.stores.memory import Tables
from tenure.testing.time.clock import MachineClock

APP = "web"


Answer = tuple[Callable[[Any], None], Any, Any]
"""Who hears it, what is said when the commit is durable, and what if it is not."""


class WorldView(Protocol):
    """What a controller needs of its world."""

    duration: float
    offer_for: float

    def time(self) -> float: ...

    def after(self, delay: float, do: Callable[[], None]) -> None: ...

    def push(self, push: Any) -> None: ...

    def never_revoked(self, term: int) -> None: ...


class Controller:
    """One seat's life after another. `fate` says how the next commit ends; `kept` is what its store
    holds."""

    def __init__(self, world: WorldView, clock: MachineClock, kept: Tables, grace: float) -> None:
        self.world, self.clock, self.kept, self.grace = world, clock, kept, grace
        self.fate = "ok"
        self.commit_takes = 0.0
        self.lives = 0
        self.leases: Leases | None = None
        self.flying: Batch | None = None
        self._held: list[Answer] = []
        self._later: list[Answer] = []
        self.start()

    def now(self) -> float:
        """The instant on its own clock."""
        return self.clock.now()

    def start(self) -> None:
        """Take the seat and load."""
        self.lives += 1
        self.flying, self._held, self._later = None, [], []
        model = Model(offer_for=self.world.offer_for, least_duration=0.5)
        model.begin(self.now(), [self._restored()])
        self.leases, self.orders = model.leases, model.orders

    def _restored(self) -> Application:
        """What it makes of what is kept (L8)."""
        found = application.restored(self.kept.persisted())[APP]
        return application.extended_from(found, self.now(), self.grace)

    def crash(self, *, landed: bool) -> None:
        """Gone at once; the commit under way landed or did not."""
        assert self.leases is not None
        if self.flying is not None and landed:
            self.kept.apply(self.flying.changes)
        elif self.flying is not None:
            self._undone(self.flying)
        self._undone(self.leases.staging.gathering)
        self.leases = None
        self.lives += 1

    def lease(self) -> Any:
        """The lease as decided now."""
        assert self.leases is not None
        return self.leases.staging.applications[APP].lease

    def wake_at(self) -> float | None:
        """The true instant at which it must look again."""
        wake = None if self.leases is None else self.leases.next_wake()
        return None if wake is None else self.clock.when(wake) + 1e-7

    def turn(
        self, step: Callable[[Leases, float], list[Answer]], unsure: Sequence[Answer] = ()
    ) -> None:
        """Let time pass, take one input, persist, answer; `unsure` is said while it is unsure."""
        if self.leases is None:
            return
        self.leases.tick(self.now(), self.world.time())
        answers = list(unsure) if self.leases.unsure else step(self.leases, self.now())
        pushes, self.leases.pushes = self.leases.pushes, []
        for _, push in pushes:
            answers.append((self.world.push, push, None))
        self._answer(answers)

    def _answer(self, answers: list[Answer]) -> None:
        assert self.leases is not None
        if self.leases.staging.gathering.changes:
            self._later += answers
        elif self.flying is not None:
            self._held += answers
        else:
            _say(answers)
        self._commit()

    def _commit(self) -> None:
        batch = self.leases.staging.take() if self.leases and not self.flying else None
        if batch is None:
            return
        self.flying, self._held, self._later = batch, self._later, []
        life, fate, self.fate = self.lives, self.fate, "ok"
        self.world.after(self.commit_takes, lambda: self._carried_out(life, fate))

    def _carried_out(self, life: int, fate: str) -> None:
        if life != self.lives or self.flying is None or self.leases is None:
            return
        batch, held, self._held = self.flying, self._held, []
        if fate == "ok":
            self.flying = None
            self.kept.apply(batch.changes)
            _say(held)
            self._commit()
            return
        younger = self.leases.staging.take()
        lost = held + self._later
        self._later = []
        self._undone(younger)
        if fate != "landed":
            self._undone(batch)
        if fate == "refused":
            self.flying = None
            self.leases.roll_back([batch, *([younger] if younger else [])])
        else:
            self._unsure(life, batch, younger, landed=fate == "landed")
        _say([(hear, fallback, fallback) for hear, _, fallback in lost])

    def _unsure(self, life: int, batch: Batch, younger: Batch | None, *, landed: bool) -> None:
        assert self.leases is not None
        if younger is not None:
            self.leases.roll_back([younger])
        self.leases.unsure[APP] = "the disk is gone"
        if landed:
            self.kept.apply(batch.changes)
        self.flying = Batch()  # nothing more can come of it, and nothing is sent before the reload
        self.world.after(self.world.duration * 0.05, lambda: self._reload(life))

    def _undone(self, batch: Batch | None) -> None:
        """What never happened revoked nothing either."""
        for change in batch.changes if batch else ():
            if isinstance(change, HistoryAdded) and change.kind == "revoked":
                self.world.never_revoked(change.term or 0)

    def _reload(self, life: int) -> None:
        if life == self.lives and self.leases is not None:
            self.flying = None
            self.leases.reload([APP], {APP: self._restored()})


def _say(answers: Sequence[Answer]) -> None:
    for hear, said, _ in answers:
        hear(said)


def connect(leases: Leases, now: float, unit: str, instance: str, session: int) -> str | None:
    """Why the unit's session is refused, if it is (L9)."""
    try:
        leases.connect(now, unit, instance, session)
    except InstanceRefused as refusal:
        return str(refusal)
    return None


def order(controller: Controller, give: Callable[[Orders, float], object]) -> bool:
    """Whether an operator's order was taken."""
    taken = False

    def step(leases: Leases, now: float) -> list[Answer]:
        nonlocal taken
        with suppress(Refused):
            give(controller.orders, now)
            taken = True
        return []

    controller.turn(step)
    return taken
