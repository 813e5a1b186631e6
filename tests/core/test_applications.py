"""How applications and their units come and go: whole, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tenure.core import application as applications
from tenure.core.addresses import PLACES, former_address, in_bag
from tenure.core.applications import Applications
from tenure.core.changes import (
    ApplicationPut,
    BagPut,
    CharmCleared,
    HistoryAdded,
    Option,
    PinDropped,
    SettingsCleared,
    UnitDropped,
    UnitPut,
)
from tenure.core.charms import Charms, CharmSpec
from tenure.core.effects import BagChanged, Denied, Granted, Offer, Remove
from tenure.core.lease import Handover
from tenure.core.peers import Peers
from tenure.errors import BadRequest, NotFound, Refused

from . import scenarios
from .bench import APP, W0, W1, W2, CoreBench
from .scenarios import own, refusal_of, with_peers


def given(*peers: str) -> CharmSpec:
    return CharmSpec(source="/srv/web", peers=peers, options={"port": Option(type="int")})


# -- an application with all that it needs


def test_an_application_begins_with_charm_configuration_and_units_in_one_step() -> None:
    """G7, O2"""
    bench = CoreBench(0)
    said = bench.applications.create(
        0.0, "db", 60.0, 30.0, charm=given("peers"), config={"port": "81"}, units=2, new=True
    )
    assert said == '"db" created with db/0, db/1'
    made = bench.leases.staging.applications["db"]
    assert made.charm is not None and made.charm.revision == 1 and made.config is not None
    assert made.config.values == {"port": "81"} and list(made.units) == ["db/0", "db/1"]
    changes = bench.committed()
    kinds = [change.kind for change in changes if isinstance(change, HistoryAdded)]
    assert kinds == ["created", "charm", "config", "unit-added", "unit-added"]
    assert [change.record for change in changes if isinstance(change, UnitPut)] == [
        *made.units.values()
    ]


@pytest.mark.parametrize(
    "wrong",
    [{"config": {"port": "x"}}, {"units": 1001}, {"units": -1}, {"charm": given("../x")},
     {"charm": None}],
)  # fmt: skip
def test_an_application_that_cannot_begin_so_does_not_begin(wrong: dict[str, Any]) -> None:
    """G7"""
    bench = CoreBench(0)
    asked = {"charm": given(), "config": {"port": "1"}, "units": 1, **wrong}
    with pytest.raises(BadRequest):
        bench.applications.create(0.0, "db", 60.0, 30.0, **asked)
    assert "db" not in bench.leases.staging.applications and bench.committed() == []


def test_an_application_that_exists_stays_as_it_is_or_is_refused_as_new() -> None:
    """G7"""
    bench = with_peers()
    before = bench.application
    asked: dict[str, Any] = {"charm": given(), "units": 5}
    assert bench.applications.create(0.0, APP, 60.0, 30.0, **asked) == '"web" exists already'
    with pytest.raises(Refused, match='"web" exists already: choose another name'):
        bench.applications.create(0.0, APP, 60.0, 30.0, **asked, new=True)
    assert bench.application is before and bench.committed() == []


# -- leaving as a whole


def test_an_application_that_leaves_goes_with_the_last_of_its_units() -> None:
    """U4, B1, G8: all are asked, and the leader steps down first"""
    bench = with_peers(2)
    term = bench.leads(0.0, W0)
    bench.waits(0.0, W1)
    bench.told()
    assert (
        bench.applications.retire_application(1.0, APP) == '"web" goes with the last of its units'
    )
    assert bench.told() == [Remove(unit=W0), Remove(unit=W1)]
    assert bench.application.removing and bench.holder == W0 and bench.lease.line == ()
    bench.leases.release(2.0, W0, term)
    assert bench.told() == [], "nobody is left who could lead"
    bench.applications.gone(W0)
    assert bench.application.alive
    bench.applications.gone(W1)
    gone = bench.application
    assert (gone.alive, gone.removing, gone.units, gone.charm) == (False, False, {}, None)
    assert gone.lease.term == term
    kinds = [entry.kind for entry in bench.history()]
    assert kinds == [
        "granted", "removing", "released", "unit-removed", "unit-removed", "removed"
    ]  # fmt: skip


def test_a_removed_application_leaves_its_term_its_revision_and_nothing_else() -> None:
    """B1, G8, L6"""
    bench = with_peers(2)
    term = bench.leads(0.0, W0)
    bench.waits(0.0, W1)
    bench.leases.write(0.0, W0, term, {"k": "v"})
    bench.orders.pin(0.0, APP, "upgrade", 60.0)
    bench.orders.elect(0.0, W1)
    before = bench.application
    assert before.lease.handover is not None and before.recent and before.bags
    bench.committed()
    assert bench.applications.remove_application(APP) == '"web" removed'
    assert bench.application == replace(
        before, alive=False, units={}, bucket=replace(before.bucket, settings={}), recent=(),
        lease=replace(before.lease, line=(), offer=None, handover=None, pins={}),
        charm=None, config=None, bags={}, status=None,
    )  # fmt: skip
    assert bench.application.bucket.revision == before.bucket.revision == 1
    assert not bench.leases.sessions
    assert bench.committed() == [
        ApplicationPut(applications.record_of(bench.application)),
        UnitDropped(W0), UnitDropped(W1), PinDropped(APP, "upgrade"),
        SettingsCleared(APP), CharmCleared(APP),
        HistoryAdded(application=APP, at=0.0, kind="removed", cause="an operator removed it"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ((), ""),
        ((W1,), "; web/1 must be back for that, or is dropped without its last hooks: "
                "`tenure remove-unit web/1 --force`"),
        ((W0, W2), "; web/0 and 1 more must be back for that, or is dropped without its last "
                   "hooks: `tenure remove-unit web/0 --force`"),
    ],
)  # fmt: skip
def test_who_must_be_back_for_a_removal_is_named(lost: tuple[str, ...], said: str) -> None:
    """U4"""
    bench = CoreBench(3)
    for unit in lost:
        bench.leases.disconnect(0.0, unit, 1)
    told = bench.applications.retire_application(1.0, APP)
    assert told == '"web" goes with the last of its units' + said
    assert bench.told() == [Remove(unit=unit) for unit in (W0, W1, W2) if unit not in lost]
    changes = bench.committed()
    assert [found.record for found in changes if isinstance(found, UnitPut)] == list(
        bench.application.units.values()
    )
    assert all(record.removing for record in bench.application.units.values())
    assert (
        HistoryAdded(application=APP, at=0.0, kind="removing", cause="an operator removed it")
        in changes
    )


def test_an_application_without_units_goes_at_once() -> None:
    """B1"""
    bench = CoreBench(0)
    assert bench.applications.retire_application(0.0, APP) == '"web" removed'
    assert not bench.application.alive


def test_an_application_that_leaves_gets_no_units_and_is_not_created_meanwhile() -> None:
    """G7"""
    bench = with_peers()
    bench.applications.retire_application(1.0, APP)
    with pytest.raises(Refused, match="is being removed, so it gets no new units"):
        bench.applications.add_unit(APP)
    for new in (True, False):
        with pytest.raises(Refused, match="create it again once it is gone"):
            bench.applications.create(1.0, APP, 60.0, 30.0, new=new)


def test_asking_again_tells_the_units_again_and_nothing_else() -> None:
    """U4: and those that are to be dropped by force are named"""
    bench = with_peers(2)
    bench.applications.retire_application(1.0, APP)
    bench.leases.disconnect(1.0, W1, 1)
    bench.told(), bench.committed()
    said = bench.applications.retire_application(2.0, APP)
    assert said.endswith("`tenure remove-unit web/1 --force`")
    assert bench.told() == [Remove(unit=W0)] and bench.committed() == []
    bench.applications.remove_unit(3.0, W1, force=True)
    bench.applications.gone(W0)
    assert not bench.application.alive


def test_a_restarted_controller_knows_that_an_application_leaves() -> None:
    """L7, U4"""
    bench = with_peers()
    bench.applications.retire_application(1.0, APP)
    now = bench.application
    kept = applications.Persisted(applications={APP: applications.record_of(now)}, units=now.units)
    assert applications.restored(kept)[APP].removing


def test_the_goal_is_all_units_by_number() -> None:
    """G10: the same whoever leads, and whoever asks"""
    bench = CoreBench(12)
    before = bench.applications.goal(W0)
    assert [record.unit for record in before] == [f"web/{n}" for n in range(12)]
    bench.leads(0.0, "web/7")
    assert bench.applications.goal("web/7") == before == bench.applications.goal(W1)
    bench.applications.remove_unit(0.0, W0, force=False)
    assert [record.removing for record in bench.applications.goal(W1)] == [True] + [False] * 11


def test_a_removed_application_leaves_a_tombstone_with_term_revision_and_lease() -> None:
    """G8, B1"""
    scenarios.tombstone_keeps_its_term()


def test_a_removed_application_is_pinned_no_more() -> None:
    """L6, G8"""
    scenarios.removed_application_is_pinned_no_more()


def test_creating_is_idempotent_and_refuses_bad_words() -> None:
    """B1, L1"""
    bench = CoreBench()
    assert bench.applications.create(0.0, APP, 5.0, 1.0) == '"web" exists already'
    assert bench.lease.duration == 60.0
    with pytest.raises(BadRequest):
        bench.applications.create(0.0, "Web", 60.0, 30.0)


def test_what_does_not_exist_is_not_found() -> None:
    """O2, G7"""
    bench = CoreBench()
    bench.applications.create(0.0, "db", 60.0, 30.0)
    bench.applications.remove_application("db")
    for name in ("db", "other"):
        with pytest.raises(NotFound):
            bench.leases.staging.living(name)
    with pytest.raises(NotFound):
        bench.orders.elect(0.0, "web/9")


def test_a_unit_s_number_is_never_used_again() -> None:
    """G8, L9"""
    bench = CoreBench(2)
    bench.leases.disconnect(0.0, W1, 1)
    bench.applications.remove_unit(0.0, W1, force=True)
    assert UnitDropped(W1) in bench.committed()
    assert bench.applications.add_unit(APP) == W2


def test_a_leader_that_is_removed_steps_down_first() -> None:
    """U4, L5, H1"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.waits(0.0, W1)
    bench.applications.remove_unit(1.0, W0, force=False)
    assert bench.told() == [Remove(unit=W0)] and bench.holder == W0
    bench.leases.release(2.0, W0, term)
    assert bench.told() == [Offer(unit=W1)]
    assert isinstance(bench.claim(2.1, W0), Denied) and W0 not in bench.lease.line
    bench.applications.gone(W0)
    assert W0 not in bench.application.units


