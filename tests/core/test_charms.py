"""Charms, their configuration and their peer relations, over a controller's leases."""

from __future__ import annotations

from typing import Any

import pytest

from tenure.core import application as applications
from tenure.core.bags import MAX_BAG
from tenure.core.changes import (
    BagPut,
    CharmCleared,
    CharmPut,
    ConfigPut,
    Option,
    UnitDropped,
)
from tenure.core.charms import BagWrite, Charms, CharmSpec
from tenure.core.effects import BagChanged, CharmChanged, Configured, PeerLeft
from tenure.errors import BadRequest, BucketFull, NotFound, Refused

from . import scenarios
from .bench import APP, W0, W1, W2, Bench
from .scenarios import own, refusal_of, shared

OPTIONS = {"port": Option(type="int", default="80"), "motd": Option()}


def given(*peers: str, **fields: Any) -> CharmSpec:
    return CharmSpec(**{"source": "/srv/web", "peers": peers, "options": OPTIONS, **fields})


def charmed(*peers: str, units: int = 3) -> tuple[Bench, Charms]:
    """An application with that charm whose units all take part, each with an address."""
    bench = Bench(units)
    charms = bench.orders.charms
    charms.give(APP, given(*peers or ("peers",)))
    for number in range(units):
        charms.enter(f"{APP}/{number}", {"address": f"10.0.0.{number}"})
    bench.told(), bench.committed()
    return bench, charms


def settings_of(bench: Bench) -> dict[tuple[int, str], dict[str, str]]:
    return {place: dict(bag.settings) for place, bag in bench.application.bags.items()}


# -- handing in a charm


def test_the_first_charm_is_revision_one_and_each_later_one_a_revision_more() -> None:
    """Also the same folder again: an operator wants its units to run upgrade-charm."""
    bench = Bench(2)
    charms = bench.orders.charms
    assert charms.give(APP, given("peers")) == '"web" runs revision 1 of its charm'
    charms.give(APP, given("peers"))
    [first, second] = [c.record for c in bench.committed() if isinstance(c, CharmPut)]
    assert (first.revision, second.revision) == (1, 2)
    assert [told.revision for told in bench.told() if isinstance(told, CharmChanged)] == [
        1,
        1,
        2,
        2,
    ]


def test_every_connected_unit_is_told_of_the_charm() -> None:
    """All that it needs to run upgrade-charm."""
    bench = Bench(2)
    bench.leases.disconnect(0.0, W1, 1)
    charm = given("peers", resources={"image": "/srv/i"}, allow_host_changes=True)
    bench.orders.charms.give(APP, charm)
    assert bench.told() == [
        CharmChanged(
            unit=W0, revision=1, source="/srv/web", peers={"peers": 0},
            resources={"image": "/srv/i"}, allow_host_changes=True,
            update_status_interval=300.0,
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"source": "charms/web"},
        {"source": "/a\0b"},
        {"resources": {"../../escaped": "/srv/i"}},
        {"resources": {"image": "relative"}},
        {"resources": {"image": "/a\0b"}},
    ],
)
def test_paths_and_names_that_lead_elsewhere_are_refused(wrong: dict[str, Any]) -> None:
    bench = Bench()
    with pytest.raises(BadRequest):
        bench.orders.charms.give(APP, given(**wrong))
    assert bench.application.charm is None


def test_what_a_later_charm_does_not_say_stays_as_it_was() -> None:
    """Resources, the interval of update-status, and whether it may change its host."""
    bench = Bench()
    charms = bench.orders.charms
    charms.give(
        APP, given(resources={"a": "/a"}, update_status_interval=7.0, allow_host_changes=True)
    )
    charms.give(APP, CharmSpec(source="/srv/new"))
    record = bench.application.charm
    assert record is not None and record.source == "/srv/new" and record.options == {}
    assert (record.resources, record.update_status_interval) == ({"a": "/a"}, 7.0)
    assert record.allow_host_changes
    charms.give(APP, given(resources={}, allow_host_changes=False))
    record = bench.application.charm
    assert record is not None and (record.resources, record.allow_host_changes) == ({}, False)


def test_a_peer_endpoint_keeps_its_number_for_good() -> None:
    """In order of appearance, and no number is given twice."""
    bench = Bench()
    charms = bench.orders.charms
    numbers = []
    for peers in (["peers", "ring"], ["ring", "mesh"], ["star", "peers"], ["ring"]):
        charms.give(APP, given(*peers))
        assert bench.application.charm is not None
        numbers.append(dict(bench.application.charm.peers))
    assert numbers == [
        {"peers": 0, "ring": 1}, {"ring": 1, "mesh": 2}, {"star": 3, "peers": 0}, {"ring": 1},
    ]  # fmt: skip


