"""examples/once-a-minute: what its README tells."""

from __future__ import annotations

from .house import EXAMPLES, House, others, wait_until

CHARM = EXAMPLES / "once-a-minute"


def _done_by(house: House, unit: str) -> list[str]:
    file = house.charm_of(unit) / "jobs-done"
    return file.read_text().splitlines() if file.exists() else []


def test_only_the_leader_does_the_job(house: House) -> None:
    """G1, H1, U3: with a minute of one second"""
    house.up(CHARM, "--units", "2", "--update-status-interval", "1s")
    application = house.until(lambda now: now["leader"] and len(now["units"]) == 2)
    leader, (other,) = application["leader"], others(application)
    wait_until(lambda: len(_done_by(house, leader)) >= 2)
    house.until(lambda now: "another unit's" in now["units"][other]["status"]["message"])
    assert _done_by(house, other) == []

    house.run("elect", other)
    wait_until(lambda: len(_done_by(house, other)) >= 2)
    house.until(lambda now: "another unit's" in now["units"][leader]["status"]["message"])
    _check_that_turns_were_taken(house, leader, other)


def _check_that_turns_were_taken(house: House, first: str, second: str) -> None:
    """Every job of the second unit came after every job of the first."""
    last_of_first = _done_by(house, first)[-1].split()[0]
    assert last_of_first <= _done_by(house, second)[0].split()[0]
