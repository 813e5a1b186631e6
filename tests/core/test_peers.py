"""Who takes part in peer relations, and what stands in bags, over a controller's leases."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tenure.core.bags import MAX_BAG
from tenure.core.changes import (
    BagPut,
    BagRecord,
    UnitDropped,
)
from tenure.core.effects import BagChanged, PeerLeft, PeerView
from tenure.core.peers import BagWrite, views
from tenure.errors import BadRequest, BucketFull, NotFound, Refused

from . import scenarios
from .bench import APP, W0, W1, W2, CoreBench
from .charmed import charmed, given, settings_of
from .scenarios import own, refusal_of, shared

# -- taking part


def test_all_others_are_told_that_a_unit_takes_part_and_it_is_not() -> None:
    """Whether they take part or not: they may be about to."""
    bench = CoreBench()
    bench.charms.give(APP, given("peers", "ring"))
    bench.told()
    bench.peers.enter(W1, {"address": "a"})
    assert bench.told() == [
        BagChanged(unit=unit, relation=relation, owner=W1, version=1)
        for unit in (W0, W2) for relation in (0, 1)
    ]  # fmt: skip
    bench.peers.enter(W1, {"address": "b"})
    assert bench.told() == [] and settings_of(bench)[1, W1] == {"address": "a"}


def test_without_peer_relations_there_is_nothing_to_enter() -> None:
    """It is no error: not every charm has peers."""
    bench = CoreBench()
    bench.peers.enter(W0, {"address": "a"})
    bench.peers.leave(W0)
    assert bench.told() == [] and bench.committed() == []


def test_a_unit_that_leaves_is_told_of_and_cannot_write_any_more() -> None:
    """Its own bag is its own only while it takes part."""
    bench = charmed()
    bench.peers.leave(W0)
    assert bench.told() == [PeerLeft(unit=other, relation=0, owner=W0) for other in (W1, W2)]
    with pytest.raises(Refused, match="web/0 takes no part in relation 0"):
        bench.peers.commit(0.0, W0, [own(k="v")], None)
    bench.peers.leave(W0)
    assert bench.told() == []


@pytest.mark.parametrize("how", ["gone", "forced"])
def test_a_unit_that_is_dropped_leaves_its_relations_in_the_same_step(how: str) -> None:
    """U4: whether it ran its last hook or its agent is lost"""
    bench = charmed()
    if how == "gone":
        bench.applications.remove_unit(1.0, W0, force=False)
        bench.told(), bench.committed()
        bench.applications.gone(W0)
    else:
        bench.leases.disconnect(1.0, W0, 1)
        bench.applications.remove_unit(1.0, W0, force=True)
    changes = bench.committed()
    [put] = [change.record for change in changes if isinstance(change, BagPut)]
    assert not put.present and put.settings == {"address": "10.0.0.0"}
    assert UnitDropped(W0) in changes
    assert bench.told() == [PeerLeft(unit=other, relation=0, owner=W0) for other in (W1, W2)]


# -- what a hook leaves


def test_bags_of_two_relations_change_together() -> None:
    """G6: one step, one commit"""
    bench = charmed("peers", "ring")
    term = bench.leads(0.0, W0)
    bench.committed()
    writes = [own(0, a="1"), own(1, b="2"), shared(1, c="3"), shared(0, d="4"), own(0, a="5")]
    bench.peers.commit(0.0, W0, writes, term)
    assert len(bench.leases.staging.gathering.changes) == 4
    found = settings_of(bench)
    assert found[0, APP] == {"d": "4"} and found[1, APP] == {"c": "3"}
    assert found[0, W0] == {"address": "10.0.0.0", "a": "5"} and found[1, W0]["b"] == "2"
    versions = [bench.application.bags[place].version for place in ((0, W0), (0, APP), (1, APP))]
    assert versions == [2, 1, 1], "one commit is one version"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (own(7, x="1"), NotFound),
        (own(1, **{"": "1"}), BadRequest),
        (own(1, x="v" * MAX_BAG), BucketFull),
        (shared(1, x="v" * MAX_BAG), BucketFull),
    ],
)
def test_a_commit_that_is_refused_left_nothing(wrong: BagWrite, error: type[Exception]) -> None:
    """G6, G7: what could have been written was not written either"""
    bench = charmed("peers", "ring")
    term = bench.leads(0.0, W0)
    bench.told(), bench.committed()
    before = bench.application
    with pytest.raises(error):
        bench.peers.commit(0.0, W0, [own(0, a="1"), shared(0, b="2"), wrong], term)
    assert bench.application is before and bench.told() == [] and bench.committed() == []


def test_a_commit_that_was_rolled_back_never_was() -> None:
    """G7, L7"""
    bench = charmed("peers", "ring")
    term = bench.leads(0.0, W0)
    bench.committed()
    before = settings_of(bench)
    bench.peers.commit(0.0, W0, [own(0, a="1"), shared(1, b="2")], term)
    batch = bench.leases.staging.take()
    assert batch is not None
    bench.leases.roll_back([batch])
    assert settings_of(bench) == before
    bench.peers.commit(0.0, W0, [shared(1, b="2")], term)
    assert bench.application.bags[1, APP].version == 1


def test_the_application_s_bag_is_the_leader_s_to_write() -> None:
    """G6, B2: the very words of a refused write of settings"""
    bench = charmed()
    term = bench.leads(0.0, W0)
    for unit, claimed in ((W1, term), (W1, None), (W0, term - 1), (W0, None)):
        told = refusal_of(
            lambda unit=unit, claimed=claimed: bench.peers.commit(
                0.0, unit, [own(a="1"), shared()], claimed
            )
        )
        assert told == f'application "web": prerequisites failed: "{unit}" is not leader of "web"'
    assert (0, APP) not in bench.application.bags and "a" not in settings_of(bench)[0, W1]


def test_an_old_leader_s_term_is_refused() -> None:
    """G6, G8: also when the same unit leads again under another"""
    scenarios.bag_of_the_application_is_fenced()


def test_one_wrong_part_of_a_commit_refuses_all_of_it() -> None:
    """G6, G7"""
    scenarios.refused_commit_left_nothing()


def test_a_unit_is_not_told_of_its_own_bag() -> None:
    """P2: all others are"""
    scenarios.others_are_told_of_a_unit_s_bag_and_it_is_not()


def test_the_leader_is_told_of_what_it_wrote_into_the_application_s_bag() -> None:
    """P2: as all others are, and in no other place than if another had written (G10)"""
    scenarios.all_are_told_of_the_application_s_bag()


def test_an_own_bag_needs_no_leadership() -> None:
    """B2: whoever leads, and under whatever term it asks"""
    bench = charmed()
    bench.leads(0.0, W0)
    bench.peers.commit(0.0, W1, [own(k="v")], 99)
    assert settings_of(bench)[0, W1]["k"] == "v"


def test_a_leader_may_write_the_application_s_bag_before_it_takes_part() -> None:
    """B2: leadership never waits for a hook"""
    bench = CoreBench()
    bench.charms.give(APP, given("peers"))
    term = bench.leads(0.0, W0)
    bench.peers.commit(0.0, W0, [shared(k="v")], term)
    assert settings_of(bench)[0, APP] == {"k": "v"}


def test_a_commit_that_changes_nothing_raises_nothing_and_wakes_nobody() -> None:
    """B4, P2: not its writer either, or a hook that writes the same again would never end"""
    bench = charmed()
    term = bench.leads(0.0, W0)
    bench.peers.commit(0.0, W0, [shared(k="v")], term)
    bench.told(), bench.committed()
    writes = [own(address="10.0.0.0", none=""), shared(k="v", none=""), shared(), own()]
    bench.peers.commit(0.0, W0, writes, term)
    bench.peers.commit(0.0, W0, [], None)
    assert bench.told() == [] and bench.committed() == []


def test_others_are_told_alike_whoever_wrote() -> None:
    """G10: in an order that does not depend on it, and never who wrote the application's bag"""
    bench = charmed("peers", "ring")
    term = bench.leads(0.0, W1)
    bench.told()
    bench.peers.commit(
        0.0, W1, [own(1, b="1"), shared(1, a="1"), own(0, b="1"), shared(0, a="1")], term
    )
    news = bench.told()
    assert [push.unit for push in news] == [W0] * 4 + [W1] * 2 + [W2] * 4
    assert [(push.relation, push.owner) for push in news[:4]] == [
        (0, APP), (0, W1), (1, APP), (1, W1),
    ]  # fmt: skip
    assert {(push.owner, push.version) for push in news} == {(APP, 1), (W1, 2)}


