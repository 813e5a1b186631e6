"""One lease: who may believe to be leader, until when, and who is next. Pure.

**The theory.** A lease is a promise of the controller to appoint nobody else before `expires_at`,
on the controller's own clock. The holder believes in it for a little less, counted from before it
asked, on its own clock (`core/tracker.py`). Since the claim was sent before it arrived, and the
holder takes off more than two clocks can differ by, the holder's belief is over when the lease is:
that is G5, and the whole of the safety of G1.

Who may move it: the holder extends and releases it, time expires it, an operator revokes it, and a
grant begins a new *term*. A term never comes back, not even for the same unit (G8).

The awkward cases, and which side wins:
- A claim at the very instant of expiry: the lease is still held (L3).
- The holder claims without naming its term: it believes in nothing any more (it restarted, say), so
  it is granted a *new* term, though nobody else ever led in between (L2) - unless it had been asked
  to hand over: then there is nothing to wait for, and the lease is freed at once.
- A free lease is *offered* to one waiter at a time, so that a hundred waiters do not stampede. Who
  lets its offer lapse goes to the end of the line; when all have, any claim is granted (L4). An
  offer that was taken back before its unit was told has not lapsed.
- A pin suspends expiry, and nothing else (L6).

What this file does not know: stores, connections, buckets, other applications, the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto

from msgspec import Struct
from msgspec.structs import replace

from tenure.core.changes import Cause, Holder

NEVER = float("inf")


class LineOffer(Struct, frozen=True, gc=False):
    """The lease is reserved for `unit` through the instant `until`: NEVER while it is untold."""

    unit: str
    until: float


class Handover(Struct, frozen=True, gc=False):
    """The holder was asked to step down; the lease then goes to `successor`, if one is named.

    If that one does not take it, `holder` is next, when `holder_may_return` (O1).
    """

    holder: str
    cause: Cause
    successor: str | None = None
    holder_may_return: bool = False


class Lease(Struct, frozen=True, kw_only=True, gc=False):
    """A lease at one moment. Instants are of the controller's clock, spans in seconds.

    `expires_at` means something only while there is a holder; pins may hold it longer (`ends_at`).
    `lower_at`: when `longest` may come down to `duration` (L8). `led_since` is wall time.
    `seen_term`: the highest term that any unit reported, whatever became of its claim (G8).
    """

    duration: float
    guarantee: float
    longest: float
    lower_at: float | None = None
    term: int = 0
    seen_term: int = 0
    holder: Holder | None = None
    expires_at: float = 0.0
    pins: Mapping[str, float] = {}
    line: tuple[str, ...] = ()
    lapsed: frozenset[str] = frozenset()
    offer: LineOffer | None = None
    handover: Handover | None = None
    led_since: float | None = None
    freed_at: float | None = None
    granted_at: float | None = None
    last_leader: str | None = None
    freed_because: Cause = "nobody had led before"


class Stand(Enum):
    """How a lease stands towards one unit and its instance."""

    FREE = auto()
    OFFERED_TO_IT = auto()
    OFFERED_TO_OTHER = auto()
    HELD_BY_IT = auto()
    ASKED_BACK = auto()
    """Held by it, and it was asked to hand over."""
    HELD_BY_OTHER = auto()

    __hash__ = object.__hash__  # because Enum's own is slow, and every renewal looks one up


class Ask(Enum):
    """What a unit can ask of a lease."""

    RENEW = auto()
    """A claim that names the lease's present term."""
    CLAIM = auto()
    """A claim that does not."""
    RELEASE = auto()
    WRITE = auto()

    __hash__ = object.__hash__


class Outcome(Enum):
    """What becomes of it."""

    GRANT = auto()
    EXTEND = auto()
    DENY = auto()
    VACATE = auto()
    """Freed, since the holder believes in nothing, and denied."""
    FREE = auto()
    NOTHING = auto()
    ALLOW = auto()
    REFUSE = auto()


