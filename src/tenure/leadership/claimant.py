"""How one unit seeks, keeps and loses leadership: the shell around its belief (`core/tracker.py`).

The order of each move is the safety argument, and all moves are here:

| move | in this order |
|---|---|
| a new term is believed | saved with its term, looked at once more, believed (H5, U1) |
| the same term for longer | saved beside the loop, believed at once (U1) |
| a grant cannot be saved in time | given back, not believed: others may have more luck (G11) |
| belief ends | believed no more, then saved: ending a belief never waits for a disk (U1, U5) |
| stepping down | promise nothing, forget the term durably, wait out promises, release (U4, L5) |

What a hook is, this file does not know: who holds a promise is a name, and whether what a
deposition owes is over is told by the caller of `release_if_due`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from tenure.clock import Clock
from tenure.core import localstate
from tenure.core.effects import Denied, Offer, Revoked, StepDown, Verdict
from tenure.core.localstate import LocalState
from tenure.core.tracker import Grant, LeaderReply, Loss, Standing, Tracker
from tenure.errors import TenureError
from tenure.leadership.connection import Connection
from tenure.leadership.observer import Observer
from tenure.leadership.patience import Waiting, waiting
from tenure.leadership.record import SAVE_AGAIN, Record
from tenure.leadership.requests import Requests
from tenure.wire.messages import Claim, Release, UnitHello, UnitWelcome

LEAST_WAIT = 0.001
"""Seconds. A wait for less than a clock can show would be begun again and again."""


class LeadershipUnknown(TenureError):
    """Whether the unit leads cannot be said now (T3)."""

    code = "leadership-unknown"


class Identity(Struct, frozen=True, kw_only=True):
    """Who claims: a unit, the random id in its state folder, and this boot of its machine (L9)."""

    unit: str
    instance: str
    boot_id: str


class Claimant:
    """One unit's leadership. `say` takes lines for people, `wake` has the loop turn soon."""

    def __init__(
        self,
        identity: Identity,
        record: Record,
        connection: Connection,
        requests: Requests,
        *,
        clock: Clock,
        rng: random.Random,
        say: Callable[[str, str], None],
        wake: Callable[[], None],
        observer: Observer,
    ) -> None:
        state = record.state
        self.tracker = Tracker(
            identity.unit, remembered=state.term, sure_until=state.sure_until,
            seen_term=state.seen_term,
        )  # fmt: skip
        self.accepted = False
        """The controller accepted this unit's session, in the conversation that goes on."""
        self._identity = identity
        self._record = record
        self._connection = connection
        self._requests = requests
        self._clock = clock
        self._rng = rng
        self._say = say
        self._wake = wake
        self._observer = observer
        self._attempt = 0
        self._refused = ""
        self._given_back = 0
        self._asked_down = False
        self._leads_no_more = False
        self._seeks_no_more = False
        self._waiters: list[asyncio.Future[None]] = []

    # -- the conversation

    def hello(self) -> UnitHello:
        """What the unit says first in every conversation; its session rises (L9)."""
        self._attempt += 1
        state = self._record.state
        return UnitHello(
            unit=self._identity.unit,
            instance=self._identity.instance,
            session=(state.runs << 32) + self._attempt,
            seen_revision=state.seen_revision,
        )

    def welcomed(self, welcome: UnitWelcome) -> bool:
        """The conversation has begun, or was refused for this unit. Whether it was accepted."""
        self.accepted = welcome.refused is None
        if welcome.refused is not None and welcome.refused != self._refused:
            unit = self._identity.unit
            self._say("ERROR", f"the controller refuses {unit}: {welcome.refused}")
        self._refused = welcome.refused or ""
        return self.accepted

    def begin(self) -> None:
        """All that the controller said at the beginning was heard: claim."""
        self.tracker.want_claim(self._clock.now())
        self._changed()

    def disconnected(self) -> None:
        """The connection is gone, and with it any claim under way."""
        self.accepted = False
        if self.tracker.in_flight is not None:
            self.tracker.claim_lost(self._clock.now())
        self._changed()

    def pushed(self, push: object) -> bool:
        """What the controller says unasked; False if it is not about leadership."""
        handle = PUSHES.get(type(push))
        if handle is not None:
            handle(self, push)
        return handle is not None

    def offered(self) -> None:
        """The lease is on offer to this unit (L4)."""
        self.tracker.offered(self._clock.now())

    # -- claims

    def claim(self, now: float) -> Claim | None:
        """The claim that is due, if one is; it counts as sent at `now` (G4)."""
        if not self.accepted or not self.tracker.claim_due(now):
            return None
        if self._seeks_no_more and self.tracker.standing(now) is not Standing.LEADER:
            return None
        term = self.tracker.begin_claim(now)
        return Claim(unit=self._identity.unit, term=term, seen_term=self.tracker.seen_term)

    def want_claim(self) -> None:
        """Claim as soon as may be."""
        self.tracker.want_claim(self._clock.now())
        self._wake()

    def want_claim_this_turn(self) -> None:
        """The same, for who steps the unit: claims are sent at the end of the turn."""
        self.tracker.want_claim(self._clock.now())

    def overdue(self, now: float) -> bool:
        """Whether an answer is so late that the connection must be given up."""
        waits = self._waits()
        return waits is not None and now >= min(waits.silent_at, waits.useless_at)

    def doubts(self, now: float) -> bool:
        """Whether an answer is so late that the controller must be asked for a sign of life."""
        waits = self._waits()
        return waits is not None and now >= waits.doubt_at

    def _waits(self) -> Waiting | None:
        asked = self.tracker.in_flight
        if asked is None:
            return None
        return waiting(asked, self._connection.heard_at, self.tracker.duration)

    def heard(self, verdict: Verdict) -> None:
        """A claim was answered (L2, G4)."""
        now = self._clock.now()
        retry_in = min(1.0, self.tracker.duration / 20) * self._rng.uniform(0.5, 1.0)
        outcome = self.tracker.consider(now, verdict, now + retry_in)
        if isinstance(outcome, Grant):
            self._believe(outcome)
        elif isinstance(outcome, Loss):
            self._lose(outcome.cause)
        if isinstance(verdict, Denied):
            self._asked_down = False
        self._changed()

    def _believe(self, grant: Grant) -> None:
        before = self._record.state
        state = localstate.with_belief(
            self._record.state, grant.term, self._identity.boot_id, grant.sure_until
        )
        if self.tracker.answered and grant.term == self.tracker.term:
            self._record.renew(state)
            self.tracker.extend(grant)
            return
        resumed = grant.term == self._record.state.term
        if not self._record.must_save(state):
            self._give_back(grant, resumed)
            return
        if self._clock.now() >= grant.sure_until:
            self._saved_too_late(grant, resumed, before)
            return
        self._given_back = 0
        self._begin_term(grant, resumed)

    def _begin_term(self, grant: Grant, resumed: bool) -> None:
        self.tracker.become_leader(grant)
        self._say("INFO", f"leader, term {grant.term}" + (" as before" if resumed else ""))
        if self._leads_no_more or (self._asked_down and resumed):
            self.step_down("it was asked to before it took its term up again")
        self._asked_down = False

    def _give_back(self, grant: Grant, resumed: bool) -> None:
        """It cannot be saved, so it is not believed; another unit may have more luck (G11)."""
        wait = SAVE_AGAIN * 2.0 ** min(self._given_back, 3)
        self.tracker.claim_lost(self._clock.now() + wait)
        self._given_back += 1
        if not resumed:
            self._release(grant.term)

    def _saved_too_late(self, grant: Grant, resumed: bool, before: LocalState) -> None:
        """It was not believed, so it owes nothing; what an earlier term owed, it owes still."""
        if resumed:
            self._lose("saving the grant took longer than it was good for")
            return
        self.tracker.lose(self._clock.now())
        self._record.remember(localstate.never_believed(self._record.state, before))
        self._say("WARNING", "saving a grant took longer than it was good for: it is given back")
        self._give_back(grant, resumed)
        self._changed()

    # -- the end of belief

    def end_if_run_out(self, now: float) -> None:
        """The unit's own clock ends its belief, also when it is cut off (U5)."""
        if self.tracker.has_run_out(now):
            self._lose("the lease ran out by this machine's clock")

    def revoked(self, term: int) -> None:
        """An operator took the lease away (L5)."""
        if self.tracker.term == term:
            self._lose("an operator revoked the lease")

    def _lose(self, cause: str) -> None:
        term = self.tracker.term
        self.tracker.lose(self._clock.now())
        self._record.remember(localstate.without_belief(self._record.state))
        if term is not None:
            self._say("INFO", f"no longer leader, term {term}: {cause}")
        self._changed()

    # -- stepping down

    def asked_down(self) -> None:
        """An operator wants another leader (U4)."""
        if not self.step_down("an operator asked for it"):
            self._asked_down = True
            self.tracker.want_claim(self._clock.now())

    def step_down(self, why: str, *, for_good: bool = False) -> bool:
        """Promise nothing from now on; `for_good`: not in a term that is taken up again either.
        Returns whether the unit led."""
        self._leads_no_more = self._leads_no_more or for_good
        now = self._clock.now()  # read once: a lease may end between two readings
        if self.tracker.standing(now) is not Standing.LEADER:
            return False
        self._observer.steps_down(self.tracker.term)
        self.tracker.step_down(now)
        self._record.owe(localstate.without_belief(self._record.state))
        self._say("INFO", f"stepping down: {why}")
        self._changed()
        return True

    def seek_no_more(self) -> None:
        """The agent ends: keep a lease that is held, seek none."""
        self._seeks_no_more = True

    def release_if_due(self, now: float, *, hooks_over: bool) -> None:
        """Forget durably first, then give the lease up (L5). `hooks_over`: nothing that a
        deposition owes is still to be run (U4)."""
        if not self.tracker.may_release(now, hooks_are_over=hooks_over):
            return
        if not self._record.settle():
            return
        term = self.tracker.term
        assert term is not None
        self.tracker.lose(now)
        self._say("INFO", f"released the lease, term {term}")
        self._changed()
        self._release(term)

    def _release(self, term: int) -> None:
        unit = self._identity.unit
        self._requests.ask(lambda number: Release(id=number, unit=unit, term=term))

    # -- who asks

    async def leads(self, asker: str, within: float, is_over: Callable[[], bool]) -> bool:
        """Whether the unit leads: True is a promise to `asker` (G3, U2). Nothing latches (U3).

        Waits `within` seconds at most. Raises LeadershipUnknown, also once the asker `is_over`.
        """
        give_up_at = self._clock.now() + within
        while True:
            now = self._clock.now()
            if is_over():
                raise LeadershipUnknown("the hook has ended")
            reply = self.tracker.ask(now)
            if reply is LeaderReply.YES:
                self.tracker.promise(asker, now)
            if reply in (LeaderReply.YES, LeaderReply.NO):
                return reply is LeaderReply.YES
            if now >= give_up_at:
                raise LeadershipUnknown(self.why_unreachable())
            waits = reply is LeaderReply.WAIT
            until = give_up_at if waits else min(give_up_at, self.tracker.sure_until)
            self.want_claim()
            await self.wait(until - now)

    def is_sure(self) -> bool:
        """G3: looked at again just before True is said."""
        return self.tracker.is_sure(self._clock.now())

    def promise(self, asker: str, term: int | None) -> bool:
        """Promise the guarantee in this term, if it is in hand at this instant (G3, H2)."""
        now = self._clock.now()
        if self.tracker.term != term or not self.tracker.is_sure(now):
            return False
        self.tracker.promise(asker, now)
        return True

    def asker_ended(self, asker: str) -> None:
        """What was promised to it is void: a helper that outlives its hook has no promise (G3)."""
        self.tracker.context_ended(asker)

    async def believed_term(self, within: float) -> int | None:
        """The term that the unit believes in now; None if in none.

        Waits for the answer to its first claim, `within` seconds at most. Raises LeadershipUnknown.
        """
        give_up_at = self._clock.now() + within
        while not self.tracker.answered:
            left = give_up_at - self._clock.now()
            if left <= 0:
                raise LeadershipUnknown(self.why_unreachable())
            self.want_claim()
            await self.wait(left)
        return self.tracker.term if self.tracker.believes(self._clock.now()) else None

    async def wait(self, within: float) -> None:
        """Wait until a claim was answered, belief changed, or a conversation began; `within`
        seconds at most, and as many as a timer can tell from none."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(future)
        try:
            async with asyncio.timeout(max(LEAST_WAIT, within)):
                await future
        except TimeoutError:
            return
        finally:
            if future in self._waiters:
                self._waiters.remove(future)

    def _changed(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._wake()

    def why_unreachable(self) -> str:
        """Why the controller does not answer, for people."""
        if self._refused:
            return self._refused
        if not self._connection.ready:
            return self._connection.cause
        return "the controller did not answer in time"

    # -- when to look again

    def next_wake(self, now: float) -> tuple[float, ...]:
        """The instants at which time alone changes something; past ones may be among them."""
        at = self.tracker.next_wake(now)
        return (*(() if at is None else (at,)), *(self._waits() or ()))


PUSHES: dict[type, Callable[[Claimant, Any], object]] = {
    Offer: lambda claimant, push: claimant.offered(),
    StepDown: lambda claimant, push: claimant.asked_down(),
    Revoked: lambda claimant, push: claimant.revoked(push.term),
}
"""What each push about leadership does."""