def test_a_peer_endpoint_that_is_in_use_cannot_be_taken_away() -> None:
    """G7: nothing changed"""
    bench, charms = charmed("peers", "ring")
    before = bench.application
    told = refusal_of(lambda: charms.give(APP, given("ring")))
    assert 'would break relation "web:peers"' in told
    assert bench.application is before and bench.told() == [] and bench.committed() == []


def test_a_peer_endpoint_that_nobody_is_in_goes_with_its_bags() -> None:
    """When its last unit has left; if it comes back, it is empty."""
    bench, charms = charmed("peers", units=1)
    term = bench.leads(0.0, W0)
    charms.commit(0.0, W0, [shared(k="v")], term)
    charms.leave(W0)
    charms.give(APP, given())
    assert bench.application.bags == {}
    with pytest.raises(NotFound, match="relation 0 not found"):
        charms.read_bag(W0, 0, W0)
    charms.give(APP, given("peers"))
    assert charms.read_bag(W0, 0, APP).version == 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"source": "web"}, "absolute path"),
        ({"peers": ("a", "a")}, "each once"),
        ({"peers": ("../x",)}, "not the name of an endpoint"),
        ({"update_status_interval": 0.0}, "out of range"),
        ({"options": {"port": Option(type="int", default="x")}}, 'option "port" expected int'),
    ],
)
def test_what_no_charm_can_be_is_refused(wrong: dict[str, Any], words: str) -> None:
    """G7"""
    bench = Bench()
    with pytest.raises(BadRequest, match=words):
        bench.orders.charms.give(APP, given(**wrong))
    assert bench.application.charm is None and bench.committed() == []


def test_a_charm_is_given_to_what_exists_only() -> None:
    """O2"""
    charms = Bench().orders.charms
    with pytest.raises(NotFound):
        charms.give("db", given())
    with pytest.raises(NotFound):
        charms.configure("db", {}, [])


# -- configuration


def test_units_are_told_all_that_is_set() -> None:
    """The agent keeps no other record of what an operator set."""
    bench, charms = charmed(units=2)
    assert charms.configure(APP, {"port": "81"}, []) == '"web" is configured: revision 1'
    charms.configure(APP, {"motd": "hi"}, [])
    told = [push for push in bench.told() if push.unit == W1]
    assert told == [
        Configured(unit=W1, revision=1, values={"port": "81"}),
        Configured(unit=W1, revision=2, values={"port": "81", "motd": "hi"}),
    ]


def test_configuring_what_is_so_already_wakes_nobody() -> None:
    """B4"""
    bench, charms = charmed()
    charms.configure(APP, {"port": "81"}, [])
    bench.told(), bench.committed()
    assert charms.configure(APP, {"port": "81"}, ["motd"]) == '"web" was configured so already'
    assert bench.told() == [] and bench.committed() == []


def test_an_application_without_charm_has_no_options() -> None:
    """G7"""
    bench = Bench()
    with pytest.raises(BadRequest, match="the charm has no options"):
        bench.orders.charms.configure(APP, {"port": "81"}, [])


def test_a_new_charm_drops_values_that_mean_nothing_any_more() -> None:
    """Its units are told of the charm first, and then of what is left set."""
    bench, charms = charmed(units=1)
    charms.configure(APP, {"port": "81", "motd": "hi"}, [])
    bench.told(), bench.committed()
    charms.give(APP, given("peers", options={"port": Option(), "motd": Option()}))
    assert [type(push) for push in bench.told()] == [CharmChanged, Configured]
    changes = bench.committed()
    [config] = [change.record for change in changes if isinstance(change, ConfigPut)]
    assert (config.revision, config.values) == (2, {"motd": "hi"})


def test_history_tells_names_of_options_and_no_values() -> None:
    """O4, T10"""
    bench, charms = charmed()
    charms.configure(APP, {"port": "8181", "motd": "s3cret"}, [])
    charms.configure(APP, {"motd": "s4cret"}, ["port"])
    charms.give(APP, given("peers"))
    entries = bench.history()
    assert [(entry.kind, entry.detail) for entry in entries] == [
        ("config", 'revision 1: "motd", "port"'), ("config", 'revision 2: "motd", "port"'),
        ("charm", "revision 2: /srv/web"),
    ]  # fmt: skip


# -- taking part


