"""The controller's one loop: take input, step the core, persist, only then answer.

The order is the safety argument (L7). An input is stepped at once, in memory. If what it is about
is *dirty* - decided but not durable yet - its answer waits in the batch that carries the decision,
whether it made that decision itself or only saw it. Answers about clean applications leave at the
end of the turn: so renewals never wait for a disk that is busy with other applications.

One commit is under way at a time; what is decided meanwhile gathers into the next one (group
commit). When a commit fails there are two cases (G7):
- *Refused*: surely nothing happened. The batch, and the one gathering behind it, are rolled back;
  nobody heard of them.
- *Unsure*: the seat is taken anew, which settles what happened, and the applications of that batch
  are reloaded. Until then they get "unsure"; all others are renewed as before (L8).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from tenure.clock import Clock
from tenure.core.application import Application, restored
from tenure.core.changes import HistoryAdded
from tenure.core.effects import Offer, Push
from tenure.core.leases import OFFER_FOR, Leases
from tenure.core.orders import MIN_DURATION, Orders
from tenure.core.staging import Batch
from tenure.errors import SeatLost, SeatTaken, StoreRefused, TenureError, Unsure
from tenure.stores.base import Seat, Store

HEARTBEAT = 0.25
"""Seconds. The loop turns at least this often, to notice that it was stalled (L8)."""

STALLED = 1.0
REMEMBERED = 10.0
"""Seconds for which a refused commit is given as a reason why something does not come to pass."""
RECONNECT_GRACE = 15.0

Answer = Callable[[Any], None]
"""Takes what a step returned, or the TenureError that it raised or that its commit met."""


class Input:
    """Something to step: about which application or applications, how, and who hears of it."""

    __slots__ = ("answer", "applications", "step")

    def __init__(
        self,
        application: str | tuple[str, ...] | None,
        step: Callable[[float], Any],
        answer: Answer,
    ) -> None:
        named = (application,) if isinstance(application, str) else application
        self.applications: tuple[str, ...] = named or ()
        self.step = step
        self.answer = answer


class Waiting:
    """A batch with the answers that must not leave before it is durable."""

    def __init__(self, batch: Batch, answers: list[tuple[Answer, Any]]) -> None:
        self.batch = batch
        self.answers = answers


class Controller:
    """A seated controller. `grace` and `least_duration` are lower in tests only (L1, L8)."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        grace: float = RECONNECT_GRACE,
        offer_for: float = OFFER_FOR,
        least_duration: float = MIN_DURATION,
        on_push: Callable[[Push], None] = lambda push: None,
        on_turn: Callable[[], None] = lambda: None,
        on_history: Callable[[HistoryAdded], None] = lambda entry: None,
        on_reload: Callable[[Iterable[str]], None] = lambda names: None,
        on_roll_back: Callable[[Iterable[str]], None] = lambda names: None,
    ) -> None:
        self.clock = clock
        self.store = store
        self.grace = grace
        self.leases = Leases(offer_for=offer_for)
        self.orders = Orders(self.leases, least_duration=least_duration)
        self.charms = self.orders.charms
        self.seat = Seat(0)
        self.trouble: str | None = None
        """Why nothing can be written now, if so."""
        self._refused: tuple[float, str] | None = None
        self.on_push = on_push
        self.on_turn = on_turn
        self.on_history = on_history
        self.on_reload = on_reload
        self.on_roll_back = on_roll_back
        self._inbox: list[Input] = []
        self._woken = asyncio.Event()
        self._held: list[tuple[Answer, Any]] = []
        self._committing: Waiting | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._rest_until = float("-inf")
        self._turned_at = clock.now()
        self._fatal: TenureError | None = None

    async def start(self) -> None:
        """Take the seat and load (L8). Raises SeatTaken, StoreUnusable, StoreRefused."""
        self.seat = await self.store.take_seat()
        loaded = await self._load()
        self._turned_at = self.clock.now()
        self.leases.ledger.applications.update(loaded)
        for application in loaded.values():
            self.leases.schedule(application)
            if application.lease.pins:
                self.leases.save_pins_from(self._turned_at)

    async def _load(self) -> dict[str, Application]:
        persisted = await self.store.load(self.seat)
        now = self.clock.now()
        return {name: restored(persisted, name, now, self.grace) for name in persisted.applications}

    def submit(self, given: Input) -> None:
        """Give the loop something to step; its answer comes through `given.answer`."""
        self._inbox.append(given)
        self._woken.set()

    def wake(self) -> None:
        """Turn soon: something changed outside of any input."""
        self._woken.set()

    def cannot_write(self) -> str | None:
        """Why nothing can be written now, as far as is known: or could not a moment ago."""
        if self._refused is not None and self.clock.now() - self._refused[0] < REMEMBERED:
            return self.trouble or self._refused[1]
        return self.trouble

    def is_dirty(self, application: str) -> bool:
        """Whether something about it is decided but not durable yet, or its outcome unknown."""
        committing = self._committing
        return (
            application in self.leases.unsure
            or application in self.leases.ledger.gathering.before
            or (committing is not None and application in committing.batch.before)
        )

    async def ask(self, application: str | None, step: Callable[[float], Any]) -> Any:
        """Step something and wait for its durable answer. Raises what it raised (G7)."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def answer(result: Any) -> None:
            if not future.done():
                future.set_result(result)

        self.submit(Input(application, step, answer))
        result = await future
        if isinstance(result, TenureError):
            raise result
        return result

    async def run(self) -> None:
        """Turn until cancelled. Raises SeatLost when the seat is another's: decide nothing then."""
        while self._fatal is None:
            self.turn()
            if not self._inbox:
                await self._sleep()
            else:
                await asyncio.sleep(0)
        raise self._fatal

    async def _sleep(self) -> None:
        now = self.clock.now()
        wake = self.leases.next_wake()
        delay = HEARTBEAT if wake is None or self._is_resting(now) else wake - now + 1e-6
        timer = asyncio.get_running_loop().call_later(
            max(0.0, min(delay, HEARTBEAT)), self._woken.set
        )
        await self._woken.wait()
        timer.cancel()
        self._woken.clear()

    # -- one turn

    def turn(self) -> None:
        """Input, step, persist, answer: all that has come in, at one instant."""
        now = self.clock.now()
        if now - self._turned_at > STALLED:
            self.leases.lengthen(now - self._turned_at)
        self._turned_at = now
        if not self._is_resting(now):
            self.leases.tick(now, self.clock.wall())
            self._hold_pushes()
        inputs, self._inbox = self._inbox, []
        for given in inputs:
            self._step(now, given)
        if self.trouble is not None:
            self._refuse_gathered(StoreRefused(f"nothing can be written now: {self.trouble}"))
        elif self._committing is None and not self._is_resting(now):
            self._commit()
        self.on_turn()

    def _is_resting(self, now: float) -> bool:
        return self.trouble is not None or now < self._rest_until

    def _step(self, now: float, given: Input) -> None:
        result: Any
        for name in given.applications:
            if name in self.leases.unsure:
                given.answer(Unsure(self.leases.unsure[name]))
                return
        try:
            result = given.step(now)
        except TenureError as refusal:
            result = refusal
        self._answer(given.applications, given.answer, result)
        if self.leases.pushes:
            self._hold_pushes()

    def _answer(self, names: tuple[str, ...], answer: Answer, result: Any) -> None:
        gathering, committing = self.leases.ledger.gathering, self._committing
        if any(name in gathering.before for name in names):
            self._held.append((answer, result))
        elif committing is not None and any(name in committing.batch.before for name in names):
            committing.answers.append((answer, result))
        else:
            answer(result)

    def _hold_pushes(self) -> None:
        pushes, self.leases.pushes = self.leases.pushes, []
        for name, push in pushes:
            self._answer((name,), self._push, push)

    def _push(self, push: Any) -> None:
        if isinstance(push, TenureError):
            return
        if not isinstance(push, Offer) or self.leases.tell_offer(self.clock.now(), push.unit):
            self.on_push(push)

    # -- persisting

    def _commit(self) -> None:
        batch = self.leases.ledger.take()
        if batch is None:
            return
        self._committing = Waiting(batch, self._held)
        self._held = []
        self._start(self._carry_out(self._committing))

    def _start(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, waiting: Waiting) -> None:
        try:
            await self._commit_and_tell(waiting)
        except Exception as fault:  # because a loop that decides and never commits is worse
            self._lost_seat(waiting, TenureError(f"internal fault while committing: {fault!r}"))
        self._woken.set()

    async def _commit_and_tell(self, waiting: Waiting) -> None:
        try:
            await self.store.commit(self.seat, waiting.batch.changes)
        except StoreRefused as refusal:
            self._was_refused(waiting, refusal)
        except Unsure as fault:
            await self._was_unsure(waiting, fault)
        except TenureError as fault:
            self._lost_seat(waiting, fault)
        else:
            self._was_committed(waiting)

    def _was_committed(self, waiting: Waiting) -> None:
        self._committing = None
        self._refused = None
        for answer, result in waiting.answers:
            answer(result)
        for change in waiting.batch.changes:
            if isinstance(change, HistoryAdded):
                self.on_history(change)
        self.on_turn()
        if self.trouble is None:
            self._commit()

    def _was_refused(self, waiting: Waiting, refusal: StoreRefused) -> None:
        self._committing = None
        self._refused = (self.clock.now(), str(refusal))
        self._refuse_gathered(refusal)
        self._roll_back(waiting.batch)
        self._rest_until = self.clock.now() + HEARTBEAT
        _answer_all(waiting.answers, refusal)
        self.on_turn()

    def _refuse_gathered(self, refusal: TenureError) -> None:
        batch = self.leases.ledger.take()
        if batch is not None:
            self._roll_back(batch)
        held, self._held = self._held, []
        _answer_all(held, refusal)

    def _roll_back(self, batch: Batch) -> None:
        self.leases.roll_back([batch])
        self.on_roll_back(batch.applications)

    async def _was_unsure(self, waiting: Waiting, fault: Unsure) -> None:
        self._refuse_gathered(StoreRefused(f"not tried, since a write before it failed: {fault}"))
        self.trouble = str(fault)
        names = waiting.batch.applications
        self.leases.unsure.update(dict.fromkeys(names, str(fault)))
        self._committing = None
        _answer_all(waiting.answers, fault)
        self.on_turn()
        delay = 0.05
        while not await self._recovered(names):
            await asyncio.sleep(delay)
            delay = min(delay * 2, 1.0)
        self.trouble = None

    async def _recovered(self, names: Iterable[str]) -> bool:
        """Whether the seat could be taken anew and the unsure applications were reloaded (L8)."""
        try:
            self.seat = await self.store.take_seat()
            loaded = await self._load()
        except (SeatLost, SeatTaken) as lost:
            self._fatal = lost
            return True
        except TenureError as fault:
            self.trouble = str(fault)
            return False
        self.leases.reload(names, loaded)
        self.on_reload(names)
        return True

    def _lost_seat(self, waiting: Waiting, fault: TenureError) -> None:
        self._fatal = fault
        self._committing = None
        _answer_all(waiting.answers, Unsure(str(fault)))
        self._refuse_gathered(StoreRefused(str(fault)))
        self.on_turn()


def _answer_all(answers: Iterable[tuple[Answer, Any]], fault: TenureError) -> None:
    for answer, _ in answers:
        answer(fault)
