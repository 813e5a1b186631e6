"""A unit's belief: does it lead, until when is that sure, what was promised to whom. Pure.

**The theory.** A unit may believe from a grant's answer on, until `duration` less a margin after
the instant at which it *sent* the claim, on its own clock (G4). The controller counts from the
claim's arrival, which is later, and the margin covers what two clocks can differ by. So whatever
the network does to the answer, the belief ends before the lease does (G5).

An answer counts only under the belief, or the lack of it, that its claim was sent under. `epoch`
rises whenever belief begins or ends; an answer to a claim of another epoch is thrown away (L2).

`True` is a promise: the unit stays leader for the guarantee, or until the context that was told has
ended (G3). Stepping down stops promising at once, and waits for what was promised before (U4).

The shell asks `consider` what a verdict means, makes it durable, and then calls `become_leader`,
`extend` or `lose`. Besides, only `step_down` changes the belief, and a denial, which ends it at
once (U1).
"""

from __future__ import annotations

from enum import Enum, auto

from msgspec import Struct

from tenure.core.effects import ClaimUnsure, Denied, Granted, Verdict
from tenure.defaults import GUARANTEE, LEASE

CLOCK_MARGIN = 0.01
"""The most that two machines' clocks may differ in rate (G4)."""


class Standing(Enum):
    """Where a unit stands with leadership."""

    WAITING = auto()
    """Its first claim was not answered yet."""
    LEADER = auto()
    STEPPING_DOWN = auto()
    """It still holds the lease but promises nothing any more (U4)."""
    MINION = auto()


class LeaderReply(Enum):
    """What to say to `leader?` (U2)."""

    YES = auto()
    NO = auto()
    RENEW = auto()
    """It leads, but not surely for the guarantee: renew, then answer."""
    WAIT = auto()
    """The first claim was not answered yet."""


class ClaimSent(Struct, frozen=True):
    """A claim under way: when it was sent, under which epoch, naming which term."""

    at: float
    epoch: int
    term: int | None


class Grant(Struct, frozen=True, kw_only=True):
    """What a granted claim lets the unit believe. Instants of the agent's clock."""

    term: int
    asked_at: float
    sure_until: float
    duration: float
    guarantee: float


class Loss(Struct, frozen=True):
    """Surely not the leader any more (U1)."""

    cause: str


