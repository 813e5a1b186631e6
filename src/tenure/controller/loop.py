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
import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from tenure.clock import Clock
from tenure.controller.audience import Audience
from tenure.controller.inputs import Input, Waiting
from tenure.controller.pending import Pending, answer_all
from tenure.controller.watches import Watches
from tenure.core.application import Application, extended_from, restored
from tenure.core.changes import HistoryAdded
from tenure.core.effects import Offer
from tenure.core.model import Model
from tenure.core.staging import Batch
from tenure.errors import SeatLost, SeatTaken, StoreRefused, TenureError, Unsure
from tenure.stores.base import Seat, Store

HEARTBEAT = 0.25
"""Seconds. The loop turns at least this often, to notice that it was stalled (L8)."""

STALLED = 1.0
REMEMBERED = 10.0
"""Seconds for which a refused commit is given as a reason why something does not come to pass."""
RECONNECT_GRACE = 15.0

_log = logging.getLogger("tenure.controller")

T = TypeVar("T")


class Controller:
    """A seated controller over its model. `grace` is lower in tests only (L8)."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        model: Model,
        audience: Audience,
        *,
        grace: float = RECONNECT_GRACE,
    ) -> None:
        self.clock = clock
        self.store = store
        self.model = model
        self.grace = grace
        self.started = 0.0
        """Wall time, for people: since when it has its seat."""
        self.seat = Seat(0)
        self.trouble: str | None = None
        """Why nothing can be written now, if so."""
        self._refused: tuple[float, str] | None = None
        self._audience = audience
        self._pending = Pending(model)
        self._watches = Watches(clock.now)
        self._inbox: list[Input] = []
        self._woken = asyncio.Event()
        self._offers: dict[str, Offer] = {}
        """What is durable, to be told at the end of the turn, by unit."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._rest_until = float("-inf")
        self._turned_at = clock.now()
        self._fatal: TenureError | None = None

    async def start(self) -> None:
        """Take the seat and load (L8). Raises SeatTaken, StoreUnusable, StoreRefused."""
        self.seat = await self.store.take_seat()
        found = restored(await self.store.load(self.seat))
        # because leases count from here (G9), also while nobody turns yet
        self._turned_at = now = self.clock.now()
        self.started = self.clock.wall()
        self.model.begin(now, [extended_from(each, now, self.grace) for each in found.values()])

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

    async def ask(
        self, application: str | tuple[str, ...] | None, step: Callable[[float], Any]
    ) -> Any:
        """Step something and wait for its durable answer. Raises what it raised (G7)."""
        return await self._answered(application, step, looks=False)

    async def look(
        self, application: str | None, step: Callable[[float], Any], within: float
    ) -> Any:
        """What a step sees of an application, or of all, once it is durable (L8). What is unsure is
        seen, too. Raises what it raised; Unsure if the store does not answer `within` seconds."""
        try:
            async with asyncio.timeout(within):
                return await self._answered(application, step, looks=True)
        except TimeoutError:
            raise Unsure(
                f"the store has not answered for {within:g} s: what was decided last is not "
                "durable yet"
            ) from None

    def durable(self) -> list[Application]:
        """All applications as they were before what is decided and not durable yet."""
        found = {each.name: each for each in self.model.known()} | self._pending.before()
        return [each for each in found.values() if each is not None]

    async def _answered(
        self,
        application: str | tuple[str, ...] | None,
        step: Callable[[float], Any],
        *,
        looks: bool,
    ) -> Any:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def answer(result: Any) -> None:
            if not future.done():
                future.set_result(result)

        given = Input(application, step, answer, looks=looks)
        self.submit(given)
        try:
            result = await future
        finally:
            if future.cancelled():
                self._forget(given)
        if isinstance(result, TenureError):
            raise result
        return result

    def _forget(self, given: Input) -> None:
        """Nobody waits for its answer any more, and that of a look may be large."""
        self._pending.forget(given.answer)
        if given.looks:
            self._inbox = [each for each in self._inbox if each is not given]

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
        wake = self.model.leases.next_wake()
        delay = HEARTBEAT if wake is None or self._is_resting(now) else wake - now + 1e-6
        timer = asyncio.get_running_loop().call_later(
            max(0.0, min(delay, HEARTBEAT)), self._woken.set
        )
        await self._woken.wait()
        timer.cancel()
        self._woken.clear()

    async def until(
        self,
        application: str,
        seen: Callable[[float], T | None],
        patience: float,
        still: Callable[[T, float], bool] = lambda found, now: True,
    ) -> T:
        """Wait until something is seen that is committed, and `still` so by then. Raises Unsure
        after `patience` seconds."""
        watch = self._watches.begin(application, seen, still)
        self.wake()
        try:
            return cast(T, await asyncio.wait_for(watch.done, patience))
        except TimeoutError:
            why = self.cannot_write()
            because = f" ({why})" if why else ""
            raise Unsure(
                f"it did not come to pass within {patience:.0f} s{because}, and still may: "
                f"see `tenure why {application}`"
            ) from None

    def _turned(self) -> None:
        self._audience.turned()
        if self._fatal is None:
            self._watches.look(self._pending.answer, self.model.unsure.__contains__)

    # -- one turn

    def turn(self) -> None:
        """Input, step, persist, answer: all that has come in, at one instant."""
        now = self.clock.now()
        if now - self._turned_at > STALLED:
            self.model.leases.lengthen(now - self._turned_at, self._pending.batch())
        self._turned_at = now
        if not self._is_resting(now):
            self.model.leases.tick(now, self.clock.wall())
            self._hold_pushes()
        inputs, self._inbox = self._inbox, []
        for given in inputs:
            self._step(now, given)
        self._tell_offers()
        if self.trouble is not None:
            self._refuse_gathered(StoreRefused(f"nothing can be written now: {self.trouble}"))
        elif self._pending.committing is None and not self._is_resting(now):
            self._commit()
        self._turned()

    def _is_resting(self, now: float) -> bool:
        return self.trouble is not None or now < self._rest_until

    def _step(self, now: float, given: Input) -> None:
        result: Any
        for name in given.applications:
            if name in self.model.unsure and not given.looks:
                given.answer(Unsure(self.model.unsure[name]))
                return
        try:
            result = given.step(now)
        except TenureError as refusal:
            result = refusal
        except Exception as fault:
            if not given.looks:
                raise  # because what it changed is not known
            _log.exception("internal fault while looking")
            result = TenureError(
                f"internal fault while looking: {fault!r}: see the controller's log"
            )
        everything = given.looks and not given.applications
        names = self._pending.before() if everything else given.applications
        self._pending.answer(names, given.answer, result)
        self._hold_pushes()

    def _hold_pushes(self) -> None:
        for name, push in self.model.take_pushes():
            self._pending.answer((name,), self._push, push)

    def _push(self, push: Any) -> None:
        if isinstance(push, TenureError):
            return
        if isinstance(push, Offer):
            self._offers[push.unit] = push
        else:
            self._audience.pushed(push)

    def _tell_offers(self) -> None:
        # only now, since what was stepped after an offer, in the same turn, may take it back
        offers, self._offers = self._offers, {}
        for unit, offer in offers.items():
            if self.model.leases.tell_offer(self.clock.now(), unit):
                self._audience.pushed(offer)

    # -- persisting

    def _commit(self) -> None:
        waiting = self._pending.take()
        if waiting is not None:
            self._start(self._carry_out(waiting))

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
        self._pending.committing = None
        self._refused = None
        for answer, result in waiting.answers:
            answer(result)
        self._tell_offers()
        for change in waiting.batch.changes:
            if isinstance(change, HistoryAdded):
                self._audience.happened(change)
        self._turned()
        if self.trouble is None:
            self._commit()

    def _was_refused(self, waiting: Waiting, refusal: StoreRefused) -> None:
        self._pending.committing = None
        self._refused = (self.clock.now(), str(refusal))
        self._refuse_gathered(refusal)
        self._roll_back(waiting.batch)
        self._rest_until = self.clock.now() + HEARTBEAT
        answer_all(waiting.answers, refusal)
        self._turned()

    def _refuse_gathered(self, refusal: TenureError) -> None:
        batch = self._pending.refuse(refusal)
        if batch is not None:
            self._roll_back(batch)

    def _roll_back(self, batch: Batch) -> None:
        self.model.leases.roll_back([batch])
        self._audience.rolled_back(batch.applications)

    async def _was_unsure(self, waiting: Waiting, fault: Unsure) -> None:
        self._refuse_gathered(StoreRefused(f"not tried, since a write before it failed: {fault}"))
        self.trouble = str(fault)
        names = waiting.batch.applications
        self.model.doubt(names, str(fault))
        self._pending.committing = None
        answer_all(waiting.answers, fault)
        self._turned()
        delay = 0.05
        while not await self._recovered(names):
            await asyncio.sleep(delay)
            delay = min(delay * 2, 1.0)
        self.trouble = None

    async def _recovered(self, names: Iterable[str]) -> bool:
        """Whether the seat could be taken anew and the unsure applications were reloaded (L8)."""
        try:
            self.seat = await self.store.take_seat()
            found = restored(await self.store.load(self.seat), names)
        except (SeatLost, SeatTaken) as lost:
            self._fatal = lost
            return True
        except TenureError as fault:
            self.trouble = str(fault)
            return False
        now = self.clock.now()
        loaded = {name: extended_from(each, now, self.grace) for name, each in found.items()}
        self.model.leases.reload(names, loaded)
        self._audience.reloaded(names)
        return True

    def _lost_seat(self, waiting: Waiting, fault: TenureError) -> None:
        self._fatal = fault
        self._pending.committing = None
        answer_all(waiting.answers, Unsure(str(fault)))
        self._refuse_gathered(StoreRefused(str(fault)))
        self._turned()