def test_all_others_are_told_that_a_unit_takes_part_and_it_is_not() -> None:
    """Whether they take part or not: they may be about to."""
    bench = Bench()
    charms = bench.orders.charms
    charms.give(APP, given("peers", "ring"))
    bench.told()
    charms.enter(W1, {"address": "a"})
    assert bench.told() == [
        BagChanged(unit=unit, relation=relation, owner=W1, version=1)
        for unit in (W0, W2) for relation in (0, 1)
    ]  # fmt: skip
    charms.enter(W1, {"address": "b"})
    assert bench.told() == [] and settings_of(bench)[1, W1] == {"address": "a"}


def test_without_peer_relations_there_is_nothing_to_enter() -> None:
    """It is no error: not every charm has peers."""
    bench = Bench()
    bench.orders.charms.enter(W0, {"address": "a"})
    bench.orders.charms.leave(W0)
    assert bench.told() == [] and bench.committed() == []


def test_a_unit_that_leaves_is_told_of_and_cannot_write_any_more() -> None:
    """Its own bag is its own only while it takes part."""
    bench, charms = charmed()
    charms.leave(W0)
    assert bench.told() == [PeerLeft(unit=other, relation=0, owner=W0) for other in (W1, W2)]
    with pytest.raises(Refused, match="web/0 takes no part in relation 0"):
        charms.commit(0.0, W0, [own(k="v")], None)
    charms.leave(W0)
    assert bench.told() == []


@pytest.mark.parametrize("how", ["gone", "forced"])
def test_a_unit_that_is_dropped_leaves_its_relations_in_the_same_step(how: str) -> None:
    """U4: whether it ran its last hook or its agent is lost"""
    bench, _ = charmed()
    if how == "gone":
        bench.orders.remove_unit(1.0, W0, force=False)
        bench.told(), bench.committed()
        bench.orders.gone(W0)
    else:
        bench.leases.disconnect(1.0, W0, 1)
        bench.orders.remove_unit(1.0, W0, force=True)
    changes = bench.committed()
    [put] = [change.record for change in changes if isinstance(change, BagPut)]
    assert not put.present and put.settings == {"address": "10.0.0.0"}
    assert UnitDropped(W0) in changes
    assert bench.told() == [PeerLeft(unit=other, relation=0, owner=W0) for other in (W1, W2)]


# -- what a hook leaves


def test_bags_of_two_relations_change_together() -> None:
    """G6: one step, one commit"""
    bench, charms = charmed("peers", "ring")
    term = bench.leads(0.0, W0)
    bench.committed()
    writes = [own(0, a="1"), own(1, b="2"), shared(1, c="3"), shared(0, d="4"), own(0, a="5")]
    assert charms.commit(0.0, W0, writes, term) == {0: 1, 1: 1}
    assert len(bench.leases.ledger.gathering.changes) == 4
    found = settings_of(bench)
    assert found[0, APP] == {"d": "4"} and found[1, APP] == {"c": "3"}
    assert found[0, W0] == {"address": "10.0.0.0", "a": "5"} and found[1, W0]["b"] == "2"
    assert bench.application.bags[0, W0].version == 2, "one commit is one version"


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
    bench, charms = charmed("peers", "ring")
    term = bench.leads(0.0, W0)
    bench.told(), bench.committed()
    before = bench.application
    with pytest.raises(error):
        charms.commit(0.0, W0, [own(0, a="1"), shared(0, b="2"), wrong], term)
    assert bench.application is before and bench.told() == [] and bench.committed() == []


def test_a_commit_that_was_rolled_back_never_was() -> None:
    """G7, L7"""
    bench, charms = charmed("peers", "ring")
    term = bench.leads(0.0, W0)
    bench.committed()
    before = settings_of(bench)
    charms.commit(0.0, W0, [own(0, a="1"), shared(1, b="2")], term)
    batch = bench.leases.ledger.take()
    assert batch is not None
    bench.leases.roll_back([batch])
    assert settings_of(bench) == before
    assert charms.commit(0.0, W0, [shared(1, b="2")], term) == {1: 1}


