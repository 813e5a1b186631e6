"""What must hold, as checks that the real tests and the planted bugs share.

Each is a story of a few lines that raises AssertionError when its promise is broken. The tests run
them on the core as it is; `test_guards.py` takes one guard out of the core and shows that the check
named beside it fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from tenure.core.addresses import PLACES, address_at
from tenure.core.application import Application
from tenure.core.bucket import merge
from tenure.core.changes import Bucket, UnitRecord
from tenure.core.charms import CharmSpec
from tenure.core.effects import BagChanged, Denied, Granted, Offer, Revision
from tenure.core.lease import NEVER, Lease, LineOffer, ends_at, with_offer_settled
from tenure.core.model import Model
from tenure.core.peers import BagWrite
from tenure.core.staging import Batch
from tenure.core.status import Said
from tenure.errors import InstanceRefused, NotFound, NotLeader, TenureError

from .bench import (
    APP,
    W0,
    W1,
    W2,
    CoreBench,
    granted,
    restarted,
    saved,
)


def grants_anew(bench: CoreBench, now: float, unit: str, term: int) -> None:
    """The unit is granted the lease, under this very term."""
    assert bench.claim(now, unit) == Granted(unit=unit, term=term, duration=60.0, guarantee=30.0)


def is_refused_as_another(bench: CoreBench, now: float, unit: str, instance: str) -> None:
    """Another instance of the unit is turned away."""
    refused = False
    try:
        bench.connect(now, unit, instance, 9)
    except InstanceRefused:
        refused = True
    assert refused, "another instance was accepted"


def write_is_refused(bench: CoreBench, now: float, unit: str, term: int) -> None:
    """The write is refused, and changes nothing."""
    before, refused = bench.application.bucket, False
    bench.tick(now)
    try:
        bench.leases.write(now, unit, term, {"key": "value"})
    except NotLeader:
        refused = True
    assert refused and bench.application.bucket == before, "a write landed that must not"


def held_at_the_instant_of_expiry() -> None:
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.tick(60.0)
    assert bench.holder == W0, "it was taken away at the instant of its end"
    assert isinstance(bench.claim(60.0, W1), Denied)
    assert bench.leases.write(60.0, W0, term, {"k": "v"}) == 1
    bench.tick(60.0 + 1e-6)
    assert bench.holder is None


def regrant_has_a_new_term() -> None:
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    grants_anew(bench, 10.0, W0, term + 1)
    write_is_refused(bench, 11.0, W0, term)


def term_rises_from_unit_to_unit() -> None:
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.leases.release(1.0, W0, term)
    grants_anew(bench, 2.0, W1, term + 1)


def term_is_raised_above_what_the_claimer_has_seen() -> None:
    grants_anew_seen = CoreBench().claim(0.0, W0, None, 41)
    assert isinstance(grants_anew_seen, Granted) and grants_anew_seen.term == 42


def term_is_raised_above_what_a_denied_unit_has_seen() -> None:
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    assert isinstance(bench.claim(1.0, W1, None, 41), Denied)
    bench.leases.release(2.0, W0, term)
    bench.leases.disconnect(2.0, W1, 1)
    grants_anew(bench, 3.0, W2, 42)


def extension_never_shortens() -> None:
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.orders.set_lease(1.0, APP, 10.0, 5.0)
    assert bench.claim(2.0, W0, term) == granted(term, 10.0, 5.0)
    assert ends_at(bench.lease) == 60.0, "an extension shortened the lease"


def regrant_never_shortens() -> None:
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.orders.set_lease(1.0, APP, 10.0, 5.0)
    bench.leads(2.0, W0)
    assert ends_at(bench.lease) == 60.0, "a new term of the holder shortened the lease"


def restart_extends_the_lease() -> None:
    bench = CoreBench(1)
    bench.leads(0.0, W0)
    lease = restarted(saved(bench.committed()), 59.0).lease
    assert lease.holder is not None and lease.holder.unit == W0
    assert ends_at(lease) == 59.0 + 60.0, "the holder may still believe"


def shorter_lease_keeps_the_longest_on_record() -> None:
    bench = CoreBench(1)
    bench.leads(0.0, W0)
    bench.orders.set_lease(1.0, APP, 10.0, 5.0)
    record = saved(bench.committed())
    assert ends_at(restarted(record, 2.0).lease) == 62.0, "a longer promise is forgotten"
    bench.tick(61.0)
    assert saved(bench.committed()).longest == 60.0
    bench.tick(61.1)
    assert saved(bench.committed()).longest == 10.0


def longer_lease_is_on_record_first() -> None:
    bench = CoreBench(1)
    bench.leads(0.0, W0)
    bench.orders.set_lease(1.0, APP, 120.0, 30.0)
    assert saved(bench.committed()).longest == 120.0


def freed_lease_is_offered_to_the_first_alone() -> None:
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.waits(1.0, W1, W2)
    bench.leases.release(2.0, W0, term)
    assert bench.told() == [Offer(unit=W1)]
    assert isinstance(bench.claim(2.5, W2), Denied), "the lease is on offer to another"
    assert isinstance(bench.claim(2.6, W1), Granted)


def lapsed_offer_goes_to_the_next() -> None:
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.waits(1.0, W1, W2)
    bench.leases.release(2.0, W0, term)
    bench.told()
    bench.tick(3.1)
    assert bench.told() == [Offer(unit=W2)]
    assert bench.lease.line == (W2, W1)


def silent_unit_is_offered_nothing_until_its_next_word() -> None:
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.waits(1.0, W1)
    bench.leases.set_silent(1.5, W1, 1.0)
    bench.leases.disconnect(1.6, W2, 1)
    bench.leases.release(2.0, W0, term)
    assert bench.told() == []
    assert bench.lease.line == (W1,), "its place stays"
    bench.leases.set_silent(3.0, W1, None)
    assert bench.told() == [Offer(unit=W1)]


def untold_offer_does_not_lapse() -> None:
    lease = Lease(duration=60.0, guarantee=30.0, longest=60.0, line=(W1, W2))
    untold = replace(lease, offer=LineOffer(W1, NEVER))
    passed_by = with_offer_settled(untold, 9.0, 1.0, lambda unit: unit == W2)
    assert passed_by == replace(lease, offer=LineOffer(W2, 10.0)), "its place stays"
    none_there = with_offer_settled(untold, 9.0, 1.0, lambda unit: False)
    assert none_there == lease
    again = with_offer_settled(none_there, 10.0, 1.0, lambda unit: True)
    assert again == replace(lease, offer=LineOffer(W1, 11.0))


def line_survives_a_reload() -> None:
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.waits(1.0, W1)
    bench.committed()
    bench.leases.release(2.0, W0, term)
    record = saved(bench.committed())
    bench.told()
    loaded = replace(restarted(record, 3.0), units=bench.application.units)
    bench.leases.reload([APP], {APP: loaded})
    bench.tick(3.0)
    assert bench.told() == [Offer(unit=W1)], "a waiter was forgotten"


def write_of_another_is_refused() -> None:
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    write_is_refused(bench, 1.0, W1, term)


def write_under_an_old_term_is_refused() -> None:
    bench = CoreBench()
    old = bench.leads(0.0, W0)
    new = bench.leads(1.0, W0)
    write_is_refused(bench, 2.0, W0, old)
    assert bench.leases.write(2.0, W0, new, {"k": "v"}) == 1


def release_of_an_old_term_is_nothing() -> None:
    bench = CoreBench()
    old = bench.leads(0.0, W0)
    bench.leads(1.0, W0)
    bench.leases.release(2.0, W0, old)
    assert bench.holder == W0, "a late release took a new term away"


def revoked_term_writes_nothing() -> None:
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.orders.revoke(1.0, APP)
    write_is_refused(bench, 1.0, W0, term)


def pin_suspends_expiry() -> None:
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.orders.pin(1.0, APP, "upgrade", 100.0)
    bench.tick(90.0)
    assert bench.holder == W0, "a pinned lease ran out"
    assert isinstance(bench.claim(101.0, W1), Denied)
    bench.tick(101.1)
    assert bench.holder is None


def other_instance_is_refused_while_one_is_connected() -> None:
    is_refused_as_another(CoreBench(), 1.0, W0, "clone")


def other_instance_is_refused_while_one_may_believe() -> None:
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.leases.disconnect(1.0, W0, 1)
    is_refused_as_another(bench, 60.0, W0, "clone")
    bench.connect(60.1, W0, "clone", 1)


def superseded_sessions_end_means_nothing() -> None:
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.waits(1.0, W1)
    bench.connect(2.0, W1, "one", 2)
    bench.leases.disconnect(3.0, W1, 1)
    assert W1 in bench.leases.sessions, "the newer session was ended"
    assert bench.lease.line == (W1,)


def writer_is_not_told() -> None:
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.leases.write(1.0, W0, term, {"k": "v"})
    assert bench.told() == [Revision(unit=u, revision=1, keys=("k",)) for u in (W1, W2)]


def no_change_raises_nothing() -> None:
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.leases.write(1.0, W0, term, {"k": "v"})
    bench.told(), bench.committed()
    assert bench.leases.write(2.0, W0, term, {"k": "v", "none": ""}) == 1
    assert bench.told() == [] and bench.committed() == []
    same = Bucket(revision=3, settings={"k": "v"})
    assert merge(same, {"k": "v"}, APP) is same


def tombstone_keeps_its_term() -> None:
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.leases.write(0.0, W0, term, {"k": "v"})
    bench.applications.remove_application(APP)
    bench.applications.create(2.0, APP, 60.0, 30.0)
    unit = bench.applications.add_unit(APP)
    assert unit == "web/3", "a unit's number came back"
    bench.connect(2.0, unit)
    assert isinstance(bench.claim(3.0, unit), Denied), "the old leader may still believe"
    grants_anew(bench, 60.1, unit, term + 1)
    assert bench.application.bucket == Bucket(revision=1)


def removed_application_is_pinned_no_more() -> None:
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.orders.pin(1.0, APP, "upgrade", 1000.0)
    bench.applications.remove_application(APP)
    bench.tick(60.1)
    assert bench.holder is None and not bench.lease.pins


def elected_unit_then_the_old_leader() -> None:
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.waits(1.0, W1, W2)
    bench.orders.elect(2.0, W2)
    bench.told()
    bench.leases.release(3.0, W0, term)
    assert bench.told() == [Offer(unit=W2)]
    bench.tick(4.1)
    assert bench.told() == [Offer(unit=W0)], "it is the old leader's turn"
    bench.tick(5.2)
    assert bench.told() == [Offer(unit=W1)]


def rolled_back_grant_never_was() -> None:
    bench = CoreBench()
    bench.leads(0.0, W0)
    batch = bench.leases.staging.take()
    assert batch is not None
    bench.leases.roll_back([batch])
    assert bench.holder is None and bench.lease.term == 0
    grants_anew(bench, 1.0, W1, 1)


def with_peers(units: int = 3) -> CoreBench:
    """An application with the relations 0 and 1, whose units all take part in both."""
    bench = CoreBench(units)
    bench.charms.give(APP, CharmSpec(source="/srv/web", peers=("peers", "ring")))
    for number in range(units):
        bench.peers.enter(f"{APP}/{number}", {})
    bench.told(), bench.committed()
    return bench


def own(relation: int = 0, **changes: str) -> BagWrite:
    """Something for the unit's own bag."""
    return BagWrite(relation=relation, application=False, changes=changes)


