"""A unit's belief: until when, what was promised, what an answer means."""

from __future__ import annotations

import math

import pytest

from tenure.core.effects import ClaimUnsure
from tenure.core.tracker import Grant, LeaderReply, Loss, Standing, Tracker
from tenure.defaults import GUARANTEE, LEASE

from . import unit_scenarios as scenarios
from .bench import W0, answer, denied, granted, leader


def test_a_promise_counts_from_before_the_request_less_the_margin() -> None:
    """G4, U1"""
    scenarios.belief_counts_from_before_the_request()


def test_a_cut_off_unit_stops_before_another_may_lead() -> None:
    """G5, G1, G11"""
    scenarios.cut_off_unit_stops_before_another_may_lead()


def test_true_needs_the_whole_guarantee_in_hand() -> None:
    """G3, U2"""
    tracker = leader(0.0)
    assert tracker.is_sure(29.4) and not tracker.is_sure(29.5)
    assert tracker.ask(29.4) is LeaderReply.YES
    assert tracker.ask(29.5) is LeaderReply.RENEW and tracker.ask(59.4) is LeaderReply.NO


def test_nothing_is_promised_without_the_guarantee_in_hand() -> None:
    """G3"""
    with pytest.raises(AssertionError, match="without the guarantee"):
        leader(0.0).promise("hook", 29.5)


def test_renewals_are_due_early_enough_that_true_needs_no_waiting() -> None:
    """L1"""
    tracker = leader(100.0)
    assert tracker.next_wake(100.0) == pytest.approx(114.7)
    assert not tracker.claim_due(114.6) and tracker.claim_due(114.8)
    short = leader(0.0, duration=10.0, guarantee=5.0)
    assert short.next_wake(0.0) == pytest.approx(2.45)


def test_before_the_first_answer_a_unit_waits() -> None:
    """U2"""
    tracker = Tracker(W0)
    assert tracker.ask(0.0) is LeaderReply.WAIT and tracker.standing(0.0) is Standing.WAITING
    tracker.begin_claim(0.0)
    tracker.consider(1.0, ClaimUnsure(unit=W0, cause="reloading"), 2.0)
    assert tracker.ask(1.0) is LeaderReply.WAIT and not tracker.claim_due(1.9)
    assert tracker.claim_due(2.0)


def test_an_unsure_answer_changes_no_belief() -> None:
    """L8, G7"""
    tracker = leader(0.0)
    tracker.begin_claim(20.0)
    assert tracker.consider(21.0, ClaimUnsure(unit=W0, cause="reloading"), 22.0) is None
    assert tracker.believes(59.3) and tracker.term == 1


def test_nothing_latches() -> None:
    """U3"""
    tracker = Tracker(W0)
    tracker.begin_claim(0.0)
    answer(tracker, 0.1, denied())
    assert tracker.ask(1.0) is LeaderReply.NO
    tracker.want_claim(1.0)
    tracker.begin_claim(1.0)
    answer(tracker, 1.1, granted())
    assert tracker.ask(1.1) is LeaderReply.YES


def test_who_is_denied_claims_again_once_per_duration_or_when_offered() -> None:
    """L4"""
    tracker = Tracker(W0)
    tracker.begin_claim(0.0)
    answer(tracker, 5.0, denied(20.0))
    assert tracker.next_wake(5.0) == 20.0 and not tracker.claim_due(19.9)
    tracker.want_claim(7.0)
    assert tracker.claim_due(7.0)


def test_an_offer_that_comes_during_a_claim_is_taken_up_when_that_is_denied() -> None:
    """L4, G11"""
    tracker = Tracker(W0)
    tracker.begin_claim(0.0)
    tracker.offered(0.1)
    answer(tracker, 0.2, denied())
    assert tracker.claim_due(0.2)
    tracker.begin_claim(0.2)
    answer(tracker, 0.3, denied())
    assert tracker.next_wake(0.3) == pytest.approx(60.2), "it was taken up once"


