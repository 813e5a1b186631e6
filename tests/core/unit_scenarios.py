"""What must hold of a unit's belief, as checks that real tests and planted bugs share.

See `scenarios`.
"""

from __future__ import annotations

from tenure.core import localstate
from tenure.core.localstate import LocalState
from tenure.core.tracker import LeaderReply, Standing, Tracker

from .bench import W0, answer, denied, granted, leader
from .world import World


def belief_counts_from_before_the_request() -> None:
    tracker = Tracker(W0)
    tracker.begin_claim(100.0)
    answer(tracker, 130.0, granted())
    assert tracker.sure_until == 159.4
    assert tracker.ask(129.4) is LeaderReply.YES and tracker.ask(129.5) is LeaderReply.RENEW
    assert tracker.believes(159.3) and not tracker.believes(159.4)


def cut_off_unit_stops_before_another_may_lead() -> None:
    """By true time: a slow clock beside a fast controller, and the worst moment to be cut off."""
    for delays in ((0.0, 0.0), (0.5, 0.9), (0.0, 0.99)):
        world = World(units=2, rates=(0.995, 1.005), controller_rate=1.005)
        world.agents[0].delays = delays
        world.advance(3 * world.duration)
        world.agents[0].partitioned = True
        world.advance(3 * world.duration)
        assert world.agents[1].believes(), "nobody took over"


def answer_of_an_older_epoch_is_thrown_away() -> None:
    tracker = leader(0.0)
    assert tracker.begin_claim(20.0) == 1
    tracker.step_down(21.0)
    assert tracker.consider(22.0, granted(), 23.0) is None
    tracker.lose(23.0)
    assert tracker.begin_claim(23.0) is None
    tracker.lose(24.0)
    assert tracker.consider(25.0, granted(2), 26.0) is None and tracker.term is None


def term_that_ran_out_does_not_begin_again() -> None:
    tracker = leader(0.0)
    assert tracker.begin_claim(59.0) == 1
    assert tracker.consider(59.5, granted(), 60.0) is None, "a term began again after its end"
    assert tracker.claim_due(59.5) and tracker.begin_claim(59.5) is None


def another_terms_certainty_is_not_inherited() -> None:
    tracker = leader(0.0)
    tracker.begin_claim(1.0)
    answer(tracker, 1.0, granted(2, 10.0, 5.0))
    assert tracker.sure_until == 10.9, "it believes longer than its new lease"


def denied_while_believing_is_minion_at_once() -> None:
    for tracker in (leader(0.0), Tracker(W0, remembered=1, sure_until=59.4)):
        tracker.begin_claim(10.0)
        assert tracker.consider(11.0, denied(), 12.0) is not None
        assert not tracker.believes(11.0) and tracker.ask(11.0) is LeaderReply.NO


def remembered_term_promises_nothing_before_its_answer() -> None:
    tracker = Tracker(W0, remembered=7, sure_until=50.0, seen_term=7)
    assert not tracker.believes(1.0) and tracker.ask(1.0) is LeaderReply.WAIT
    assert tracker.begin_claim(1.0) == 7
    answer(tracker, 2.0, granted(7))
    assert tracker.ask(2.0) is LeaderReply.YES and tracker.term == 7


def release_waits_for_promises() -> None:
    tracker = leader(0.0)
    tracker.promise("hook", 10.0)
    tracker.step_down(12.0)
    assert not tracker.may_release(39.9, hooks_are_over=True), "a promise was broken"
    assert tracker.may_release(40.0, hooks_are_over=True)


def older_promise_outlives_a_lower_guarantee() -> None:
    tracker = leader(0.0)
    tracker.promise("hook", 1.0)
    tracker.begin_claim(2.0)
    answer(tracker, 2.0, granted(1, 10.0, 5.0))
    tracker.step_down(3.0)
    assert not tracker.may_release(30.9, hooks_are_over=True), "a promise was broken"
    assert tracker.may_release(31.0, hooks_are_over=True)


def stepping_down_promises_nothing() -> None:
    tracker = leader(0.0)
    tracker.step_down(1.0)
    assert tracker.believes(1.0) and tracker.standing(1.0) is Standing.STEPPING_DOWN
    assert tracker.ask(1.0) is LeaderReply.NO and not tracker.is_sure(1.0)
    assert not tracker.claim_due(59.0), "it sought to go on"


def stepping_down_ends() -> None:
    tracker = leader(0.0)
    tracker.step_down(1.0)
    assert not tracker.may_release(30.9, hooks_are_over=False)
    assert tracker.may_release(31.0, hooks_are_over=False), "a hook held leadership up"
    assert tracker.next_wake(1.0) == 31.0, "it looks again when time alone changes something"


# -- the agent's record


def stepping_down_forgets_the_term_durably() -> None:
    state = localstate.with_belief(LocalState(unit=W0), 3, "boot", 60.0)
    state = localstate.without_belief(state)
    assert state.term is None and state.deposition == localstate.Deposition(3)
    assert state.seen_term == 3
