"""What a unit has before it, as it is told to those who watch."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tenure.core.localstate import LocalState, RunHook, begun, failed, without_belief
from tenure.core.operations import Snapshot, Surety
from tenure.core.outlook import is_settled, owed
from tenure.core.relations import Relation
from tenure.core.tracker import Standing

NEW = LocalState(unit="web/0")
DONE = replace(NEW, installed=True, told_once=True, configured=True, started=True)
MINION = Snapshot(standing=Standing.MINION)
LEADER = Snapshot(standing=Standing.LEADER, term=3, surety=Surety.UNKNOWN)


def running(state: LocalState, plan: RunHook) -> LocalState:
    """While this runs."""
    return begun(state, plan, "c", "boot")


@pytest.mark.parametrize(
    ("state", "known", "hook"),
    [
        pytest.param(DONE, MINION, None, id="nothing"),
        pytest.param(NEW, MINION, "install", id="the first"),
        pytest.param(running(NEW, RunHook(hook="install")), MINION,
                     "leader-settings-changed", id="the one after that which runs"),
        pytest.param(DONE, replace(MINION, config_revision=1), "config-changed", id="news"),
        pytest.param(running(DONE, RunHook(hook="config-changed", config_revision=1)),
                     replace(MINION, config_revision=1), None, id="what runs is paid by it"),
        pytest.param(running(DONE, RunHook(hook="actions/backup")),
                     replace(MINION, config_revision=1), "config-changed", id="behind an action"),
        pytest.param(failed(DONE, "start", "exit 1"), MINION, "start", id="the failed one"),
        pytest.param(running(failed(DONE, "start", "exit 1"), RunHook(hook="start")), MINION,
                     None, id="the failed one that is tried again"),
        pytest.param(DONE, LEADER, "leader-elected", id="though the guarantee is not in hand"),
        pytest.param(DONE, replace(MINION, update_due=True), None, id="no update-status"),
        pytest.param(without_belief(replace(DONE, term=3)), MINION, "leader-deposed",
                     id="a deposition"),
        pytest.param(failed(DONE, "leader-elected", "exit 1", 2),
                     replace(MINION, config_revision=1), "config-changed",
                     id="what comes after a failed one that is not owed any more"),
    ],
)  # fmt: skip
def test_what_comes_next_is_said(state: LocalState, known: Snapshot, hook: str | None) -> None:
    """O3, H4"""
    assert owed(state, known) == hook
    assert is_settled(state, known) is (hook is None)


@pytest.mark.parametrize(
    "known",
    [
        replace(MINION, heard=False),
        replace(MINION, standing=Standing.WAITING),
        replace(MINION, entering=True),
        replace(MINION, wanted=True),
        replace(MINION, leaving=True),
        replace(MINION, relations=(Relation(number=0, endpoint="peers"),)),
    ],
)
def test_a_unit_that_waits_for_something_is_not_settled(known: Snapshot) -> None:
    """O3: what it waits for may owe a hook"""
    assert not is_settled(DONE, known)