def test_an_offer_that_was_claimed_for_is_not_claimed_for_again() -> None:
    """L4"""
    tracker = Tracker(W0)
    tracker.begin_claim(0.0)
    answer(tracker, 0.1, denied())
    tracker.offered(1.0)
    assert tracker.claim_due(1.0)
    tracker.begin_claim(1.0)
    answer(tracker, 1.1, denied())
    assert not tracker.claim_due(60.9) and tracker.claim_due(61.0)


def test_denied_while_believing_is_minion_at_once() -> None:
    """U1"""
    scenarios.denied_while_believing_is_minion_at_once()


def test_one_claim_is_in_flight_at_most() -> None:
    """L2"""
    tracker = Tracker(W0)
    assert tracker.claim_due(0.0) and tracker.begin_claim(0.0) is None
    tracker.want_claim(1.0)
    assert not tracker.claim_due(1.0)
    with pytest.raises(AssertionError, match="one claim at a time"):
        tracker.begin_claim(1.0)
    tracker.claim_lost(3.0)
    assert not tracker.claim_due(2.9) and tracker.claim_due(3.0)


def test_an_answer_counts_only_under_the_belief_it_was_asked_under() -> None:
    """L2"""
    scenarios.answer_of_an_older_epoch_is_thrown_away()


def test_an_answer_that_nobody_waits_for_means_nothing() -> None:
    """L2"""
    tracker = Tracker(W0)
    assert tracker.consider(1.0, granted(), 2.0) is None and not tracker.answered


def test_a_grant_that_comes_too_late_is_no_belief_and_the_claim_is_made_anew() -> None:
    """G4"""
    tracker = Tracker(W0)
    tracker.begin_claim(0.0)
    assert tracker.consider(59.4, granted(), 60.0) is None
    assert tracker.claim_due(59.4) and tracker.term is None


def test_a_term_that_ran_out_does_not_begin_again() -> None:
    """G8, L2, U5"""
    scenarios.term_that_ran_out_does_not_begin_again()


def test_a_new_term_inherits_no_certainty() -> None:
    """G5, L5"""
    scenarios.another_terms_certainty_is_not_inherited()


def test_a_unit_reports_the_highest_term_it_was_ever_told() -> None:
    """G8"""
    tracker = leader(0.0, term=3)
    tracker.begin_claim(1.0)
    tracker.lose(2.0)
    assert tracker.consider(3.0, granted(8), 4.0) is None and tracker.seen_term == 8


def test_a_renewal_extends_and_never_shortens() -> None:
    """L2"""
    tracker = leader(0.0)
    tracker.begin_claim(10.0)
    answer(tracker, 11.0, granted())
    assert tracker.sure_until == pytest.approx(69.4)
    tracker.begin_claim(20.0)
    answer(tracker, 21.0, granted(1, 10.0, 5.0))
    assert tracker.sure_until == pytest.approx(69.4) and tracker.guarantee == 5.0


def test_only_the_present_term_is_extended() -> None:
    """G8"""
    grant = Grant(term=2, asked_at=0.0, sure_until=9.0, duration=10.0, guarantee=5.0)
    with pytest.raises(AssertionError, match="only the present term"):
        leader(0.0).extend(grant)


def test_a_belief_that_is_over_is_found_by_the_unit_s_own_timer() -> None:
    """U5, U1"""
    tracker = leader(0.0)
    assert tracker.believes(59.3) and not tracker.believes(59.4)
    tracker.begin_claim(20.0)
    assert tracker.next_wake(20.0) == 59.4
    assert not tracker.has_run_out(59.3) and tracker.has_run_out(59.4)
    tracker.lose(59.4)
    assert tracker.standing(59.4) is Standing.MINION and not tracker.has_run_out(59.4)


def test_a_remembered_term_is_named_and_promises_nothing_before_its_answer() -> None:
    """U1, G9"""
    scenarios.remembered_term_promises_nothing_before_its_answer()


def test_a_remembered_term_that_is_over_is_not_named() -> None:
    """U1, L2"""
    tracker = Tracker(W0, remembered=7, sure_until=50.0)
    assert tracker.begin_claim(50.0) is None
    assert answer(tracker, 51.0, granted(8)) is not None and tracker.term == 8


