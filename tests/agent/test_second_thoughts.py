"""What an operator says while something is under way, and faults within the mending of faults."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tenure.errors import TenureError
from tenure.stores.base import Seat
from tenure.testing.machine import Machine
from tenure.testing.time.waiting import in_virtual_time, settle
from tenure.wire.messages import Gone
from tests.agent.test_dispatcher import write
from tests.agent.test_handover import busy
from tests.agent.test_orders_of_events import OnDisk, goes_on_over, retrying
from tests.support.stage import CountingStore, Stage


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
    path = tmp_path / "controller" / "store.db"
    stage = await Stage.open(tmp_path, units=1, hidden=path)
    store = OnDisk(stage.disk)
    store.path = path
    await goes_on_over(stage, store)
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


async def is_retrying(stage: Stage, machine: Machine, hook: str) -> None:
    """The hook has failed once, and runs again until the test ends it."""
    await stage.until(lambda: machine.unit.state.failure is not None, "the failure")
    machine.runner.held.add(hook)
    await stage.until(lambda: machine.running == hook, "the retry")


async def elected_again(stage: Stage, machine: Machine) -> None:
    """An operator revokes the term, and the same unit gets the next."""
    term = machine.term
    assert term is not None
    await stage.post("/v1/applications/web/revoke")
    await stage.until(lambda: machine.term is not None and machine.term > term, "the next term")


@in_virtual_time
async def test_a_skip_pays_what_ran_and_not_what_was_written_meanwhile(tmp_path: Path) -> None:
    """H7, H3"""
    stage = await Stage.open(tmp_path, units=2)
    lead, minion = await stage.led()
    hook = "leader-settings-changed"
    minion.runner.failing[hook] = 1
    await write(lead, "k=1")
    await is_retrying(stage, minion, hook)
    await stage.post("/v1/units/web/1/resolve", {"retry": False})
    await settle()
    await write(lead, "k=2")
    ran = minion.count(hook)
    minion.runner.held.clear()
    minion.hook.end("failed", "exit status 1")
    await stage.pass_time(10.0)
    assert minion.count(hook) == ran + 1
    assert minion.unit.state.seen_revision == 2


@in_virtual_time
async def test_a_skip_in_one_term_pays_nothing_of_the_next(tmp_path: Path) -> None:
    """H7, H2"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.failing["leader-elected"] = 1
    unit.start()
    await is_retrying(stage, unit, "leader-elected")
    await stage.post("/v1/units/web/0/resolve", {"retry": False})
    await settle()
    await elected_again(stage, unit)
    ran = unit.count("leader-elected")
    unit.runner.held.clear()
    unit.hook.end("failed", "exit status 1")
    await stage.pass_time(10.0)
    assert unit.count("leader-elected") == ran + 1


@in_virtual_time
async def test_a_failure_of_a_term_that_is_gone_holds_up_nothing(tmp_path: Path) -> None:
    """H2"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.failing["leader-elected"] = 1
    unit.start()
    await is_retrying(stage, unit, "leader-elected")
    await elected_again(stage, unit)
    ran = unit.count("leader-elected")
    unit.runner.held.clear()
    unit.hook.end("failed", "exit status 1")
    await stage.pass_time(2.0)
    assert unit.count("leader-elected") == ran + 1
    assert unit.unit.state.failure is None


@in_virtual_time
async def test_a_goodbye_that_cannot_be_written_is_not_said_all_the_time(tmp_path: Path) -> None:
    """U4, L8"""
    stage = await Stage.open(tmp_path, units=2)
    lead, leaving = await stage.led()
    stage.store.seat_refused = True
    leaving.runner.held.add("stop")
    await stage.post("/v1/units/web/1/remove")
    await stage.until(lambda: leaving.running == "stop", "its last hooks")
    stage.disk.faults = ["unsure-landed"]
    context, _ = await lead.unit.contexts.open()
    writing = asyncio.ensure_future(lead.tool("leader-set", "k=1", context=context.context_id))
    await settle()
    before = len(leaving.line.said)
    leaving.runner.held.clear()
    leaving.hook.end()
    for _ in range(1000):
        await asyncio.sleep(0)
    assert sum(isinstance(said, Gone) for said in leaving.line.said[before:]) <= 1
    await writing


@in_virtual_time
async def test_a_lease_that_ends_while_stepping_down_begins_ends_nothing_else(
    tmp_path: Path,
) -> None:
    """U4, G2"""
    stage = await Stage.open(tmp_path, units=2)
    lead, _ = await stage.led()

    def slow(message: str) -> None:
        if message.startswith("stepping down"):
            lead.clock.skip(61.0)

    lead.on_line = slow
    stage.ask("/v1/applications/web/step-down")
    await stage.pass_time(120.0)
    assert lead.agent.connection.ready


@in_virtual_time
async def test_a_refusal_of_long_ago_explains_nothing(tmp_path: Path) -> None:
    """O5"""
    stage = await Stage.open(tmp_path, units=2)
    lead, _ = await stage.led()
    stage.disk.full = True
    context, _ = await lead.unit.contexts.open()
    refused = await lead.tool("leader-set", "k=1", context=context.context_id)
    lead.unit.contexts.close(context)
    assert refused.exit_code == 1
    assert "nothing can be written" in (await stage.get("/v1/applications/web/why"))["answer"]
    stage.disk.full = False
    await stage.pass_time(3600.0)
    assert "nothing can be written" not in (await stage.get("/v1/applications/web/why"))["answer"]