def test_the_application_s_bag_is_the_leader_s_to_write() -> None:
    """G6, B2: the very words of a refused write of settings"""
    bench, charms = charmed()
    term = bench.leads(0.0, W0)
    for unit, claimed in ((W1, term), (W1, None), (W0, term - 1), (W0, None)):
        told = refusal_of(
            lambda unit=unit, claimed=claimed: charms.commit(
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


def test_the_writer_of_a_bag_is_not_told() -> None:
    """B5: all others are"""
    scenarios.others_are_told_of_a_bag_and_the_writer_is_not()


def test_an_own_bag_needs_no_leadership() -> None:
    """B2: whoever leads, and under whatever term it asks"""
    bench, charms = charmed()
    bench.leads(0.0, W0)
    assert charms.commit(0.0, W1, [own(k="v")], 99) == {}
    assert settings_of(bench)[0, W1]["k"] == "v"


def test_a_leader_may_write_the_application_s_bag_before_it_takes_part() -> None:
    """B2: leadership never waits for a hook"""
    bench = Bench()
    charms = bench.orders.charms
    charms.give(APP, given("peers"))
    term = bench.leads(0.0, W0)
    assert charms.commit(0.0, W0, [shared(k="v")], term) == {0: 1}


def test_a_commit_that_changes_nothing_raises_nothing_and_wakes_nobody() -> None:
    """B4"""
    bench, charms = charmed()
    term = bench.leads(0.0, W0)
    charms.commit(0.0, W0, [shared(k="v")], term)
    bench.told(), bench.committed()
    writes = [own(address="10.0.0.0", none=""), shared(k="v", none=""), shared(), own()]
    assert charms.commit(0.0, W0, writes, term) == {}
    assert charms.commit(0.0, W0, [], None) == {}
    assert bench.told() == [] and bench.committed() == []


def test_others_are_told_alike_whoever_wrote() -> None:
    """G10: in an order that does not depend on it, and never who wrote the application's bag"""
    bench, charms = charmed("peers", "ring")
    term = bench.leads(0.0, W1)
    bench.told()
    charms.commit(0.0, W1, [own(1, b="1"), shared(1, a="1"), own(0, b="1"), shared(0, a="1")], term)
    news = bench.told()
    assert [push.unit for push in news] == [W0] * 4 + [W2] * 4
    assert [(push.relation, push.owner) for push in news[:4]] == [
        (0, APP), (0, W1), (1, APP), (1, W1),
    ]  # fmt: skip
    assert {(push.owner, push.version) for push in news} == {(APP, 1), (W1, 2)}


# -- reading


def test_every_unit_reads_every_bag_of_its_application() -> None:
    """B2: a minion too, and the application's before anybody wrote it"""
    bench, charms = charmed()
    term = bench.leads(0.0, W0)
    empty = charms.read_bag(W1, 0, APP)
    assert (empty.version, empty.settings) == (0, {})
    charms.commit(0.0, W0, [shared(k="v")], term)
    for unit in (W0, W1):
        assert charms.read_bag(unit, 0, APP).settings == {"k": "v"}
        assert charms.read_bag(unit, 0, W2).settings == {"address": "10.0.0.2"}
    charms.leave(W2)
    assert charms.read_bag(W0, 0, W2).settings == {"address": "10.0.0.2"}


@pytest.mark.parametrize("owner", ["web/7", "db", "db/0", "", "web/00"])
def test_the_bag_of_who_never_took_part_is_not_there(owner: str) -> None:
    """B2"""
    _, charms = charmed()
    with pytest.raises(NotFound, match=r"\Apermission denied\Z"):
        charms.read_bag(W0, 0, owner)


def test_the_goal_is_all_units_by_number() -> None:
    """G10: the same whoever leads, and whoever asks"""
    bench, charms = charmed(units=12)
    before = charms.goal(W0)
    assert [record.unit for record in before] == [f"web/{n}" for n in range(12)]
    bench.leads(0.0, "web/7")
    assert charms.goal("web/7") == before == charms.goal(W1)
    bench.orders.remove_unit(0.0, W0, force=False)
    assert [record.removing for record in charms.goal(W1)] == [True] + [False] * 11


# -- kept and cleared


def test_all_of_it_is_there_for_the_next_controller() -> None:
    """L7, G6"""
    bench, charms = charmed("peers", "ring")
    charms.configure(APP, {"port": "81"}, [])
    charms.leave(W1)
    now = bench.application
    assert now.charm is not None and now.config is not None
    kept = applications.Persisted(
        applications={APP: applications.record_of(now)}, units=now.units,
        charms={APP: now.charm}, configs={APP: now.config}, bags={APP: tuple(now.bags.values())},
    )  # fmt: skip
    loaded = applications.restored(kept, APP, 0.0, 15.0)
    assert (loaded.charm, loaded.config, loaded.bags) == (now.charm, now.config, now.bags)


def test_a_removed_application_is_created_again_without_any_of_it() -> None:
    """B1, G8"""
    bench, charms = charmed()
    charms.configure(APP, {"port": "81"}, [])
    bench.orders.remove_application(0.0, APP)
    assert CharmCleared(APP) in bench.committed()
    bench.orders.create(1.0, APP, 60.0, 30.0)
    again = bench.application
    assert (again.charm, again.config, again.bags, again.removing) == (None, None, {}, False)
