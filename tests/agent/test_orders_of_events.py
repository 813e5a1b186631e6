"""What happens at the same time, or in an order that nobody planned, and what must come of it.

Each test brings two things together: an order and a commit, an offer and a denial, a hook's end and
a tool that still waits. What was decided first is said first, and what was promised is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tenure.controller.server import bind_unix
from tenure.core.changes import Change
from tenure.core.effects import ClaimUnsure, Revoked, StepDown
from tenure.core.remote import REMEMBERED
from tenure.errors import Refused, StoreRefused, Unreachable, Unsure
from tenure.net.websocket import dial_unix
from tenure.stores.base import Seat
from tenure.testing.machine import Machine
from tenure.testing.time.waiting import in_virtual_time, settle
from tenure.wire.messages import Claims, Release, Verdicts
from tests.agent.test_handover import busy
from tests.support.stage import CountingStore, Stage


def has_failed(machine: Machine) -> bool:
    return machine.unit.state.failure is not None


def first_of(messages: Sequence[Any], kind: type[Any]) -> int:
    """The place of the first message of a kind."""
    return [type(message) for message in messages].index(kind)


async def retrying(tmp_path: Path) -> tuple[Stage, Machine]:
    """A unit whose `start` failed once, and runs again."""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.failing["start"] = 1
    unit.start()
    await stage.until(lambda: unit.count("start") == 1, within=5.0)
    unit.runner.held.add("start")
    await stage.until(lambda: unit.count("start") == 2, within=10.0)
    assert unit.running == "start" and has_failed(unit)
    return stage, unit


# -- what was decided first is said first


@in_virtual_time
async def test_an_order_to_step_down_never_overtakes_the_grant_that_it_ends(tmp_path: Path) -> None:
    """O1, U4, L7"""
    stage = await Stage.open(tmp_path, units=2)
    old, new = await stage.led()
    stage.disk.takes = lambda: 0.025
    order = stage.ask("/v1/applications/web/elect", {"unit": "web/1"})
    await stage.until(lambda: stage.holder == "web/1", "the grant is decided", within=5.0)
    assert not new.leads, "and not durable yet"
    new.line.heard.clear()
    back = stage.ask("/v1/applications/web/elect", {"unit": "web/0"})
    await stage.until(lambda: old.leads, "it is handed back", within=5.0)
    assert first_of(new.line.heard, Verdicts) < first_of(new.line.heard, StepDown)
    assert (await order)["unit_to"] == "web/1"
    assert (await back)["unit_to"] == "web/0"


@in_virtual_time
async def test_a_revocation_never_overtakes_the_grant_that_it_ends(tmp_path: Path) -> None:
    """L5, G1, L7"""
    stage = await Stage.open(tmp_path, units=2)
    await stage.post("/v1/applications", {"name": "other"})
    old, new = await stage.led()
    stage.disk.takes = lambda: 0.025
    stage.ask("/v1/applications/web/elect", {"unit": "web/1"})
    await stage.until(lambda: stage.lease.offer is not None, within=5.0)
    stage.ask("/v1/applications/other/units")  # the next commit gathers behind this one
    await stage.until(lambda: stage.holder == "web/1", within=5.0)
    assert not new.leads
    new.line.heard.clear()
    stage.ask("/v1/applications/web/revoke")
    await stage.until(lambda: old.leads, "the next in line leads", within=5.0)
    assert first_of(new.line.heard, Verdicts) < first_of(new.line.heard, Revoked)
    await stage.pass_time(1.0)
    assert old.leads and not new.leads


@in_virtual_time
async def test_who_claims_while_the_lease_is_being_freed_leads_at_once(tmp_path: Path) -> None:
    """G11, L4: a denial and an offer of one commit"""
    stage = await Stage.open(tmp_path, units=2)
    old, new = await stage.led()
    await busy(stage, old)
    old.unit.stop()
    await stage.pass_time(0.1)
    assert stage.store is not None
    stage.store.open.clear()
    stage.ask("/v1/applications/web/pin", {"reason": "r", "seconds": 60.0})
    await settle()
    stage.ask("/v1/applications/web/units")  # the next commit gathers behind this one
    await settle()
    new.unit.claimant.want_claim()
    await settle()
    old.hook.end()
    await stage.pass_time(0.2)
    stage.store.open.set()
    assert await stage.until(lambda: new.leads, within=100.0) < 0.1


@in_virtual_time
async def test_a_claim_never_overtakes_the_release_that_it_follows(tmp_path: Path) -> None:
    """L5, L2: it would be granted anew by a controller that knows of no hand-over any more"""
    stage = await Stage.open(tmp_path, units=2)
    old, new = await stage.led()
    await busy(stage, old)
    assert await old.is_leader() is True
    order = stage.ask("/v1/applications/web/elect", {"unit": "web/1"})
    await stage.pass_time(1.0)
    order.cancel()
    await stage.kill_controller()
    await stage.start_controller()
    await stage.pass_time(5.0)
    old.line.said.clear()
    old.hook.end()
    assert await stage.until(lambda: new.leads, within=40.0) < 1.0
    await stage.pass_time(1.0)
    assert first_of(old.line.said, Release) < first_of(old.line.said, Claims)
    assert new.leads and not old.leads


# -- orders that cross


@in_virtual_time
async def test_electing_who_is_stepping_down_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    """O1, G7"""
    stage = await Stage.open(tmp_path, units=2)
    old, new = await stage.led()
    await busy(stage, old)
    order = stage.ask("/v1/applications/web/elect", {"unit": "web/1"})
    await stage.pass_time(1.0)
    refusal = r"web/0 still leads and is stepping down \(an operator elected web/1\): elect it when"
    with pytest.raises(Refused, match=refusal):
        await stage.post("/v1/applications/web/elect", {"unit": "web/0"})
    old.hook.end()
    assert (await order)["unit_to"] == "web/1"
    await stage.until(lambda: new.leads, within=1.0)
    await stage.post("/v1/applications/web/elect", {"unit": "web/0"})
    await stage.until(lambda: old.leads, "when the other leads, it can be", within=1.0)


@in_virtual_time
async def test_a_step_down_during_an_elect_goes_to_whom_the_operator_elected(
    tmp_path: Path,
) -> None:
    """O1, O2: the last one elected, not the first in line"""
    stage = await Stage.open(tmp_path, units=3)
    old, first, second = await stage.led()
    await busy(stage, old)
    orders = []
    for unit in ("web/1", "web/2"):
        orders.append(stage.ask("/v1/applications/web/elect", {"unit": unit}))
        await stage.pass_time(1.0)
    orders.append(stage.ask("/v1/applications/web/step-down"))
    await stage.pass_time(1.0)
    old.hook.end()
    answers = [await order for order in orders]
    assert [answer["unit_to"] for answer in answers] == ["web/2"] * 3
    assert "web/1 does not lead" in answers[0]["note"] and answers[1]["note"] == ""
    assert answers[2]["note"] == "web/0 was stepping down already (an operator elected web/2)"
    await stage.until(lambda: second.leads, within=1.0)
    assert not first.leads


@in_virtual_time
async def test_a_longer_promise_is_kept_when_a_shorter_one_follows_it(tmp_path: Path) -> None:
    """G3, L1, U4"""
    stage = await Stage.open(tmp_path, units=2)
    old, new = await stage.led()
    await busy(stage, old)
    assert await old.is_leader() is True
    promised_until = old.clock.now() + 30.0
    await stage.post("/v1/applications/web/lease", {"duration": 60.0, "guarantee": 5.0})
    old.unit.claimant.want_claim()
    await stage.until(lambda: old.unit.claimant.tracker.guarantee == 5.0, within=1.0)
    assert await old.is_leader() is True
    stage.ask("/v1/applications/web/elect", {"unit": "web/1"})
    await stage.until(lambda: new.leads, within=40.0)
    assert old.clock.now() == pytest.approx(promised_until, abs=0.3)
    assert old.clock.now() >= promised_until


@in_virtual_time
async def test_a_failed_hook_that_is_skipped_while_it_is_tried_again_is_not_tried_a_third_time(
    tmp_path: Path,
) -> None:
    """H7, O2"""
    stage, unit = await retrying(tmp_path)
    await stage.post("/v1/units/web/0/resolve", {"retry": False})
    await settle()
    unit.hook.end("failed", "exit status 1")
    await stage.until(lambda: unit.unit.state.started, within=1.0)
    await stage.pass_time(60.0)
    assert not has_failed(unit) and unit.count("start") == 2


@in_virtual_time
async def test_a_skip_is_for_the_hook_that_had_failed_and_for_no_later_one(tmp_path: Path) -> None:
    """H7, O2"""
    stage, unit = await retrying(tmp_path)
    await stage.post("/v1/units/web/0/resolve", {"retry": False})
    await settle()
    unit.hook.end()
    await stage.until(lambda: unit.unit.state.started, within=1.0)
    await busy(stage, unit)
    unit.hook.end("failed", "exit status 1")
    await stage.until(partial(has_failed, unit), within=1.0)


# -- a hook that ends, or may not begin


@in_virtual_time
async def test_a_helper_that_waits_across_the_end_of_its_hook_is_promised_nothing(
    tmp_path: Path,
) -> None:
    """G3, T3, T8"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    await busy(stage, unit)
    unit.line.refusing = True
    unit.line.cut()
    await stage.until(lambda: not unit.unit.claimant.tracker.is_sure(unit.clock.now()), within=60.0)
    asking = asyncio.ensure_future(unit.is_leader())
    await stage.pass_time(1.0)
    assert not asking.done()
    unit.hook.end()
    await settle()
    unit.line.refusing = False
    assert await asking == "ERROR leadership status unknown: the hook has ended\n"
    await stage.until(lambda: unit.unit.claimant.tracker.is_sure(unit.clock.now()), within=10.0)
    assert unit.unit.claimant.tracker.promised_until() == float("-inf")


