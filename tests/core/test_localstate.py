"""What is recorded of a unit, write by write: the whole of it, and nothing else (H5)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tenure.core.localstate import (
    Deposition,
    Failure,
    LocalState,
    RunHook,
    Running,
    as_entered,
    begun,
    is_skipped,
    never_believed,
    paid,
    with_belief,
    with_charm,
    with_copy,
    without_belief,
    without_peers,
)
from tenure.core.relations import RelationEvent, Told

PLAN = RunHook(hook="start", reason="started")
BASE = LocalState(
    unit="web/0", seen_term=3, elected_for=2, seen_revision=4, told_once=True, installed=True,
    configured=True, config_seen=5, charm_revision=6,
)  # fmt: skip
BELIEVING = replace(BASE, term=3, boot_id="boot", sure_until=60.0)
RUNNING = replace(
    BASE, running=Running(plan=PLAN, context_id="c", boot_id="boot"),
    failure=Failure(hook="start", detail="exit 1"), deposition=Deposition(3),
)  # fmt: skip


def test_a_belief_is_recorded_with_its_boot_and_until_when_it_is_sure() -> None:
    """H5, U1"""
    state = with_belief(BASE, 7, "boot", 60.0)
    assert state == replace(BASE, term=7, boot_id="boot", sure_until=60.0, seen_term=7)
    older = replace(BASE, term=2, boot_id="boot", sure_until=9.0)
    assert with_belief(BASE, 2, "boot", 9.0) == older


def test_a_renewal_keeps_what_is_owed_and_a_new_term_drops_it() -> None:
    """H3, H5"""
    state = replace(BELIEVING, deposition=Deposition(1))
    assert with_belief(state, 3, "boot", 90.0) == replace(state, sure_until=90.0)
    assert with_belief(state, 4, "boot", 90.0) == replace(
        state, term=4, sure_until=90.0, seen_term=4, deposition=None
    )


def test_the_end_of_a_belief_is_one_write_that_owes_the_deposition() -> None:
    """H5, U4"""
    assert without_belief(BELIEVING) == replace(
        BASE, boot_id="boot", sure_until=0.0, deposition=Deposition(3)
    )


def test_a_hook_is_recorded_before_it_begins() -> None:
    """H5"""
    running = Running(plan=PLAN, context_id="c", boot_id="boot")
    assert begun(BASE, PLAN, "c", "boot") == replace(BASE, running=running)


EVENT = RelationEvent(number=0, endpoint="peers", kind="created")
ELECTED, DEPOSED, SETTINGS = "leader-elected", "leader-deposed", "leader-settings-changed"


@pytest.mark.parametrize(
    ("plan", "what"),
    [
        (RunHook(hook="install"), {"installed": True}),
        (PLAN, {"started": True}),
        (RunHook(hook="stop"), {"stopped": True}),
        (RunHook(hook="remove"), {"removed": True}),
        (RunHook(hook="update-status"), {}),
        (RunHook(hook="config-changed", config_revision=7), {"config_seen": 7}),
        (RunHook(hook="config-changed", config_revision=1), {}),
        (RunHook(hook="upgrade-charm", charm_revision=7),
         {"charm_revision": 7, "configured": False}),
        (RunHook(hook="upgrade-charm"), {"configured": False}),
        (RunHook(hook=ELECTED, term=7), {"elected_for": 7}),
        (RunHook(hook=ELECTED), {}),
        (RunHook(hook=DEPOSED, deposition=3), {"deposition": Deposition(3, told=True)}),
        (RunHook(hook=DEPOSED, deposition=2), {}),
        (RunHook(hook=DEPOSED), {}),
        (RunHook(hook=SETTINGS, target_revision=9, deposition=3),
         {"seen_revision": 9, "deposition": None}),
        (RunHook(hook=SETTINGS, target_revision=1), {}),
        (RunHook(hook=EVENT.hook, event=EVENT),
         {"relations": {0: Told(endpoint="peers", created=True)}}),
    ],
)  # fmt: skip
def test_a_hook_that_ended_well_pays_this_and_is_the_last_that_ran(
    plan: RunHook, what: dict[str, object]
) -> None:
    """H5, H7: it does not run any more, nor has it failed"""
    ended = replace(RUNNING, running=None, failure=None, last_hook=plan.hook)
    assert paid(RUNNING, plan) == replace(ended, **what)


def test_a_leader_deposed_of_which_no_term_is_known_pays_for_none() -> None:
    """H10: not for the first either"""
    state = replace(BASE, deposition=Deposition(1))
    assert paid(state, RunHook(hook=DEPOSED)).deposition == Deposition(1)


def test_who_leaves_takes_part_in_nothing_and_keeps_what_it_was_told() -> None:
    """H5, U4"""
    told = Told(endpoint="peers", entered=True, created=True, members={"web/1": 2})
    state = replace(BASE, relations={0: told, 1: Told(endpoint="ring")})
    assert without_peers(state) == replace(
        BASE, relations={0: replace(told, entered=False), 1: Told(endpoint="ring")}
    )


def test_a_grant_that_came_too_late_owes_nothing_and_is_known_to_be_seen() -> None:
    """G8, H3: what was believed before is over"""
    late = with_belief(BASE, 7, "boot", 60.0)
    assert never_believed(late, BASE) == replace(BASE, seen_term=7)
    late = with_belief(BELIEVING, 7, "boot", 90.0)
    assert never_believed(late, BELIEVING) == replace(without_belief(BELIEVING), seen_term=7)


@pytest.mark.parametrize(
    ("failure", "skipped"),
    [
        (None, False),
        (Failure(hook="start", detail="exit 1"), False),
        (Failure(hook="start", detail="exit 1", skip=True), True),
        (Failure(hook="install", detail="exit 1", skip=True), False),
    ],
)
def test_a_hook_is_skipped_if_an_operator_said_so_of_that_hook(
    failure: Failure | None, skipped: bool
) -> None:
    """H7"""
    assert is_skipped(replace(BASE, failure=failure), PLAN) is skipped


def test_a_revision_of_the_charm_that_is_not_known_changes_nothing() -> None:
    """P3"""
    assert with_copy(BASE, 7) == replace(BASE, charm_copied=7)
    assert with_charm(BASE, 7) == replace(BASE, charm_revision=7)
    assert with_charm(BASE, 0) == BASE
    copied = replace(BASE, charm_copied=5)
    assert with_copy(copied, 0) == copied


def test_the_controller_says_in_which_relations_a_unit_takes_part() -> None:
    """H5"""
    peers, ring = Told(endpoint="peers", entered=True, application=2), Told(endpoint="ring")
    state = replace(BASE, relations={0: peers, 1: ring})
    assert as_entered(state, frozenset({0})) is state
    assert as_entered(state, frozenset({1, 9})) == replace(
        BASE, relations={0: replace(peers, entered=False), 1: replace(ring, entered=True)}
    )