def test_a_remembered_term_that_was_taken_is_a_loss() -> None:
    """U1"""
    tracker = Tracker(W0, remembered=7, sure_until=50.0)
    tracker.begin_claim(1.0)
    assert tracker.consider(2.0, denied(), 3.0) == Loss("the controller denied it")


def test_stepping_down_stops_promising_at_once() -> None:
    """U4"""
    scenarios.stepping_down_promises_nothing()


def test_the_lease_is_kept_until_every_promise_has_lapsed() -> None:
    """U4, G3"""
    scenarios.release_waits_for_promises()
    scenarios.older_promise_outlives_a_lower_guarantee()


def test_a_promise_is_not_shortened_by_a_shorter_one_to_the_same_context() -> None:
    """G3, L1"""
    tracker = leader(0.0)
    tracker.promise("hook", 1.0)
    tracker.begin_claim(2.0)
    answer(tracker, 2.0, granted(1, 60.0, 5.0))
    tracker.promise("hook", 3.0)
    assert tracker.promised_until() == 31.0
    tracker.promise("hook", 28.0)
    assert tracker.promised_until() == 33.0


def test_a_promise_ends_with_its_context() -> None:
    """G3, U4"""
    tracker = leader(0.0)
    tracker.promise("one", 10.0)
    tracker.promise("other", 5.0)
    tracker.step_down(11.0)
    tracker.context_ended("one")
    assert tracker.promised_until() == 35.0
    tracker.context_ended("other")
    assert tracker.may_release(11.0, hooks_are_over=True)
    assert not tracker.may_release(11.0, hooks_are_over=False)


def test_stepping_down_takes_one_guarantee_at_most_whatever_hooks_do() -> None:
    """U4"""
    scenarios.stepping_down_ends()


def test_stepping_down_looks_again_when_the_last_promise_lapses() -> None:
    """U4"""
    tracker = leader(0.0)
    tracker.promise("hook", 2.0)
    tracker.step_down(3.0)
    assert tracker.next_wake(3.0) == 32.0 and tracker.next_wake(32.0) == 33.0


def test_who_does_not_step_down_releases_nothing() -> None:
    """U4, L5"""
    assert not leader(0.0).may_release(1000.0, hooks_are_over=True)


def test_after_the_release_it_claims_again_without_a_term() -> None:
    """L4, L5, L2"""
    tracker = leader(0.0)
    tracker.step_down(1.0)
    tracker.lose(2.0)
    assert tracker.claim_due(2.0) and tracker.begin_claim(2.0) is None


def public(tracker: Tracker) -> dict[str, object]:
    """All that others read of it."""
    return {name: value for name, value in vars(tracker).items() if not name.startswith("_")}


FRESH = {
    "unit": W0, "seen_term": 0, "term": None, "sure_until": 0.0, "answered": False,
    "stepping_down": False, "duration": LEASE.value, "guarantee": GUARANTEE.value,
    "in_flight": None, "claim_at": -math.inf,
}  # fmt: skip


def test_a_fresh_unit_knows_nothing_and_claims_at_once() -> None:
    """U1, U2"""
    tracker = Tracker(W0)
    assert public(tracker) == FRESH
    assert tracker.claim_due(0.0) and tracker.next_wake(0.0) is None


def test_a_grant_and_its_end_change_just_this() -> None:
    """U1, U4: a new term that is short is sure for no longer than it is"""
    tracker = Tracker(W0)
    grant = Grant(term=2, asked_at=0.0, sure_until=0.5, duration=0.625, guarantee=0.25)
    tracker.become_leader(grant)
    held = {
        **FRESH, "term": 2, "sure_until": 0.5, "answered": True, "duration": 0.625,
        "guarantee": 0.25, "claim_at": pytest.approx(0.184375),
    }  # fmt: skip
    assert public(tracker) == held
    tracker.step_down(0.1)
    assert public(tracker) == {**held, "stepping_down": True}
    tracker.lose(0.125)
    assert public(tracker) == {**held, "term": None, "sure_until": 0.0, "claim_at": 0.125}
    tracker.become_leader(grant)
    assert public(tracker) == held