def test_removing_the_leader_does_not_forget_whom_the_operator_elected() -> None:
    """O1, U4"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.waits(0.0, W1)
    bench.orders.elect(1.0, W2)
    bench.applications.remove_unit(2.0, W0, force=False)
    bench.told()
    bench.leases.release(3.0, W0, term)
    assert bench.told() == [Offer(unit=W2)]


def test_a_waiting_unit_that_is_removed_loses_its_place_and_its_offer() -> None:
    """U4, L4, G11"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.waits(0.0, W1, W2)
    bench.leases.release(1.0, W0, term)
    bench.told()
    bench.applications.remove_unit(1.1, W1, force=False)
    assert bench.told() == [Offer(unit=W2), Remove(unit=W1)]


def addresses(bench: CoreBench) -> dict[str, str]:
    """Of all units of all applications."""
    known = bench.leases.staging.applications.values()
    return {unit: each.address for found in known for unit, each in found.units.items()}


def test_every_unit_has_an_address_of_its_own_whatever_its_application() -> None:
    """And keeps it while it leaves, and those of others that are gone are not its"""
    bench = CoreBench(2)
    for name in ("nginx", "minio"):
        bench.applications.create(0.0, name, 60.0, 30.0, units=50)
    before = addresses(bench)
    assert len(before) == 102 and len(set(before.values())) == 102 and "" not in before.values()
    bench.applications.remove_unit(1.0, W1, force=False)
    assert addresses(bench) == before
    bench.leases.disconnect(1.5, W1, 1)
    bench.applications.remove_unit(2.0, W1, force=True)
    added = bench.applications.add_unit(APP)
    assert added == W2 and addresses(bench)[added] not in before.values()
    del before[W1]
    assert {**addresses(bench), **before} == addresses(bench)


