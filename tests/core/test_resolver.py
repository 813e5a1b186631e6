"""Which hook runs next, and what is owed after it."""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec.structs import replace

from tenure.core import localstate
from tenure.core.localstate import (
    Deposition,
    Failure,
    LocalState,
    RunHook,
    Running,
    begun,
    cleared,
    failed,
    paid,
    with_belief,
    without_belief,
)
from tenure.core.operations import Snapshot, Surety
from tenure.core.relations import RelationEvent, Told
from tenure.core.resolver import demotion_is_over, failed_hook, has_left, is_moot, next_hook
from tenure.core.tracker import Standing

from . import unit_scenarios as scenarios

NEW = LocalState(unit="web/0")
SETTLED = replace(NEW, installed=True, told_once=True, configured=True, started=True)
LED = replace(SETTLED, term=3, seen_term=3, elected_for=3)
DEPOSED = without_belief(LED)
MINION = Snapshot(standing=Standing.MINION)
WAITING = Snapshot(standing=Standing.WAITING)
LEADER = Snapshot(standing=Standing.LEADER, term=3, surety=Surety.IN_HAND)
STEPPING = Snapshot(standing=Standing.STEPPING_DOWN)
LEAVING = replace(MINION, leaving=True)


def hooks(state: LocalState, known: Snapshot) -> list[str]:
    """All hooks that run one after the other until nothing is owed, none of them failing."""
    ran = []
    while (plan := next_hook(state, known)) is not None:
        ran.append(f"{plan.hook} {plan.reason}".strip())
        state = paid(begun(state, plan, "c", "boot"), plan)
        assert len(ran) < 20, ran
    return ran


START_AS_LEADER = ["install started", "leader-elected elected", "config-changed started",
                   "start started"]  # fmt: skip
START_AS_MINION = ["install started", "leader-settings-changed started",
                   "config-changed started", "start started"]  # fmt: skip
DEMOTION = ["leader-deposed deposed", "leader-settings-changed deposed"]
STORIES = [
    pytest.param(NEW, LEADER, START_AS_LEADER, id="starts as leader"),
    pytest.param(NEW, MINION, START_AS_MINION, id="starts as minion"),
    pytest.param(NEW, WAITING, ["install started"], id="waits for its first answer"),
    pytest.param(SETTLED, LEADER, ["leader-elected elected"], id="elected"),
    pytest.param(LED, LEADER, [], id="leads on"),
    pytest.param(LED, replace(LEADER, term=4), ["leader-elected elected"], id="another term"),
    pytest.param(DEPOSED, MINION, DEMOTION, id="deposed"),
    pytest.param(DEPOSED, STEPPING, DEMOTION, id="stepping down"),
    pytest.param(SETTLED, replace(MINION, revision=2), ["leader-settings-changed settings"],
                 id="another wrote"),
    pytest.param(SETTLED, replace(LEADER, term=0, revision=2), [], id="never on the leader"),
    pytest.param(DEPOSED, replace(LEAVING, revision=9),
                 ["leader-deposed deposed", "stop", "remove"], id="removed after leading"),
    pytest.param(SETTLED, replace(LEAVING, revision=9), ["stop", "remove"], id="removed"),
    pytest.param(NEW, LEAVING, [], id="removed before it was installed"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "known", "expected"), STORIES)
def test_hooks_run_in_order(state: LocalState, known: Snapshot, expected: list[str]) -> None:
    """H1, H2, H3, H10"""
    assert hooks(state, known) == expected


def interrupted(state: LocalState, known: Snapshot, crash_at: int) -> list[str]:
    """The same, but the agent dies once, after so many steps, and starts again from its record.

    A hook has three: recorded as running, run, recorded as paid.
    """
    ran, step = [], 0
    while (plan := next_hook(state, known)) is not None:
        for doing in ("begin", "run", "pay"):
            if doing == "begin":
                state = begun(state, plan, "c", "boot")
            elif doing == "run":
                ran.append(f"{plan.hook} {plan.reason}".strip())
            else:
                state = paid(state, plan)
            step += 1
            if step == crash_at:
                state = cleared(state)
                break
    return ran


@pytest.mark.parametrize(("state", "known", "expected"), STORIES)
def test_a_crash_at_any_step_loses_nothing_owed_and_repeats_nothing_paid(
    state: LocalState, known: Snapshot, expected: list[str]
) -> None:
    """H4, H5"""
    for crash_at in range(1, 3 * len(expected) + 1):
        ran = interrupted(state, known, crash_at)
        hit, step = divmod(crash_at - 1, 3)
        repeated = [expected[hit]] if step == 1 else []
        assert ran == expected[: hit + 1] + repeated + expected[hit + 1 :], crash_at


