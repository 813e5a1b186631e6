"""When hooks are due by time alone: `core/schedule.py`."""

from __future__ import annotations

import pytest

from tenure.core.schedule import LAST_RETRY, Schedule


@pytest.mark.parametrize(("attempts", "after"), [(1, 5.0), (2, 10.0), (3, 20.0), (20, LAST_RETRY)])
def test_a_failed_hook_is_tried_again_after_five_seconds_doubling_to_five_minutes(
    attempts: int, after: float
) -> None:
    """H7"""
    schedule = Schedule()
    schedule.failed(100.0, attempts, jitter=1.0)
    assert not schedule.may_retry(100.0 + after - 0.1) and schedule.may_retry(100.0 + after)


def test_an_operator_can_have_it_tried_again_at_once_and_once() -> None:
    """H7"""
    schedule = Schedule()
    schedule.failed(100.0, 1, jitter=1.0)
    schedule.retry_now()
    assert schedule.may_retry(100.0)
    schedule.began()
    assert not schedule.may_retry(100.0)


def test_a_killed_hook_runs_again_at_once_and_then_after_longer_and_longer() -> None:
    """H8: until one ends well"""
    schedule, held = Schedule(), []
    for _ in range(4):
        schedule.killed(100.0)
        held.append(schedule.hold_until - 100.0)
    schedule.done()
    schedule.killed(100.0)
    assert held == [0.0, 1.0, 2.0, 4.0] and schedule.hold_until == 100.0


def test_a_unit_in_error_wakes_for_its_retry_and_a_sound_one_for_its_update() -> None:
    """H1, H7"""
    schedule = Schedule()
    schedule.update_after(100.0, 300.0)
    schedule.failed(100.0, 1, jitter=0.8)
    assert schedule.next_wake(100.0, failing=False) == (400.0,)
    assert schedule.next_wake(100.0, failing=True) == (104.0,)
    assert not schedule.update_due(399.0) and schedule.update_due(400.0)