def test_units_without_address_get_one_and_their_bags_and_peers_follow() -> None:
    """Those that an earlier version added; it is told as a change of the bag"""
    bench = with_peers(2)
    bench.peers.commit(0.0, W0, [own(0, **in_bag(former_address(W0)))], None)
    version = bench.peers.read_bag(W1, 0, W0).version
    found = bench.leases.staging.applications[APP]
    units = {unit: replace(record, address="") for unit, record in found.units.items()}
    bench.leases.staging.touch(replace(found, units={**units, W1: found.units[W1]}))
    bench.committed()
    bench.told()
    assert bench.applications.without_addresses() == (APP,)
    assert bench.applications.settle_addresses() == [W0]
    assert bench.applications.without_addresses() == ()
    after = addresses(bench)
    assert after[W0] and after[W0] != after[W1]
    bag = bench.peers.read_bag(W1, 0, W0)
    assert bag.settings == in_bag(after[W0]) and bag.version == version + 1
    assert BagChanged(unit=W1, relation=0, owner=W0, version=bag.version) in bench.told()
    kinds = {type(change) for change in bench.committed()}
    assert kinds == {UnitPut, BagPut}


def test_all_units_may_be_given_other_addresses_since_a_copy_has_theirs() -> None:
    bench = CoreBench(3)
    before = addresses(bench)
    bench.applications.addresses.use(9)
    assert bench.applications.settle_addresses(anew=True) == [W0, W1, W2]
    assert not set(before.values()) & set(addresses(bench).values())


