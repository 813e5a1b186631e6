"""What a unit does next, hooks, copies, peer relations and contexts alike: `next_operation`."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tenure.core.localstate import Deposition, Failure, LocalState, RunHook
from tenure.core.operations import (
    CopyCharm,
    DropFailed,
    EnterRelations,
    GiveContext,
    LeaveRelations,
    Operation,
    PayFailed,
    SayGone,
    Snapshot,
)
from tenure.core.relations import Relation, Told
from tenure.core.resolver import next_operation
from tenure.core.tracker import Standing

NEW = LocalState(unit="web/0")
SETTLED = replace(
    NEW, installed=True, told_once=True, configured=True, started=True,
    charm_revision=3, charm_copied=3,
)  # fmt: skip
PEERS = Relation(number=0, endpoint="peers")
INSIDE = replace(SETTLED, relations={0: Told(endpoint="peers", entered=True, created=True)})
FAILED = replace(SETTLED, failure=Failure(hook="config-changed", detail="exit status 1"))
SKIPPED = replace(FAILED, failure=replace(FAILED.failure, skip=True))
REMOVED = replace(SETTLED, stopped=True, removed=True)
INSTALL = RunHook(hook="install", reason="started")
DEPOSED = replace(SETTLED, deposition=Deposition(1))
UPDATE = RunHook(hook="update-status")
UPGRADE = RunHook(hook="upgrade-charm", charm_revision=4)
SKIPPED_HOOK = RunHook(hook="config-changed")


def known(standing: Standing = Standing.MINION, **so: Any) -> Snapshot:
    return Snapshot(standing=standing, charm_revision=so.pop("charm_revision", 3), **so)


STEPPING = Standing.STEPPING_DOWN

ROWS = [
    pytest.param(NEW, known(), INSTALL, id="a hook that is owed"),
    pytest.param(SETTLED, known(), None, id="nothing"),
    pytest.param(NEW, known(busy=True), None, id="nothing beside what is under way"),
    pytest.param(NEW, known(held=True), None, id="no hook while hooks are held"),
    # peer relations are entered and left beside hooks
    pytest.param(SETTLED, known(relations=(PEERS,), may_ask_peers=True), EnterRelations((PEERS,)),
                 id="enter"),
    pytest.param(SETTLED, known(relations=(PEERS,), may_ask_peers=True, busy=True),
                 EnterRelations((PEERS,)), id="enter while a hook runs"),
    pytest.param(NEW, known(relations=(PEERS,), may_ask_peers=True), INSTALL,
                 id="do not enter before install"),
    pytest.param(INSIDE, known(may_ask_peers=True, leaving=True, busy=True), None,
                 id="do not leave before the last hooks of relations"),
    pytest.param(replace(INSIDE, relations={0: Told(endpoint="peers", entered=True, broken=True)}),
                 known(may_ask_peers=True, leaving=True), LeaveRelations(), id="leave"),
    # copies
    pytest.param(SETTLED, known(charm_revision=4), CopyCharm(UPGRADE), id="copy for an upgrade"),
    pytest.param(SETTLED, known(charm_revision=4, stopping=True, ending=True), None,
                 id="no upgrade while the agent stops"),
    pytest.param(FAILED, known(charm_revision=4, may_copy=True), CopyCharm(),
                 id="a unit in error gets a new charm at once"),
    pytest.param(FAILED, known(charm_revision=4), None, id="not before the next try of a copy"),
    pytest.param(FAILED, known(STEPPING, charm_revision=4, may_copy=True), None,
                 id="no copy while stepping down"),
    pytest.param(replace(SETTLED, charm_revision=4), known(charm_revision=4, may_copy=True),
                 CopyCharm(), id="a charm whose upgrade was skipped comes all the same"),
    pytest.param(SETTLED, known(charm_revision=2), CopyCharm(replace(UPGRADE, charm_revision=2)),
                 id="an earlier charm is followed, too"),
    pytest.param(SETTLED, known(charm_revision=0), None, id="what is not known is not followed"),
    pytest.param(SETTLED, known(update_due=True, copy_lost=True), CopyCharm(UPDATE),
                 id="copy again what a hook is to run from"),
    pytest.param(SETTLED, known(copy_lost=True), None, id="not before it is needed"),
    pytest.param(FAILED, known(copy_lost=True), None, id="nor before the failed hook is tried"),
    pytest.param(FAILED, known(copy_lost=True, may_retry=True), CopyCharm(SKIPPED_HOOK),
                 id="copy again before the failed hook is tried again"),
    pytest.param(SETTLED, known(charm_revision=4, copy_lost=True), CopyCharm(UPGRADE),
                 id="an upgrade copies it anyway"),
    pytest.param(NEW, known(charm_revision=0, copy_lost=True), None,
                 id="no hook and no copy before it is known of what"),
    pytest.param(SETTLED, known(update_due=True, copy_lost=True, ending=True), None,
                 id="no copy while the agent ends"),
    pytest.param(DEPOSED, known(STEPPING, copy_lost=True), None,
                 id="whoever is to lead next does not wait for a copy"),
    # the failed hook
    pytest.param(SKIPPED, known(), PayFailed(SKIPPED_HOOK), id="pay what was skipped"),
    pytest.param(SKIPPED, known(heard=False), None, id="not before the controller was heard"),
    pytest.param(FAILED, known(leaving=True), DropFailed(), id="drop what is not owed any more"),
    # the end
    pytest.param(REMOVED, known(leaving=True, may_say_gone=True), SayGone(), id="gone"),
    pytest.param(REMOVED, known(leaving=True), None, id="gone, but nobody can be told now"),
    # operators' contexts
    pytest.param(NEW, known(wanted=True), GiveContext(), id="an operator's context comes first"),
    pytest.param(NEW, known(wanted=True, held=True), GiveContext(),
                 id="an operator's context though hooks are held"),
    pytest.param(FAILED, known(wanted=True), GiveContext(), id="also while in error"),
    pytest.param(SETTLED, known(STEPPING, wanted=True), None, id="none while stepping down"),
    pytest.param(SETTLED, known(wanted=True, stopping=True, ending=True), None,
                 id="none while the agent stops"),
    pytest.param(SETTLED, known(update_due=True), UPDATE, id="update-status when it is due"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "snapshot", "operation"), ROWS)
def test_the_next_operation_is(
    state: LocalState, snapshot: Snapshot, operation: Operation | None
) -> None:
    """H1, H6, H7, U4"""
    assert next_operation(state, snapshot) == operation