def _rows() -> dict[tuple[Stand, Ask], Outcome]:
    o = Outcome
    columns = (Ask.RENEW, Ask.CLAIM, Ask.RELEASE, Ask.WRITE)
    table = {
        Stand.FREE:             (o.GRANT,  o.GRANT,  o.NOTHING, o.REFUSE),
        Stand.OFFERED_TO_IT:    (o.GRANT,  o.GRANT,  o.NOTHING, o.REFUSE),
        Stand.OFFERED_TO_OTHER: (o.DENY,   o.DENY,   o.NOTHING, o.REFUSE),
        Stand.HELD_BY_IT:       (o.EXTEND, o.GRANT,  o.FREE,    o.ALLOW),
        Stand.ASKED_BACK:       (o.EXTEND, o.VACATE, o.FREE,    o.ALLOW),
        Stand.HELD_BY_OTHER:    (o.DENY,   o.DENY,   o.NOTHING, o.REFUSE),
    }  # fmt: skip
    return {
        (stand, ask): outcome
        for stand, row in table.items()
        for ask, outcome in zip(columns, row, strict=True)
    }


VERDICTS: Mapping[tuple[Stand, Ask], Outcome] = _rows()
"""The whole game. What is not in it does not exist."""


def ends_at(lease: Lease) -> float:
    """The last instant at which the lease is held (L3), pins included (L6)."""
    if lease.pins:
        return max(lease.expires_at, max(lease.pins.values()))
    return lease.expires_at


def is_held(lease: Lease, now: float) -> bool:
    """Whether somebody holds it at this instant: at the very end still yes (L3)."""
    return lease.holder is not None and now <= ends_at(lease)


def stand_of(lease: Lease, now: float, unit: str, instance: str) -> Stand:
    """How the lease stands towards this unit. Another instance of it is another unit (L9)."""
    holder = lease.holder
    if holder is not None and now <= ends_at(lease):
        if holder.unit != unit or holder.instance != instance:
            return Stand.HELD_BY_OTHER
        handover = lease.handover
        asked_back = handover is not None and handover.holder == unit
        return Stand.ASKED_BACK if asked_back else Stand.HELD_BY_IT
    if lease.offer is None or now > lease.offer.until:
        return Stand.FREE
    return Stand.OFFERED_TO_IT if lease.offer.unit == unit else Stand.OFFERED_TO_OTHER


def judge(
    lease: Lease, now: float, unit: str, instance: str, ask: Ask, term: int | None
) -> Outcome:
    """What becomes of a request that names `term` (L2, L5, G6).

    A release or a write under another term than the present one is as good as another unit's.
    """
    stand = stand_of(lease, now, unit, instance)
    stale = term != lease.term
    if ask in (Ask.RELEASE, Ask.WRITE) and stale:
        stand = Stand.HELD_BY_OTHER
    if ask is Ask.RENEW and stale:
        ask = Ask.CLAIM
    return VERDICTS[stand, ask]


def granted(lease: Lease, now: float, holder: Holder, wall: float) -> tuple[Lease, Cause]:
    """The lease under a new term, above every term that anybody is known to have seen (G8)."""
    again = lease.holder is not None and lease.holder.unit == holder.unit
    cause = f"{holder.unit} began anew" if again and is_held(lease, now) else lease.freed_because
    lease = replace(
        lease,
        term=max(lease.term, lease.seen_term) + 1,
        holder=holder,
        expires_at=max(lease.expires_at if again else now, now + lease.duration),
        line=_without(lease.line, holder.unit),
        lapsed=frozenset(),
        offer=None,
        handover=None,
        led_since=wall,
        granted_at=now,
        last_leader=holder.unit,
    )
    return lease, cause


def having_seen(lease: Lease, term: int) -> Lease:
    """The lease where some unit knows of `term`: no later grant may use it again (G8)."""
    return lease if term <= lease.seen_term else replace(lease, seen_term=term)


