"""Who may do what, cell by cell, and what units are never told (G10, O6)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tenure.controller import api
from tenure.controller.access import AGENT, NEWCOMER, OPERATOR, Access, Caller, check
from tenure.controller.api import ROUTES, Api
from tenure.controller.conversation import MESSAGES, Conversation
from tenure.errors import NotFound, Refused, TenureError
from tenure.testing.time.waiting import in_virtual_time, settle
from tenure.wire.messages import (
    PROTOCOL_VERSION,
    Claim,
    Claims,
    CommitHook,
    EnterPeers,
    FromAgent,
    Gone,
    Hello,
    LeavePeers,
    ReadBag,
    ReadGoal,
    ReadSettings,
    ReadStatus,
    Release,
    Report,
    SetStatus,
    Superseded,
    UnitHello,
    WriteSettings,
)
from tests.support.bench import LoopBench
from tests.support.stage import Stage

EXAMPLES: dict[type, Any] = {
    Hello: lambda unit: Hello(
        version=PROTOCOL_VERSION, units=(UnitHello(unit=unit, instance="one", session=9),)
    ),
    Claims: lambda unit: Claims(id=1, claims=(Claim(unit=unit),)),
    Release: lambda unit: Release(id=1, unit=unit, term=1),
    WriteSettings: lambda unit: WriteSettings(id=1, unit=unit, term=1, changes={"k": "v"}),
    ReadSettings: lambda unit: ReadSettings(id=1, unit=unit),
    EnterPeers: lambda unit: EnterPeers(id=1, unit=unit, settings={"k": "v"}),
    LeavePeers: lambda unit: LeavePeers(id=1, unit=unit),
    CommitHook: lambda unit: CommitHook(id=1, unit=unit, bags=(), term=1),
    ReadBag: lambda unit: ReadBag(id=1, unit=unit, relation=0, owner="web"),
    ReadGoal: lambda unit: ReadGoal(id=1, unit=unit),
    SetStatus: lambda unit: SetStatus(id=1, unit=unit, term=1, current="active"),
    ReadStatus: lambda unit: ReadStatus(id=1, unit=unit, term=1),
    Gone: lambda unit: Gone(id=1, unit=unit),
    Report: lambda unit: Report(unit=unit, running="start"),
}

ACCESS: dict[str, dict[type, bool]] = {
    "newcomer": {Hello: True},
    "its unit": dict.fromkeys(
        (
            Claims,
            Release,
            WriteSettings,
            ReadSettings,
            EnterPeers,
            LeavePeers,
            CommitHook,
            ReadBag,
            ReadGoal,
            SetStatus,
            ReadStatus,
            Gone,
            Report,
        ),
        True,
    ),
    "another unit": {},
}
"""Who may say what; what is not here ends the conversation."""


def test_the_table_of_messages_is_the_whole_protocol() -> None:
    """G10: an agent can say nothing that is not in it"""
    assert set(MESSAGES) == set(EXAMPLES) == set(FromAgent.__args__)


@in_virtual_time
@pytest.mark.parametrize("kind", list(EXAMPLES), ids=lambda kind: str(kind.__name__))
@pytest.mark.parametrize("who", list(ACCESS))
async def test_a_message_is_heard_only_from_whom_the_table_allows(who: str, kind: type) -> None:
    """G10, L9"""
    bench = await LoopBench.with_applications("web", units=2, connected=False)
    frames: list[Any] = []
    closed: list[bool] = []
    talk = Conversation(bench.service, AGENT, frames.extend, lambda: closed.append(True))
    if who != "newcomer":
        talk.hear([EXAMPLES[Hello]("web/0")])
        await bench.turn()
    before = bench.controller.model.find("web")
    talk.hear([EXAMPLES[kind]("web/1" if who == "another unit" else "web/0")])
    allowed = ACCESS[who].get(kind, False)
    assert closed == ([] if allowed else [True])
    if not allowed:
        assert isinstance(frames[-1], Superseded) and frames[-1].reason
        talk.closed()
        await bench.turn()
        after = bench.controller.model.find("web")
        assert (after.lease, after.bucket, after.units) == (
            before.lease, before.bucket, before.units,
        )  # fmt: skip


@in_virtual_time
@pytest.mark.parametrize(("unit", "heard"), [("web/0", True), ("web/1", False)])
async def test_a_hello_speaks_for_no_unit_beyond_what_the_listener_grants(
    unit: str, heard: bool
) -> None:
    """G10, L9: who is calling is the listener's to know, and no message can widen it"""
    bench = await LoopBench.with_applications("web", units=2, connected=False)
    frames: list[Any] = []
    closed: list[bool] = []
    granted = Caller(Access.UNIT, ("web/0",))
    talk = Conversation(bench.service, granted, frames.extend, lambda: closed.append(True))
    talk.hear([EXAMPLES[Hello](unit)])
    await bench.turn()
    assert (unit in bench.model.sessions, closed) == (heard, [] if heard else [True])


def concrete(path: str) -> str:
    return path.replace("{application}", "web").replace("{number}", "0")