@in_virtual_time
async def test_a_failed_leader_elected_waits_for_the_first_answer(tmp_path: Path) -> None:
    """H2, H5, U1"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.failing["leader-elected"] = 1
    unit.start()
    await stage.until(lambda: unit.count("leader-elected") == 1, within=5.0)
    await settle()
    assert has_failed(unit)
    await unit.crash()
    await stage.kill_controller()
    unit.start()
    await settle()
    saves = len(unit.disk.saves)
    await stage.pass_time(30.0)
    assert len(unit.disk.saves) == saves and unit.count("leader-elected") == 1
    assert "skipped" not in unit.log_text(), "it still may lead"
    await stage.start_controller()
    await stage.until(lambda: unit.count("leader-elected") == 2, "it leads again", within=30.0)
    assert not has_failed(unit) and unit.term == 1


@in_virtual_time
async def test_what_a_unit_writes_while_it_steps_down_is_no_news_to_it(tmp_path: Path) -> None:
    """B5, H3, H4"""
    stage = await Stage.open(tmp_path, units=2)
    old, new = await stage.led()
    old.runner.held.add("leader-settings-changed")
    stage.ask("/v1/applications/web/elect", {"unit": "web/1"})
    await stage.until(lambda: old.running == "leader-settings-changed", within=3.0)
    assert (await old.tool("leader-set", "k=v")).exit_code == 0
    old.hook.end()
    await stage.until(lambda: new.leads, within=1.0)
    await stage.pass_time(10.0)
    await old.crash()
    old.start()
    await stage.pass_time(10.0)
    assert old.count("leader-settings-changed") == 1, "not in its next life either"
    assert new.ran[-1].hook == "leader-elected" and new.count("leader-settings-changed") == 2


@in_virtual_time
async def test_what_is_remembered_of_a_leader_s_own_writes_is_bounded(tmp_path: Path) -> None:
    """B5, H10"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    await busy(stage, unit)
    for number in range(2 * REMEMBERED):
        assert (await unit.tool("leader-set", f"k={number}")).exit_code == 0
    assert len(unit.unit.parts.remote.revisions._told) <= REMEMBERED


