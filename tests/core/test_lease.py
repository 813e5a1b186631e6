"""One lease: its verdict table, and what time does to it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tenure.core.changes import Holder
from tenure.core.lease import (
    VERDICTS,
    Ask,
    Handover,
    Lease,
    LineOffer,
    Outcome,
    Stand,
    ends_at,
    extended,
    freed,
    gone_from_line,
    granted,
    having_seen,
    is_held,
    judge,
    lowered,
    next_change_at,
    stand_of,
    waiting,
    with_duration,
    with_offer_settled,
    without_pin,
)

from . import scenarios
from .bench import W0, W1, W2

NEW = Lease(duration=60.0, guarantee=30.0, longest=60.0)
HELD = replace(NEW, term=4, holder=Holder(W0, "one"), expires_at=60.0)
LEASES = {
    Stand.FREE: replace(NEW, term=4),
    Stand.OFFERED_TO_IT: replace(NEW, term=4, offer=LineOffer(W0, 11.0)),
    Stand.OFFERED_TO_OTHER: replace(NEW, term=4, offer=LineOffer(W1, 11.0)),
    Stand.HELD_BY_IT: HELD,
    Stand.ASKED_BACK: replace(HELD, handover=Handover(W0, "an operator asked")),
    Stand.HELD_BY_OTHER: replace(HELD, holder=Holder(W1, "one")),
}
EXPECTED = """
                  RENEW   CLAIM   RELEASE  WRITE
