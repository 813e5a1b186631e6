"""An agent in small: a tracker, what is kept on disk, and at most one connection. See `actors`."""

from __future__ import annotations

from typing import Protocol

from tenure.core import localstate
from tenure.core.effects import Offer, Revoked, StepDown, Verdict
from tenure.core.tracker import Grant, LeaderReply, Loss, Standing, Tracker
from tenure.testing.time.clock import MachineClock


class WorldView(Protocol):
    """What an agent needs of its world."""

    duration: float

    def time(self) -> float: ...

    def connect(self, agent: Agent) -> None: ...

    def send_claim(self, agent: Agent, term: int | None) -> None: ...

    def send_release(self, agent: Agent, term: int) -> None: ...

    def extended(self, agent: Agent) -> None: ...


class Agent:
    """One unit's agent: a tracker, what it keeps on disk, and at most one connection."""

    def __init__(self, world: WorldView, unit: str, instance: str, clock: MachineClock) -> None:
        self.world, self.unit, self.instance, self.clock = world, unit, instance, clock
        self.state = localstate.LocalState(unit=unit)
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
        return self.clock.now()

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
        if own is not None:
            wake = min(wake, self.clock.when(own) + 1e-7)
        claims = self.connected and self.seeks and self.tracker.claim_due(self.now())
        if claims or self.tracker.stepping_down:
            wake = min(wake, self.clock.when(self.now()) + 1e-7)
        if self.tracker.term is not None:
            wake = min(wake, self.clock.when(self.tracker.sure_until) + 1e-7)
        wake = max(wake, self.paused_until, self.stepped_at + self.world.duration / 500)
        return wake if wake < float("inf") else None

    def step(self) -> None:
        """What the shell does whenever it looks: note, release, connect, claim."""
        if not self.up or self.world.time() < self.paused_until:
            return
        self.stepped_at = self.world.time()
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
            if self.world.time() >= self.connect_at:
                self.world.connect(self)
        elif self.connected and self.seeks and self.tracker.claim_due(now):
            self.world.send_claim(self, self.tracker.begin_claim(now))

    def lose(self, now: float) -> None:
        """Belief ends, durably."""
        self.state = localstate.without_belief(self.state)
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
        self.state = localstate.with_belief(self.state, grant.term, boot, grant.sure_until)
        self.last_term = grant.term
        if self.tracker.answered and self.tracker.term == grant.term:
            self.world.extended(self)
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
            self.state = localstate.without_belief(self.state)
            self.tracker.step_down(self.now())

    def ask(self, context: str) -> bool:
        """`is-leader` in a hook context."""
        if not self.up or self.world.time() < self.paused_until:
            return False
        now = self.now()
        reply = self.tracker.ask(now)
        if reply is LeaderReply.RENEW:
            self.tracker.want_claim(now)
            self.step()
        if reply is not LeaderReply.YES:
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
            self.tracker.claim_lost(self.now())
        self.connect_at = self.world.time() + self.world.duration / 50

    def crash(self) -> None:
        """Killed, its hooks with it."""
        self.session, self.connected, self.up = None, False, False
        self.contexts.clear()

    def start(self, *, remembering: bool) -> None:
        """Started again, in the same boot or (not remembering) in another."""
        if not remembering:
            self.state = localstate.without_belief(self.state)
        self.up = self.seeks = True
        self.asked_back = False
        self.tracker = Tracker(
            self.unit, remembered=self.state.term, sure_until=self.state.sure_until,
            seen_term=self.state.seen_term,
        )  # fmt: skip
