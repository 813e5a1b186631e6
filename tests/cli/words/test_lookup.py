"""What a command names, and why a unit's agent is late."""

from __future__ import annotations

import pytest

from tenure.cli.words.lookup import why_late
from tenure.wire.operators import (
    ApplicationStatus,
    ControllerStatus,
    HookState,
    LeaseStatus,
    Status,
    UnitStatus,
)

UNKNOWN = "web/0 did not answer within 10s: see `tenure why web/0`, and try again"


def status_with(unit: UnitStatus) -> Status:
    application = ApplicationStatus(
        leader=None, term=1, since=None, lease=LeaseStatus(duration=60, guarantee=30),
        revision=0, settings_bytes=0, units={"web/0": unit},
    )  # fmt: skip
    controller = ControllerStatus(pid=1, version="0", seat=1, started="", store="")
    return Status(controller=controller, applications={"web": application})


@pytest.mark.parametrize(
    ("unit", "told"),
    [
        (UnitStatus(leader=False, agent="silent", pid=7, silent_for=17.2),
         "web/0 does not answer: its agent (pid 7) has been silent for 17 s: "
         "see `tenure why web/0`"),
        (UnitStatus(leader=False, agent="lost", silent_for=40.0,
                    hook=HookState(running="start")),
         "web/0 does not answer: its agent has been silent for 40 s: see `tenure why web/0`"),
        (UnitStatus(leader=True, agent="connected", hook=HookState(running="start")),
         "web/0 is busy: its hook start was still running after 10s: "
         "see `tenure status`, and try again"),
        (UnitStatus(leader=True, agent="connected"), UNKNOWN),
    ],
)  # fmt: skip
def test_a_hook_is_blamed_only_if_one_runs_and_the_agent_answers(
    unit: UnitStatus, told: str
) -> None:
    assert why_late(status_with(unit), "web/0", 10.0) == told


def test_without_a_controller_nobody_is_blamed() -> None:
    assert why_late(None, "web/0", 10.0) == UNKNOWN
    assert why_late(status_with(UnitStatus(leader=False, agent="lost")), "web/1", 10.0) == (
        UNKNOWN.replace("web/0", "web/1")
    )
