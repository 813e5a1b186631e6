"""Juju's order of all hooks: what comes before leadership, and what after it."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from tenure.core.localstate import (
    Failure,
    LocalState,
    RunHook,
    failed,
    paid,
    with_charm,
    with_peers,
    without_belief,
    without_peers,
)
from tenure.core.operations import CopyCharm, Snapshot, Surety
from tenure.core.relations import Relation, RelationEvent, Told
from tenure.core.resolver import is_moot, next_hook, next_operation, to_enter, to_leave
from tenure.core.tracker import Standing

PEERS = (Relation(number=0, endpoint="peers", members={"web/1": 1}),)
NEW = LocalState(unit="web/0", charm_revision=1)

LEADER = Snapshot(
    standing=Standing.LEADER, term=4, surety=Surety.IN_HAND, relations=PEERS, charm_revision=1
)
MINION = replace(LEADER, standing=Standing.MINION, term=None)
LEAVING = replace(MINION, leaving=True, may_retry=True)
STEPPING = replace(LEADER, standing=Standing.STEPPING_DOWN)


def live(state: LocalState, known: Snapshot) -> tuple[list[str], LocalState]:
    """Run all that is owed, each well; the names of the hooks, and what is recorded then."""
    ran: list[str] = []
    while (plan := next_hook(state, known)) is not None:
        ran.append(plan.hook)
        state = paid(state, plan)
        if to_enter(state, known.relations):
            state = with_peers(state, known.relations)
        assert len(ran) < 50
    return ran, state


SETTLED = live(NEW, LEADER)[1]


def test_a_leader_starts_in_jujus_order() -> None:
    """H1"""
    assert live(NEW, LEADER)[0] == [
        "install", "peers-relation-created", "leader-elected", "config-changed", "start",
        "peers-relation-joined", "peers-relation-changed",
    ]  # fmt: skip


def test_a_minion_starts_in_jujus_order() -> None:
    """H1"""
    assert live(NEW, MINION)[0][:3] == [
        "install", "peers-relation-created", "leader-settings-changed",
    ]  # fmt: skip


def test_leadership_waits_for_the_answer_that_lets_the_unit_into_its_relations() -> None:
    """H1: for one round trip; who steps down waits for nothing (U4)"""
    installed = paid(NEW, RunHook(hook="install"))
    assert next_hook(installed, replace(LEADER, entering=True)) is None
    plan = next_hook(installed, LEADER)
    assert plan is not None and plan.hook == "leader-elected", "and not longer, if it was refused"
    deposed = replace(SETTLED, term=4)
    plan = next_hook(without_belief(deposed), replace(STEPPING, entering=True))
    assert plan is not None and plan.hook == "leader-deposed"


def test_a_new_configuration_is_told_once_for_each_revision() -> None:
    """H1, H5: the revision that was known when the hook began is paid"""
    plan = next_hook(SETTLED, replace(LEADER, config_revision=3))
    assert plan == RunHook(hook="config-changed", config_revision=3)
    state = paid(SETTLED, plan)
    assert next_hook(state, replace(LEADER, config_revision=3)) is None
    assert next_hook(state, replace(LEADER, config_revision=4)) is not None


def test_a_new_charm_is_taken_up_before_anything_but_install_and_then_configured() -> None:
    """H1"""
    assert live(SETTLED, replace(LEADER, charm_revision=2))[0] == [
        "upgrade-charm",
        "config-changed",
    ]
    assert live(NEW, replace(LEADER, charm_revision=2))[0][:3] == [
        "install", "upgrade-charm", "peers-relation-created",
    ]  # fmt: skip


def test_a_charm_whose_number_is_not_known_yet_is_no_upgrade() -> None:
    unknown = replace(SETTLED, charm_revision=0)
    assert next_hook(unknown, replace(LEADER, charm_revision=7)) is None
    assert with_charm(unknown, 7).charm_revision == 7


def test_no_new_charm_comes_between_stepping_down_and_the_release() -> None:
    """U4"""
    plan = next_hook(SETTLED, replace(STEPPING, charm_revision=2, config_revision=9))
    assert plan is None


def test_a_unit_that_leaves_parts_from_its_peers_before_it_stops() -> None:
    """H1"""
    assert live(SETTLED, LEAVING)[0] == [
        "peers-relation-departed", "peers-relation-broken", "stop", "remove",
    ]  # fmt: skip


def test_it_leaves_its_relations_once_their_last_hook_has_run() -> None:
    """H1"""
    state = SETTLED
    assert not to_leave(state)
    for _ in range(2):
        plan = next_hook(state, LEAVING)
        assert plan is not None
        state = paid(state, plan)
    assert to_leave(state) and not to_leave(without_peers(state))
    assert not to_enter(replace(state, stopped=True), PEERS)


def test_a_failed_hook_of_a_relation_is_tried_again_for_the_same_unit() -> None:
    """H7"""
    known = replace(LEADER, relations=(replace(PEERS[0], members={"web/1": 5}),))
    plan = next_hook(SETTLED, known)
    assert plan is not None and plan.event is not None
    state = failed(SETTLED, plan.hook, "exit status 1", plan.term, plan.event)
    assert next_hook(state, known) is None
    again = next_hook(state, replace(known, may_retry=True))
    assert again == plan
    assert paid(state, again).failure is None


@pytest.mark.parametrize(
    ("hook", "kind", "moot"),
    [
        ("peers-relation-changed", "changed", True),
        ("peers-relation-created", "created", True),
        ("peers-relation-departed", "departed", False),
        ("peers-relation-broken", "broken", False),
    ],
)
def test_what_failed_of_a_relation_is_owed_to_one_who_leaves_only_if_it_is_a_parting(
    hook: str, kind: str, moot: bool
) -> None:
    """H7"""
    event = RelationEvent(number=0, endpoint="peers", kind=kind, remote="web/1")
    assert is_moot(failed(SETTLED, hook, "exit status 1", None, event), LEAVING) is moot


def test_a_failed_upgrade_is_tried_again_with_the_charm_of_now() -> None:
    """H7"""
    state = replace(SETTLED, failure=Failure(hook="upgrade-charm", detail="exit status 1"))
    plan = next_hook(state, replace(LEADER, charm_revision=3, may_retry=True))
    assert plan == RunHook(hook="upgrade-charm", charm_revision=3)
    assert is_moot(state, LEAVING)


def test_a_failed_upgrade_is_not_tried_again_while_the_unit_steps_down() -> None:
    """U4, H7: nor is its agent woken for it again and again"""
    state = replace(SETTLED, failure=Failure(hook="upgrade-charm", detail="exit status 1"))
    due = replace(LEADER, charm_revision=3, may_retry=True)
    assert next_hook(state, due) is not None
    assert next_hook(state, replace(due, standing=Standing.STEPPING_DOWN)) is None


def test_an_upgrade_to_a_charm_that_is_no_more_is_moot() -> None:
    """H7: an older copy of the store was put back"""
    state = replace(SETTLED, charm_revision=LEADER.charm_revision)
    state = replace(state, failure=Failure(hook="upgrade-charm", detail="exit status 1"))
    assert is_moot(state, LEADER) and not is_moot(state, replace(LEADER, charm_revision=4))
    assert not is_moot(state, replace(LEADER, heard=False)), "it is not known yet"


def test_what_the_leader_wrote_into_the_application_s_bag_is_owed_to_it_once() -> None:
    """P2"""
    known = replace(LEADER, relations=(replace(PEERS[0], application=1),))
    plan = next_hook(SETTLED, known)
    assert plan is not None and plan.hook == "peers-relation-changed"
    assert plan.event is not None and plan.event.remote == ""
    assert next_hook(paid(SETTLED, plan), known) is None


def test_state_of_an_agent_that_knew_no_relations_is_read() -> None:
    """H4: an older agent's file"""
    old = b'{"unit":"web/0","installed":true,"configured":true,"started":true,"told_once":true}'
    state = msgspec.json.decode(old, type=LocalState)
    assert state.relations == {} and state.charm_revision == 0
    told = replace(state, relations={0: Told(endpoint="peers", members={"web/1": 2})})
    assert msgspec.json.decode(msgspec.json.encode(told), type=LocalState) == told


