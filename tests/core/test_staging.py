"""What is decided and what is committed; going back, loading, restarting."""

from __future__ import annotations

from msgspec.structs import replace

from tenure.core.application import Application, changed_keys, record_of
from tenure.core.changes import Bucket, HistoryAdded
from tenure.core.effects import Granted
from tenure.core.lease import Handover, Lease, ends_at
from tenure.core.staging import Staging

from . import scenarios
from .bench import APP, W0, W1, W2, CoreBench, restarted, saved


def test_a_refused_commit_leaves_everything_as_it_was() -> None:
    """G7"""
    scenarios.rolled_back_grant_never_was()


def test_a_write_that_was_rolled_back_changed_nothing() -> None:
    """G6, G7"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.committed()
    bench.leases.write(1.0, W0, term, {"k": "v"})
    batch = bench.leases.staging.take()
    assert batch is not None and batch.applications == (APP,)
    bench.leases.roll_back([batch])
    assert bench.leases.read(W0) == Bucket()
    assert bench.leases.write(2.0, W0, term, {"k": "v"}) == 1


def test_the_younger_batch_is_undone_before_the_older() -> None:
    """G7"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    older = bench.leases.staging.take()
    bench.leases.release(1.0, W0, term)
    younger = bench.leases.staging.take()
    assert older is not None and younger is not None
    bench.leases.roll_back([older, younger])
    assert bench.lease.term == 0 and bench.holder is None


def test_a_created_application_that_was_rolled_back_is_gone() -> None:
    """G7"""
    bench = CoreBench()
    bench.applications.create(0.0, "db", 60.0, 30.0)
    batch = bench.leases.staging.take()
    assert batch is not None
    bench.leases.roll_back([batch])
    assert set(bench.leases.staging.applications) == {APP}


def test_time_goes_on_after_a_rollback() -> None:
    """G7, L3, G11"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.committed()
    bench.waits(1.0, W1)
    bench.tick(60.1)
    batch = bench.leases.staging.take()
    assert batch is not None
    bench.leases.roll_back([batch])
    assert bench.holder == W0
    bench.tick(60.2)
    assert bench.holder is None and bench.lease.offer is not None


def test_renewals_make_nothing_dirty() -> None:
    """L7"""
    staging = Staging()
    lease = Lease(duration=60.0, guarantee=30.0, longest=60.0)
    staging.touch(Application(name=APP, lease=lease))
    assert staging.take() is None and staging.gathering.applications == ()


def test_a_restart_treats_every_lease_as_extended_from_that_moment() -> None:
    """L8, G9"""
    scenarios.restart_extends_the_lease()


def test_a_short_lease_gets_the_grace_to_reconnect() -> None:
    """L8"""
    bench = CoreBench(1, duration=5.0, guarantee=2.5)
    bench.leads(0.0, W0)
    assert ends_at(restarted(saved(bench.committed()), 100.0).lease) == 115.0


def test_a_longer_promise_is_on_record_before_it_is_given() -> None:
    """L8, L1"""
    scenarios.longer_lease_is_on_record_first()


def test_a_longer_promise_is_forgotten_only_when_it_has_run_out() -> None:
    """L8"""
    scenarios.shorter_lease_keeps_the_longest_on_record()


def test_the_term_survives_a_restart_and_the_holder_resumes_its_own() -> None:
    """G8, G9, L8"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    again = restarted(saved(bench.committed()), 1000.0)
    units = bench.application.units
    bench.leases.staging.touch(replace(again, units=units))
    assert bench.claim(1001.0, W1) != bench.claim(1001.0, W0, term)
    assert bench.claim(1002.0, W0, term) == Granted(
        unit=W0, term=term, duration=60.0, guarantee=30.0
    )


def test_a_record_and_its_restoration_say_the_same() -> None:
    """L7, L8"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.orders.set_lease(1.0, APP, 10.0, 5.0)
    record = record_of(bench.application)
    assert record == saved(bench.committed()) == record_of(restarted(record, 50.0))


def test_who_waited_is_offered_the_lease_after_a_reload() -> None:
    """G11, L8"""
    scenarios.line_survives_a_reload()


def test_a_reload_keeps_what_no_store_keeps() -> None:
    """L8, G8, O1"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    record = saved(bench.committed())
    bench.waits(1.0, W1)
    bench.claim(1.0, W2, None, 99)
    bench.orders.elect(2.0, W2)
    bench.leases.unsure[APP] = "fsync failed"
    bench.leases.reload([APP], {APP: restarted(record, 3.0)})
    assert APP not in bench.leases.unsure
    assert bench.lease.line == (W1, W2) and bench.lease.seen_term == 99
    assert isinstance(bench.lease.handover, Handover) and bench.lease.handover.successor == W2


def test_a_reload_takes_the_store_s_word() -> None:
    """L8, G7"""
    bench = CoreBench()
    bench.applications.create(0.0, "db", 60.0, 30.0)
    bench.leases.reload([APP, "db"], {APP: bench.application})
    assert set(bench.leases.staging.applications) == {APP}


def test_nothing_is_decided_about_an_unsure_application() -> None:
    """L8"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.orders.pin(0.0, APP, "upgrade", 1000.0)
    bench.committed()
    bench.leases.unsure[APP] = "fsync failed"
    bench.tick(2000.0)
    assert bench.committed() == [] and bench.holder == W0


def test_the_names_of_changed_keys_are_known_for_a_while() -> None:
    """H10, H3"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    for number in range(70):
        bench.leases.write(0.0, W0, term, {f"k{number % 3}": str(number)})
    application = bench.application
    assert changed_keys(application, 70) == ()
    assert changed_keys(application, 68) == ("k0", "k2")
    assert changed_keys(application, 1) is None and changed_keys(application, 71) is None


def test_history_never_holds_a_value() -> None:
    """T10, B1"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.leases.write(0.0, W0, term, {"password": "hunter2"})
    entries = [c for c in bench.committed() if isinstance(c, HistoryAdded)]
    assert entries[-1].kind == "settings" and "hunter2" not in repr(entries)


def test_the_store_s_word_is_taken_for_these_applications_and_no_others() -> None:
    """L8"""
    lease = Lease(duration=60.0, guarantee=30.0, longest=60.0)
    web, db, new, other = (Application(name=n, lease=lease) for n in ("web", "db", "new", "other"))
    staging = Staging([web, db, other])
    loaded = replace(web, next_unit=3)
    staging.reload(["web", "db", "new", "gone"], {"web": loaded, "new": new})
    assert staging.applications == {"web": loaded, "new": new, "other": other}