def test_a_unit_whose_agent_is_silent_may_be_dropped_by_force() -> None:
    """U4, L5: it is connected, and nobody knows whether it ever answers again"""
    bench = CoreBench()
    bench.leases.set_silent(20.0, W1, 5.0)
    said = bench.applications.remove_unit(20.0, W1, force=False)
    assert said.startswith("web/1 leaves when its agent is back") and "--force" in said
    assert bench.told() == [Remove(unit=W1)]
    assert bench.applications.remove_unit(21.0, W1, force=True) == "web/1 is removed"
    assert W1 not in bench.leases.sessions


def test_a_unit_without_agent_is_dropped_by_force_and_its_lease_runs_out() -> None:
    """L5, U4"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    assert "is connected" in refusal_of(lambda: bench.applications.remove_unit(1.0, W0, force=True))
    bench.leases.disconnect(1.0, W0, 1)
    bench.applications.remove_unit(1.0, W0, force=True)
    assert isinstance(bench.claim(60.0, W1), Denied)
    assert isinstance(bench.claim(60.1, W1), Granted)


def test_only_a_unit_that_was_asked_to_leave_may_go() -> None:
    """U4, G7"""
    bench = CoreBench()
    with pytest.raises(Refused, match="was not asked to leave"):
        bench.applications.gone(W0)
    assert W0 in bench.application.units


def test_an_application_that_is_removed_offers_its_lease_to_nobody() -> None:
    """B1, L3"""
    bench = CoreBench(2)
    term = bench.leads(0.0, W0)
    bench.waits(0.0, W1)
    bench.leases.release(1.0, W0, term)
    assert bench.lease.offer is not None
    bench.applications.remove_application(APP)
    assert (bench.lease.offer, bench.lease.line) == (None, ())


def test_addresses_are_settled_for_all_applications_and_none_twice() -> None:
    """Also where the block is used up, and what is free must be looked for"""
    bench = CoreBench(2)
    bench.applications.create(0.0, "db", 60.0, 30.0, units=2)
    bench.applications.addresses.allot(lambda: (), PLACES - 4 - 1)
    for found in list(bench.leases.staging.applications.values()):
        units = dict(found.units)
        first = min(units)
        units[first] = replace(units[first], address="")
        bench.leases.staging.touch(replace(found, units=units))
    assert sorted(bench.applications.settle_addresses()) == ["db/0", W0]
    assert len(set(addresses(bench).values())) == 4 and "" not in addresses(bench).values()


def test_a_leader_that_is_removed_is_to_hand_over_with_that_as_cause() -> None:
    """U4, O4: and its record says that it leaves"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    before = bench.application
    bench.applications.remove_unit(1.0, W0, force=False)
    handover = Handover(W0, "web/0 stepped down to be removed")
    leaving = replace(before.units[W0], removing=True)
    assert bench.application == replace(
        before, units={**before.units, W0: leaving}, lease=replace(before.lease, handover=handover)
    )


