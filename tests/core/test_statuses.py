"""How applications are, as their leaders say or their units are."""

from __future__ import annotations

from itertools import pairwise, permutations

import pytest

from tenure.core.changes import StatusPut, StatusRecord
from tenure.core.status import MAX_MESSAGE, SEVERITY, Said, shortened, worst_of
from tenure.core.statuses import said_of
from tenure.errors import BadRequest, NotFound

from . import scenarios
from .bench import APP, W0, CoreBench


@pytest.mark.parametrize(("worse", "better"), list(pairwise(SEVERITY)))
def test_the_worst_status_of_units_is_their_application_s(worse: str, better: str) -> None:
    """P4: in Juju's order, wherever the unit stands"""
    said = Said(worse, "why", 7.0), Said(better, "else", 8.0), Said("unknown")
    for units in permutations(said):
        assert worst_of(units).current == worse
    assert worst_of(said) == said[0], "with its message, and since when"


def test_of_units_that_are_as_bad_the_first_speaks() -> None:
    """P4"""
    assert worst_of([Said("active"), Said("blocked", "a"), Said("blocked", "b")]).message == "a"


def test_without_units_or_word_of_any_it_is_unknown() -> None:
    """P4"""
    assert worst_of([]) == Said("unknown")
    assert worst_of([Said("strange", "x"), Said("unknown")]) == Said("unknown")


def test_the_status_is_the_leader_s_to_set_and_to_read() -> None:
    """P4, G6"""
    scenarios.status_of_the_application_is_the_leader_s_to_set()


def test_the_status_stays_when_leadership_moves() -> None:
    """P4"""
    scenarios.status_stays_when_leadership_moves()


def test_saying_the_same_again_changes_nothing() -> None:
    """P4, P5: it is so since it was first said"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.leases.tick(0.0, 100.0)
    bench.committed()
    bench.statuses.set(0.0, W0, term, "active", "ready")
    record = StatusRecord(application=APP, current="active", message="ready", since=100.0)
    assert bench.committed() == [StatusPut(record)] and bench.told() == []
    bench.leases.tick(1.0, 101.0)
    bench.statuses.set(1.0, W0, term, "active", "ready")
    assert bench.committed() == [] and bench.application.status == record
    bench.statuses.set(1.0, W0, term, "active", "")
    assert bench.application.status == StatusRecord(application=APP, current="active", since=101.0)


def test_an_endless_message_is_cut_and_a_status_that_nobody_can_set_is_refused() -> None:
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.statuses.set(0.0, W0, term, "active", "x" * 9000)
    assert bench.application.status is not None
    kept = bench.application.status.message
    assert len(kept) == MAX_MESSAGE and kept.endswith("x…")
    for status in ("error", "unknown", ""):
        with pytest.raises(BadRequest, match="use maintenance, blocked, waiting, active"):
            bench.statuses.set(0.0, W0, term, status, "")
    with pytest.raises(NotFound):
        bench.statuses.set(0.0, "web/9", term, "active", "")


def test_what_a_unit_of_which_nothing_is_known_says_is_not_its_application_s() -> None:
    """P4"""
    assert worst_of([Said("unknown", "a message", 7.0)]) == Said()
    assert worst_of([Said("strange", "a message", 7.0)]) == Said()


def test_a_message_of_just_so_many_letters_is_whole() -> None:
    """P4"""
    assert shortened("x" * MAX_MESSAGE) == "x" * MAX_MESSAGE
    assert shortened("x" * MAX_MESSAGE + "y") == "x" * (MAX_MESSAGE - 1) + "…"


def test_what_was_set_is_read_as_it_was_set() -> None:
    """P4"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    assert bench.statuses.read(0.0, W0, term) == (bench.application, None)
    bench.leases.tick(0.0, 100.0)
    bench.statuses.set(0.0, W0, term, "blocked", "no space")
    said = Said("blocked", "no space", 100.0)
    assert said_of(bench.application) == said
    assert bench.statuses.read(0.0, W0, term) == (bench.application, said)
