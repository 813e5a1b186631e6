"""Operators' orders about leadership, and what becomes of them."""

from __future__ import annotations

import math
from functools import partial

import pytest
from msgspec.structs import replace

from tenure.core.changes import HistoryAdded, PinDropped, PinPut
from tenure.core.effects import Denied, Granted, Offer, Revoked, StepDown
from tenure.core.lease import Handover, LineOffer
from tenure.core.orders import MAX_PIN, Orders
from tenure.defaults import LONGEST_PIN
from tenure.errors import BadRequest, Refused

from . import scenarios
from .bench import APP, W0, W1, W2, CoreBench, saved
from .scenarios import refusal_of


def test_an_elected_unit_gets_the_reserved_lease_and_the_old_leader_is_next() -> None:
    """O1, L5"""
    scenarios.elected_unit_then_the_old_leader()


def test_electing_asks_the_leader_to_step_down_and_takes_nothing_away() -> None:
    """O1, U4"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    assert bench.orders.elect(1.0, W1) == ""
    assert bench.told() == [StepDown(unit=W0)]
    assert bench.holder == W0 and isinstance(bench.claim(2.0, W0, term), Granted)
    assert bench.leases.write(3.0, W0, term, {"k": "v"}) == 1


def test_an_elected_unit_takes_over_with_the_operator_as_cause() -> None:
    """O1, L7"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.orders.elect(1.0, W2)
    bench.leases.release(2.0, W0, term)
    bench.committed()
    assert bench.leads(2.1, W2) == term + 1
    assert [entry.cause for entry in bench.history()] == ["an operator elected web/2"]


def test_electing_when_nobody_leads_puts_the_unit_first() -> None:
    """O1, L4"""
    bench = CoreBench()
    assert bench.orders.elect(0.0, W2) == "nobody led"
    assert bench.told() == [Offer(unit=W2)]
    assert isinstance(bench.claim(0.1, W0), Denied)


def test_electing_the_leader_changes_nothing() -> None:
    """O1"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    assert bench.orders.elect(1.0, W0) == "web/0 leads already" and bench.told() == []


def test_electing_is_refused_with_the_reason() -> None:
    """O1, G7"""
    bench = CoreBench(4)
    bench.leads(0.0, W0)
    bench.leases.disconnect(1.0, W1, 1)
    bench.leases.set_eligible(1.0, W2, False)
    bench.applications.remove_unit(1.0, "web/3", force=False)
    units = (W1, W2, "web/3")
    refusals = {u: refusal_of(partial(bench.orders.elect, 1.0, u)) for u in units}
    assert "is not connected" in refusals[W1]
    assert "its agent is stopping" in refusals[W2]
    assert "is being removed" in refusals["web/3"]
    assert bench.lease.handover is None


def test_who_is_silent_is_not_elected_and_its_silence_is_told() -> None:
    """O1, G7: a kernel that takes frames is no agent that answers"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.leases.set_silent(20.0, W1, 3.0)
    refusal = refusal_of(partial(bench.orders.elect, 20.0, W1))
    assert "web/1 cannot lead: its agent has been silent for 17 s" in refusal
    bench.leases.set_silent(20.0, W0, 5.0)
    refusal = refusal_of(partial(bench.orders.step_down, 20.0, APP))
    assert "web/0 cannot step down: its agent has been silent for 15 s" in refusal
    assert bench.lease.handover is None


def test_a_silent_leader_is_asked_all_the_same_and_the_operator_told_how_long_it_may_take() -> None:
    """O1, U4: it may wake up any moment"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.leases.set_silent(20.0, W0, 5.0)
    note = bench.orders.elect(20.0, W2)
    assert note == "the agent of web/0 has been silent for 15 s; its lease runs out in 40 s"
    assert bench.told() == [StepDown(unit=W0)]


def test_a_silent_leader_whose_lease_is_pinned_is_not_waited_for() -> None:
    """O1, L6"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.orders.pin(1.0, APP, "upgrade", 3600)
    bench.leases.set_silent(20.0, W0, 5.0)
    refusal = refusal_of(partial(bench.orders.elect, 20.0, W2))
    assert "web/0 has been silent for 15 s and its lease is pinned (upgrade)" in refusal


