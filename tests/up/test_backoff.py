"""How long to wait before what ended is started again."""

from __future__ import annotations

from tenure.up.backoff import Backoff


def test_waiting_doubles_to_half_a_minute_and_a_calm_minute_forgets() -> None:
    waits, backoff = [], Backoff()
    for _ in range(7):
        backoff = backoff.after(ran_for=2.0)
        waits.append(backoff.delay)
        backoff = backoff.doubled()
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    assert backoff.after(ran_for=60.0).delay == 1