def test_the_first_configuration_waits_until_the_unit_takes_part_and_a_later_one_does_not() -> None:
    """H1: a charm that is started may come to have another relation"""
    state = paid(paid(NEW, RunHook(hook="install")), RunHook(hook="leader-settings-changed"))
    assert next_hook(state, MINION) is None
    later = replace(state, configured=True, started=True)
    assert next_hook(later, replace(MINION, config_revision=1)) == RunHook(
        hook="config-changed", config_revision=1
    )


def test_an_earlier_charm_from_an_older_copy_of_the_store_is_taken_up_too() -> None:
    """P3, G9"""
    state = replace(SETTLED, charm_revision=2, charm_copied=2)
    assert next_hook(state, MINION) == RunHook(hook="upgrade-charm", charm_revision=1)


def test_a_new_charm_is_copied_for_the_hook_that_takes_it_up() -> None:
    """P3"""
    state = replace(SETTLED, charm_copied=1)
    known = replace(MINION, charm_revision=2, may_copy=True)
    plan = RunHook(hook="upgrade-charm", charm_revision=2)
    assert next_operation(state, known) == CopyCharm(plan)


def test_a_new_charm_comes_before_a_failed_hook_is_run_again_and_mends_it_perhaps() -> None:
    """H7"""
    state = failed(replace(SETTLED, charm_copied=1), "start", "exit 1")
    known = replace(MINION, charm_revision=2, may_copy=True, may_retry=True)
    assert next_operation(state, known) == CopyCharm()
    assert next_operation(state, replace(known, may_copy=False)) == RunHook(
        hook="start", reason="started"
    )