def test_electing_who_is_stepping_down_is_refused_with_the_reason() -> None:
    """O1, G7"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.orders.elect(1.0, W1)
    handover = bench.lease.handover
    told = refusal_of(lambda: bench.orders.elect(2.0, W0))
    assert "web/0 still leads and is stepping down (an operator elected web/1)" in told
    assert told.endswith(": elect it when the other leads")
    assert bench.lease.handover == handover
    bench.leases.release(3.0, W0, term)
    bench.leads(3.1, W1)
    assert bench.orders.elect(4.0, W0) == ""


def test_a_leader_that_came_back_after_an_elect_is_not_stepping_down_any_more() -> None:
    """O1"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.orders.elect(1.0, W1)
    bench.leases.release(2.0, W0, term)
    bench.tick(10.0)
    assert bench.leads(10.1, W0) == term + 1
    assert bench.orders.elect(11.0, W0) == "web/0 leads already"


def test_stepping_down_during_an_elect_keeps_whom_the_operator_elected() -> None:
    """O1, O2"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.waits(0.0, W1)
    bench.orders.elect(1.0, W2)
    said = bench.orders.step_down(2.0, APP)
    assert said == "web/0 was stepping down already (an operator elected web/2)"
    bench.told()
    bench.leases.release(3.0, W0, term)
    assert bench.told() == [Offer(unit=W2)]


def test_a_restarted_leader_that_was_asked_to_hand_over_frees_the_lease_at_once() -> None:
    """L2, O1"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.orders.elect(1.0, W1)
    bench.told()
    assert isinstance(bench.claim(2.0, W0), Denied)
    assert bench.told() == [Offer(unit=W1)] and bench.lease.line == (W1, W0)


def test_a_leader_that_is_gone_hands_over_when_its_lease_runs_out() -> None:
    """O1, L5"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.waits(0.0, W1)
    bench.leases.disconnect(1.0, W0, 1)
    assert "its lease runs out in 40 s" in bench.orders.elect(20.0, W2)
    bench.tick(60.1)
    assert bench.told() == [Offer(unit=W2)]


def test_a_pinned_lease_of_a_leader_that_is_gone_cannot_be_handed_over() -> None:
    """O1, L6, G7"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.leases.disconnect(1.0, W0, 1)
    bench.orders.pin(1.0, APP, "upgrade", 100.0)
    assert "its lease is pinned (upgrade)" in refusal_of(lambda: bench.orders.elect(2.0, W1))
    assert bench.lease.handover is None


def test_stepping_down_goes_to_the_first_in_line_and_the_old_leader_to_its_end() -> None:
    """O2, L4"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.waits(0.0, W2, W1)
    bench.orders.step_down(1.0, APP)
    assert bench.told() == [StepDown(unit=W0)]
    bench.leases.release(2.0, W0, term)
    bench.waits(2.0, W0)
    assert bench.told() == [Offer(unit=W2)] and bench.lease.line == (W2, W1, W0)


def test_stepping_down_is_refused_with_the_reason() -> None:
    """O2, G7"""
    bench = CoreBench(2)
    assert 'nobody leads "web"' in refusal_of(lambda: bench.orders.step_down(0.0, APP))
    bench.leads(0.0, W0)
    bench.leases.disconnect(1.0, W0, 1)
    told = refusal_of(lambda: bench.orders.step_down(10.0, APP))
    assert "the agent of web/0 is not connected" in told and "50 s left" in told
    bench.connect(11.0, W0, "one", 2)
    bench.leases.disconnect(11.0, W1, 1)
    told = refusal_of(lambda: bench.orders.step_down(12.0, APP))
    assert "no other unit is connected" in told


def test_revoking_frees_the_lease_at_once_and_tells_the_unit_which_term() -> None:
    """L5, O2"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.waits(0.0, W1)
    told = bench.orders.revoke(20.0, APP)
    assert told.startswith("revoked term 1 of web/0") and "up to 40.0 s more" in told
    assert bench.told() == [Revoked(unit=W0, term=term), Offer(unit=W1)]
    assert bench.leads(20.1, W1) == term + 1