def test_update_status_runs_only_when_nothing_else_is_owed() -> None:
    """H1"""
    idle = replace(MINION, update_due=True)
    plan = next_hook(SETTLED, idle)
    assert plan == RunHook(hook="update-status")
    owed = next_hook(SETTLED, replace(idle, revision=1))
    assert owed is not None and owed.hook == "leader-settings-changed"
    first = next_hook(replace(SETTLED, started=False), idle)
    assert first is not None and first.hook == "start"


def test_leader_elected_needs_the_guarantee_in_hand() -> None:
    """H2, G3"""
    asking = replace(LEADER, surety=Surety.ASKING, update_due=True)
    assert next_hook(SETTLED, asking) is None, "it waits for the renewal that is under way"
    unknown = replace(asking, surety=Surety.UNKNOWN)
    assert next_hook(SETTLED, unknown) == RunHook(hook="update-status"), "others go on"
    assert next_hook(SETTLED, replace(asking, surety=Surety.IN_HAND)) == RunHook(
        hook="leader-elected", reason="elected", term=3
    )


def test_a_term_that_ended_before_its_hook_could_start_owes_no_leader_elected() -> None:
    """H2, H3"""
    state = without_belief(with_belief(SETTLED, 3, "boot", 60.0))
    assert hooks(state, MINION) == DEMOTION


def test_what_a_deposition_still_owed_is_dropped_when_the_unit_leads_again() -> None:
    """H3"""
    again = with_belief(DEPOSED, 4, "boot", 60.0)
    assert again.deposition is None
    assert hooks(again, replace(LEADER, term=4)) == ["leader-elected elected"]


def test_a_revision_missed_while_leading_is_told_after_the_deposition() -> None:
    """H3, H5"""
    plan = next_hook(replace(DEPOSED, deposition=Deposition(3, told=True)),
                     replace(MINION, revision=7))  # fmt: skip
    assert plan == RunHook(
        hook="leader-settings-changed", reason="deposed", target_revision=7, deposition=3
    )
    state = paid(DEPOSED, plan)
    assert state.seen_revision == 7 and state.deposition is None


def test_a_hook_pays_what_was_recorded_before_it_and_nothing_newer() -> None:
    """H5, H3"""
    plan = next_hook(SETTLED, replace(MINION, revision=2))
    assert plan is not None and plan.target_revision == 2
    state = paid(SETTLED, plan)
    assert hooks(state, replace(MINION, revision=3)) == ["leader-settings-changed settings"]
    older = RunHook(hook="leader-settings-changed", target_revision=1, deposition=2)
    assert paid(state, older).seen_revision == 2
    assert paid(DEPOSED, older).deposition == Deposition(3), "it was of another term"


def test_stepping_down_forgets_the_term_and_owes_the_deposition_in_one_write() -> None:
    """H5, U4, L5"""
    scenarios.stepping_down_forgets_the_term_durably()
    assert without_belief(SETTLED) is SETTLED


def test_a_renewal_does_not_change_what_is_owed() -> None:
    """H5, U1"""
    state = with_belief(LED, 3, "boot", 99.0)
    assert replace(state, boot_id="", sure_until=0.0) == LED
    assert hooks(state, LEADER) == []


def test_a_restart_in_the_same_term_runs_leader_elected_no_more() -> None:
    """H4, G9"""
    assert hooks(with_belief(LED, 3, "boot", 60.0), LEADER) == []
    assert hooks(with_belief(LED, 4, "boot", 60.0), replace(LEADER, term=4)) == [
        "leader-elected elected"
    ]


def test_a_failed_hook_stops_all_others_until_it_is_tried_again() -> None:
    """H7"""
    state = failed(failed(SETTLED, "start", "exit 1"), "start", "exit 1")
    assert state.failure == Failure(hook="start", detail="exit 1", attempts=2)
    assert next_hook(state, replace(MINION, revision=5)) is None
    plan = next_hook(state, replace(MINION, revision=5, may_retry=True))
    assert plan == RunHook(hook="start", reason="started")
    assert paid(state, plan).failure is None
    assert failed(state, "stop", "exit 2").failure == Failure(hook="stop", detail="exit 2")


def test_a_failure_keeps_since_when_it_is_and_all_that_it_was_for() -> None:
    """H7: and nothing else of the unit's state changes"""
    running = Running(plan=RunHook(hook="start"), context_id="c1", boot_id="boot")
    before = replace(LED, running=running, last_hook="install")
    event = RelationEvent(number=0, endpoint="peers", kind="changed", remote="web/1", version=3)
    once = failed(before, "peers-relation-changed", "exit 1", 3, event, 100.0)
    failure = Failure(
        hook="peers-relation-changed", detail="exit 1", term=3, event=event, since=100.0
    )
    assert once == replace(
        before, running=None, failure=failure, last_hook="peers-relation-changed"
    )
    twice = failed(once, "peers-relation-changed", "exit 2", 3, event, 200.0)
    assert twice == replace(once, failure=replace(failure, detail="exit 2", attempts=2))
    of_a_later_term = failed(twice, "peers-relation-changed", "exit 3", 4, None, 300.0).failure
    assert of_a_later_term == Failure(
        hook="peers-relation-changed", detail="exit 3", term=4, since=300.0
    )


