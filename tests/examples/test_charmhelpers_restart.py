"""examples/charmhelpers-restart: what its README tells."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tenure.agent.host.jujupaths import why_not
from tests.support.charmlibs import packed

from .charms import WITHIN, at_rest, messages
from .running import EXAMPLES, Tenure, others

CHARM = EXAMPLES / "charmhelpers-restart"
NAME = "charmhelpers-restart"


class Restart(NamedTuple):
    """One restart; instants in ns of CLOCK_BOOTTIME."""

    began_at: int
    ended_at: int
    unit: str
    request: str


def _restarts(trace: Path) -> list[Restart]:
    """All of the trace, in order. Fails if one has no end."""
    lines = [line.split() for line in trace.read_text().splitlines()]
    begun = {(unit, request): int(at) for at, unit, what, request in lines if what == "begin"}
    ended = {(unit, request): int(at) for at, unit, what, request in lines if what == "end"}
    assert len(lines) == 2 * len(begun) and begun.keys() == ended.keys(), lines
    return sorted(Restart(begun[each], ended[each], *each) for each in begun)


def _met(application: dict[str, Any], request: str) -> bool:
    told = f"restarted for {request}"
    return at_rest(application, 3) and set(messages(application).values()) == {told}


@pytest.mark.long
def test_restarts_never_overlap_and_none_is_left_out(tenure: Tenure, short: Path) -> None:
    """B1, B5, G1, H3: three units, two requests, the second across a change of the leader"""
    if why_not() is not None:
        pytest.skip("this kernel lets nobody have a view of the file system of its own")
    trace = short / "trace"
    trace.touch()
    tenure.up(
        packed(CHARM, short / "charm", "lib"), "--units", "3", "--juju-paths",
        "--config", f"trace={trace}", "--update-status-interval", "10s",
    )  # fmt: skip
    first = tenure.until(lambda now: _met(now, "nothing yet"), WITHIN)
    tenure.run("config", NAME, "restart=one")
    tenure.until(lambda now: _met(now, "one"), WITHIN)

    tenure.run("config", NAME, "restart=two")
    tenure.run("elect", others(first)[0])
    tenure.until(lambda now: _met(now, "two"), WITHIN)
    _check(_restarts(trace), sorted(first["units"]))


def _check(restarts: list[Restart], units: list[str]) -> None:
    for request in ("one", "two"):
        assert sorted(each.unit for each in restarts if each.request == request) == units
    assert all(one.ended_at <= after.began_at for one, after in pairwise(restarts))