def test_a_revoked_term_writes_nothing_any_more() -> None:
    """L5, G6"""
    scenarios.revoked_term_writes_nothing()


def test_revoking_is_recorded_as_unsafe() -> None:
    """L5, L7"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.committed()
    bench.orders.revoke(20.0, APP)
    [entry] = bench.history()
    assert (entry.kind, entry.unit_from, entry.term) == ("revoked", W0, 1)
    assert entry.detail == "unsafe: it may have believed for up to 40.0 s more"


def test_revoking_a_pinned_lease_and_one_being_handed_over_works_too() -> None:
    """L5, L6"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.waits(0.0, W1)
    bench.orders.pin(0.0, APP, "upgrade", 100.0)
    bench.orders.elect(1.0, W2)
    bench.orders.revoke(2.0, APP)
    bench.waits(3.0, W0)
    assert bench.holder is None
    assert bench.lease.line == (W1, W0), "who was revoked joins at the end"


def test_there_is_nothing_to_revoke_when_nobody_holds_it() -> None:
    """L5, G7"""
    bench = CoreBench()
    assert "nothing to revoke" in refusal_of(lambda: bench.orders.revoke(0.0, APP))


def test_pins_are_a_set_of_reasons_with_ends() -> None:
    """L6, O2"""
    bench = CoreBench()
    bench.orders.pin(0.0, APP, "upgrade", 100.0)
    bench.orders.pin(1.0, APP, "upgrade", 50.0)
    bench.orders.pin(1.0, APP, "backup", 10.0)
    assert bench.lease.pins == {"upgrade": 51.0, "backup": 11.0}
    bench.committed()
    bench.orders.unpin(2.0, APP, "upgrade")
    assert PinDropped(APP, "upgrade") in bench.committed()
    with pytest.raises(Refused, match="not pinned for: upgrade; it is pinned for: backup"):
        bench.orders.unpin(2.0, APP, "upgrade")
    assert bench.committed() == [] and bench.lease.pins == {"backup": 11.0}


def test_unpinning_takes_that_pin_away_and_leaves_everything_else() -> None:
    """L6, O2, O4"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.orders.pin(0.0, APP, "upgrade", 100.0)
    bench.orders.pin(0.0, APP, "backup", 10.0)
    before = bench.application
    bench.committed()
    said = bench.orders.unpin(2.0, APP, "upgrade")
    assert said == '"web" is no longer pinned for: upgrade'
    left = replace(before.lease, pins={"backup": 10.0})
    assert bench.application == replace(before, lease=left)
    assert bench.committed() == [
        PinDropped(APP, "upgrade"),
        HistoryAdded(
            application=APP, at=0.0, kind="unpinned", cause="an operator unpinned it",
            detail="upgrade",
        ),
    ]  # fmt: skip
    bench.orders.unpin(2.0, APP, "backup")
    refusal = refusal_of(lambda: bench.orders.unpin(2.0, APP, "backup"))
    assert refusal == '"web" is not pinned for: backup; nothing pins it'


@pytest.mark.parametrize(
    ("reason", "seconds"),
    [("", 1.0), (" ", 1.0), ("a\nb", 1.0), ("x" * 201, 1.0), ("ok", 0.0), ("ok", -1.0),
     ("ok", math.nan), ("ok", math.inf), ("ok", MAX_PIN + 1)],
)  # fmt: skip
def test_a_pin_needs_a_reason_and_an_end(reason: str, seconds: float) -> None:
    """L6, G7"""
    bench = CoreBench()
    with pytest.raises(BadRequest):
        bench.orders.pin(0.0, APP, reason, seconds)
    assert bench.committed() == [] and not bench.lease.pins


@pytest.mark.parametrize(
    ("duration", "guarantee"),
    [(4.9, 2.0), (300.1, 30.0), (60.0, 30.1), (60.0, 0.0), (math.nan, 1.0), (60.0, math.nan)],
)
def test_lease_settings_out_of_range_are_refused(duration: float, guarantee: float) -> None:
    """L1, G7"""
    bench = CoreBench()
    with pytest.raises(BadRequest):
        bench.orders.set_lease(0.0, APP, duration, guarantee)
    assert (bench.lease.duration, bench.lease.guarantee) == (60.0, 30.0)


def test_a_shorter_lease_alone_says_what_its_guarantee_may_be() -> None:
    """L1: nobody named a guarantee, so the refusal tells that there is one"""
    bench = CoreBench()
    with pytest.raises(BadRequest) as told:
        bench.orders.set_lease(0.0, APP, 20.0, None)
    assert str(told.value) == (
        "the guarantee stays 30 s, and that does not fit a lease of 20 s: "
        "change it too, to 10 s or less"
    )
    assert (bench.lease.duration, bench.lease.guarantee) == (60.0, 30.0)


def test_lease_settings_apply_from_the_next_claim_on() -> None:
    """L1"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.orders.set_lease(1.0, APP, 300.0, None)
    assert bench.lease.expires_at == 60.0
    assert bench.claim(2.0, W0, term) == Granted(unit=W0, term=term, duration=300.0, guarantee=30.0)
    assert bench.lease.expires_at == 302.0


