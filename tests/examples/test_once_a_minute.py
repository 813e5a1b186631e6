"""examples/once-a-minute: what its README tells."""

from __future__ import annotations

from .running import EXAMPLES, Tenure, others, wait_until

CHARM = EXAMPLES / "once-a-minute"


def _done_by(tenure: Tenure, unit: str) -> list[str]:
    file = tenure.charm_of(unit) / "jobs-done"
    return file.read_text().splitlines() if file.exists() else []


def test_only_the_leader_does_the_job(tenure: Tenure) -> None:
    """G1, H1, U3: with a minute of one second"""
    tenure.up(CHARM, "--units", "2", "--update-status-interval", "1s")
    application = tenure.until(lambda now: now["leader"] and len(now["units"]) == 2)
    leader, (other,) = application["leader"], others(application)
    wait_until(lambda: len(_done_by(tenure, leader)) >= 2)
    tenure.until(lambda now: "another unit's" in now["units"][other]["status"]["message"])
    assert _done_by(tenure, other) == []

    tenure.run("elect", other)
    wait_until(lambda: len(_done_by(tenure, other)) >= 2)
    tenure.until(lambda now: "another unit's" in now["units"][leader]["status"]["message"])
    _check_that_turns_were_taken(tenure, leader, other)


def _check_that_turns_were_taken(tenure: Tenure, first: str, second: str) -> None:
    """Every job of the second unit came after every job of the first."""
    last_of_first = _done_by(tenure, first)[-1].split()[0]
    assert last_of_first <= _done_by(tenure, second)[0].split()[0]