# -- reading


def test_every_unit_reads_every_bag_of_its_application() -> None:
    """B2: a minion too, and the application's before anybody wrote it"""
    bench = charmed()
    term = bench.leads(0.0, W0)
    empty = bench.peers.read_bag(W1, 0, APP)
    assert (empty.version, empty.settings) == (0, {})
    bench.peers.commit(0.0, W0, [shared(k="v")], term)
    for unit in (W0, W1):
        assert bench.peers.read_bag(unit, 0, APP).settings == {"k": "v"}
        assert bench.peers.read_bag(unit, 0, W2).settings == {"address": "10.0.0.2"}
    bench.peers.leave(W2)
    assert bench.peers.read_bag(W0, 0, W2).settings == {"address": "10.0.0.2"}


@pytest.mark.parametrize("owner", ["web/7", "db", "db/0", "", "web/00"])
def test_the_bag_of_who_never_took_part_is_not_there(owner: str) -> None:
    """B2"""
    bench = charmed()
    with pytest.raises(NotFound, match=r"\Apermission denied\Z"):
        bench.peers.read_bag(W0, 0, owner)


def test_a_unit_is_told_of_its_relations_as_they_are_for_it() -> None:
    """P2: whether it takes part, and versions of all bags but its own"""
    bench = CoreBench(2)
    bench.charms.give(APP, given("peers", "ring"))
    nothing = PeerView(relation=0, endpoint="peers", application=0, members={}, entered=False)
    ring = replace(nothing, relation=1, endpoint="ring")
    assert views(bench.application, W0) == (nothing, ring)
    bench.peers.enter(W0, {"address": "a"})
    entered = replace(nothing, entered=True), replace(ring, entered=True)
    assert views(bench.application, W0) == entered
    term = bench.leads(0.0, W0)
    bench.peers.commit(0.0, W0, [own(0, k="v"), shared(k="v")], term)
    seen = replace(nothing, application=1, members={W0: 2}), replace(ring, members={W0: 1})
    assert views(bench.application, W1) == seen
    bench.peers.leave(W0)
    left = replace(nothing, application=1), ring
    assert views(bench.application, W0) == left