def test_setting_what_is_set_changes_nothing() -> None:
    """L1, L7"""
    bench = CoreBench()
    bench.orders.set_lease(0.0, APP, 60.0, None)
    assert bench.committed() == []


def test_every_order_leaves_one_line_of_history_with_its_cause() -> None:
    """L7, O4"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.committed()
    bench.orders.pin(0.0, APP, "upgrade", 60.0)
    bench.orders.unpin(0.0, APP, "upgrade")
    bench.orders.set_lease(0.0, APP, 30.0, 10.0)
    bench.applications.add_unit(APP)
    bench.applications.remove_unit(0.0, W2, force=False)
    bench.orders.revoke(0.0, APP)
    bench.applications.remove_application(APP)
    entries = bench.history()
    kinds = "pinned unpinned lease unit-added unit-removing revoked removed"
    assert [entry.kind for entry in entries] == kinds.split()
    assert all(entry.cause for entry in entries)


def test_a_pin_is_saved_when_it_is_set() -> None:
    """L6, L7"""
    bench = CoreBench()
    bench.orders.pin(0.0, APP, "upgrade", 60.0)
    changes = bench.committed()
    assert PinPut(APP, "upgrade", 60.0) in changes
    bench.orders.set_lease(0.0, APP, 30.0, 10.0)
    assert saved(bench.committed()).duration == 30.0


@pytest.mark.parametrize(("reason", "seconds"), [("x" * 200, 1.0), ("ok", 0.5), ("ok", MAX_PIN)])
def test_a_pin_may_be_as_long_as_that_and_history_says_for_how_long(
    reason: str, seconds: float
) -> None:
    """L6, O4"""
    bench = CoreBench()
    bench.orders.pin(0.0, APP, reason, seconds)
    assert bench.lease.pins == {reason: seconds}
    [entry] = bench.history()
    assert (entry.kind, entry.cause) == ("pinned", "an operator pinned it")
    assert entry.detail == f"{reason}, for {seconds:g} s"


def test_a_pin_that_cannot_be_is_refused_with_the_limits() -> None:
    """L6, G7"""
    bench = CoreBench()
    told = refusal_of(lambda: bench.orders.pin(0.0, APP, "", 1.0))
    assert told == "a pin needs a reason of 1 to 200 printable characters"
    told = refusal_of(lambda: bench.orders.pin(0.0, APP, "ok", 0.0))
    assert told == f"a pin lasts more than 0s and at most {LONGEST_PIN.said}"


def test_other_lease_settings_are_recorded_and_what_is_not_named_stays() -> None:
    """L1, O4"""
    bench = CoreBench()
    bench.orders.set_lease(0.0, APP, None, 20.0)
    assert (bench.lease.duration, bench.lease.guarantee) == (60.0, 20.0)
    [entry] = bench.history()
    assert (entry.kind, entry.cause) == ("lease", "an operator changed it")
    assert entry.detail == "lease 60 s, guarantee 20 s"


def test_a_lease_alone_that_is_out_of_range_says_its_range() -> None:
    """L1, G7: whatever the guarantee is"""
    bench = CoreBench()
    for wrong in (4.0, 301.0):
        both = refusal_of(lambda wrong=wrong: bench.orders.set_lease(0.0, APP, wrong, 1.0))
        assert refusal_of(lambda wrong=wrong: bench.orders.set_lease(0.0, APP, wrong, None)) == both
    assert "5" in both and "300" in both


def test_where_short_leases_are_allowed_any_may_be_set() -> None:
    """L1: tests have a lower bound"""
    bench = CoreBench()
    orders = Orders(bench.leases, least_duration=0.1)
    orders.set_lease(0.0, APP, 2.0, 0.5)
    orders.set_lease(0.0, APP, 1.5, None)
    assert (bench.lease.duration, bench.lease.guarantee) == (1.5, 0.5)


def test_electing_when_nobody_leads_changes_the_line_and_the_cause_alone() -> None:
    """O1, L4: also who let its offer lapse may be elected"""
    bench = CoreBench()
    waiting = replace(
        bench.lease, line=(W0, W1, W2), lapsed=frozenset({W0, W2}), offer=LineOffer(W1, 1.0)
    )
    bench.leases.staging.touch(replace(bench.application, lease=waiting))
    bench.orders.elect(0.5, W2)
    assert bench.lease == replace(
        waiting, line=(W2, W0, W1), lapsed=frozenset({W0}), offer=LineOffer(W2, 1.5),
        freed_because="an operator elected web/2",
    )  # fmt: skip


def test_a_leader_whose_lease_has_run_out_leads_no_more_though_time_did_not_do_its_work() -> None:
    """L3, O1, O2, L5: nothing could be written meanwhile"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    assert bench.orders.elect(60.1, W1) == "nobody led"
    told = refusal_of(lambda: bench.orders.step_down(60.1, APP))
    assert told == 'nobody leads "web": see `tenure why web`'
    told = refusal_of(lambda: bench.orders.revoke(60.1, APP))
    assert told == 'nobody holds the lease of "web": there is nothing to revoke'


