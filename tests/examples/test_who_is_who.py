"""examples/who-is-who: what its README tells."""

from __future__ import annotations

import os
import signal
from typing import Any

from .charms import asked, messages
from .running import EXAMPLES, SHORT_LEASE, Tenure, others

CHARM = EXAMPLES / "who-is-who"
PEERS = ("-r", "peers:0")


def _know(application: dict[str, Any], *units: str) -> bool:
    """Whether these units show all names there are, and the leader's as the leader's."""
    roster = " ".join(application["units"])
    told = messages(application)
    return application["leader"] is not None and all(
        told[unit].startswith(f"{application['leader']} leads since ")
        and told[unit].endswith(f": {roster}")
        for unit in units or application["units"]
    )


def _names(count: int) -> list[str]:
    return [f"who-is-who/{number}" for number in range(count)]


def test_units_learn_who_leads_because_the_leader_tells(tenure: Tenure) -> None:
    """G10, H3, O1: from the first roster over a hand-over to a leader that dies"""
    tenure.up(CHARM, "--units", "3", "--no-restart", *SHORT_LEASE)
    first = tenure.until(lambda now: len(now["units"]) == 3 and _know(now))
    second, third = others(first)
    _check_beliefs(tenure, first)

    tenure.run("elect", second)
    after = tenure.until(lambda now: now["leader"] == second and _know(now))
    _check_beliefs(tenure, after)

    os.kill(after["units"][second]["pid"], signal.SIGKILL)
    tenure.until(
        lambda now: now["leader"] not in (None, second) and _know(now, first["leader"], third)
    )
    assert asked(tenure, third, "relation-get", *PEERS, "leads", second) == "True"


def _check_beliefs(tenure: Tenure, application: dict[str, Any]) -> None:
    """What every unit says of itself, as another reads it."""
    for reader in application["units"]:
        for unit in application["units"]:
            leads = str(unit == application["leader"])
            assert asked(tenure, reader, "relation-get", *PEERS, "leads", unit) == leads


def test_the_roster_follows_who_comes_and_who_leaves(tenure: Tenure) -> None:
    """U4: up to five units and down to two, the leader among those that leave"""
    tenure.up(CHARM, "--units", "3")
    tenure.until(lambda now: list(now["units"]) == _names(3) and _know(now))

    tenure.run("scale", "who-is-who", "5")
    tenure.until(lambda now: list(now["units"]) == _names(5) and _know(now))
    tenure.run("elect", "who-is-who/4")

    tenure.run("scale", "who-is-who", "2")
    tenure.until(lambda now: list(now["units"]) == _names(2) and _know(now))
    for stays in _names(2):
        heard = tenure.run("log", stays)
        assert all(f"{left} leaves" in heard for left in _names(5)[2:])


def test_a_minion_may_not_write_what_is_everybodys(tenure: Tenure) -> None:
    """The application's bag is the leader's to write and everybody's to read"""
    tenure.up(CHARM, "--units", "2")
    now = tenure.until(lambda now: len(now["units"]) == 2 and _know(now))
    (minion,) = others(now)
    command = [*PEERS, "--app", f"leader={minion}"]
    tenure.run("exec", minion, "--", "relation-set", *command, expect=1)
    told = asked(tenure, minion, "relation-get", *PEERS, "--app", "leader", "who-is-who")
    assert told == now["leader"]