class Tracker:
    """The belief of one unit.

    `remembered` and `sure_until` come from an earlier life of the agent in the same boot: that term
    is named in the first claim, and nothing is promised before its answer (U1).
    """

    def __init__(
        self, unit: str, *, remembered: int | None = None, sure_until: float = 0.0,
        seen_term: int = 0,
    ) -> None:  # fmt: skip
        self.unit = unit
        self.seen_term = seen_term
        self.term: int | None = remembered
        self.sure_until = sure_until
        self.answered = False
        self.stepping_down = False
        self.duration = LEASE.value
        self.guarantee = GUARANTEE.value
        self.in_flight: ClaimSent | None = None
        self.claim_at: float = float("-inf")
        self._not_before: float = float("-inf")
        self._offered = False
        self._step_down_by = float("inf")
        self._epoch = 0
        self._promises: dict[str, float] = {}

    # -- what is believed

    def believes(self, now: float) -> bool:
        """Leader by its own clock: at `sure_until` itself no more (U1)."""
        return self.answered and self.term is not None and now < self.sure_until

    def standing(self, now: float) -> Standing:
        """Where the unit stands at this instant."""
        if not self.answered:
            return Standing.WAITING
        if not self.believes(now):
            return Standing.MINION
        return Standing.STEPPING_DOWN if self.stepping_down else Standing.LEADER

    def ask(self, now: float) -> LeaderReply:
        """What to say to somebody who asks (U2). YES is said with `promise`."""
        standing = self.standing(now)
        if standing is Standing.WAITING:
            return LeaderReply.WAIT
        if standing is not Standing.LEADER:
            return LeaderReply.NO
        return LeaderReply.YES if self.is_sure(now) else LeaderReply.RENEW

    def is_sure(self, now: float) -> bool:
        """Whether the guarantee is in hand: it leads for that long from now, whatever happens."""
        return self.standing(now) is Standing.LEADER and now + self.guarantee <= self.sure_until

    def promise(self, context: str, now: float) -> None:
        """`True` was said to a hook context (G3). Only while `is_sure`."""
        assert self.is_sure(now), "a promise without the guarantee in hand"
        until = now + self.guarantee
        self._promises[context] = max(until, self._promises.get(context, until))

    def context_ended(self, context: str) -> None:
        """Its promise is void: a helper that outlives its hook has none (G3)."""
        self._promises.pop(context, None)

    def promised_until(self) -> float:
        """The instant until which something is promised; -inf if nothing is."""
        return max(self._promises.values(), default=float("-inf"))

    # -- claims

    def claim_due(self, now: float) -> bool:
        """Whether a claim should be sent now: at most one is in flight (L2)."""
        at = max(self.claim_at, self._not_before)
        return self.in_flight is None and not self.stepping_down and now >= at

    def want_claim(self, now: float) -> None:
        """Claim as soon as may be: an offer came, a tool waits, the connection is new.

        Who was told "unsure" waits for the retry all the same.
        """
        self.claim_at = min(self.claim_at, now)

    def offered(self, now: float) -> None:
        """The lease is on offer to this unit: claim, though a claim under way is denied (L4)."""
        self._offered = self.in_flight is not None
        self.want_claim(now)

    def begin_claim(self, now: float) -> int | None:
        """A claim is about to be sent; what it names. `now` is read before sending (G4)."""
        assert self.in_flight is None, "one claim at a time"
        alive = self.term is not None and now < self.sure_until
        self.in_flight = ClaimSent(now, self._epoch, self.term if alive else None)
        self.claim_at = float("inf")
        self._offered = False
        return self.in_flight.term

    def claim_lost(self, retry_at: float) -> None:
        """The claim's answer will never come: nothing may be concluded."""
        self.in_flight = None
        self.claim_at = self._not_before = retry_at

    def consider(self, now: float, verdict: Verdict, retry_at: float) -> Grant | Loss | None:
        """What an answer lets the unit believe; None: nothing, and it claims again (L2, G4)."""
        asked, self.in_flight = self.in_flight, None
        self.claim_at = retry_at
        if isinstance(verdict, Granted):
            self.seen_term = max(self.seen_term, verdict.term)
        if asked is None:
            return None
        if isinstance(verdict, ClaimUnsure):
            self._not_before = retry_at
            return None
        if not self._still_stands(now, asked):
            self.claim_at = now
            return None
        if isinstance(verdict, Denied):
            return self._consider_denial(now, asked, verdict)
        return self._consider_grant(now, asked, verdict)

    def _still_stands(self, now: float, asked: ClaimSent) -> bool:
        """Whether the belief, or the lack of it, that the claim was sent under goes on (L2).

        A belief that has run out does not, noted or not: its term must not begin again (G8).
        """
        return asked.epoch == self._epoch and (asked.term is None or not self.has_run_out(now))

    def _consider_denial(self, now: float, asked: ClaimSent, denied: Denied) -> Loss | None:
        self.answered = True
        self.duration = denied.duration
        self.claim_at = now if self._offered else asked.at + denied.duration
        if self.term is None:
            return None
        self.sure_until = min(self.sure_until, now)  # minion at once, before it is durable (U1)
        return Loss("the controller denied it")

    def _consider_grant(self, now: float, asked: ClaimSent, granted: Granted) -> Grant | None:
        sure_until = asked.at + granted.duration * (1 - CLOCK_MARGIN)
        if now >= sure_until:
            self.claim_at = now
            return None
        return Grant(
            term=granted.term,
            asked_at=asked.at,
            sure_until=sure_until,
            duration=granted.duration,
            guarantee=granted.guarantee,
        )

    # -- the only moves of belief

    def become_leader(self, grant: Grant) -> None:
        """Believe in a grant that is durable by now: a new term, or one taken up again."""
        assert self.term is None or not self.answered or grant.term != self.term
        self.answered = True
        self.stepping_down = False
        if grant.term != self.term:
            self.sure_until = 0.0  # what another term was sure of says nothing about this one
        self.term = grant.term
        self._promises.clear()
        self._epoch += 1
        self._hold(grant)

    def extend(self, grant: Grant) -> None:
        """The same term for longer; never for shorter."""
        assert self.answered and grant.term == self.term, "only the present term is extended"
        self._hold(grant)

    def _hold(self, grant: Grant) -> None:
        self.sure_until = max(self.sure_until, grant.sure_until)
        self.duration, self.guarantee = grant.duration, grant.guarantee
        spare = grant.duration * (1 - CLOCK_MARGIN) - grant.guarantee
        self.claim_at = grant.asked_at + spare / 2

    def lose(self, now: float) -> None:
        """Minion from now on: denied, run out, revoked, or released."""
        self.term = None
        self.sure_until = 0.0
        self.stepping_down = False
        self._promises.clear()
        self._epoch += 1
        self._step_down_by = float("inf")
        self.want_claim(now)

    def has_run_out(self, now: float) -> bool:
        """The belief ended by the unit's own clock and nobody noted it yet (U5)."""
        return self.term is not None and now >= self.sure_until

    # -- stepping down

    def step_down(self, now: float) -> None:
        """Promise nothing from now on; release once what was promised is over (U4).

        A promise given before the guarantee was lowered is kept in full.
        """
        assert self.standing(now) is Standing.LEADER
        self.stepping_down = True
        self._step_down_by = max(now + self.guarantee, self.promised_until())
        self._epoch += 1

    def may_release(self, now: float, *, hooks_are_over: bool) -> bool:
        """Whether the lease may be given up: never later than one guarantee after the wish (U4)."""
        if not self.stepping_down:
            return False
        return now >= self._step_down_by or (hooks_are_over and now >= self.promised_until())

    # -- when to look again

    def next_wake(self, now: float) -> float | None:
        """The next instant after `now` at which time alone changes something, if any.

        What is due at `now` already hides none that is still to come (U5).
        """
        wakes = []
        if self.term is not None:
            wakes.append(self.sure_until)
        if self.stepping_down:
            wakes += [self.promised_until(), self._step_down_by]
        elif self.in_flight is None:
            wakes.append(max(self.claim_at, self._not_before))
        return min((wake for wake in wakes if wake > now), default=None)
