"""States: copied, told from each other, moved in time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tenure.core.tracker import Tracker
from tests.walk.agent import Agent
from tests.walk.desk import Desk
from tests.walk.graph import PAST, UnknownTime, copied, let_pass, sign
from tests.walk.still import TICK


def a_desk() -> Desk:
    return Desk(["web/0", "web/1"], 4 * TICK, 2 * TICK)


def tracker_of(agent: Agent) -> Tracker:
    assert agent.loop is not None
    return agent.loop.units[0].claimant.tracker


def test_a_copy_is_like_what_it_is_a_copy_of_and_goes_its_own_way() -> None:
    first = a_desk()
    second = copied(first)
    assert sign(first) == sign(second)
    second.order("pin", "web", "upgrade", 60.0)
    assert sign(first) != sign(second)


def test_what_was_shared_within_a_state_is_shared_within_its_copy() -> None:
    model = copied(a_desk()).office.model
    model.orders.pin(0.0, "web", "upgrade", 60.0)
    assert set(model.find("web").lease.pins) == {"upgrade"}


def test_an_answer_that_waits_speaks_for_its_copy_of_the_conversation() -> None:
    class Speaker:
        def __init__(self, name: str) -> None:
            self.name = name
            self.answer: Callable[[], str] = lambda: self.name

    first = Speaker("first")
    second = copied(first)
    second.name = "second"
    assert (first.answer(), second.answer()) == ("first", "second")


def test_instants_that_are_over_are_all_alike() -> None:
    """because nothing asks how long ago it was"""
    first, second = Agent("web/0", "i"), Agent("web/0", "i")
    for agent, sure_until in ((first, 1.0), (second, 1.5)):
        tracker_of(agent).sure_until = sure_until
    assert sign(first) != sign(second)
    for agent in (first, second):
        let_pass(agent, 2.0)
        assert tracker_of(agent).sure_until == PAST
    assert sign(first) == sign(second)


def test_a_number_that_nobody_knows_to_be_an_instant_or_a_span_is_refused() -> None:
    desk = a_desk()
    desk.newly_thought_of = 1.5  # type: ignore[attr-defined]
    with pytest.raises(UnknownTime, match="newly_thought_of"):
        let_pass(desk, 1.0)