def test_a_leader_that_is_to_step_down_is_asked_to_with_that_as_cause() -> None:
    """O2, O4"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    before = bench.lease
    assert bench.orders.step_down(1.0, APP) == ""
    handover = Handover(W0, "an operator asked web/0 to step down")
    assert bench.lease == replace(before, handover=handover)


def test_the_time_that_is_left_is_told_to_the_second() -> None:
    """O1, O2, L5, G7"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.leases.set_silent(20.0, W0, 5.0)
    told = refusal_of(lambda: bench.orders.step_down(20.0, APP))
    assert told == (
        "web/0 cannot step down: its agent has been silent for 15 s; its lease has 40 s left: "
        "see `tenure why web/0`"
    )
    bench.leases.disconnect(59.0, W0, 1)
    said = bench.orders.elect(59.75, W1)
    assert said == "the agent of web/0 is not connected; its lease runs out in 0 s"
    said = bench.orders.revoke(59.75, APP)
    assert "up to 0.2 s more" in said


def test_all_reasons_of_a_pinned_lease_are_told() -> None:
    """L6, G7"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.leases.disconnect(1.0, W0, 1)
    for reason in ("upgrade", "backup"):
        bench.orders.pin(1.0, APP, reason, 100.0)
    told = refusal_of(lambda: bench.orders.elect(2.0, W1))
    assert told == (
        "the agent of web/0 is not connected and its lease is pinned (backup, upgrade): "
        "`tenure unpin web --reason ...` lets it run out"
    )
    told = refusal_of(lambda: bench.orders.unpin(2.0, APP, "rest"))
    assert told == '"web" is not pinned for: rest; it is pinned for: backup, upgrade'


def test_a_revoked_lease_is_free_since_then_whoever_was_elected() -> None:
    """L5, L7"""
    bench = CoreBench()
    bench.leads(0.0, W0)
    bench.orders.elect(1.0, W1)
    before = bench.lease
    bench.leases.tick(2.0, 1000.0)
    bench.orders.revoke(2.0, APP)
    assert bench.lease == replace(
        before, holder=None, handover=None, freed_at=2.0, led_since=1000.0,
        freed_because="an operator revoked the lease of web/0",
    )  # fmt: skip