FREE              GRANT   GRANT   NOTHING  REFUSE
OFFERED_TO_IT     GRANT   GRANT   NOTHING  REFUSE
OFFERED_TO_OTHER  DENY    DENY    NOTHING  REFUSE
HELD_BY_IT        EXTEND  GRANT   FREE     ALLOW
ASKED_BACK        EXTEND  VACATE  FREE     ALLOW
HELD_BY_OTHER     DENY    DENY    NOTHING  REFUSE
"""


def rows() -> list[tuple[Stand, Ask, Outcome]]:
    head, *lines = EXPECTED.strip().splitlines()
    asks = [Ask[name] for name in head.split()]
    return [
        (Stand[name], ask, Outcome[outcome])
        for name, *outcomes in map(str.split, lines)
        for ask, outcome in zip(asks, outcomes, strict=True)
    ]


@pytest.mark.parametrize(("stand", "ask", "outcome"), rows())
def test_every_request_has_the_verdict_of_the_table(
    stand: Stand, ask: Ask, outcome: Outcome
) -> None:
    """L2, L4, L5, G6"""
    lease = LEASES[stand]
    assert stand_of(lease, 10.0, W0, "one") is stand
    assert judge(lease, 10.0, W0, "one", ask, None if ask is Ask.CLAIM else 4) is outcome


def test_the_table_has_a_verdict_for_everything_and_nothing_else() -> None:
    """L2"""
    assert set(VERDICTS) == {(stand, ask) for stand, ask, _ in rows()}
    assert len(VERDICTS) == len(Stand) * len(Ask)


@pytest.mark.parametrize("stand", list(Stand))
def test_a_request_under_an_old_term_is_a_stranger_s(stand: Stand) -> None:
    """G6, L2, L5"""
    lease = LEASES[stand]
    assert judge(lease, 10.0, W0, "one", Ask.WRITE, 3) is Outcome.REFUSE
    assert judge(lease, 10.0, W0, "one", Ask.RELEASE, 3) is Outcome.NOTHING
    fresh = judge(lease, 10.0, W0, "one", Ask.CLAIM, None)
    assert judge(lease, 10.0, W0, "one", Ask.RENEW, 3) is fresh


def test_another_instance_of_the_holder_is_another() -> None:
    """L9"""
    assert stand_of(HELD, 10.0, W0, "clone") is Stand.HELD_BY_OTHER
    assert judge(HELD, 10.0, W0, "clone", Ask.WRITE, 4) is Outcome.REFUSE


def test_a_lease_is_held_at_the_very_instant_it_expires_and_free_after_it() -> None:
    """L3"""
    assert is_held(HELD, 60.0) and stand_of(HELD, 60.0, W0, "one") is Stand.HELD_BY_IT
    assert not is_held(HELD, 60.0001) and stand_of(HELD, 60.0001, W1, "x") is Stand.FREE


def test_an_offer_reserves_the_lease_through_its_last_instant() -> None:
    """L4"""
    lease = LEASES[Stand.OFFERED_TO_OTHER]
    assert stand_of(lease, 11.0, W0, "one") is Stand.OFFERED_TO_OTHER
    assert stand_of(lease, 11.0001, W0, "one") is Stand.FREE


def test_a_pin_suspends_expiry_only() -> None:
    """L6"""
    pinned = replace(HELD, pins={"upgrade": 100.0, "other": 80.0})
    assert ends_at(pinned) == 100.0 and is_held(pinned, 100.0) and not is_held(pinned, 100.1)
    assert judge(pinned, 90.0, W0, "one", Ask.RELEASE, 4) is Outcome.FREE
    assert judge(pinned, 90.0, W0, "one", Ask.RENEW, 4) is Outcome.EXTEND
    assert ends_at(replace(HELD, pins={"upgrade": 20.0})) == 60.0


def test_a_grant_begins_a_new_term_above_every_term_seen() -> None:
    """G8"""
    seen = replace(LEASES[Stand.FREE], seen_term=9)
    lease, _ = granted(seen, 10.0, Holder(W0, "one"), 1.0)
    assert (lease.term, lease.holder, lease.expires_at) == (10, Holder(W0, "one"), 70.0)
    again, cause = granted(HELD, 10.0, Holder(W0, "one"), 1.0)
    assert again.term == 5 and cause == "web/0 began anew"


BUSY = Lease(
    duration=60.0, guarantee=30.0, longest=90.0, lower_at=99.0, term=4, seen_term=3,
    holder=Holder(W1, "one"), expires_at=60.0, pins={"upgrade": 80.0}, line=(W0, W2),
    lapsed=frozenset({W2}), offer=LineOffer(W2, 11.0), handover=Handover(W1, "an operator asked"),
    led_since=1e9, freed_at=2.0, granted_at=3.0, last_leader=W1, freed_because="it ran out",
)  # fmt: skip
"""A lease of which every field says something."""


def test_a_grant_settles_all_of_a_lease_but_its_settings_its_pins_and_its_past() -> None:
    """L2, L4, L6, O4"""
    lease, cause = granted(BUSY, 10.0, Holder(W0, "two"), 2e9)
    assert cause == "it ran out"
    assert lease == replace(
        BUSY, term=5, holder=Holder(W0, "two"), expires_at=70.0, line=(W2,), lapsed=frozenset(),
        offer=None, handover=None, led_since=2e9, granted_at=10.0, last_leader=W0,
    )  # fmt: skip


def test_a_grant_to_whoever_held_it_last_says_so_only_while_it_is_held() -> None:
    """O4, L2"""
    mine = replace(BUSY, pins={}, holder=Holder(W0, "one"))
    assert granted(mine, 60.0, Holder(W0, "one"), 2e9)[1] == "web/0 began anew"
    assert granted(mine, 60.1, Holder(W0, "one"), 2e9)[1] == "it ran out"


def test_a_freed_lease_keeps_its_term_its_pins_and_who_waits() -> None:
    """L4, L5, L6, O4"""
    assert freed(BUSY, 10.0, "released", 2e9) == replace(
        BUSY, holder=None, lapsed=frozenset(), offer=None, handover=None, freed_at=10.0,
        led_since=2e9, freed_because="an operator asked",
    )  # fmt: skip


def test_an_extension_is_the_same_term_and_never_shorter() -> None:
    """L2"""
    assert extended(HELD, 10.0) == replace(HELD, expires_at=70.0)
    assert extended(replace(HELD, duration=5.0), 10.0).expires_at == 60.0


def test_a_handed_over_lease_goes_to_its_successor_then_to_the_old_leader() -> None:
    """O1, L5"""
    handover = Handover(W0, "an operator elected web/2", successor=W2, holder_may_return=True)
    lease = freed(replace(HELD, line=(W1, W2), handover=handover), 10.0, "released", 1.0)
    assert lease.line == (W2, W0, W1) and lease.freed_because == "an operator elected web/2"
    assert lease.holder is None and lease.handover is None and lease.freed_at == 10.0


def test_a_waiter_keeps_its_place() -> None:
    """L4"""
    lease = waiting(waiting(waiting(NEW, W1), W2), W1)
    assert lease.line == (W1, W2)
    assert gone_from_line(lease, W1).line == (W2,)
    assert gone_from_line(lease, W0) is lease


def test_an_offer_to_who_waits_no_longer_is_off_and_no_other() -> None:
    """L4"""
    offered = replace(NEW, line=(W1, W2), offer=LineOffer(W1, 11.0))
    assert gone_from_line(offered, W1) == replace(NEW, line=(W2,))
    assert gone_from_line(offered, W2) == replace(offered, line=(W1,))
    assert gone_from_line(offered, W0) is offered
    alone = replace(NEW, offer=LineOffer(W1, 11.0))
    assert gone_from_line(alone, W1) == NEW and gone_from_line(alone, W2) is alone


def test_who_has_an_offer_without_a_place_in_line_gets_none_when_it_lapses() -> None:
    """L4: it waits no longer"""
    lease = replace(NEW, line=(W2,), offer=LineOffer(W1, 11.0))
    lease = with_offer_settled(lease, 11.1, 1.0, lambda unit: True)
    assert lease.line == (W2,) and lease.offer == LineOffer(W2, 12.1)


def test_a_pin_is_taken_away_alone() -> None:
    """L6"""
    assert without_pin({"upgrade": 80.0, "other": 90.0}, "upgrade") == {"other": 90.0}


@pytest.mark.parametrize(
    ("lease", "at"),
    [
        (NEW, None),
        (replace(NEW, expires_at=60.0), None),
        (HELD, 60.0),
        (replace(HELD, pins={"upgrade": 80.0}), 80.0),
        (replace(HELD, pins={"upgrade": 50.0, "other": 90.0}), 50.0),
        (replace(NEW, pins={"upgrade": 80.0}), 80.0),
        (replace(HELD, offer=LineOffer(W1, 11.0)), 11.0),
        (replace(HELD, lower_at=40.0), 40.0),
        (replace(NEW, lower_at=40.0), 40.0),
    ],
)
def test_the_next_instant_that_changes_something_is_the_first_of_all(
    lease: Lease, at: float | None
) -> None:
    """L3, L4, L6, L8"""
    assert next_change_at(lease) == at


def test_what_was_lowered_is_lowered_for_good() -> None:
    """L8"""
    lease = lowered(replace(NEW, longest=90.0, lower_at=40.0), 40.1)
    assert lease == NEW and lowered(lease, 1e9) is lease


def test_a_lapsed_waiter_goes_to_the_end_and_when_all_have_lapsed_any_claim_is_granted() -> None:
    """L4, G11"""
    lease = with_offer_settled(replace(NEW, line=(W1, W2)), 0.0, 1.0, lambda unit: True)
    assert lease.offer == LineOffer(W1, 1.0)
    lease = with_offer_settled(lease, 1.1, 1.0, lambda unit: True)
    assert lease.offer == LineOffer(W2, 2.1) and lease.line == (W2, W1)
    lease = with_offer_settled(lease, 2.2, 1.0, lambda unit: True)
    assert lease.offer is None and stand_of(lease, 2.2, W0, "one") is Stand.FREE


def test_who_cannot_take_the_lease_is_passed_over_at_once() -> None:
    """L4, G11"""
    lease = with_offer_settled(replace(NEW, line=(W1, W2)), 0.0, 1.0, lambda unit: unit == W2)
    assert lease.offer == LineOffer(W2, 1.0)
    assert with_offer_settled(lease, 0.5, 1.0, lambda unit: False).offer is None


def test_the_longest_lease_comes_down_only_after_the_last_longer_promise() -> None:
    """L8, L1"""
    lease = with_duration(HELD, 10.0, 20.0, 10.0)
    assert (lease.longest, lease.lower_at) == (60.0, 70.0)
    assert lowered(lease, 70.0).longest == 60.0
    assert lowered(lease, 70.1).longest == 20.0
    back = with_duration(lease, 30.0, 60.0, 30.0)
    assert (back.longest, back.lower_at) == (60.0, None)


def test_at_the_instant_of_expiry_the_holder_still_wins() -> None:
    """L3, L2"""
    scenarios.held_at_the_instant_of_expiry()


def test_what_is_known_to_be_seen_never_goes_down() -> None:
    """G8"""
    lease = replace(NEW, term=1, seen_term=9)
    assert having_seen(lease, 5) == lease
    assert having_seen(lease, 10) == replace(lease, seen_term=10)


def test_a_new_term_of_the_same_unit_is_no_shorter_and_another_unit_s_no_longer() -> None:
    """L2, L1: what the unit may still believe is kept, what another once held is not"""
    longer = replace(HELD, expires_at=300.0)
    assert granted(longer, 10.0, Holder(W0, "one"), 1.0)[0].expires_at == 300.0
    assert granted(HELD, 10.0, Holder(W0, "one"), 1.0)[0].expires_at == 70.0
    free = replace(longer, holder=None)
    assert granted(free, 10.0, Holder(W1, "one"), 1.0)[0].expires_at == 70.0
