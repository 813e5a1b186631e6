"""A hook context: what its tools see and do, over a real controller (T3, T4, T6, T7, G6, G7)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tenure.agent.context.hook import HookContext
from tenure.agent.tools.base import ReadFailed
from tenure.testing.machine import Machine
from tenure.testing.time.waiting import in_virtual_time, settle
from tenure.wire.messages import ReadSettings, WriteSettings
from tests.support.stage import Stage

CANNOT_WRITE = b"ERROR cannot write leadership settings: cannot write settings: "
CANNOT_READ = b"ERROR cannot read leadership settings: cannot read settings: "


async def hooked(tmp_path: Path, units: int = 2) -> tuple[Stage, Machine, Machine]:
    """A leader and a minion, each in a hook that runs until the test ends it."""
    stage = await Stage.open(tmp_path, units=units)
    leader, minion, *_ = await stage.led()
    for machine in (leader, minion):
        machine.runner.held.add("update-status")
        machine.unit.schedule.update_at = machine.clock.now()
        machine.agent.wake()
        await stage.until(partial(is_running, machine, "update-status"), within=2.0)
    return stage, leader, minion


def is_running(machine: Machine, hook: str) -> bool:
    return machine.running == hook


def count(machine: Machine, kind: type) -> int:
    return sum(isinstance(said, kind) for said in machine.line.said)


# -- reading


@in_virtual_time
async def test_a_context_reads_one_snapshot_from_the_controller_itself(tmp_path: Path) -> None:
    """T4"""
    _, leader, minion = await hooked(tmp_path)
    assert (await leader.tool("leader-set", "k=1")).exit_code == 0
    assert (await minion.tool("leader-get", "k")).stdout == b"1\n"
    assert (await leader.tool("leader-set", "k=2")).exit_code == 0
    await settle()
    assert (await minion.tool("leader-get", "k")).stdout == b"1\n"
    assert (await minion.tool("leader-get", "-")).stdout == b'k: "1"\n'
    assert count(minion, ReadSettings) == 1


@in_virtual_time
async def test_a_new_context_sees_the_present(tmp_path: Path) -> None:
    """T4, G6: every later first leader-get of any context of any unit"""
    stage, leader, minion = await hooked(tmp_path)
    await leader.tool("leader-set", "k=1")
    await minion.tool("leader-get")
    await leader.tool("leader-set", "k=2")
    minion.hook.end()
    minion.runner.held.add("leader-settings-changed")
    await stage.until(lambda: minion.running == "leader-settings-changed", within=1.0)
    assert (await minion.tool("leader-get", "k")).stdout == b"2\n"


@in_virtual_time
async def test_its_own_write_drops_the_snapshot(tmp_path: Path) -> None:
    """T4"""
    _, leader, _ = await hooked(tmp_path)
    await leader.tool("leader-set", "a=1", "b=1")
    assert (await leader.tool("leader-get", "--format", "json")).stdout == b'{"a":"1","b":"1"}\n'
    await leader.tool("leader-set", "a=", "c=3")
    assert (await leader.tool("leader-get", "--format", "json")).stdout == b'{"b":"1","c":"3"}\n'


@in_virtual_time
async def test_a_failed_read_is_not_kept(tmp_path: Path) -> None:
    """T4, T7"""
    stage, _, minion = await hooked(tmp_path)
    minion.line.refusing = True
    minion.line.cut()
    await stage.pass_time(1.0)
    reply = await minion.tool("leader-get")
    assert (reply.exit_code, reply.stdout) == (1, b"")
    assert reply.stderr == (
        CANNOT_READ + b"failed to call leadership api: "
        b"no controller answers at the socket: connection refused\n"
    )
    minion.line.refusing = False
    await stage.pass_time(3.0)
    assert (await minion.tool("leader-get", "--format", "json")).stdout == b"{}\n"


@in_virtual_time
async def test_a_read_that_shows_less_than_the_hook_was_run_for_is_refused(tmp_path: Path) -> None:
    """H5, T4"""
    stage, leader, minion = await hooked(tmp_path)
    await leader.tool("leader-set", "k=1")
    minion.hook.end()
    minion.runner.held.add("leader-settings-changed")
    await stage.until(lambda: minion.running == "leader-settings-changed", within=1.0)
    context = HookContext(minion.unit.parts, "a-context", "leader-settings-changed", 7)
    with pytest.raises(ReadFailed, match="the controller is at revision 1, behind 7"):
        await context.settings()


# -- writing


@in_virtual_time
async def test_a_write_is_durable_when_the_tool_returns(tmp_path: Path) -> None:
    """G6, F: the controller is killed the instant it returns"""
    stage, leader, minion = await hooked(tmp_path)
    for n in range(5):
        assert (await leader.tool("leader-set", f"k={n}")).exit_code == 0
        await stage.kill_controller()
        await stage.start_controller()
        await stage.pass_time(3.0)
        answer = await stage.get("/v1/applications/web/settings")
        assert answer["settings"] == {"k": str(n)}
    assert (await minion.tool("leader-get", "k")).stdout == b"4\n"


@in_virtual_time
async def test_a_minions_write_never_leaves_the_agent(tmp_path: Path) -> None:
    """T6, T5"""
    _, _, minion = await hooked(tmp_path)
    for args in ((), ("k=v",)):
        reply = await minion.tool("leader-set", *args)
        assert (reply.exit_code, reply.stderr) == (1, CANNOT_WRITE + b"not the leader\n")
    assert count(minion, WriteSettings) == 0


@in_virtual_time
async def test_no_argument_at_all_is_a_checked_no_op(tmp_path: Path) -> None:
    """T5, B4"""
    stage, leader, _ = await hooked(tmp_path)
    assert (await leader.tool("leader-set")).exit_code == 0
    assert count(leader, WriteSettings) == 1
    assert (await stage.get("/v1/applications/web/settings"))["revision"] == 0


@in_virtual_time
async def test_a_write_is_refused_by_the_controller_if_only_the_agent_believes(
    tmp_path: Path,
) -> None:
    """T6, G6: fenced by the term"""
    stage, leader, minion = await hooked(tmp_path)
    await leader_was_paused_unseen(stage)
    assert stage.holder == "web/1" and leader.leads
    reply = await leader.tool("leader-set", "k=late")
    assert reply.exit_code == 1
    assert reply.stderr == (
        CANNOT_WRITE + b'failed to merge leadership settings: application "web": '
        b'prerequisites failed: "web/0" is not leader of "web"\n'
    )
    await settle()
    assert not leader.leads, "that was its next word from the controller"
    assert (await stage.get("/v1/applications/web/settings"))["settings"] == {}
    assert await minion.is_leader() is True


async def leader_was_paused_unseen(stage: Stage) -> None:
    """A hypervisor's pause that no clock of the agents shows: the controller's time has gone on."""
    assert stage.controller is not None
    for _ in range(80):
        stage.clock.skip(0.9)
        stage.controller.wake()
        await settle()


@in_virtual_time
async def test_a_write_that_could_not_be_sent_says_that_nothing_was(tmp_path: Path) -> None:
    """T7, G7"""
    stage, leader, _ = await hooked(tmp_path)
    leader.line.refusing = True
    leader.line.cut()
    await stage.pass_time(1.0)
    reply = await leader.tool("leader-set", "k=v")
    assert reply.stderr == (
        CANNOT_WRITE + b"failed to call leadership api: "
        b"no controller answers at the socket: connection refused: nothing was sent\n"
    )


@in_virtual_time
async def test_a_write_that_was_not_answered_says_that_it_is_unknown(tmp_path: Path) -> None:
    """T7, G7"""
    stage, leader, _ = await hooked(tmp_path)
    leader.line.partition()
    reply = await leader.tool("leader-set", "k=v")
    assert reply.exit_code == 1
    assert reply.stderr.startswith(CANNOT_WRITE + b"failed to call leadership api: ")
    assert reply.stderr.endswith(b": it is unknown whether the settings were written\n")
    leader.line.heal()
    await stage.pass_time(1.0)


@in_virtual_time
async def test_a_write_that_the_store_refused_says_that_nothing_was_written(tmp_path: Path) -> None:
    """T7, G7, F"""
    stage, leader, _ = await hooked(tmp_path)
    stage.disk.faults = ["refused"]
    reply = await leader.tool("leader-set", "k=v")
    assert reply.stderr == (
        CANNOT_WRITE + b"failed to call leadership api: "
        b"the memory store has no space left: nothing was written\n"
    )


@in_virtual_time
async def test_a_write_that_would_be_too_large_names_size_and_limit(tmp_path: Path) -> None:
    """B6, T6"""
    _, leader, _ = await hooked(tmp_path)
    reply = await leader.tool("leader-set", "k=" + "v" * 1024 * 1024)
    assert reply.stderr.startswith(CANNOT_WRITE + b"failed to merge leadership settings: settings")
    assert b"1048577" in reply.stderr and b"1048576" in reply.stderr


@in_virtual_time
async def test_a_write_too_large_for_any_bucket_never_leaves_the_agent(tmp_path: Path) -> None:
    """B6, G7: in a frame it may be six times as long, and cost the agent its connection"""
    stage, leader, _ = await hooked(tmp_path)
    reply = await leader.tool("leader-set", "k=" + "\x01" * 1_700_000)
    assert reply.stderr.startswith(
        CANNOT_WRITE + b"failed to merge leadership settings: settings of "
        b'"web" would take 1700001 bytes, more than the limit of 1048576'
    )
    assert (reply.exit_code, count(leader, WriteSettings)) == (1, 0)
    assert (await stage.get("/v1/applications/web/settings"))["revision"] == 0


@in_virtual_time
async def test_a_write_too_large_for_a_frame_never_leaves_the_agent(tmp_path: Path) -> None:
    """B6, G7: what it removes counts for nothing in the bucket, and has to be carried"""
    _, leader, _ = await hooked(tmp_path)
    reply = await leader.tool("leader-set", "\x01" * 1_700_000 + "=", "k=v")
    assert reply.exit_code == 1
    assert reply.stderr.startswith(CANNOT_WRITE + b"failed to merge leadership settings: this wri")
    assert b"more than the limit of 8388608: write it in parts\n" in reply.stderr
    assert count(leader, WriteSettings) == 0


@in_virtual_time
async def test_odd_keys_and_values_round_trip(tmp_path: Path) -> None:
    """B3"""
    stage, leader, minion = await hooked(tmp_path)
    pairs = {"a.b": "$x", "$x": "é", "é": "a=b", "\U0001f600": "line\nline", "k": "\x07"}
    await leader.tool("leader-set", *(f"{key}={value}" for key, value in pairs.items()))
    assert (await stage.get("/v1/applications/web/settings"))["settings"] == pairs
    for key, value in pairs.items():
        assert (await minion.tool("leader-get", key)).stdout.decode() == value + "\n"


@in_virtual_time
async def test_values_are_never_logged(tmp_path: Path) -> None:
    """T10"""
    stage, leader, minion = await hooked(tmp_path)
    await leader.tool("leader-set", "password=tr0ub4dor")
    stage.disk.faults = ["refused", "unsure-landed"]
    await leader.tool("leader-set", "password=tr0ub4dor2")
    await leader.tool("leader-set", "password=tr0ub4dor3")
    await minion.tool("leader-get", "password")
    await stage.pass_time(2.0)
    history = str(await stage.get("/v1/applications/web/history"))
    for text in (leader.log_text(), minion.log_text(), history):
        assert "tr0ub4dor" not in text


# -- the rest


@in_virtual_time
async def test_a_context_ends_with_its_hook(tmp_path: Path) -> None:
    """T8"""
    stage, leader, _ = await hooked(tmp_path)
    context_id = leader.hook.command.context_id
    assert leader.unit.contexts.by_id(context_id) is not None
    assert leader.unit.contexts.by_id(context_id + "0") is None
    leader.hook.end()
    await stage.pass_time(0.1)
    assert leader.unit.contexts.by_id(context_id) is None


@in_virtual_time
async def test_the_applications_status_is_the_leaders_to_set(tmp_path: Path) -> None:
    """B2, G3, P4"""
    stage, leader, minion = await hooked(tmp_path)
    assert (await leader.tool("status-set", "--application", "active", "all well")).exit_code == 0
    assert (await minion.tool("status-set", "--application", "active", "no")).exit_code == 1
    assert (await minion.tool("status-set", "maintenance", "mine")).exit_code == 0
    await stage.pass_time(0.1)
    status = (await stage.get("/v1/status"))["applications"]["web"]
    shown = status["status"], status["units"]["web/1"]["status"]
    assert [(each["current"], each["message"]) for each in shown] == [
        ("active", "all well"), ("maintenance", "mine"),
    ]  # fmt: skip
    assert all(each["since"] for each in shown)


@in_virtual_time
async def test_the_leader_sees_its_application_with_all_units_and_its_own_words_at_once(
    tmp_path: Path,
) -> None:
    """P4: what nobody set is its worst unit's"""
    stage, leader, minion = await hooked(tmp_path)
    await minion.tool("status-set", "waiting", "for disk")
    await stage.pass_time(0.1)
    await leader.tool("status-set", "active")
    asked = ("status-get", "--application", "--format=json")
    units = '"units":{"web/0":{"status":"active"},"web/1":{"status":"waiting"}}'
    reply = await leader.tool(*asked)
    assert reply.exit_code == 0, reply
    assert reply.stdout.decode() == f'{{"application-status":{{"status":"waiting",{units}}}}}\n'
    await leader.tool("status-set", "blocked", "mine")
    assert (await leader.tool("status-get", "--application")).stdout == b"blocked\n"
    await leader.tool("status-set", "--application", "maintenance")
    assert (await leader.tool("status-get", "--application")).stdout == b"maintenance\n"


@in_virtual_time
async def test_an_application_s_status_that_cannot_be_kept_is_refused_and_says_how_sure_that_is(
    tmp_path: Path,
) -> None:
    """P4, G7"""
    stage, leader, _ = await hooked(tmp_path)
    stage.disk.full = True
    reply = await leader.tool("status-set", "--application", "active")
    assert reply.exit_code == 1 and reply.stderr.endswith(b": nothing was set\n")
    stage.disk.full = False
    await stage.pass_time(2.0)
    stage.disk.faults.append("unsure-landed")
    reply = await leader.tool("status-set", "--application", "active")
    assert reply.stderr.endswith(b": it is unknown whether it was set\n")
    assert stage.disk.persisted().statuses["web"].current == "active"
