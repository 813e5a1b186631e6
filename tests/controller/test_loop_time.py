"""The controller's loop in time: stalls, expiries, restarts (L3, L6, L8, G9)."""

from __future__ import annotations

import asyncio

import pytest

from tenure.core.effects import Denied, Granted, Offer
from tenure.errors import (
    InstanceRefused,
)
from tenure.testing.time.clock import WALL
from tenure.testing.time.waiting import in_virtual_time, until
from tests.support.bench import Busy, LoopBench

# -- time


@in_virtual_time
async def test_a_stall_of_the_loop_lengthens_every_lease_by_the_gap() -> None:
    """L8"""
    bench = await LoopBench.with_applications("web", "db")
    await bench.granted("web/0")
    await bench.granted("db/0")
    ends = bench.lease("web").expires_at, bench.lease("db").expires_at
    await bench.turn(1.0)
    assert (bench.lease("web").expires_at, bench.lease("db").expires_at) == ends
    await bench.turn(100.0)
    assert (bench.lease("web").expires_at, bench.lease("db").expires_at) == (
        ends[0] + 100.0, ends[1] + 100.0,
    )  # fmt: skip
    assert bench.lease("web").holder is not None


@in_virtual_time
async def test_a_lease_ends_in_time_when_the_loop_runs_on_its_own() -> None:
    """L3, L4: the first in line is offered it"""
    bench = await LoopBench.with_applications("web")
    await bench.granted("web/0")
    bench.claim("web/1")
    await bench.turn()
    bench.heard.clear()
    await bench.pass_time(60.0)
    assert bench.heard == []
    await bench.turn(0.01)
    assert bench.heard == [Offer(unit="web/1")]


@in_virtual_time
async def test_ten_thousand_leases_that_end_together_are_offered_in_one_commit() -> None:
    """L4, L7, G11"""
    bench = LoopBench()
    await bench.controller.start()
    names = [f"a{n}" for n in range(10_000)]
    applications, leases = bench.controller.model.applications, bench.controller.model.leases
    for name in names:
        applications.create(bench.clock.at, name, 60.0, 30.0)
        for unit in (applications.add_unit(name), applications.add_unit(name)):
            leases.connect(bench.clock.at, unit, "one", 1)
    await bench.turn()
    answers = [bench.claim(f"{name}/0") for name in names]
    lines = [bench.claim(f"{name}/1") for name in names]
    await bench.turn()
    assert all(isinstance(a[0], Granted) for a in answers)
    assert all(isinstance(a[0], Denied) for a in lines)
    before = len(bench.store.commits)
    bench.heard.clear()
    await bench.turn(60.5)  # a stall: everything is longer by that
    assert len(bench.store.commits) == before
    for _ in range(61):
        await bench.turn(1.0)
    assert len(bench.store.commits) == before + 1
    assert {push.unit for push in bench.heard} == {f"{name}/1" for name in names}


# -- a restart


@in_virtual_time
async def test_leases_count_from_when_all_was_loaded_however_long_that_took() -> None:
    """G9, L8"""
    bench = await LoopBench.with_applications("web")
    await bench.granted("web/0")
    again = await bench.restarted(loading=100.0)
    assert again.lease("web").expires_at == again.clock.at + 60.0
    await again.turn()
    again.connect_all()
    denied = again.claim("web/1")
    await again.turn()
    assert isinstance(denied[0], Denied)


@in_virtual_time
async def test_a_controller_that_decides_late_after_it_has_loaded_lengthens_every_lease() -> None:
    """G9, L8: to listen, say, may take long too"""
    bench = await LoopBench.with_applications("web")
    await bench.granted("web/0")
    again = await bench.restarted()
    await again.turn(100.0)
    assert again.lease("web").expires_at == again.clock.at + 60.0


@in_virtual_time
async def test_a_slow_reload_after_doubt_frees_no_lease_of_any_application() -> None:
    """G9, L8"""
    bench = await LoopBench.with_applications("web", "db")
    await bench.granted("web/0")
    await bench.granted("db/0")
    bench.store.reading = Busy(bench.clock, 100.0)
    bench.disk.faults = ["unsure-not-landed"]
    bench.give("web", lambda now: bench.model.orders.pin(now, "web", "upgrade", 5.0))
    await bench.turn()
    await until(lambda: not bench.model.unsure, "it is sure again")
    await bench.turn()
    assert all(bench.lease(name).expires_at >= bench.clock.at + 60.0 for name in ("web", "db"))


@in_virtual_time
async def test_loading_goes_through_the_units_once_for_all_applications() -> None:
    """G9: not once for each"""
    bench = await LoopBench.with_applications(*(f"a{n}" for n in range(50)))
    again = await bench.restarted(loading=1.0)
    assert again.loading.times == 1
    assert len(again.model.units_of(["a7"])) == 2


@in_virtual_time
async def test_after_a_restart_every_lease_counts_from_the_new_seat() -> None:
    """L8, G9"""
    bench = await LoopBench.with_applications("web")
    await bench.granted("web/0")
    again = await bench.restarted(after=3600.0)
    lease = again.lease("web")
    assert lease.holder is not None and lease.holder.unit == "web/0"
    assert lease.expires_at == again.clock.at + 60.0