@in_virtual_time
@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
async def test_a_route_is_an_operators_and_no_units(route: api.Route) -> None:
    """O6, G10: units' credentials open none of it"""
    bench = await LoopBench.with_applications("web")
    unit = Caller(Access.UNIT, ("web/0",))
    the_api = Api(bench.service, "memory")
    for caller in (unit, NEWCOMER):
        with pytest.raises(Refused, match="it takes an operator"):
            await the_api.call(caller, route.method, concrete(route.path), {}, b"{}")
    check(OPERATOR, route.access)


def test_every_route_demands_an_operator() -> None:
    """O6"""
    assert {route.access for route in ROUTES} == {Access.OPERATOR}


@pytest.mark.parametrize("caller", [NEWCOMER, Caller(Access.UNIT, ("web/0",)), OPERATOR])
@pytest.mark.parametrize("needed", list(Access))
def test_the_guard_lets_nobody_through_for_being_more(caller: Caller, needed: Access) -> None:
    """G10, O6: an operator is no unit, either"""
    if caller.access is needed:
        check(caller, needed, ("web/0",) if needed is Access.UNIT else ())
    else:
        with pytest.raises(Refused):
            check(caller, needed)


@in_virtual_time
async def test_what_does_not_exist_is_not_found() -> None:
    """O6"""
    bench = await LoopBench.with_applications("web")
    the_api = Api(bench.service, "memory")
    for method, path in (("GET", "/"), ("PUT", "/v1/status"), ("GET", "/v1/status/x" * 90)):
        with pytest.raises(NotFound, match=f"there is no {method}"):
            await the_api.call(OPERATOR, method, path, {}, b"")


def texts(value: Any) -> list[str]:
    """Every string in a value, keys included, however deep."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for each in pair for text in texts(each)]
    if isinstance(value, list | tuple):
        return [text for each in value for text in texts(each)]
    return []


@in_virtual_time
async def test_nothing_that_a_unit_is_told_names_another_unit(tmp_path: Path) -> None:
    """G10: every field of every message of a long story"""
    stage = await Stage.open(tmp_path, units=3)
    a, b, c = await stage.led()
    clone = stage.add_machine("web/1", instance="a-clone")
    clone.start()
    a.runner.held.add("update-status")
    await stage.until(lambda: a.running == "update-status")
    assert (await a.tool("leader-set", "k=v")).exit_code == 0
    stage.disk.faults = ["refused"]
    assert (await a.tool("leader-set", "k=w")).exit_code == 1
    await stage.pass_time(1.0)
    stage.disk.faults = ["unsure-landed"]
    assert (await a.tool("leader-set", "k=x")).exit_code == 1
    await stage.pass_time(2.0)
    a.hook.end()
    await stage.post("/v1/applications/web/elect", {"unit": "web/1"})
    await stage.pass_time(5.0)
    assert b.leads
    await stage.post("/v1/applications/web/step-down")
    await stage.post("/v1/applications/web/revoke")
    await stage.pass_time(5.0)
    b.line.cut()
    await stage.kill_controller()
    await stage.pass_time(5.0)
    await stage.start_controller()
    await stage.pass_time(90.0)
    await stage.post("/v1/units/web/2/remove", {})
    await stage.pass_time(60.0)
    for machine in (a, b, c, clone):
        kinds = {type(message).__name__ for message in machine.line.heard}
        assert "Welcome" in kinds
        others = {f"web/{n}" for n in range(4)} - {machine.name}
        for message in machine.line.heard:
            for text in texts(msgspec.to_builtins(message)):
                assert not any(other in text for other in others), message
    told = {type(m).__name__ for each in (a, b, c) for m in each.line.heard}
    assert told >= {
        "Welcome", "Verdicts", "Done", "Failed", "Offer", "Revision", "StepDown", "Revoked",
        "Remove", "Superseded",
    }  # fmt: skip


@in_virtual_time
async def test_neither_tools_nor_environment_tell_who_leads(tmp_path: Path) -> None:
    """G10"""
    stage = await Stage.open(tmp_path, units=2)
    _, minion = await stage.led()
    minion.runner.held.add("update-status")
    await stage.until(lambda: minion.running == "update-status")
    replies = [
        await minion.tool(name, *args)
        for name, *args in (
            ("is-leader",), ("is-leader", "--format", "json"), ("leader-get",),
            ("leader-set", "k=v"), ("status-get",), ("status-get", "--application"),
            ("status-set", "--application", "active"),
        )
    ]  # fmt: skip
    told = [reply.stdout + reply.stderr for reply in replies]
    told += ["\n".join(each.env.values()).encode() for each in minion.ran]
    assert all(b"web/0" not in each for each in told)
    minion.hook.end()
    await settle()


@in_virtual_time
async def test_operators_can_see_who_leads(tmp_path: Path) -> None:
    """G10, O3"""
    stage = await Stage.open(tmp_path, units=2)
    await stage.led()
    status = await stage.get("/v1/status")
    assert status["applications"]["web"]["leader"] == "web/0"
    with pytest.raises(TenureError):
        await stage.get("/v1/applications/nope/why")