def shared(relation: int = 0, **changes: str) -> BagWrite:
    """Something for the application's bag."""
    return BagWrite(relation=relation, application=True, changes=changes)


def bag_of_the_application_is_fenced() -> None:
    bench = with_peers()
    old = bench.leads(0.0, W0)
    bench.leases.release(1.0, W0, old)
    bench.leads(1.0, W1)
    assert refused_as_no_leader(bench, 2.0, W0, old), "it leads no more"
    bench.tick(70.0)
    new = bench.leads(70.0, W0)
    assert refused_as_no_leader(bench, 70.0, W0, old), "it leads under another term"
    bench.peers.commit(70.0, W0, [shared(k="v")], new)
    assert bench.application.bags[0, APP].settings == {"k": "v"}


def refused_as_no_leader(bench: CoreBench, now: float, unit: str, term: int | None) -> bool:
    """Whether a write of the application's bag is refused."""
    writes = [own(late="1"), shared(late="1")]
    return _is_no_leader(lambda: bench.peers.commit(now, unit, writes, term))


def _is_no_leader(call: Callable[[], object]) -> bool:
    try:
        call()
    except NotLeader:
        return True
    return False


def refused_commit_left_nothing() -> None:
    bench = with_peers()
    term = bench.leads(0.0, W0)
    bench.told(), bench.committed()
    before = bench.application
    with pytest.raises(NotFound):
        bench.peers.commit(0.0, W0, [own(0, a="1"), shared(1, b="2"), own(7, c="3")], term)
    assert bench.application is before and bench.told() == [] and bench.committed() == []


