"""All leases of a controller: what units may ask, and what time does."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tenure.core.application import Application
from tenure.core.changes import HistoryAdded, Holder, PinDropped, PinPut
from tenure.core.effects import Denied, Granted, Offer, Revision
from tenure.core.lease import NEVER, Lease, LineOffer, ends_at
from tenure.core.leases import MAX_LEAP, Leases
from tenure.core.model import Model
from tenure.errors import BadRequest, NotFound, NotLeader

from . import scenarios
from .bench import APP, W0, W1, W2, CoreBench, restarted, saved
from .scenarios import refusal_of


def test_a_lease_runs_out_after_the_instant_of_its_end() -> None:
    """L3"""
    scenarios.held_at_the_instant_of_expiry()


def test_a_free_lease_is_granted_and_a_held_one_denied_at_once() -> None:
    """L2, G1, G2"""
    bench = CoreBench()
    assert bench.claim(0.0, W0) == Granted(unit=W0, term=1, duration=60.0, guarantee=30.0)
    assert bench.claim(0.0, W1) == Denied(unit=W1, duration=60.0)
    assert bench.lease.line == (W1,)


def test_a_renewal_keeps_the_term_and_touches_memory_only() -> None:
    """L2, L7"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.committed()
    verdict = bench.claim(20.0, W0, term)
    assert isinstance(verdict, Granted) and verdict.term == term
    assert ends_at(bench.lease) == 80.0 and bench.committed() == []


def test_a_holder_that_names_no_term_begins_a_new_one() -> None:
    """L2, G8"""
    scenarios.regrant_has_a_new_term()


def test_the_term_rises_from_unit_to_unit() -> None:
    """G8"""
    scenarios.term_rises_from_unit_to_unit()


def test_a_controller_raises_itself_above_a_higher_term_that_a_claim_reports() -> None:
    """G8"""
    scenarios.term_is_raised_above_what_the_claimer_has_seen()


def test_a_denied_claim_reports_a_higher_term_too() -> None:
    """G8"""
    scenarios.term_is_raised_above_what_a_denied_unit_has_seen()


@pytest.mark.parametrize("seen", [-1, 2 * MAX_LEAP, 2**63, 10**300])
def test_an_absurd_term_is_refused_and_takes_leadership_from_nobody(seen: int) -> None:
    """G8, G7, G11: neither from others, nor for ever from the unit that reported it"""
    bench = CoreBench()
    with pytest.raises(BadRequest, match="web/0 reports term"):
        bench.leases.claim(0.0, W0, None, seen)
    assert bench.holder is None
    term = bench.leads(0.0, W0)
    assert bench.leases.claim(1.0, W0, term, term).term == term


def test_who_has_seen_a_term_far_beyond_leads_above_it_after_some_claims() -> None:
    """G8, G11: a lie had raised the term, and then an older store was restored"""
    bench, seen = CoreBench(), 3 * MAX_LEAP
    for _ in range(2):
        with pytest.raises(BadRequest, match="far beyond"):
            bench.leases.claim(0.0, W0, None, seen)
    assert bench.leases.claim(0.0, W0, None, seen).term == seen + 1


def test_a_shorter_lease_never_shortens_what_was_granted() -> None:
    """L1, L2"""
    scenarios.extension_never_shortens()


def test_a_grant_is_persisted_with_its_cause_and_the_time_without_leader() -> None:
    """L7, G8"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.leases.release(2.0, W0, term)
    bench.committed()
    bench.claim(5.0, W1)
    changes = bench.committed()
    assert saved(changes).term == term + 1
    [told] = [change for change in changes if isinstance(change, HistoryAdded)]
    assert (told.kind, told.unit_from, told.unit_to, told.term) == ("granted", W0, W1, term + 1)
    assert told.cause == "web/0 stepped down" and told.leaderless_for == 3.0


def test_expiry_and_release_are_persisted_with_their_cause() -> None:
    """L7"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.committed()
    bench.tick(60.1)
    [told] = bench.history()
    assert (told.kind, told.cause) == ("expired", "web/0's lease ran out")
    term = bench.leads(61.0, W1)
    bench.committed()
    bench.leases.release(62.0, W1, term)
    changes = bench.committed()
    assert saved(changes).holder is None
    assert [c.cause for c in changes if isinstance(c, HistoryAdded)] == ["web/1 stepped down"]


def test_a_freed_lease_is_offered_to_the_first_waiter_alone() -> None:
    """L4, G11"""
    scenarios.freed_lease_is_offered_to_the_first_alone()


def test_a_lapsed_offer_goes_to_the_next_in_line() -> None:
    """L4, G11"""
    scenarios.lapsed_offer_goes_to_the_next()


