"""Who speaks for a unit: sessions, and instances that are no clones."""

from __future__ import annotations

from tenure.core.effects import StepDown
from tenure.core.sessions import Session

from . import scenarios
from .bench import W0, W1, CoreBench
from .scenarios import refusal_of


def test_another_instance_is_refused_while_the_first_is_connected() -> None:
    """L9"""
    scenarios.other_instance_is_refused_while_one_is_connected()


def test_another_instance_is_refused_while_the_first_may_believe() -> None:
    """L9, L3"""
    scenarios.other_instance_is_refused_while_one_may_believe()


def test_a_refused_instance_learns_why_and_for_how_long() -> None:
    """L9"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.leases.disconnect(1.0, W0, 1)
    told = refusal_of(lambda: bench.connect(20.0, W0, "clone"))
    assert "another instance of web/0 may believe to be leader for 40 s more" in told


def test_a_newer_session_supersedes_and_an_older_one_is_refused() -> None:
    """L9"""
    scenarios.superseded_sessions_end_means_nothing()
    bench = CoreBench()
    bench.connect(1.0, W0, "one", 3)
    assert refusal_of(lambda: bench.connect(1.0, W0, "one", 2)) == (
        "a newer session of web/0 is connected"
    )


def test_who_was_asked_to_step_down_hears_it_again_when_it_reconnects() -> None:
    """U4, O1"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.orders.elect(1.0, W1)
    assert bench.told() == [StepDown(unit=W0)]
    bench.connect(2.0, W0, "one", 2)
    assert bench.told() == [StepDown(unit=W0)]


def test_silence_is_noted_once_and_of_who_is_connected() -> None:
    """U1"""
    bench = CoreBench()
    sessions = bench.leases.sessions
    assert sessions.set_silent(W0, 5.0) and not sessions.set_silent(W0, 5.0)
    assert sessions.set_silent(W0, 7.0) and sessions.set_silent(W0, None)
    bench.leases.disconnect(8.0, W0, 1)
    assert not sessions.set_silent(W0, 5.0)


def test_whether_a_unit_seeks_leadership_is_noted_once() -> None:
    """U4"""
    sessions = CoreBench().leases.sessions
    assert not sessions.set_eligible(W0, True)
    assert sessions.set_eligible(W0, False) and not sessions.set_eligible(W0, False)
    assert sessions[W0] == Session("one", 1, eligible=False)


def test_a_refused_instance_is_told_what_to_do() -> None:
    """L9, G7"""
    bench = CoreBench()
    assert refusal_of(lambda: bench.connect(1.0, W0, "clone", 2)) == (
        "another instance of web/0 is connected: stop that one, or add a unit"
    )
    assert refusal_of(lambda: bench.connect(1.0, W0, "one", 1)) == (
        "a newer session of web/0 is connected"
    )
    bench.leads(1.0, W0)
    bench.leases.disconnect(1.0, W0, 1)
    assert refusal_of(lambda: bench.connect(20.0, W0, "clone")) == (
        "another instance of web/0 may believe to be leader for 41 s more: "
        "try again then, or add a unit"
    )


def test_the_sessions_are_those_of_who_is_connected() -> None:
    """L9"""
    sessions = CoreBench(2).leases.sessions
    assert dict(sessions) == {W0: Session("one", 1), W1: Session("one", 1)}
    sessions.forget(W0)
    sessions.forget("web/9")
    assert list(sessions) == [W1] and len(sessions) == 1