# -- faults of the store


class Foreign(CountingStore):
    """Its commits fail with what no store may raise."""

    async def commit(self, seat: Seat, changes: Sequence[Change]) -> None:
        raise MemoryError


class OnDisk(CountingStore):
    """Its errors name its file and the folder of it, as those of a file do."""

    path: Path

    async def commit(self, seat: Seat, changes: Sequence[Change]) -> None:
        try:
            await super().commit(seat, changes)
        except StoreRefused:
            raise StoreRefused(
                f"cannot write to the store {self.path}: no space left on {self.path.parent}"
            ) from None
        except Unsure:
            raise Unsure(f"the store {self.path} failed while committing (I/O error)") from None


async def goes_on_over(stage: Stage, store: CountingStore) -> None:
    """The controller takes the seat anew, through another handle on the same disk."""
    assert stage.controller is not None
    stage.disk.free_seat()
    stage.controller.seat = await store.take_seat()
    stage.controller.store = stage.store = store


@in_virtual_time
async def test_a_fault_of_the_store_that_nobody_foresaw_ends_the_controller(tmp_path: Path) -> None:
    """L8, G7: or it would decide for ever, and never answer"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    await goes_on_over(stage, Foreign(stage.disk))
    assert stage.deciding is not None
    adding = stage.ask("/v1/applications/web/units")
    await stage.until(stage.deciding.done, within=1.0)
    assert isinstance(await adding, Unsure)
    assert str(stage.deciding.exception()) == "internal fault while committing: MemoryError()"
    assert unit.leads, "its own clock knows until when"


@in_virtual_time
async def test_a_hook_tool_never_says_where_the_store_is(tmp_path: Path) -> None:
    """T7, G10"""
    path = tmp_path / "controller" / "store.db"
    stage = await Stage.open(tmp_path, units=1, hidden=path)
    store = OnDisk(stage.disk)
    store.path = path
    await goes_on_over(stage, store)
    [unit] = await stage.led()
    await busy(stage, unit)
    stage.disk.faults = ["refused", "unsure-landed"]
    refused = await unit.tool("leader-set", "k=v")
    assert refused.stderr.endswith(b": cannot write to the store: no space left on its folder\n")
    store.seat_refused = True
    for words in (("leader-set", "k=v"), ("leader-set", "k=v"), ("leader-get",)):
        text = (await unit.tool(*words)).stderr.decode()
        assert "the store failed while committing" in text and str(tmp_path) not in text
        unit.unit.claimant.want_claim()
        await stage.pass_time(1.0)
    told = [v for m in unit.line.heard if isinstance(m, Verdicts) for v in m.verdicts]
    assert any(isinstance(verdict, ClaimUnsure) for verdict in told)
    assert str(tmp_path) not in str(unit.line.heard)


@pytest.mark.parametrize(
    ("name", "cause"),
    [("nobody", "no such file or directory"), ("dead", "connection refused"),
     ("dead/s", "not a directory"), ("x" * 200, "its socket"), ("odd", "400")],
)  # fmt: skip
async def test_a_hook_is_never_told_the_controllers_address(
    tmp_path: Path, name: str, cause: str
) -> None:
    """T7, G10: also when it stands in the error in another spelling"""
    folder = tmp_path / "State"
    folder.mkdir()
    bind_unix(folder / "dead").close()

    async def odd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"what?\r\n\r\n")
        writer.close()

    async with await asyncio.start_unix_server(odd, folder / "odd"):
        with pytest.raises(Unreachable, match=r"^the controller does not answer: ") as caught:
            await dial_unix(folder / name)()
    assert cause in str(caught.value)
    assert str(folder).lower() not in str(caught.value).lower()