@in_virtual_time
async def test_a_short_lease_gets_time_to_reconnect_after_a_restart() -> None:
    """L8: 15 s at least"""
    bench = await LoopBench.with_applications("web")
    bench.give("web", lambda now: bench.controller.model.orders.set_lease(now, "web", 5.0, 2.0))
    await bench.turn()
    await bench.pass_time(60.5)
    await bench.granted("web/0")
    again = await bench.restarted()
    assert again.lease("web").expires_at == again.clock.at + 15.0


@in_virtual_time
async def test_the_longest_lease_still_believed_in_bounds_a_restart() -> None:
    """L8: the bound is lowered only once the last longer promise has run out"""
    bench = await LoopBench.with_applications("web")
    await bench.granted("web/0")
    bench.give("web", lambda now: bench.controller.model.orders.set_lease(now, "web", 10.0, 5.0))
    await bench.turn()
    again = await bench.restarted(after=1.0)
    assert again.lease("web").expires_at == again.clock.at + 60.0
    await again.pass_time(60.5)
    last = await again.restarted()
    assert last.disk.persisted().applications["web"].longest == 10.0


@in_virtual_time
async def test_a_restart_leaves_the_holder_its_term_if_it_still_believes() -> None:
    """G9, L2"""
    bench = await LoopBench.with_applications("web")
    term = await bench.granted("web/0")
    again = await bench.restarted(after=2.0)
    again.connect_all()
    other, same = again.claim("web/1"), again.claim("web/0", term)
    await again.turn()
    assert isinstance(other[0], Denied)
    assert isinstance(same[0], Granted) and same[0].term == term


@in_virtual_time
async def test_a_holder_that_believes_no_more_gets_a_new_term_after_a_restart() -> None:
    """G9, G8: the same unit resumes, with a new term; no other before"""
    bench = await LoopBench.with_applications("web")
    term = await bench.granted("web/0")
    again = await bench.restarted(after=200.0)
    again.connect_all()
    other, same = again.claim("web/1"), again.claim("web/0")
    await again.turn()
    assert isinstance(other[0], Denied)
    assert isinstance(same[0], Granted) and same[0].term == term + 1


@in_virtual_time
async def test_no_other_unit_leads_before_the_bound_after_a_restart() -> None:
    """G9, L8"""
    bench = await LoopBench.with_applications("web")
    await bench.granted("web/0")
    again = await bench.restarted(after=1000.0)
    again.connect("web/1")
    for _ in range(12):
        denied = again.claim("web/1")
        await again.pass_time(5.0)
        assert isinstance(denied[0], Denied)
    await again.pass_time(0.5)
    assert again.heard == [Offer(unit="web/1")]
    late = again.claim("web/1")
    await again.turn()
    assert isinstance(late[0], Granted) and late[0].term == 2


@in_virtual_time
async def test_another_instance_is_refused_after_a_restart_too() -> None:
    """L9"""
    bench = await LoopBench.with_applications("web")
    await bench.granted("web/0")
    again = await bench.restarted()
    with pytest.raises(InstanceRefused):
        again.connect("web/0", "two")
    await again.pass_time(61.0)
    again.connect("web/0", "two")


@in_virtual_time
async def test_a_pin_goes_on_with_what_is_left_of_it_after_a_restart() -> None:
    """L6"""
    bench = await LoopBench.with_applications("web")
    await bench.granted("web/0")
    bench.give("web", lambda now: bench.controller.model.orders.pin(now, "web", "upgrade", 600.0))
    await bench.turn()
    await bench.pass_time(130.0)
    again = await bench.restarted(after=10_000.0)
    left = again.lease("web").pins["upgrade"] - again.clock.at
    assert 470.0 <= left <= 530.0  # it was saved within the last minute
    again.connect("web/1")
    await again.pass_time(400.0)
    denied = again.claim("web/1")
    await again.turn()
    assert isinstance(denied[0], Denied)
    await again.pass_time(left - 400.0 + 1.0)
    assert again.lease("web").holder is None


@in_virtual_time
async def test_every_acknowledged_change_is_there_after_a_restart() -> None:
    """G6, G9"""
    bench = await LoopBench.with_applications("web")
    term = await bench.granted("web/0")
    for n in range(5):
        answers = bench.write("web/0", term, **{f"k{n}": str(n)})
        assert answers == []
        await bench.turn()
        assert answers == [n + 1]
    again = await bench.restarted()
    seen = again.read("web/1")
    await again.turn()
    assert (seen[0].revision, seen[0].settings) == (5, {f"k{n}": str(n) for n in range(5)})


@in_virtual_time
async def test_a_loop_on_its_own_turns_at_the_instant_at_which_a_lease_ends() -> None:
    """L4: not only with its next heartbeat"""
    bench = await LoopBench.with_applications("web")
    task = await bench.run()
    bench.claim("web/0")
    await asyncio.sleep(0.1)
    bench.claim("web/1")
    await until(lambda: bench.heard == [Offer(unit="web/1")], "it is offered")
    ended = [entry for entry in bench.told if entry.kind == "expired"]
    assert [entry.at for entry in ended] == pytest.approx([WALL + bench.clock.at], abs=0.025)
    began = next(entry.at for entry in bench.told if entry.kind == "granted")
    assert ended[0].at - began == pytest.approx(60.0, abs=0.025)
    task.cancel()