def test_removing_another_than_the_leader_asks_it_for_nothing() -> None:
    """U4"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.applications.remove_unit(1.0, W1, force=False)
    assert bench.lease.handover is None


def test_history_says_why_a_unit_is_no_more() -> None:
    """O4"""
    bench = CoreBench()
    bench.applications.remove_unit(0.0, W1, force=False)
    bench.committed()
    bench.applications.gone(W1)
    [told] = bench.history()
    assert told == HistoryAdded(
        application=APP, at=0.0, kind="unit-removed", cause="it ran its last hook", unit_from=W1
    )
    bench.leases.disconnect(0.0, W2, 1)
    bench.applications.remove_unit(0.0, W2, force=True)
    [told] = bench.history()
    assert told == HistoryAdded(
        application=APP, at=0.0, kind="unit-removed", cause="an operator dropped it", unit_from=W2
    )


def test_a_unit_that_is_dropped_is_gone_from_the_line_and_its_bags_are_left_behind() -> None:
    """L4, P2: the others may read them a while longer, and nothing else is changed"""
    bench = with_peers(3)
    bench.leads(0.0, W0)
    bench.waits(0.0, W1, W2)
    bench.leases.set_silent(9.0, W1, 0.0)
    before = bench.application
    bench.applications.remove_unit(9.0, W1, force=True)
    left = {
        place: replace(bag, present=False) for place, bag in before.bags.items() if bag.owner == W1
    }
    units = {unit: record for unit, record in before.units.items() if unit != W1}
    assert bench.application == replace(
        before, units=units, lease=replace(before.lease, line=(W2,)),
        bags={**before.bags, **left},
    )  # fmt: skip
    assert bench.peers.read_bag(W0, 0, W1) == left[0, W1]


def test_history_says_that_units_are_to_leave_and_that_the_last_one_did() -> None:
    """O4"""
    bench = CoreBench(2)
    bench.applications.remove_unit(0.0, W1, force=False)
    assert bench.history() == [
        HistoryAdded(
            application=APP, at=0.0, kind="unit-removing", cause="an operator removed it",
            unit_from=W1,
        )
    ]  # fmt: skip
    bench.applications.retire_application(0.0, APP)
    bench.applications.gone(W0)
    bench.committed()
    bench.applications.gone(W1)
    assert [(entry.kind, entry.cause) for entry in bench.history()] == [
        ("unit-removed", "it ran its last hook"), ("removed", "web/1 was the last of its units"),
    ]  # fmt: skip


def test_history_says_what_was_created_and_which_unit_was_added() -> None:
    """O4"""
    bench = CoreBench(0)
    assert bench.applications.create(0.0, "db", 60.0, 30.0) == '"db" created'
    bench.applications.add_unit("db")
    assert bench.history() == [
        HistoryAdded(application="db", at=0.0, kind="created", cause="an operator created it"),
        HistoryAdded(
            application="db", at=0.0, kind="unit-added", cause="an operator added it",
            unit_to="db/0",
        ),
    ]  # fmt: skip


def test_an_application_has_so_many_units_at_most() -> None:
    """O2, G7"""
    bench = CoreBench(0)
    told = refusal_of(lambda: bench.applications.create(0.0, "db", 60.0, 30.0, units=1001))
    assert told == "an application begins with 0 to 1000 units"
    bench.applications.create(0.0, "db", 60.0, 30.0, units=1000)
    told = refusal_of(lambda: bench.applications.add_unit("db"))
    assert told == '"db" has 1000 units already: remove some first'


def test_a_guarantee_that_does_not_fit_is_refused_with_the_most_that_does() -> None:
    """L1"""
    bench = CoreBench(0)
    told = refusal_of(lambda: bench.applications.create(0.0, "db", 60.0, 31.0))
    assert told == (
        "a guarantee of 31 s does not fit a lease of 60 s: choose more than 0 s and at most half "
        "the lease, 30 s"
    )


def test_an_application_that_is_created_again_has_the_lease_that_is_asked_for() -> None:
    """G8, L8: and remembers a longer one that may still be believed in"""
    bench = CoreBench(0)
    bench.applications.remove_application(APP)
    bench.applications.create(5.0, APP, 20.0, 10.0)
    assert (bench.lease.duration, bench.lease.guarantee) == (20.0, 10.0)
    assert (bench.lease.longest, bench.lease.lower_at) == (60.0, 65.0)


def test_what_does_not_exist_is_refused_with_the_next_step() -> None:
    """O2"""
    told = refusal_of(lambda: CoreBench(0).orders.step_down(0.0, "shop"))
    assert told == 'there is no application "shop": see `tenure status`'


def test_where_short_leases_are_allowed_an_application_may_begin_with_one() -> None:
    """L1: tests have a lower bound"""
    bench = CoreBench(0)
    leases = bench.leases
    applications = Applications(leases, Charms(leases), Peers(leases), least_duration=0.1)
    applications.create(0.0, "db", 2.0, 1.0)
    assert leases.staging.applications["db"].lease.duration == 2.0
