"""What peer relations owe to a charm: two snapshots are compared, one hook comes out."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from tenure.core.relations import (
    AllTold,
    Relation,
    RelationEvent,
    Told,
    again,
    entered,
    last_event,
    members_for,
    next_event,
    paid,
    to_create,
)

PEERS = Relation(number=0, endpoint="peers")
CREATED = Told(endpoint="peers", entered=True, created=True)


def now(application: int = 0, **members: int) -> tuple[Relation, ...]:
    """The one relation, with members `_1=3` for web/1 at version 3."""
    units = {name.replace("_", "web/"): version for name, version in members.items()}
    return (Relation(number=0, endpoint="peers", application=application, members=units),)


def live(told: AllTold, so: tuple[Relation, ...]) -> tuple[list[str], AllTold]:
    """Run all that is owed, each well: `joined web/1`, `changed` ..., and what was told then."""
    ran = []
    for _ in range(100):
        event = to_create(told, so) or next_event(told, so)
        if event is None:
            return ran, told
        ran.append(f"{event.kind} {event.remote}".strip())
        told = paid(told, event)
    raise AssertionError(f"there is no end to it: {ran[:10]} ...")


def told_of(**members: int) -> AllTold:
    units = {name.replace("_", "web/"): version for name, version in members.items()}
    return {0: Told(endpoint="peers", entered=True, created=True, members=units)}


def test_nothing_is_owed_before_the_unit_takes_part() -> None:
    """H1"""
    assert to_create({}, now(_1=1)) is None and next_event({}, now(_1=1)) is None


def test_created_comes_first_and_once() -> None:
    """H1, H4"""
    told = entered({}, now(_1=1))
    event = to_create(told, now(_1=1))
    assert event == RelationEvent(number=0, endpoint="peers", kind="created")
    assert event.hook == "peers-relation-created"
    assert to_create(paid(told, event), now(_1=1)) is None


def test_who_joins_is_told_of_and_then_its_bag_unit_by_unit() -> None:
    """H1: as people count, web/2 before web/10"""
    ran, told = live(entered({}, now()), now(_10=1, _2=4))
    assert ran == ["created", "joined web/2", "changed web/2", "joined web/10", "changed web/10"]
    assert told[0].members == {"web/2": 4, "web/10": 1}


def test_the_bag_of_the_application_is_told_of_before_those_of_units() -> None:
    """H1: and with no unit's name, so that nobody learns whose hand wrote it (G10)"""
    ran, _ = live(told_of(_1=1), now(application=3, _1=2))
    assert ran == ["changed", "changed web/1"]


def test_an_application_bag_that_was_never_written_is_not_told_of() -> None:
    """H1: a charm that never heard of such bags is left alone"""
    assert live(told_of(), now())[0] == []


def test_bursts_are_told_as_one_and_the_version_known_at_the_start_is_paid() -> None:
    """B5, H5"""
    told = told_of(_1=1)
    event = next_event(told, now(_1=5))
    assert event is not None and event.version == 5
    assert live(paid(told, event), now(_1=6))[0] == ["changed web/1"]


def test_who_left_departs_before_anything_else_is_told() -> None:
    """H1"""
    ran, told = live(told_of(_1=1, _2=1), now(application=1, _2=2, _3=1))
    assert ran[0] == "departed web/1"
    assert ran[1:] == ["changed", "changed web/2", "joined web/3", "changed web/3"]
    assert "web/1" not in told[0].members


def test_a_change_that_is_tried_again_does_not_bring_a_departed_unit_back() -> None:
    """H7"""
    event = RelationEvent(number=0, endpoint="peers", kind="changed", remote="web/1", version=2)
    assert paid(told_of(), event)[0].members == {}


def test_a_failed_change_is_tried_again_for_the_version_that_is_known_now() -> None:
    """H5, H7"""
    event = RelationEvent(number=0, endpoint="peers", kind="changed", remote="web/1", version=2)
    assert again(event, now(_1=7)).version == 7
    assert again(event, now()).version == 2
    assert again(event, ()) == event
    application = RelationEvent(number=0, endpoint="peers", kind="changed", version=1)
    assert again(application, now(application=4)).version == 4


