"""When hooks are due by time alone: `core/schedule.py`."""

from __future__ import annotations

import math

import pytest

from tenure.core.schedule import LAST_RETRY, Kills, Schedule


@pytest.mark.parametrize(("attempts", "after"), [(1, 5.0), (2, 10.0), (3, 20.0), (20, LAST_RETRY)])
def test_a_failed_hook_is_tried_again_after_five_seconds_doubling_to_five_minutes(
    attempts: int, after: float
) -> None:
    """H7"""
    schedule = Schedule()
    schedule.failed(100.0, "start", attempts, jitter=1.0)
    assert not schedule.may_retry(100.0 + after - 0.1) and schedule.may_retry(100.0 + after)


def test_an_operator_can_have_it_tried_again_at_once_and_once() -> None:
    """H7"""
    schedule = Schedule()
    schedule.failed(100.0, "start", 1, jitter=1.0)
    schedule.retry_now()
    assert schedule.may_retry(100.0)
    schedule.began()
    assert not schedule.may_retry(100.0)


def test_a_killed_hook_runs_again_at_once_and_then_after_longer_and_longer() -> None:
    """H8: until one ends well"""
    schedule, held = Schedule(), []
    for _ in range(4):
        assert schedule.killed(100.0, "start", "signal: killed") == schedule.hold_until - 100.0
        held.append(schedule.hold_until - 100.0)
    assert schedule.last_kill == Kills("start", "signal: killed", 4)
    schedule.done("start")
    assert schedule.last_kill is None
    schedule.killed(100.0, "start", "signal: killed")
    assert held == [0.0, 1.0, 2.0, 4.0] and schedule.hold_until == 100.0


@pytest.mark.parametrize("other_ends", ["well", "by a failure", "by a kill"])
def test_that_another_hook_ends_meanwhile_hides_no_hook_that_is_killed_again_and_again(
    other_ends: str,
) -> None:
    """H8"""
    schedule, told = Schedule(), []
    for _ in range(3):
        if other_ends == "well":
            schedule.done("leader-elected")
        elif other_ends == "by a failure":
            schedule.failed(100.0, "leader-elected", 1, jitter=1.0)
        else:
            schedule.killed(100.0, "leader-elected", "signal: terminated")
        schedule.killed(100.0, "start", "signal: killed")
        told.append(schedule.last_kill)
    assert told == [Kills("start", "signal: killed", times) for times in (1, 2, 3)]
    assert schedule.hold_until == 102.0


def test_a_hook_that_failed_was_not_killed_any_more() -> None:
    """H7, H8"""
    schedule = Schedule()
    schedule.killed(100.0, "start", "signal: killed")
    schedule.failed(100.0, "start", 1, jitter=1.0)
    assert schedule.last_kill is None
    assert schedule.killed(100.0, "start", "signal: killed") == 0.0


def test_a_unit_in_error_wakes_for_its_retry_and_a_sound_one_for_its_update() -> None:
    """H1, H7"""
    schedule = Schedule()
    schedule.update_after(100.0, 300.0)
    schedule.failed(100.0, "start", 1, jitter=0.8)
    assert schedule.next_wake(100.0, failing=False) == (400.0,)
    assert schedule.next_wake(100.0, failing=True) == (104.0,)
    assert not schedule.update_due(399.0) and schedule.update_due(400.0)


def test_a_hook_that_is_killed_for_ever_waits_some_four_minutes_at_most() -> None:
    """H8"""
    schedule = Schedule()
    held = [schedule.killed(0.0, "start", "signal: killed") for _ in range(12)]
    assert held[-3:] == [256.0, 256.0, 256.0] and held[-4] == 128.0


def test_before_anything_happened_nothing_is_held_back_and_nothing_is_due() -> None:
    """H1, H7, H8"""
    schedule = Schedule()
    assert schedule.may_retry(0.0) and not schedule.update_due(1e12)
    assert (schedule.last_kill, schedule.hold_until) == (None, -math.inf)
    assert schedule.next_wake(0.0, failing=False) == (math.inf,)


def test_a_unit_wakes_when_the_pause_after_a_kill_is_over() -> None:
    """H8"""
    schedule = Schedule()
    schedule.update_after(100.0, 300.0)
    for _ in range(2):
        schedule.killed(100.0, "start", "signal: killed")
    assert schedule.next_wake(100.5, failing=False) == (101.0, 400.0)
    assert schedule.next_wake(101.0, failing=False) == (400.0,)


def test_a_wish_to_retry_ends_when_the_hook_is_not_owed_any_more() -> None:
    """H7: it does not hasten a later one"""
    schedule = Schedule()
    schedule.failed(100.0, "start", 1, jitter=1.0)
    schedule.retry_now()
    schedule.forget_retry()
    assert not schedule.may_retry(100.0)