@pytest.mark.parametrize(
    ("hook", "plan"),
    [
        ("leader-elected", RunHook(hook="leader-elected", reason="elected", term=3)),
        ("leader-deposed", RunHook(hook="leader-deposed", reason="deposed")),
        ("install", RunHook(hook="install", reason="started")),
        ("start", RunHook(hook="start", reason="started")),
        ("upgrade-charm", RunHook(hook="upgrade-charm", charm_revision=7)),
        ("update-status", RunHook(hook="update-status")),
        ("stop", RunHook(hook="stop")),
    ],
)
def test_a_failed_hook_is_owed_as_things_are_now(hook: str, plan: RunHook) -> None:
    """H7"""
    known = replace(LEADER, term=3, config_revision=5, charm_revision=7)
    assert failed_hook(failed(SETTLED, hook, "exit 1"), known) == plan


@pytest.mark.parametrize("hook", ["install", "config-changed", "start"])
def test_a_skipped_hook_counts_as_run(hook: str) -> None:
    """H7"""
    state = failed(NEW, hook, "exit 1")
    assert hook not in " ".join(hooks(paid(state, failed_hook(state, MINION)), MINION)).split()


def test_a_failed_leader_elected_is_retried_for_the_term_that_is_now() -> None:
    """H7, H2"""
    state = failed(SETTLED, "leader-elected", "exit 1")
    again = replace(LEADER, term=5, may_retry=True)
    assert next_hook(state, replace(again, surety=Surety.ASKING)) is None
    plan = next_hook(state, again)
    assert plan is not None and plan.term == 5 and paid(state, plan).elected_for == 5


@pytest.mark.parametrize("standing", list(Standing))
def test_a_failed_leader_elected_is_moot_when_its_term_is_gone(standing: Standing) -> None:
    """H2"""
    state = failed(SETTLED, "leader-elected", "exit 1")
    gone = standing in (Standing.MINION, Standing.STEPPING_DOWN)
    known = Snapshot(standing=standing, term=3, may_retry=True)
    assert is_moot(state, known) is gone
    if gone:
        assert next_hook(state, known) is None


@pytest.mark.parametrize("hook", ["leader-settings-changed", "leader-deposed"])
def test_a_failed_demotion_is_moot_when_the_unit_leads_again(hook: str) -> None:
    """H3"""
    state = failed(DEPOSED, hook, "exit 1")
    assert is_moot(state, replace(LEADER, may_retry=True))
    assert not is_moot(state, MINION)
    assert next_hook(state, replace(MINION, may_retry=True)) is not None


@pytest.mark.parametrize("hook", ["leader-settings-changed", "leader-deposed"])
def test_a_failed_demotion_is_not_run_on_a_unit_that_may_lead(hook: str) -> None:
    """H3, U1"""
    state = failed(DEPOSED, hook, "exit 1")
    assert next_hook(state, replace(WAITING, may_retry=True)) is None


@pytest.mark.parametrize("surety", Surety)
def test_a_failed_leader_elected_is_not_run_before_the_first_answer(surety: Surety) -> None:
    """H2, U1"""
    state = failed(LED, "leader-elected", "exit 1")
    waiting = replace(WAITING, term=3, surety=surety, may_retry=True)
    assert next_hook(state, waiting) is None and not is_moot(state, waiting)


@pytest.mark.parametrize(
    ("hook", "moot"),
    [("install", True), ("config-changed", True), ("start", True), ("update-status", True),
     ("leader-settings-changed", True), ("leader-deposed", False), ("stop", False),
     ("remove", False)],
)  # fmt: skip
def test_what_a_leaving_unit_needs_no_more_is_moot(hook: str, moot: bool) -> None:
    """H3, U4, H7"""
    assert is_moot(failed(SETTLED, hook, "exit 1"), LEAVING) is moot
    assert not is_moot(SETTLED, LEAVING)


def test_skipping_a_failed_leader_elected_before_the_first_answer_pays_for_no_term() -> None:
    """H7, H2"""
    state = failed(SETTLED, "leader-elected", "exit 1")
    state = paid(state, failed_hook(state, WAITING))
    assert state.failure is None and state.elected_for == 0
    assert hooks(state, LEADER) == ["leader-elected elected"]