def test_a_bag_that_nobody_wrote_is_the_application_s_own() -> None:
    """B2"""
    bench = charmed()
    found = bench.peers.read_bag(W0, 0, APP)
    assert found == BagRecord(application=APP, relation=0, owner=APP, version=0)


def test_a_key_that_no_bag_can_have_is_refused_with_the_reason() -> None:
    """G7"""
    bench = charmed()
    told = refusal_of(lambda: bench.peers.enter(W0, {"": "v"}))
    assert told == "a setting's key must not be empty"


def test_a_bag_says_whose_it_is_and_of_which_application() -> None:
    """B2, P2: when it is entered, and when it is first written"""
    bench = CoreBench(1)
    bench.charms.give(APP, given("peers"))
    bench.committed()
    bench.peers.enter(W0, {"address": "a", "none": ""})
    entered = BagRecord(application=APP, relation=0, owner=W0, settings={"address": "a"})
    assert bench.committed() == [BagPut(entered)]
    term = bench.leads(0.0, W0)
    bench.committed()
    bench.peers.commit(0.0, W0, [shared(k="v")], term)
    written = BagRecord(application=APP, relation=0, owner=APP, settings={"k": "v"})
    assert bench.committed() == [BagPut(written)]
    assert bench.application.bags == {(0, W0): entered, (0, APP): written}
