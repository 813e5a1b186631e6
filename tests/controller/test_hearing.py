"""Who is silent: heard too long ago, while the controller listened."""

from __future__ import annotations

from tenure.controller.hearing import LOOK_EVERY, SILENT_AFTER, Hearing
from tenure.wire.messages import SIGN_EVERY


def looked_at(hearing: Hearing[str], since: float, until: float) -> list[str]:
    """Who falls silent while the controller looks four times a second."""
    fallen = []
    for quarter in range(int(since * 4), int(until * 4) + 1):
        fallen += hearing.look(quarter / 4)
    return fallen


def test_who_says_nothing_for_long_has_fallen_silent_once() -> None:
    hearing: Hearing[str] = Hearing()
    hearing.speaks_for(0.0, "one", "web/0")
    assert looked_at(hearing, 0.0, SILENT_AFTER - 0.25) == []
    assert hearing.silent_since("one") is None
    assert looked_at(hearing, SILENT_AFTER, 100.0) == ["one"]
    assert hearing.silent_since("one") == 0.0
    assert list(hearing.units_of("one")) == ["web/0"]


def test_the_first_word_ends_a_silence_and_says_that_there_was_one() -> None:
    hearing: Hearing[str] = Hearing()
    hearing.speaks_for(0.0, "one", "web/0")
    looked_at(hearing, 0.0, 20.0)
    assert hearing.heard(20.5, "one") is True
    assert hearing.silent_since("one") is None
    assert hearing.heard(21.0, "one") is False
    assert looked_at(hearing, 21.0, 28.0) == []


def test_signs_that_come_late_by_more_than_one_are_no_silence() -> None:
    hearing: Hearing[str] = Hearing()
    hearing.speaks_for(0.0, "one", "web/0")
    at, late = 0.0, 2 * SIGN_EVERY + LOOK_EVERY
    while at < 300.0:
        assert looked_at(hearing, at, at + late) == []
        at += late
        hearing.heard(at, "one")


def test_time_in_which_the_controller_did_not_listen_makes_nobody_silent() -> None:
    """L8: it may have been stopped for an hour; what was said meanwhile is still to be read"""
    hearing: Hearing[str] = Hearing()
    hearing.speaks_for(0.0, "one", "web/0")
    looked_at(hearing, 0.0, 2.0)
    assert hearing.look(3600.0) == []
    assert looked_at(hearing, 3600.0, 3605.0) == []
    assert looked_at(hearing, 3605.25, 3610.0) == ["one"]


def test_a_connection_that_is_gone_is_not_listened_to() -> None:
    hearing: Hearing[str] = Hearing()
    hearing.speaks_for(0.0, "one", "web/0")
    hearing.forget("one")
    assert looked_at(hearing, 0.0, 100.0) == []
    assert hearing.heard(101.0, "one") is False
    assert list(hearing.units_of("one")) == []
