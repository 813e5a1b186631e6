"""The instants at which time alone changes something."""

from __future__ import annotations

from tenure.core.wakes import Wakes


def test_names_are_due_after_their_instants_soonest_first() -> None:
    """L3: at the very instant a lease is still held"""
    wakes = Wakes()
    wakes.at("web", 2.0)
    wakes.at("db", 1.0)
    assert list(wakes.due(1.0)) == [] and wakes.next() == 1.0
    assert list(wakes.due(2.5)) == ["db", "web"] and wakes.next() is None


def test_a_sooner_instant_takes_the_place_of_a_later_one() -> None:
    """And a later one is nothing: whoever looks then asks anew"""
    wakes = Wakes()
    wakes.at("web", 5.0)
    wakes.at("web", 1.0)
    wakes.at("web", 9.0)
    assert list(wakes.due(2.0)) == ["web"]
    assert list(wakes.due(10.0)) == []


def test_what_is_asked_for_while_others_are_due_is_due_too() -> None:
    """A lease that ran out is offered, and the offer may have lapsed as well"""
    wakes = Wakes()
    wakes.at("web", 1.0)
    seen = []
    for name in wakes.due(4.0):
        seen.append(name)
        if len(seen) < 3:
            wakes.at(name, float(len(seen)) + 1)
    assert seen == ["web", "web", "web"] and wakes.next() is None