def test_a_unit_that_leaves_parts_from_each_member_and_then_from_the_relation() -> None:
    """H1: though nobody else has left"""
    told, ran = told_of(_1=1, _2=1), []
    while (event := last_event(told)) is not None:
        assert event.leaving
        ran.append(f"{event.kind} {event.remote}".strip())
        told = paid(told, event)
    assert ran == ["departed web/1", "departed web/2", "broken"]


def test_a_relation_that_was_never_created_is_not_broken() -> None:
    """H1"""
    assert last_event(entered({}, now())) is None


def test_what_a_hook_wrote_into_the_bag_that_it_was_told_of_is_told_after_it() -> None:
    """P2, H5: it pays for the version that was known when it began"""
    event = next_event(told_of(), now(application=1))
    assert event is not None
    ran, told = live(paid(told_of(), event), now(application=2))
    assert ran == ["changed"] and told[0].application == 2


@pytest.mark.parametrize(
    ("kind", "remote", "seen"),
    [
        ("joined", "web/2", ("web/1", "web/2")),
        ("changed", "web/1", ("web/1",)),
        ("departed", "web/1", ()),
        ("created", "", ("web/1",)),
    ],
)
def test_a_hook_sees_who_joins_and_not_who_departs(
    kind: str, remote: str, seen: tuple[str, ...]
) -> None:
    event = RelationEvent(number=0, endpoint="peers", kind=kind, remote=remote)
    assert members_for(told_of(_1=1)[0], event) == seen


def test_a_new_endpoint_of_a_new_charm_is_entered_and_created_like_the_first() -> None:
    second = Relation(number=1, endpoint="cluster", members={"web/1": 1})
    so = (*now(_1=1), second)
    ran, told = live(entered(told_of(_1=1), so), so)
    assert ran == ["created", "joined web/1", "changed web/1"]
    assert told[1].endpoint == "cluster"


def test_every_order_of_news_ends_in_the_same_knowledge() -> None:
    """H1, H4: whatever comes first, the charm ends up told of all that is so"""
    final: Mapping[str, int] = {"_1": 3, "_2": 1}
    for steps in ([now(_1=1), now(_1=3)], [now(_2=1), now(_1=2, _2=1)], [now()]):
        told = entered({}, now())
        for so in [*steps, now(application=2, **final)]:
            _, told = live(told, so)
        assert told[0].members == {"web/1": 3, "web/2": 1} and told[0].application == 2


def test_what_is_entered_is_known_by_its_endpoint_and_nothing_of_it_is_told() -> None:
    """H1"""
    assert entered({}, now(_1=1)) == {0: Told(endpoint="peers", entered=True)}


def test_what_is_paid_of_a_relation_that_nothing_is_known_of_is_kept() -> None:
    """H5: a record may be older than the hook"""
    created = RelationEvent(number=0, endpoint="peers", kind="created")
    assert paid({}, created) == {0: Told(endpoint="peers", created=True)}


def test_a_broken_relation_has_no_members_any_more() -> None:
    """H1"""
    event = RelationEvent(number=0, endpoint="peers", kind="broken", leaving=True)
    before = told_of(_1=1)[0]
    assert paid({0: before}, event) == {0: replace(before, broken=True, members={})}


def test_a_change_pays_for_no_less_than_was_told_before() -> None:
    """H5"""
    event = RelationEvent(number=0, endpoint="peers", kind="changed", remote="web/1", version=2)
    assert paid(told_of(_1=5), event)[0].members == {"web/1": 5}


def test_who_departs_departs_from_the_endpoint_it_was_in() -> None:
    """H1"""
    event = next_event(told_of(_1=1), now())
    assert event == RelationEvent(number=0, endpoint="peers", kind="departed", remote="web/1")


def test_a_unit_that_leaves_passes_over_a_relation_that_was_never_created() -> None:
    """H1"""
    told = {0: Told(endpoint="old"), **{1: told_of()[0]}}
    event = RelationEvent(number=1, endpoint="peers", kind="broken", leaving=True)
    assert last_event(told) == event


def test_a_hook_of_no_relation_sees_all_members_by_number() -> None:
    """H9"""
    assert members_for(told_of(_10=1, _2=1)[0], None) == ("web/2", "web/10")
