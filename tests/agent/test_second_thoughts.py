"""What an operator says while something is under way, and faults within the mending of faults."""

from __future__ import annotations

from pathlib import Path

from tenure.controller.desk import Desk
from tenure.errors import TenureError
from tenure.stores.base import Seat
from tests.agent.test_handover import busy
from tests.agent.test_orders_of_events import OnDisk, goes_on_over, retrying
from tests.support.stage import CountingStore, Stage
from tests.support.virtual import in_virtual_time, settle


@in_virtual_time
async def test_a_hook_that_was_skipped_while_it_ran_and_then_killed_is_not_run_again(
    tmp_path: Path,
) -> None:
    """H7, O2"""
    stage, unit = await retrying(tmp_path)
    await stage.post("/v1/units/web/0/resolve", {"retry": False})
    await settle()
    unit.hook.end("killed", "signal: killed")
    unit.runner.held.clear()
    await stage.pass_time(60)
    assert unit.count("start") == 2
    assert unit.unit.state.started


@in_virtual_time
async def test_a_skip_outlives_the_agent(tmp_path: Path) -> None:
    """H7, H5"""
    stage, unit = await retrying(tmp_path)
    await stage.post("/v1/units/web/0/resolve", {"retry": False})
    await settle()
    await unit.crash()
    unit.start()
    await stage.pass_time(60)
    assert unit.count("start") == 2
    assert unit.unit.state.started


@in_virtual_time
async def test_who_says_retry_after_skip_means_it(tmp_path: Path) -> None:
    """H7, O2"""
    stage, unit = await retrying(tmp_path)
    await stage.post("/v1/units/web/0/resolve", {"retry": False})
    await settle()
    await stage.post("/v1/units/web/0/resolve", {"retry": True})
    await settle()
    unit.hook.end("failed", "exit status 1")
    await stage.pass_time(1)
    assert not unit.unit.state.started


@in_virtual_time
async def test_a_hello_that_fails_tells_hooks_no_path(tmp_path: Path) -> None:
    """T7, G10"""
    stage = await Stage.open(tmp_path, units=1)
    store = OnDisk(stage.disk)
    store.path = tmp_path / "controller" / "store.db"
    await goes_on_over(stage, store)
    assert stage.controller is not None
    stage.desk = Desk(stage.controller, store.path)
    [unit] = await stage.led()
    await busy(stage, unit)
    stage.disk.faults = ["unsure-landed"]
    store.seat_refused = True
    await unit.tool("leader-set", "k=v")
    unit.line.cut()
    await stage.pass_time(2.0)
    said = (await unit.tool("leader-get")).stderr.decode()
    assert said.startswith("ERROR ")
    assert str(tmp_path) not in said


class BadSeat(CountingStore):
    """A store whose seat fails in a way that nobody foresaw."""

    bad = False

    async def take_seat(self) -> Seat:
        if self.bad:
            raise MemoryError
        return await super().take_seat()


@in_virtual_time
async def test_a_fault_while_the_seat_is_taken_anew_ends_the_controller(tmp_path: Path) -> None:
    """L8: it is started again, instead of deciding for ever and never answering"""
    stage = await Stage.open(tmp_path, units=1)
    store = BadSeat(stage.disk)
    await goes_on_over(stage, store)
    await stage.led()
    store.bad = True
    stage.disk.faults = ["unsure-landed"]
    stage.ask("/v1/applications/web/units")
    assert stage.deciding is not None
    await stage.until(stage.deciding.done, within=5.0)
    assert isinstance(stage.deciding.exception(), TenureError)