def test_who_is_silent_keeps_its_place_and_is_offered_nothing_until_its_next_word() -> None:
    """L4, G11"""
    scenarios.silent_unit_is_offered_nothing_until_its_next_word()


def test_an_offer_that_is_taken_back_untold_has_not_lapsed() -> None:
    """L4, G11: its unit keeps its place, and is offered the lease once it can take it"""
    scenarios.untold_offer_does_not_lapse()


def test_who_claims_is_not_silent_whatever_was_noted() -> None:
    """L2, G11"""
    bench = CoreBench()
    bench.leases.set_silent(5.0, W1, 0.0)
    assert isinstance(bench.claim(5.1, W1), Granted)


def test_an_offer_moves_on_when_its_unit_disconnects_or_stops() -> None:
    """L4, G11"""
    bench = CoreBench(4)
    term = bench.leads(0.0, W0)
    bench.waits(1.0, W1, W2, "web/3")
    bench.leases.release(2.0, W0, term)
    bench.leases.disconnect(2.1, W1, 1)
    bench.leases.set_eligible(2.2, W2, False)
    assert bench.told() == [Offer(unit=u) for u in (W1, W2, "web/3")]


def test_a_unit_that_steps_down_joins_the_end_of_the_line() -> None:
    """L4, L5"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.waits(1.0, W1, W2)
    bench.leases.release(2.0, W0, term)
    bench.waits(2.0, W0)
    assert bench.lease.line == (W1, W2, W0)


def test_an_ineligible_unit_is_denied_and_does_not_wait() -> None:
    """L4, U4"""
    bench = CoreBench()
    bench.leases.set_eligible(0.0, W0, False)
    bench.waits(0.0, W0)
    assert bench.lease.line == ()


def test_an_ineligible_holder_that_believes_in_nothing_frees_the_lease() -> None:
    """L2, U4"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.waits(0.0, W1)
    bench.leases.set_eligible(1.0, W0, False)
    bench.waits(1.0, W0)
    assert bench.holder is None and bench.told() == [Offer(unit=W1)]


def test_a_release_of_a_term_that_is_over_is_nothing() -> None:
    """L5"""
    scenarios.release_of_an_old_term_is_nothing()


def test_a_write_is_fenced_by_holder_and_term() -> None:
    """G6, B2"""
    scenarios.write_of_another_is_refused()
    scenarios.write_under_an_old_term_is_refused()


def test_a_write_after_the_lease_ran_out_is_refused_in_juju_s_words() -> None:
    """G6, G7"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.tick(60.1)
    with pytest.raises(NotLeader) as refusal:
        bench.leases.write(60.1, W0, term, {"k": "v"})
    assert str(refusal.value) == (
        'application "web": prerequisites failed: "web/0" is not leader of "web"'
    )


def test_an_empty_key_is_refused_and_nothing_of_the_group_lands() -> None:
    """G6, G7, B3"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.committed()
    with pytest.raises(BadRequest):
        bench.leases.write(1.0, W0, term, {"a": "1", "": "2"})
    assert bench.application.bucket.settings == {} and bench.committed() == []


def test_every_unit_reads_its_own_application_and_no_other() -> None:
    """B2, G6"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.leases.write(1.0, W0, term, {"k": "v"})
    assert bench.leases.read(W2).settings == {"k": "v"}
    with pytest.raises(NotFound):
        bench.leases.read("db/0")


def test_all_connected_units_but_the_writer_are_told_of_a_revision() -> None:
    """B5"""
    scenarios.writer_is_not_told()
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.leases.disconnect(1.0, W1, 1)
    bench.leases.write(1.0, W0, term, {"k": "v"})
    assert bench.told() == [Revision(unit=W2, revision=1, keys=("k",))]


def test_setting_what_is_there_raises_nothing_and_still_needs_leadership() -> None:
    """B4"""
    scenarios.no_change_raises_nothing()
    bench = CoreBench()
    bench.leads(0.0, W0)
    with pytest.raises(NotLeader):
        bench.leases.write(1.0, W1, 1, {})


def test_a_pin_suspends_expiry_until_its_end() -> None:
    """L6"""
    scenarios.pin_suspends_expiry()


def test_what_is_left_of_a_pin_is_saved_every_minute_and_goes_on_from_there() -> None:
    """L6"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.orders.pin(1.0, APP, "upgrade", 200.0)
    changes = bench.committed()
    assert PinPut(APP, "upgrade", 200.0) in changes
    bench.tick(61.0)
    saved_again = bench.committed()
    assert saved_again == [PinPut(APP, "upgrade", 140.0)]
    assert bench.leases.next_wake() == 121.0
    assert ends_at(restarted(saved(changes), 1000.0, saved_again).lease) == 1140.0