def test_a_denial_says_how_long_leases_are() -> None:
    """L4, L1"""
    tracker = Tracker(W0)
    tracker.begin_claim(0.0)
    answer(tracker, 5.0, denied(20.0))
    assert public(tracker) == {**FRESH, "answered": True, "duration": 20.0, "claim_at": 20.0}


def test_a_term_that_is_believed_in_does_not_begin_again() -> None:
    """G8"""
    tracker = leader(0.0)
    grant = Grant(term=1, asked_at=1.0, sure_until=9.0, duration=10.0, guarantee=5.0)
    with pytest.raises(AssertionError):
        tracker.become_leader(grant)


def test_what_must_not_be_is_said_in_words() -> None:
    """G3, G8, L2"""
    tracker = leader(0.0)
    with pytest.raises(AssertionError, match=r"\Aa promise without the guarantee in hand\b"):
        tracker.promise("hook", 29.5)
    grant = Grant(term=2, asked_at=0.0, sure_until=9.0, duration=10.0, guarantee=5.0)
    with pytest.raises(AssertionError, match=r"\Aonly the present term is extended\b"):
        tracker.extend(grant)
    tracker.begin_claim(1.0)
    with pytest.raises(AssertionError, match=r"\Aone claim at a time\b"):
        tracker.begin_claim(1.0)


def test_a_context_that_was_promised_nothing_may_end() -> None:
    """G3"""
    tracker = leader(0.0)
    tracker.promise("hook", 1.0)
    tracker.context_ended("other")
    assert tracker.promised_until() == 31.0
    tracker.context_ended("hook")
    assert tracker.promised_until() == -math.inf


def test_a_claim_from_before_a_belief_began_and_ended_is_thrown_away() -> None:
    """L2: a belief may be a while in coming, as it must be durable first"""
    tracker = Tracker(W0)
    tracker.begin_claim(0.0)
    grant = tracker.consider(0.5, granted(), 1.0)
    assert isinstance(grant, Grant)
    tracker.begin_claim(1.0)
    tracker.become_leader(grant)
    tracker.lose(2.0)
    assert tracker.consider(2.5, granted(2), 3.0) is None


def test_a_claim_from_before_a_belief_began_is_thrown_away_when_that_steps_down() -> None:
    """L2, U4"""
    tracker = Tracker(W0)
    tracker.begin_claim(0.0)
    grant = tracker.consider(0.5, granted(), 1.0)
    assert isinstance(grant, Grant)
    tracker.begin_claim(1.0)
    tracker.become_leader(grant)
    tracker.step_down(2.0)
    assert tracker.consider(2.5, granted(2), 3.0) is None


def test_a_claim_under_one_belief_is_thrown_away_under_the_next() -> None:
    """L2"""
    tracker = leader(0.0)
    tracker.begin_claim(1.0)
    grant = tracker.consider(1.5, granted(2), 2.0)
    assert isinstance(grant, Grant)
    tracker.begin_claim(2.0)
    tracker.lose(3.0)
    tracker.become_leader(grant)
    assert tracker.consider(3.5, granted(2), 4.0) is None


def test_stepping_down_looks_again_when_the_belief_ends_before_that() -> None:
    """U5, U4"""
    tracker = leader(0.0)
    tracker.step_down(40.0)
    assert tracker.next_wake(40.0) == pytest.approx(59.4) and tracker.next_wake(59.5) == 70.0


def test_no_time_is_awaited_for_the_next_claim_while_one_is_under_way() -> None:
    """L2"""
    tracker = Tracker(W0)
    tracker.begin_claim(0.0)
    tracker.want_claim(5.0)
    assert tracker.next_wake(0.0) is None
    tracker.claim_lost(6.0)
    assert tracker.next_wake(1.0) == 6.0
