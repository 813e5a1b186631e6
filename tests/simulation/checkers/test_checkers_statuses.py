"""What the checker of statuses finds, and what it lets be."""

from __future__ import annotations

from tenure.simulation.checkers import StatusKept
from tenure.simulation.facts import Wrote
from tenure.simulation.peer_facts import StatusAtEnd, StatusSaid, StatusWrote
from tests.simulation.checkers.traces import W0, breaks, keeps


def wrote(at: float, message: str) -> StatusWrote:
    return StatusWrote(at=at, application="web", message=message)


def shown(message: str | None) -> StatusAtEnd:
    return StatusAtEnd(at=9, application="web", message=message)


def test_a_status_is_durable_when_its_tool_returns() -> None:
    """P4"""
    said = StatusSaid(at=2, unit=W0, application="web", message="a")
    assert keeps(StatusKept(), wrote(1, "a"), said, shown("a"))
    assert breaks(StatusKept(), said, shown(None), says="is not durable")


def test_the_last_status_is_shown_in_the_end() -> None:
    """P4"""
    assert keeps(StatusKept(), wrote(1, "a"), wrote(2, "b"), shown("b"))
    for wrong in ("a", None):
        assert breaks(StatusKept(), wrote(1, "a"), wrote(2, "b"), shown(wrong), says="set to b")


def test_a_removed_application_takes_its_status_along() -> None:
    """P4, B1"""
    gone = Wrote(at=3, application="web", unit="", term=0, settings={}, revision=0, removed=True)
    assert keeps(StatusKept(), wrote(1, "a"), gone, shown(None))
    assert breaks(StatusKept(), wrote(1, "a"), gone, shown("a"), says="set to None")