def test_a_pin_that_ended_is_dropped_and_its_end_recorded() -> None:
    """L6, L7"""
    bench = CoreBench()
    bench.orders.pin(1.0, APP, "upgrade", 10.0)
    bench.committed()
    bench.tick(11.1)
    changes = bench.committed()
    assert PinDropped(APP, "upgrade") in changes and not bench.lease.pins
    assert [c.kind for c in changes if isinstance(c, HistoryAdded)] == ["unpinned"]


def test_a_pin_on_a_free_lease_applies_to_the_next_holder() -> None:
    """L6"""
    bench = CoreBench()
    bench.orders.pin(0.0, APP, "upgrade", 100.0)
    bench.leads(1.0, W0)
    bench.tick(100.0)
    assert bench.holder == W0


def test_a_stalled_controller_lengthens_every_lease_by_the_gap() -> None:
    """L8"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.leases.lengthen(5.0)
    bench.tick(65.0)
    assert bench.holder == W0
    bench.tick(65.1)
    assert bench.holder is None


def test_what_may_be_rolled_back_to_is_lengthened_by_a_stall_too() -> None:
    """L8, G7"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.leases.staging.take()
    bench.orders.pin(1.0, APP, "upgrade", 5.0)
    committing = bench.leases.staging.take()
    bench.orders.pin(2.0, APP, "backup", 5.0)
    gathered = bench.leases.staging.gathering
    bench.leases.lengthen(30.0, committing)
    assert committing is not None
    bench.leases.roll_back([committing, gathered])
    assert bench.lease.expires_at == 90.0 and not bench.lease.pins


def test_it_asks_to_be_woken_when_something_is_due() -> None:
    """L3, L4, G11"""
    bench = CoreBench()
    assert bench.leases.next_wake() is None
    term = bench.leads(0.0, W0)
    assert bench.leases.next_wake() == 60.0
    bench.claim(10.0, W0, term)
    bench.tick(60.1)
    assert bench.holder == W0 and bench.leases.next_wake() == 70.0


def test_nothing_that_a_unit_is_told_names_another() -> None:
    """G10"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    told = [repr(bench.claim(1.0, W1)), refusal_of(lambda: bench.leases.write(1.0, W1, term, {}))]
    bench.leases.write(1.0, W0, term, {"k": "v"})
    bench.told()
    bench.orders.elect(2.0, W1)
    told += [repr(push) for push in bench.told()]
    assert W0 not in "".join(told[:2]) and W1 not in "".join(told[2:])


def test_a_unit_that_does_not_exist_is_not_found() -> None:
    """L9, B2"""
    bench = CoreBench()
    assert refusal_of(lambda: bench.connect(0.0, "web/9")) == (
        "there is no unit web/9: see `tenure status`"
    )


def test_when_nothing_is_pinned_any_more_nothing_of_it_is_saved() -> None:
    """L6: the controller sleeps"""
    bench = CoreBench()
    bench.orders.pin(0.0, APP, "upgrade", 30.0)
    bench.tick(31.0)
    bench.tick(61.0)
    assert bench.lease.pins == {} and bench.leases.next_wake() is None


def test_the_rest_of_a_pin_is_saved_to_the_instant() -> None:
    """L6: also its last second"""
    bench = CoreBench()
    bench.orders.pin(0.0, APP, "upgrade", 60.5)
    bench.committed()
    bench.tick(60.0)
    assert bench.committed() == [PinPut(APP, "upgrade", 0.5)]


def test_a_lease_that_ran_out_is_free_since_then_and_history_says_whose_it_was() -> None:
    """L3, L7, O4"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    before = bench.lease
    bench.committed()
    bench.leases.tick(60.5, 1000.0)
    cause = "web/0's lease ran out"
    assert bench.lease == replace(
        before, holder=None, freed_at=60.5, led_since=1000.0, freed_because=cause
    )
    assert bench.history() == [
        HistoryAdded(
            application=APP, at=1000.0, kind="expired", cause=cause, unit_from=W0, term=term
        )
    ]