def test_a_skipped_deposition_is_paid() -> None:
    """H7, H10"""
    state = failed(DEPOSED, "leader-deposed", "exit 1")
    state = paid(state, failed_hook(state, MINION))
    assert state.deposition == Deposition(3, told=True)
    state = failed(state, "leader-settings-changed", "exit 1")
    assert paid(state, failed_hook(state, MINION)).deposition is None


def test_a_leaving_unit_that_still_leads_runs_nothing_before_it_steps_down() -> None:
    """U4, H1"""
    for known in (LEADER, WAITING):
        assert next_hook(LED, replace(known, leaving=True)) is None
    assert next_hook(DEPOSED, replace(STEPPING, leaving=True)) == RunHook(
        hook="leader-deposed", reason="deposed", deposition=3
    )
    told = replace(DEPOSED, deposition=Deposition(3, told=True))
    assert next_hook(told, replace(STEPPING, leaving=True)) is None, "stop waits for the release"
    assert demotion_is_over(told, replace(STEPPING, leaving=True))


def test_a_unit_that_was_never_installed_has_nothing_to_undo() -> None:
    """H1, U4"""
    state = without_belief(with_belief(NEW, 3, "boot", 60.0))
    assert hooks(state, LEAVING) == [] and has_left(state, LEAVING)
    assert demotion_is_over(state, replace(STEPPING, leaving=True))


def test_a_unit_has_left_when_its_last_hook_ran() -> None:
    """H1, U4"""
    assert not has_left(SETTLED, LEAVING) and not has_left(SETTLED, MINION)
    assert has_left(replace(SETTLED, stopped=True, removed=True), LEAVING)
    assert not has_left(replace(SETTLED, removed=True), replace(LEAVING, standing=Standing.WAITING))


def test_a_demotion_is_over_when_its_hooks_ran_or_cannot_run() -> None:
    """U4"""
    assert not demotion_is_over(DEPOSED, STEPPING)
    assert not demotion_is_over(replace(DEPOSED, deposition=Deposition(3, told=True)), STEPPING)
    assert demotion_is_over(SETTLED, STEPPING)
    assert demotion_is_over(failed(DEPOSED, "start", "exit 1"), STEPPING)


def test_the_reasons_are_the_four_that_charms_know() -> None:
    """H10"""
    known = {"started", "elected", "deposed", "settings", ""}
    assert set(get_args(localstate.Reason)) == known


def test_a_failed_hook_of_settings_is_run_again_also_where_nothing_is_owed_any_more() -> None:
    """H7, H3"""
    plan = failed_hook(failed(SETTLED, "leader-settings-changed", "exit 1"), LEADER)
    assert plan == RunHook(hook="leader-settings-changed", reason="settings")


def test_what_did_not_run_is_owed_as_before() -> None:
    """H5"""
    state = begun(SETTLED, RunHook(hook="start"), "c", "boot")
    assert state.running is not None and cleared(state) == SETTLED


def test_after_stop_no_hook_of_a_relation_runs() -> None:
    """H1: whatever a record says of one"""
    told = {0: Told(endpoint="peers", entered=True, created=True)}
    state = replace(SETTLED, stopped=True, relations=told)
    assert next_hook(state, LEAVING) == RunHook(hook="remove")


def test_a_failed_leader_elected_of_an_earlier_term_is_moot() -> None:
    """H2: the one that leads now is run on its own account"""
    known = replace(LEADER, term=4, may_retry=True)
    assert is_moot(failed(SETTLED, "leader-elected", "exit 1", 3), known)
    assert not is_moot(failed(SETTLED, "leader-elected", "exit 1", 4), known)
    assert not is_moot(failed(SETTLED, "leader-elected", "exit 1"), known)


def test_a_failed_hook_that_was_skipped_or_is_moot_is_not_run_again() -> None:
    """H7, H3"""
    state = failed(SETTLED, "start", "exit 1")
    assert state.failure is not None
    skipped = replace(state, failure=replace(state.failure, skip=True))
    assert next_hook(skipped, replace(MINION, may_retry=True)) is None
    assert next_hook(state, replace(LEAVING, may_retry=True)) is None


@pytest.mark.parametrize(
    ("hook", "event", "runs"),
    [
        ("start", None, True),
        ("config-changed", None, False),
        ("peers-relation-created",
         RelationEvent(number=0, endpoint="peers", kind="created"), False),
    ],
)  # fmt: skip
def test_a_failed_hook_that_needs_the_controller_waits_for_it(
    hook: str, event: RelationEvent | None, runs: bool
) -> None:
    """H7"""
    state = failed(SETTLED, hook, "exit 1", event=event)
    known = replace(MINION, may_retry=True)
    assert (next_hook(state, replace(known, heard=False)) is not None) is runs
    assert next_hook(state, known) is not None
