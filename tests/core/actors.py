"""A controller and agents in small: the shells around the core, without sockets, stores or tasks.

They keep the order that makes the core safe: step, persist, only then answer; read the clock, then
ask. Everything that the real shells leave to luck (how late, how often, in which order) is left to
`world.World`, which owns the true time and the network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tenure.core import application as applications
from tenure.core import resolver
from tenure.core.application import Application, record_of
from tenure.core.changes import (
    ApplicationPut,
    ApplicationRecord,
    Change,
    HistoryAdded,
    Persisted,
    PinDropped,
    PinPut,
    UnitDropped,
    UnitPut,
    UnitRecord,
)
from tenure.core.effects import Offer, Revoked, StepDown, Verdict
from tenure.core.leases import Leases
from tenure.core.ledger import Batch
from tenure.core.orders import Orders
from tenure.core.tracker import Grant, Loss, Reply, Standing, Tracker
from tenure.errors import InstanceRefused, Refused

if TYPE_CHECKING:
    from .world import World

APP = "web"


class LocalClock(Struct, frozen=True):
    """A machine's clock against true time."""

    rate: float = 1.0
    offset: float = 0.0

    def at(self, true: float) -> float:
        """What it shows at a true instant."""
        return self.offset + self.rate * true

    def when(self, shown: float) -> float:
        """The true instant at which it shows this."""
        return (shown - self.offset) / self.rate


class Kept:
    """What a store holds of one application. Changes are applied as they are."""

    def __init__(self, application: Application) -> None:
        self.record: ApplicationRecord = record_of(application)
        self.units: dict[str, UnitRecord] = dict(application.units)
        self.pins: dict[str, float] = {}

    def apply(self, changes: Sequence[Change]) -> None:
        """A commit that landed."""
        for change in changes:
            match change:
                case ApplicationPut(record):
                    self.record = record
                case UnitPut(unit):
                    self.units[unit.unit] = unit
                case UnitDropped(name):
                    self.units.pop(name, None)
                case PinPut(_, reason, left):
                    self.pins[reason] = left
                case PinDropped(_, reason):
                    self.pins.pop(reason, None)

    def application(self, now: float, grace: float) -> Application:
        """What a controller makes of it on start (L8)."""
        kept = Persisted(
            applications={APP: self.record}, units=dict(self.units), pins={APP: dict(self.pins)}
        )
        return applications.restored(kept, APP, now, grace)


Answer = tuple[Callable[[Any], None], Any, Any]
"""Who hears it, what is said when the commit is durable, and what if it is not."""


class Controller:
    """One seat's life after another. `fate` says how the next commit ends."""

    def __init__(self, world: World, clock: LocalClock, kept: Kept, grace: float) -> None:
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
        return self.clock.at(self.world.true)

    def start(self) -> None:
        """Take the seat and load."""
        self.lives += 1
        self.flying, self._held, self._later = None, [], []
        self.leases = Leases(
            [self.kept.application(self.now(), self.grace)], offer_for=self.world.offer_for
        )
        self.orders = Orders(self.leases, least_duration=0.5)

    def crash(self, *, landed: bool) -> None:
        """Gone at once; the commit under way landed or did not."""
        assert self.leases is not None
        if self.flying is not None and landed:
            self.kept.apply(self.flying.changes)
        elif self.flying is not None:
            self._undone(self.flying)
        self._undone(self.leases.ledger.gathering)
        self.leases = None
        self.lives += 1

    def lease(self) -> Any:
        """The lease as decided now."""
        assert self.leases is not None
        return self.leases.ledger.applications[APP].lease

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
        self.leases.tick(self.now(), self.world.true)
        answers = list(unsure) if self.leases.unsure else step(self.leases, self.now())
        pushes, self.leases.pushes = self.leases.pushes, []
        for _, push in pushes:
            answers.append((self.world.push, push, None))
        self._answer(answers)

    def _answer(self, answers: list[Answer]) -> None:
        assert self.leases is not None
        if self.leases.ledger.gathering.changes:
            self._later += answers
        elif self.flying is not None:
            self._held += answers
        else:
            _say(answers)
        self._commit()

    def _commit(self) -> None:
        batch = self.leases.ledger.take() if self.leases and not self.flying else None
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
        younger = self.leases.ledger.take()
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
                self.world.revoked.discard(change.term or 0)

    def _reload(self, life: int) -> None:
        if life == self.lives and self.leases is not None:
            self.flying = None
            self.leases.reload([APP], {APP: self.kept.application(self.now(), self.grace)})


def _say(answers: Sequence[Answer]) -> None:
    for hear, said, _ in answers:
        hear(said)