def all_are_told_of_the_application_s_bag() -> None:
    bench = with_peers()
    term = bench.leads(0.0, W1)
    bench.told()
    bench.peers.commit(0.0, W1, [shared(k="v")], term)
    assert bench.told() == [
        BagChanged(unit=unit, relation=0, owner=APP, version=1) for unit in (W0, W1, W2)
    ]


def others_are_told_of_a_unit_s_bag_and_it_is_not() -> None:
    bench = with_peers()
    bench.peers.commit(0.0, W1, [own(k="v")], None)
    assert bench.told() == [
        BagChanged(unit=other, relation=0, owner=W1, version=2) for other in (W0, W2)
    ]


def status_stays_when_leadership_moves() -> None:
    """P4"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.statuses.set(0.0, W0, term, "blocked", "no space")
    bench.leases.release(1.0, W0, term)
    assert bench.statuses.read(1.0, W1, bench.leads(1.0, W1))[1] == Said("blocked", "no space", 0.0)


def status_of_the_application_is_the_leader_s_to_set() -> None:
    """P4"""
    bench = CoreBench()
    old = bench.leads(0.0, W0)
    bench.leases.release(1.0, W0, old)
    term = bench.leads(1.0, W1)
    bench.committed()
    for unit, claimed in ((W0, old), (W0, term), (W1, old)):
        assert _is_no_leader(lambda u=unit, t=claimed: bench.statuses.set(2.0, u, t, "active", ""))
        assert _is_no_leader(lambda u=unit, t=claimed: bench.statuses.read(2.0, u, t))
    assert bench.application.status is None and bench.committed() == []


def refusal_of(call: Callable[[], object]) -> str:
    """The message of a refusal."""
    with pytest.raises(TenureError) as refusal:
        call()
    return str(refusal.value)


# -- addresses


def _full(free: int) -> Application:
    lease = Lease(duration=60.0, guarantee=30.0, longest=60.0)
    units = [
        UnitRecord(unit=f"full/{place}", address=address_at(place))
        for place in range(PLACES - free)
    ]
    return Application(name="full", lease=lease, units={record.unit: record for record in units})


class Crowd:
    """Applications that come and go where a block has only so many `free` places left; what is
    decided is committed later, or refused."""

    def __init__(self, free: int) -> None:
        self.model = Model()
        self.model.begin(0.0, [_full(free)])
        self._committing: Batch | None = None
        self._created = 0

    def shared(self) -> list[str]:
        """The addresses that two units have."""
        every = Counter(
            record.address for found in self.model.known() for record in found.units.values()
        )
        return [address for address, units in every.items() if units > 1]

    def create(self, units: int) -> None:
        self._created += 1
        self.model.applications.create(0.0, f"a{self._created}", 60.0, 30.0, units=units)

    def add(self, number: int) -> None:
        names = [found.name for found in self.model.known() if found.name != "full"]
        if names:
            self.model.applications.add_unit(names[number % len(names)])

    def remove(self, number: int) -> None:
        """By force, of the youngest application that has any: the full one is the last."""
        found = [found for found in self.model.known() if found.units][-1]
        units = list(found.units)
        self.model.applications.remove_unit(0.0, units[number % len(units)], force=True)

    def commit(self, _: int = 0) -> None:
        if self._committing is None:
            self._committing = self.model.take_batch()

    def confirm(self, _: int = 0) -> None:
        self._committing = None

    def refuse(self, _: int = 0) -> None:
        """What is being committed is refused, and with it what was decided meanwhile."""
        gathered = self.model.take_batch()
        for batch in (gathered, self._committing):
            if batch is not None:
                self.model.leases.roll_back([batch])
        self._committing = None


def units_created_where_a_block_ends_share_no_address() -> None:
    crowd = Crowd(free=2)
    crowd.create(5)
    crowd.create(3)
    assert crowd.shared() == []


def units_that_a_roll_back_brings_back_share_no_address() -> None:
    crowd = Crowd(free=4)
    crowd.create(4)
    crowd.commit()
    crowd.confirm()
    for _ in range(3):
        crowd.remove(0)
    crowd.commit()
    crowd.create(1)
    crowd.refuse()
    crowd.create(2)
    assert crowd.shared() == []