def test_a_lease_that_was_given_up_is_free_since_then_and_history_says_by_whom() -> None:
    """L5, L7, O4"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    before = bench.lease
    bench.committed()
    bench.leases.tick(2.0, 1000.0)
    bench.leases.release(2.0, W0, term)
    cause = "web/0 stepped down"
    assert bench.lease == replace(
        before, holder=None, freed_at=2.0, led_since=1000.0, freed_because=cause
    )
    assert bench.history() == [
        HistoryAdded(
            application=APP, at=1000.0, kind="released", cause=cause, unit_from=W0, term=term
        )
    ]


def test_a_grant_is_the_holder_s_from_that_moment_on() -> None:
    """L2, L7"""
    bench = CoreBench()
    before = bench.lease
    bench.leases.tick(5.0, 1000.0)
    bench.leases.claim(5.0, W0, None)
    assert bench.lease == replace(
        before, term=1, holder=Holder(W0, "one"), expires_at=65.0, led_since=1000.0,
        granted_at=5.0, last_leader=W0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "detail"),
    [({"k": "v"}, "revision 1: 1 key"), ({"k": "v", "l": "w"}, "revision 1: 2 keys")],
)
def test_history_says_who_wrote_and_how_many_keys(changes: dict[str, str], detail: str) -> None:
    """O4, B1"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.committed()
    bench.leases.write(0.0, W0, term, changes)
    assert bench.history() == [
        HistoryAdded(
            application=APP, at=0.0, kind="settings", cause="web/0 wrote", unit_to=W0, term=term,
            detail=detail,
        )
    ]  # fmt: skip


def test_an_empty_key_is_refused_in_words() -> None:
    """G7"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    told = refusal_of(lambda: bench.leases.write(1.0, W0, term, {"": "v"}))
    assert told == "a setting's key must not be empty"


def test_history_says_which_pin_ended_and_one_at_its_very_end_has_not() -> None:
    """L6, O4"""
    bench = CoreBench()
    bench.orders.pin(0.0, APP, "upgrade", 9.0)
    bench.orders.pin(0.0, APP, "backup", 10.0)
    bench.committed()
    bench.tick(10.0)
    assert bench.lease.pins == {"backup": 10.0}
    assert bench.committed() == [
        PinDropped(APP, "upgrade"),
        HistoryAdded(
            application=APP, at=10.0, kind="unpinned", cause="its time ran out", detail="upgrade"
        ),
    ]


def test_who_disconnects_waits_no_longer() -> None:
    """L4"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.waits(0.0, W1, W2)
    bench.leases.disconnect(1.0, W1, 1)
    assert bench.lease.line == (W2,)


def test_who_stops_seeking_leadership_or_seeks_it_again_is_noted_once() -> None:
    """U4, O1: it may have the place by then that a hand-over gives a leader"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.orders.elect(1.0, W1)
    bench.leases.set_eligible(2.0, W0, False)
    bench.leases.release(2.0, W0, term)
    assert bench.lease.line == (W1, W0)
    bench.leases.set_eligible(2.0, W0, False)
    assert bench.lease.line == (W1, W0) and not bench.leases.can_lead(W0)
    bench.leases.set_eligible(2.0, W0, True)
    assert bench.lease.line == (W1, W0) and bench.leases.can_lead(W0)


def test_a_unit_whose_application_the_store_does_not_know_cannot_lead() -> None:
    """L8, G7: its session may be there still"""
    bench = CoreBench()
    bench.applications.create(0.0, "db", 60.0, 30.0, units=1)
    bench.connect(0.0, "db/0")
    assert bench.leases.can_lead("db/0")
    bench.leases.reload(["db"], {})
    assert not bench.leases.can_lead("db/0")


def test_an_offer_s_time_begins_when_it_is_told_also_where_that_is_rolled_back_to() -> None:
    """L4, G7: else it would never lapse"""
    bench = CoreBench()
    untold = replace(bench.lease, line=(W1,), offer=LineOffer(W1, NEVER))
    bench.leases.staging.touch(replace(bench.application, lease=untold))
    bench.orders.pin(4.0, APP, "upgrade", 60.0)
    assert bench.leases.tell_offer(5.0, W1)
    told = replace(untold, offer=LineOffer(W1, 6.0))
    assert bench.lease == replace(told, pins={"upgrade": 64.0})
    assert not bench.leases.tell_offer(5.5, W2), "it is another's"
    batch = bench.leases.staging.take()
    assert batch is not None
    bench.leases.roll_back([batch])
    assert bench.lease == told and bench.told() == []


def test_what_is_on_offer_to_nobody_any_more_is_not_told() -> None:
    """L4"""
    bench = CoreBench()
    assert not bench.leases.tell_offer(0.0, W0)
    assert not bench.leases.tell_offer(0.0, "db/0")


def test_who_watches_hears_of_every_lease_that_is_settled_and_when() -> None:
    """The instant is that of the act, whatever the act is"""
    seen: list[float] = []

    class Watcher:
        def settled(self, now: float, before: Lease | None, after: Lease) -> None:
            seen.append(now)

    made = Model(observer=Watcher())
    made.applications.create(0.0, APP, 60.0, 30.0, units=2)
    for unit in (W0, W1):
        made.leases.connect(0.0, unit, "one", 1)
    made.leases.claim(1.0, W0, None)
    made.leases.claim(2.0, W1, None)
    made.orders.step_down(3.0, APP)
    made.leases.release(4.0, W0, 1)
    made.orders.elect(5.0, W0)
    made.leases.claim(6.0, W0, None)
    made.orders.elect(7.0, W1)
    made.orders.revoke(8.0, APP)
    made.leases.set_silent(9.0, W1, 0.0)
    made.leases.set_eligible(10.0, W1, False)
    made.leases.disconnect(11.0, W1, 1)
    made.applications.retire_application(12.0, APP)
    assert seen == [float(number) for number in range(1, 13)]


def not_ticked() -> CoreBench:
    """web/0's lease ran out at 60 s, and nothing of it could be written since."""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.committed()
    bench.leases.wall = 1000.0
    return bench