class Agent:
    """One unit's agent: a tracker, what it keeps on disk, and at most one connection."""

    def __init__(self, world: World, unit: str, instance: str, clock: LocalClock) -> None:
        self.world, self.unit, self.instance, self.clock = world, unit, instance, clock
        self.state = resolver.LocalState(unit=unit)
        self.tracker = Tracker(unit)
        self.sessions = 0
        self.session: int | None = None
        self.connected = False
        self.partitioned = False
        self.up = True
        self.seeks = True
        self.asked_back = False
        self.late = False
        self.losses = 0
        self.paused_until = float("-inf")
        self.delays = (0.0, 0.0)
        self.contexts: set[str] = set()
        self.stepped_at = float("-inf")
        self.connect_at = float("-inf")
        self.last_term = 0

    def now(self) -> float:
        """The instant on its own clock."""
        return self.clock.at(self.world.true)

    def believes(self) -> int | None:
        """The term it believes in at this instant, if it runs at all."""
        return self.tracker.term if self.up and self.tracker.believes(self.now()) else None

    def wake_at(self) -> float | None:
        """The true instant at which it must look again."""
        if not self.up:
            return None
        if self.session is None:
            wake = self.connect_at if self.seeks and not self.partitioned else float("inf")
        else:
            wake = float("inf")
        own = self.tracker.next_wake(self.now())
        claims = self.connected and self.seeks
        if own is not None and (claims or own > self.now() or self.tracker.stepping_down):
            wake = min(wake, self.clock.when(own) + 1e-7)
        if self.tracker.term is not None:
            wake = min(wake, self.clock.when(self.tracker.sure_until) + 1e-7)
        wake = max(wake, self.paused_until, self.stepped_at + self.world.duration / 500)
        return wake if wake < float("inf") else None

    def step(self) -> None:
        """What the shell does whenever it looks: note, release, connect, claim."""
        if not self.up or self.world.true < self.paused_until:
            return
        self.stepped_at = self.world.true
        now = self.now()
        if self.tracker.has_run_out(now):
            self.lose(now)
        if self.tracker.may_release(now, hooks_are_over=not self.contexts):
            term = self.tracker.term
            assert term is not None
            self.lose(now)
            self.world.send_release(self, term)
            self.connected = self.connected and self.seeks
        if self.session is None and self.seeks and not self.partitioned:
            if self.world.true >= self.connect_at:
                self.world.connect(self)
        elif self.connected and self.seeks and self.tracker.claim_due(now):
            self.world.send_claim(self, self.tracker.begin_claim(now))

    def lose(self, now: float) -> None:
        """Belief ends, durably."""
        self.state = resolver.without_belief(self.state)
        self.tracker.lose(now)

    def answered(self, session: int, verdict: Verdict) -> None:
        """An answer came; one of an older connection does not reach the unit."""
        if self.session != session or not self.up:
            return
        now = self.now()
        if not self.late:
            self.step()
        outcome = self.tracker.consider(now, verdict, now + self.world.duration / 20)
        if isinstance(outcome, Grant):
            self._believe(outcome)
        elif isinstance(outcome, Loss):
            self.lose(now)
        self.step()

    def _believe(self, grant: Grant) -> None:
        boot = "boot"
        self.state = resolver.with_belief(self.state, grant.term, boot, grant.sure_until)
        self.last_term = grant.term
        if self.tracker.answered and self.tracker.term == grant.term:
            self.world.check_unbroken(self)
            self.tracker.extend(grant)
        else:
            self.tracker.become_leader(grant)
        if self.asked_back:
            self.step_down()

    def told(self, push: object) -> None:
        """News that nobody asked for; some of it more than once, or late."""
        if not self.up:
            return
        now = self.now()
        match push:
            case Offer():
                self.tracker.want_claim(now)
            case StepDown():
                self.asked_back = self.tracker.standing(now) is Standing.WAITING
                self.step_down()
            case Revoked(term=term) if self.tracker.term == term:
                self.lose(now)
        self.step()

    def step_down(self) -> None:
        """Promise nothing any more, and forget the term, durably (U4, L5)."""
        if self.tracker.standing(self.now()) is Standing.LEADER:
            self.asked_back = False
            self.state = resolver.without_belief(self.state)
            self.tracker.step_down(self.now())

    def ask(self, context: str) -> bool:
        """`is-leader` in a hook context."""
        if not self.up or self.world.true < self.paused_until:
            return False
        now = self.now()
        reply = self.tracker.ask(now)
        if reply is Reply.RENEW:
            self.tracker.want_claim(now)
            self.step()
        if reply is not Reply.YES:
            return False
        self.contexts.add(context)
        self.tracker.promise(context, now)
        return True

    def end_context(self, context: str) -> None:
        """The hook is over."""
        self.contexts.discard(context)
        self.tracker.context_ended(context)

    def disconnected(self) -> None:
        """The connection is gone, and with it the answer to what is under way."""
        self.session, self.connected = None, False
        if self.tracker.in_flight is not None:
            self.tracker.claim_lost(self.now(), self.now())
        self.connect_at = self.world.true + self.world.duration / 50

    def crash(self) -> None:
        """Killed, its hooks with it."""
        self.session, self.connected, self.up = None, False, False
        self.contexts.clear()

    def start(self, *, remembering: bool) -> None:
        """Started again, in the same boot or (not remembering) in another."""
        if not remembering:
            self.state = resolver.without_belief(self.state)
        self.up = self.seeks = True
        self.asked_back = False
        self.tracker = Tracker(
            self.unit, remembered=self.state.term, sure_until=self.state.sure_until,
            seen_term=self.state.seen_term,
        )  # fmt: skip


def connect(leases: Leases, now: float, agent: Agent, session: int) -> str | None:
    """Why the unit's session is refused, if it is (L9)."""
    try:
        leases.connect(now, agent.unit, agent.instance, session)
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