def extended(lease: Lease, now: float) -> Lease:
    """The same term for longer; never for shorter (L2)."""
    return replace(lease, expires_at=max(lease.expires_at, now + lease.duration))


def lengthened(lease: Lease, gap: float) -> Lease:
    """The same term, `gap` s longer, since nobody could renew for so long (L8)."""
    return replace(lease, expires_at=lease.expires_at + gap)


def freed(lease: Lease, now: float, because: Cause, wall: float) -> Lease:
    """Nobody holds it. A hand-over puts its successor, then the old holder, first in line (O1)."""
    first: tuple[str, ...] = ()
    if lease.handover is not None:
        first = tuple(
            unit
            for unit in (
                lease.handover.successor,
                lease.handover.holder if lease.handover.holder_may_return else None,
            )
            if unit is not None
        )
        because = lease.handover.cause
    return replace(
        lease,
        holder=None,
        line=first + tuple(unit for unit in lease.line if unit not in first),
        lapsed=frozenset(),
        offer=None,
        handover=None,
        freed_at=now,
        led_since=wall,
        freed_because=because,
    )


def waiting(lease: Lease, unit: str) -> Lease:
    """The unit stands in line: where it stood already, or at the end (L4)."""
    return lease if unit in lease.line else replace(lease, line=(*lease.line, unit))


def gone_from_line(lease: Lease, unit: str) -> Lease:
    """The unit waits no longer; an offer to it is off."""
    if unit not in lease.line and (lease.offer is None or lease.offer.unit != unit):
        return lease
    offer = None if lease.offer is not None and lease.offer.unit == unit else lease.offer
    return replace(lease, line=_without(lease.line, unit), offer=offer)


def with_offer_settled(
    lease: Lease, now: float, offer_for: float, can_take: Callable[[str], bool]
) -> Lease:
    """A free lease with its next offer made, if one is due and somebody can take it (L4, G11)."""
    if lease.holder is not None:
        return lease
    if lease.offer is not None:
        if now <= lease.offer.until and can_take(lease.offer.unit):
            return lease
        lease = _lapsed(lease, lease.offer)
    for unit in lease.line:
        if unit not in lease.lapsed and can_take(unit):
            return replace(lease, offer=LineOffer(unit, now + offer_for))
    return lease


def _lapsed(lease: Lease, offer: LineOffer) -> Lease:
    if offer.until == NEVER:
        # because its unit was told nothing, it let nothing lapse: it may be offered it yet
        return replace(lease, offer=None)
    unit = offer.unit
    line = (*_without(lease.line, unit), unit) if unit in lease.line else lease.line
    return replace(lease, line=line, lapsed=lease.lapsed | {unit}, offer=None)


def with_duration(lease: Lease, now: float, duration: float, guarantee: float) -> Lease:
    """Other settings from the next claim on (L1); `longest` comes down only later (L8)."""
    longest = max(lease.longest, duration)
    lower_at = now + longest if longest > duration else None
    return replace(
        lease, duration=duration, guarantee=guarantee, longest=longest, lower_at=lower_at
    )


def lowered(lease: Lease, now: float) -> Lease:
    """`longest` brought down, once the last longer promise has run out (L8)."""
    if lease.lower_at is None or now <= lease.lower_at:
        return lease
    return replace(lease, longest=lease.duration, lower_at=None)


def without_pin(pins: Mapping[str, float], reason: str) -> dict[str, float]:
    """The pins less one."""
    return {other: until for other, until in pins.items() if other != reason}


def next_change_at(lease: Lease) -> float | None:
    """The instant after which time alone will change something, if any."""
    at = NEVER if lease.holder is None else ends_at(lease)
    if lease.pins:
        at = min(at, *lease.pins.values())
    if lease.offer is not None:
        at = min(at, lease.offer.until)
    if lease.lower_at is not None:
        at = min(at, lease.lower_at)
    return None if at == NEVER else at


def _without(line: tuple[str, ...], unit: str) -> tuple[str, ...]:
    return tuple(other for other in line if other != unit) if unit in line else line
