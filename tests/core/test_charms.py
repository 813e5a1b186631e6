"""Charms and their configuration, over a controller's leases."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tenure.core import application as applications
from tenure.core.changes import (
    CharmCleared,
    CharmPut,
    CharmRecord,
    ConfigPut,
    Option,
)
from tenure.core.charms import (
    MAX_DIGEST,
    MAX_INTERVAL,
    MAX_PEERS,
    MAX_WORDS,
    CharmSpec,
)
from tenure.core.effects import CharmChanged, Configured
from tenure.errors import BadRequest, NotFound

from .bench import APP, W0, W1, CoreBench
from .charmed import OPTIONS, charmed, given
from .scenarios import refusal_of, shared

# -- handing in a charm


def test_the_first_charm_is_revision_one_and_each_later_one_a_revision_more() -> None:
    """Also the same folder again: an operator wants its units to run upgrade-charm."""
    bench = CoreBench(2)
    assert bench.charms.give(APP, given("peers")) == '"web" runs revision 1 of its charm'
    bench.charms.give(APP, given("peers"))
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
    bench = CoreBench(2)
    bench.leases.disconnect(0.0, W1, 1)
    charm = given("peers", resources={"image": "/srv/i"}, allow_host_changes=True)
    bench.charms.give(APP, charm)
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
    bench = CoreBench()
    with pytest.raises(BadRequest):
        bench.charms.give(APP, given(**wrong))
    assert bench.application.charm is None


def test_what_a_later_charm_does_not_say_stays_as_it_was() -> None:
    """Resources, the interval of update-status, and whether it may change its host."""
    bench = CoreBench()
    bench.charms.give(
        APP, given(resources={"a": "/a"}, update_status_interval=7.0, allow_host_changes=True)
    )
    bench.charms.give(APP, CharmSpec(source="/srv/new"))
    record = bench.application.charm
    assert record is not None and record.source == "/srv/new" and record.options == {}
    assert (record.resources, record.update_status_interval) == ({"a": "/a"}, 7.0)
    assert record.allow_host_changes
    bench.charms.give(APP, given(resources={}, allow_host_changes=False))
    record = bench.application.charm
    assert record is not None and (record.resources, record.allow_host_changes) == ({}, False)


def test_a_peer_endpoint_keeps_its_number_for_good() -> None:
    """In order of appearance, and no number is given twice."""
    bench = CoreBench()
    numbers = []
    for peers in (["peers", "ring"], ["ring", "mesh"], ["star", "peers"], ["ring"]):
        bench.charms.give(APP, given(*peers))
        assert bench.application.charm is not None
        numbers.append(dict(bench.application.charm.peers))
    assert numbers == [
        {"peers": 0, "ring": 1}, {"ring": 1, "mesh": 2}, {"star": 3, "peers": 0}, {"ring": 1},
    ]  # fmt: skip


def test_a_peer_endpoint_that_is_in_use_cannot_be_taken_away() -> None:
    """G7: nothing changed"""
    bench = charmed("peers", "ring")
    before = bench.application
    told = refusal_of(lambda: bench.charms.give(APP, given("ring")))
    assert 'would break relation "web:peers"' in told
    assert bench.application is before and bench.told() == [] and bench.committed() == []


def test_a_peer_endpoint_that_nobody_is_in_goes_with_its_bags() -> None:
    """When its last unit has left; if it comes back, it is empty."""
    bench = charmed("peers", units=1)
    term = bench.leads(0.0, W0)
    bench.peers.commit(0.0, W0, [shared(k="v")], term)
    bench.peers.leave(W0)
    bench.charms.give(APP, given())
    assert bench.application.bags == {}
    with pytest.raises(NotFound, match="relation 0 not found"):
        bench.peers.read_bag(W0, 0, W0)
    bench.charms.give(APP, given("peers"))
    assert bench.peers.read_bag(W0, 0, APP).version == 0


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
    bench = CoreBench()
    with pytest.raises(BadRequest, match=words):
        bench.charms.give(APP, given(**wrong))
    assert bench.application.charm is None and bench.committed() == []


def test_a_charm_is_given_to_what_exists_only() -> None:
    """O2"""
    bench = CoreBench()
    with pytest.raises(NotFound):
        bench.charms.give("db", given())
    with pytest.raises(NotFound):
        bench.charms.configure("db", {}, [])


# -- configuration


def test_units_are_told_all_that_is_set() -> None:
    """The agent keeps no other record of what an operator set."""
    bench = charmed(units=2)
    assert bench.charms.configure(APP, {"port": "81"}, []) == '"web" is configured: revision 1'
    bench.charms.configure(APP, {"motd": "hi"}, [])
    told = [push for push in bench.told() if push.unit == W1]
    assert told == [
        Configured(unit=W1, revision=1, values={"port": "81"}),
        Configured(unit=W1, revision=2, values={"port": "81", "motd": "hi"}),
    ]


def test_configuring_what_is_so_already_wakes_nobody() -> None:
    """B4"""
    bench = charmed()
    bench.charms.configure(APP, {"port": "81"}, [])
    bench.told(), bench.committed()
    assert (
        bench.charms.configure(APP, {"port": "81"}, ["motd"]) == '"web" was configured so already'
    )
    assert bench.told() == [] and bench.committed() == []


def test_an_application_without_charm_has_no_options() -> None:
    """G7"""
    bench = CoreBench()
    with pytest.raises(BadRequest, match="the charm has no options"):
        bench.charms.configure(APP, {"port": "81"}, [])


def test_a_new_charm_drops_values_that_mean_nothing_any_more() -> None:
    """Its units are told of the charm first, and then of what is left set."""
    bench = charmed(units=1)
    bench.charms.configure(APP, {"port": "81", "motd": "hi"}, [])
    bench.told(), bench.committed()
    bench.charms.give(APP, given("peers", options={"port": Option(), "motd": Option()}))
    assert [type(push) for push in bench.told()] == [CharmChanged, Configured]
    changes = bench.committed()
    [config] = [change.record for change in changes if isinstance(change, ConfigPut)]
    assert (config.revision, config.values) == (2, {"motd": "hi"})


def test_history_tells_names_of_options_and_no_values() -> None:
    """O4, T10"""
    bench = charmed()
    bench.charms.configure(APP, {"port": "8181", "motd": "s3cret"}, [])
    bench.charms.configure(APP, {"motd": "s4cret"}, ["port"])
    bench.charms.give(APP, given("peers"))
    entries = bench.history()
    assert [(entry.kind, entry.detail) for entry in entries] == [
        ("config", 'revision 1: "motd", "port"'), ("config", 'revision 2: "motd", "port"'),
        ("charm", "revision 2: /srv/web"),
    ]  # fmt: skip


# -- kept and cleared


def test_all_of_it_is_there_for_the_next_controller() -> None:
    """L7, G6"""
    bench = charmed("peers", "ring")
    bench.charms.configure(APP, {"port": "81"}, [])
    bench.peers.leave(W1)
    bench.statuses.set(0.0, W0, bench.leads(0.0, W0), "blocked", "no space")
    now = bench.application
    assert now.charm is not None and now.config is not None and now.status is not None
    kept = applications.Persisted(
        applications={APP: applications.record_of(now)}, units=now.units,
        charms={APP: now.charm}, configs={APP: now.config}, bags={APP: tuple(now.bags.values())},
        statuses={APP: now.status},
    )  # fmt: skip
    loaded = applications.restored(kept)[APP]
    assert (loaded.charm, loaded.config, loaded.bags) == (now.charm, now.config, now.bags)
    assert loaded.status == now.status


def test_a_removed_application_is_created_again_without_any_of_it() -> None:
    """B1, G8"""
    bench = charmed()
    bench.charms.configure(APP, {"port": "81"}, [])
    bench.statuses.set(0.0, W0, bench.leads(0.0, W0), "blocked", "no space")
    bench.applications.remove_application(APP)
    assert CharmCleared(APP) in bench.committed()
    bench.applications.create(1.0, APP, 60.0, 30.0)
    again = bench.application
    assert (again.charm, again.config, again.bags, again.removing) == (None, None, {}, False)
    assert again.status is None


@pytest.mark.parametrize(
    "most",
    [
        {"source": "/" + "x" * (MAX_WORDS - 1)}, {"digest": "d" * MAX_DIGEST},
        {"peers": tuple(f"p{n}" for n in range(MAX_PEERS))}, {"update_status_interval": 0.5},
        {"update_status_interval": MAX_INTERVAL},
    ],
)  # fmt: skip
def test_a_charm_may_be_as_large_as_that(most: dict[str, Any]) -> None:
    bench = CoreBench()
    bench.charms.give(APP, given(**most))
    charm = bench.application.charm
    assert charm is not None
    assert {name: getattr(charm, name) for name in most if name != "peers"} == {
        name: value for name, value in most.items() if name != "peers"
    }


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"resources": {"-" + "x" * 200: "/r"}}, f"'-{'x' * 99}' is not the name of a resource"),
        ({"peers": ("-" + "x" * 200,)}, f"'-{'x' * 99}' is not the name of an endpoint"),
        ({"digest": "d" * 129}, "a charm's digest has at most 128 characters"),
    ],
)
def test_a_name_that_cannot_be_is_shown_and_cut(wrong: dict[str, Any], told: str) -> None:
    """G7"""
    bench = CoreBench()
    assert refusal_of(lambda: bench.charms.give(APP, given(**wrong))) == told


def test_history_says_why_a_configuration_changed() -> None:
    """O4"""
    bench = charmed(units=1)
    bench.charms.configure(APP, {"port": "81", "motd": "hi"}, [])
    bench.charms.give(APP, given("peers"))
    assert [(entry.kind, entry.cause) for entry in bench.history()] == [
        ("config", "an operator configured it"), ("charm", "an operator gave it a charm"),
    ]  # fmt: skip
    bench.charms.give(APP, given("peers", options={}))
    assert [(entry.kind, entry.cause) for entry in bench.history()] == [
        ("charm", "an operator gave it a charm"),
        ("config", "its new charm lacks these options"),
    ]
    told = [push for push in bench.told() if isinstance(push, Configured)]
    assert [push.unit for push in told] == [W0, W0]


def test_the_record_of_a_charm_says_all_that_was_given() -> None:
    """P3: and what is not named stays as it was before"""
    bench = CoreBench(1)
    bench.charms.give(
        APP,
        given(
            "peers", "ring", digest="d", resources={"image": "/srv/i"}, allow_host_changes=True,
            update_status_interval=60.0,
        ),
    )  # fmt: skip
    first = CharmRecord(
        application=APP, source="/srv/web", revision=1, peers={"peers": 0, "ring": 1},
        options=OPTIONS, digest="d", resources={"image": "/srv/i"}, allow_host_changes=True,
        update_status_interval=60.0,
    )  # fmt: skip
    assert bench.application.charm == first
    bench.charms.give(APP, given("ring", source="/srv/other"))
    assert bench.application.charm == replace(
        first, source="/srv/other", revision=2, peers={"ring": 1}, former_peers={"peers": 0},
        digest="",
    )  # fmt: skip


def test_a_charm_in_the_state_folder_is_named_from_there() -> None:
    """P3: so that the folder may be moved"""
    bench = CoreBench(1)
    inside = f"charms/{'0123456789abcdef' * 2}"
    bench.charms.give(APP, given(source=inside))
    assert bench.application.charm is not None and bench.application.charm.source == inside
    for wrong in ("charms/0", f"{inside}0", "srv/web"):
        told = refusal_of(lambda wrong=wrong: bench.charms.give(APP, given(source=wrong)))
        assert "absolute paths" in told