@pytest.mark.parametrize(("unit", "term"), [(W1, None), (W0, None), (W0, 1)])
def test_a_claim_on_a_lease_that_ran_out_lets_time_do_its_work_first(
    unit: str, term: int | None
) -> None:
    """L3, L2, G8, O4: and what it reports counts once"""
    bench = not_ticked()
    assert bench.leases.claim(60.5, unit, term, 7) == Granted(
        unit=unit, term=8, duration=60.0, guarantee=30.0
    )
    cause = "web/0's lease ran out"
    assert bench.history() == [
        HistoryAdded(
            application=APP, at=1000.0, kind="expired", cause=cause, unit_from=W0, term=1
        ),
        HistoryAdded(
            application=APP, at=1000.0, kind="granted", cause=cause, unit_from=W0, unit_to=unit,
            term=8, leaderless_for=0.0,
        ),
    ]  # fmt: skip


def test_a_claim_on_a_lease_that_ran_out_is_denied_where_another_waited() -> None:
    """L4: it is on offer to that one by then"""
    bench = not_ticked()
    bench.waits(1.0, W1)
    assert bench.leases.claim(60.5, W2, None) == Denied(unit=W2, duration=60.0)
    assert bench.told() == [Offer(unit=W1)] and bench.lease.line == (W1, W2)


def test_an_ineligible_unit_that_claims_a_free_lease_changes_nothing() -> None:
    """L2, U4"""
    bench = CoreBench()
    bench.leases.set_eligible(0.0, W0, False)
    before = bench.lease
    bench.waits(1.0, W0)
    assert bench.lease == before and bench.committed() == []


def test_a_lease_that_its_holder_does_not_believe_in_is_freed_with_that_as_cause() -> None:
    """L2, O4"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.leases.set_eligible(1.0, W0, False)
    bench.committed()
    bench.waits(1.0, W0)
    assert bench.history() == [
        HistoryAdded(
            application=APP, at=1.0, kind="released", cause="web/0 no longer believed",
            unit_from=W0, term=term,
        )
    ]  # fmt: skip


def test_a_renewal_changes_the_end_and_nothing_else() -> None:
    """L2: also where it names the very term that is held"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    before = bench.lease
    bench.claim(20.0, W0, term, term)
    assert bench.lease == replace(before, expires_at=80.0)


def test_an_offer_has_no_end_before_it_is_told() -> None:
    """L4, L7: a slow commit does not use it up"""
    made = Model()
    made.applications.create(0.0, APP, 60.0, 30.0, units=2)
    for unit in (W0, W1):
        made.leases.connect(0.0, unit, "one", 1)
    made.leases.claim(0.0, W0, None)
    made.leases.claim(0.0, W1, None)
    made.leases.release(1.0, W0, 1)
    assert made.leases.staging.applications[APP].lease.offer == LineOffer(W1, NEVER)
    assert made.leases.tell_offer(5.0, W1)
    assert made.leases.staging.applications[APP].lease.offer == LineOffer(W1, 6.0)


def test_who_watches_hears_of_a_lease_that_was_not_there_before() -> None:
    """There is nothing before it"""
    seen: list[tuple[float, Lease | None, Lease]] = []

    class Watcher:
        def settled(self, now: float, before: Lease | None, after: Lease) -> None:
            seen.append((now, before, after))

    lease = Lease(duration=60.0, guarantee=30.0, longest=60.0)
    Leases(observer=Watcher()).settle(3.0, Application(name=APP, lease=lease), lease)
    assert seen == [(3.0, None, lease)]
