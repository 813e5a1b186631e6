"""The exec socket: a hook context for an operator's command, between hooks (H6, T8)."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tenure.agent.execserver import MAX_CONNECTIONS, ExecServer
from tenure.errors import Unreachable
from tenure.testing.machine import Machine
from tenure.testing.time.waiting import in_virtual_time, settle, until
from tenure.wire.exec import MAX_ASK, OpenContext, RunAction, encode_ask
from tests.support.namespaces import as_process_1, skip_unless_allowed
from tests.support.patience import HANG, ending
from tests.support.stage import Stage

PATIENCE = 10.0
ASK = encode_ask(OpenContext())


@pytest.fixture(autouse=True)
def no_tracebacks(caplog: pytest.LogCaptureFixture) -> Any:
    """No traceback may ever reach a user."""
    with caplog.at_level(logging.WARNING):
        yield
    # because `records` is the teardown's own by now
    said = [record for phase in ("setup", "call") for record in caplog.get_records(phase)]
    assert not [record.getMessage() for record in said if record.exc_info]


class Served:
    """A leader's exec socket, in real time."""

    def __init__(self, stage: Stage, machine: Machine, path: Path) -> None:
        self.stage = stage
        self.machine = machine
        self.path = path
        self.server = ExecServer(machine.unit, path)

    async def dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(str(self.path))

    async def ask(self, line: bytes = ASK) -> tuple[dict[str, Any], Any, Any]:
        """What the socket answers to a line, and the streams."""
        reader, writer = await self.dial()
        writer.write(line)
        answer = json.loads(await asyncio.wait_for(reader.readline(), PATIENCE))
        return answer, reader, writer

    async def until(self, is_so: Any) -> None:
        await until(is_so, "it is so", PATIENCE)


@asynccontextmanager
async def exec_served(folder: Path) -> AsyncIterator[Served]:
    """A unit that leads, idle, with its exec socket."""
    stage = await Stage.open(folder, units=1)
    [machine] = await stage.led()
    served = Served(stage, machine, folder / "x")
    await served.server.start()
    try:
        yield served
    finally:
        await served.server.close()
        await machine.crash()
        await stage.kill_controller()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """See `exec_served`."""
    async with exec_served(tmp_path) as served:
        yield served


async def test_only_the_owner_can_reach_the_socket(served: Served) -> None:
    """T9"""
    assert stat.S_IMODE(served.path.stat().st_mode) == 0o600


async def test_a_command_gets_a_context_with_the_environment_of_a_hook(served: Served) -> None:
    """H9, T8"""
    answer, _, writer = await served.ask()
    env = answer["env"]
    assert env["JUJU_UNIT_NAME"] == "web/0" and env["JUJU_HOOK_NAME"] == ""
    assert env["JUJU_CONTEXT_ID"] == answer["context"]
    assert "JUJU_DISPATCH_PATH" not in env and "TENURE_REASON" not in env
    assert answer["cwd"] == str(served.machine.folder / "charm")
    reply = await served.machine.tool("leader-set", "k=v", context=answer["context"])
    assert reply.exit_code == 0
    writer.close()


async def test_the_context_ends_with_the_connection(served: Served) -> None:
    """T8"""
    answer, _, writer = await served.ask()
    assert served.machine.unit.contexts.by_id(answer["context"]) is not None
    writer.close()
    await served.until(lambda: served.machine.unit.contexts.by_id(answer["context"]) is None)


def test_a_command_whose_exec_was_killed_is_gone_before_another_context_opens(
    tmp_path: Path,
) -> None:
    """H6, H8: and nothing else of that session, nor what moved into its own"""
    asyncio.run(exec_killed(tmp_path))


async def exec_killed(folder: Path) -> None:
    async with exec_served(folder) as served:
        answer, _, writer = await served.ask()
        env = {"JUJU_CONTEXT_ID": answer["context"]}
        with sleeper(env) as command, sleeper({}) as stranger, sleeper(env, apart=True) as own:
            asking = asyncio.create_task(served.ask())
            writer.close()
            _, _, writer = await asking
            assert command.poll() == -signal.SIGKILL
            assert stranger.poll() is None and own.poll() is None
        writer.close()
        await served.until(lambda: not served.machine.unit.contexts.is_open)


def test_it_is_gone_also_where_its_session_began_outside_of_this_container() -> None:
    """H6, H8"""
    skip_unless_allowed()
    test = test_a_command_whose_exec_was_killed_is_gone_before_another_context_opens
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    argv = as_process_1([*argv, __file__, "-k", test.__name__])
    done = subprocess.run(argv, capture_output=True, text=True, timeout=HANG, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def sleeper(
    env: dict[str, str], *, apart: bool = False
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    return ending(subprocess.Popen(["/bin/sleep", "60"], env=env, start_new_session=apart))


async def test_the_connection_ends_with_the_context(served: Served) -> None:
    """H8, T8: the agent is told to end it"""
    _, reader, writer = await served.ask()
    served.machine.unit.dispatcher.kill()
    assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    writer.close()


async def test_a_context_opens_only_between_hooks(served: Served) -> None:
    """H6"""
    machine = served.machine
    machine.runner.held.add("update-status")
    machine.unit.schedule.update_at = machine.clock.now()
    machine.agent.wake()
    await served.until(lambda: machine.running == "update-status")
    reader, writer = await served.dial()
    writer.write(ASK)
    reading = asyncio.ensure_future(reader.readline())
    await settle(200)
    assert not reading.done()
    machine.hook.end()
    assert "env" in json.loads(await asyncio.wait_for(reading, PATIENCE))
    writer.close()


async def test_hooks_wait_while_a_context_is_open(served: Served) -> None:
    """H6"""
    machine = served.machine
    _, _, writer = await served.ask()
    machine.unit.schedule.update_at = machine.clock.now()
    machine.agent.wake()
    await settle(200)
    assert machine.running is None and machine.count("update-status") == 0
    writer.close()
    await served.until(lambda: machine.count("update-status") == 1)


async def test_two_commands_run_one_after_the_other(served: Served) -> None:
    """H6"""
    first, _, first_writer = await served.ask()
    reader, writer = await served.dial()
    writer.write(ASK)
    reading = asyncio.ensure_future(reader.readline())
    await settle(200)
    assert not reading.done()
    first_writer.close()
    second = json.loads(await asyncio.wait_for(reading, PATIENCE))
    assert second["context"] != first["context"]
    writer.close()


async def test_a_context_opens_also_while_the_unit_is_in_error(served: Served) -> None:
    """H7"""
    machine = served.machine
    machine.runner.failing["update-status"] = 1
    machine.unit.schedule.update_at = machine.clock.now()
    machine.agent.wake()
    await served.until(lambda: machine.unit.state.failure is not None)
    answer, _, writer = await served.ask()
    assert "env" in answer
    writer.close()


@pytest.mark.parametrize(
    "line",
    [
        b"garbage\n", b"\n", b"{}\n", b'{"version":"2"}\n', b"\xff\xfe\x00\n", b"[1]\n",
        b'{"version":2}\n', b'{"type":"Erase","version":2}\n',
        b'{"type":"RunAction","version":2}\n', b'{"type":"CommandEnded","version":2,"exit":0}\n',
        b"x" * 10_000 + b"\n", b"x" * (MAX_ASK + 1),
        b'{"type":"OpenContext","version":2,"x":' + b"[" * 3000 + b"\n",
    ],
)  # fmt: skip
async def test_garbage_is_answered_with_an_error_and_closed(served: Served, line: bytes) -> None:
    """F"""
    answer, reader, writer = await served.ask(line)
    assert answer["type"] == "Refusal" and answer["error"]
    assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    writer.close()
    again, _, writer = await served.ask()
    assert "env" in again
    writer.close()


OTHERS = (
    (b'{"version":1}\n', 1),
    (b'{"version":1,"action":{"name":"backup"}}\n', 1),
    (b'{"type":"OpenContext","version":3,"more":[]}\n', 3),
    (b'{"type":"Unheard","version":-1}\n', -1),
)


async def test_another_version_is_told_so(served: Served) -> None:
    """F"""
    for line, version in OTHERS:
        answer, reader, writer = await served.ask(line)
        assert answer["type"] == "Refusal"
        assert answer["error"] == (
            "the agent is of another version of Tenure (it speaks 2 on this socket, and the "
            f"command {version}): `tenure down`, and `tenure up` again"
        )
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
        writer.close()


async def test_a_newcomer_takes_the_place_of_who_was_silent_for_longest(served: Served) -> None:
    """F, H6"""
    silent = [await served.dial() for _ in range(MAX_CONNECTIONS)]
    await settle(200)
    answer, _, writer = await served.ask()
    assert "env" in answer
    first, *others = silent
    assert await crowded_out(first[0])
    assert not any(reader.at_eof() for reader, _ in others)
    for each in (writer, *(each for _, each in silent)):
        each.close()


async def test_more_commands_than_the_limit_are_refused_and_the_others_served(
    served: Served,
) -> None:
    """F, H6"""
    _, _, first = await served.ask()
    waiting = [await served.dial() for _ in range(MAX_CONNECTIONS - 1)]
    for _, writer in waiting:
        writer.write(ASK)
    await served.until(lambda: len(served.machine.unit.contexts._waiting) == len(waiting))
    late, writer = await served.dial()
    assert await crowded_out(late)
    first.close()
    assert "env" in json.loads(await asyncio.wait_for(waiting[0][0].readline(), PATIENCE))
    for each in (writer, *(each for _, each in waiting)):
        each.close()


async def crowded_out(reader: asyncio.StreamReader) -> bool:
    """Whether it is told so and closed."""
    said = json.loads(await asyncio.wait_for(reader.read(), PATIENCE))
    return said["error"] == (f"too many commands at once (at most {MAX_CONNECTIONS}): try again")


async def test_half_a_line_and_then_nothing_harms_nobody(served: Served) -> None:
    """F"""
    _, writer = await served.dial()
    writer.write(b'{"vers')
    writer.close()
    await writer.wait_closed()
    answer, _, writer = await served.ask()
    assert "env" in answer
    writer.close()


async def test_who_hangs_up_while_waiting_takes_no_context(served: Served) -> None:
    """H6"""
    _, _, first = await served.ask()
    _, second = await served.dial()
    second.write(ASK)
    await settle(100)
    second.close()
    await settle(100)
    first.close()
    await served.until(lambda: served.machine.unit.contexts._live is None)
    answer, _, writer = await served.ask()
    assert "env" in answer
    writer.close()


@in_virtual_time
async def test_who_hangs_up_at_the_moment_it_opens_leaves_no_context_behind(tmp_path: Path) -> None:
    """H6: else no hook would ever run again"""
    stage = await Stage.open(tmp_path, units=1)
    [unit] = await stage.led()
    opening = asyncio.ensure_future(unit.unit.contexts.open())
    await asyncio.sleep(0)
    unit.unit.step()
    assert unit.unit.contexts._live is not None
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    assert unit.unit.contexts._live is None
    unit.unit.schedule.update_at = unit.clock.now()
    unit.agent.wake()
    await stage.until(lambda: unit.count("update-status") == 1, within=1.0)


@in_virtual_time
async def test_no_context_opens_while_a_unit_steps_down(tmp_path: Path) -> None:
    """U4: the deposition comes first"""
    stage = await Stage.open(tmp_path, units=2)
    old, new = await stage.led()
    old.runner.held.add("leader-deposed")
    stage.ask("/v1/applications/web/elect", {"unit": "web/1"})
    await stage.until(lambda: old.running == "leader-deposed", within=1.0)
    opening = asyncio.ensure_future(old.unit.contexts.open())
    await stage.pass_time(1.0)
    old.hook.end()
    await stage.until(lambda: new.leads, within=1.0)
    context, _ = await opening
    assert old.hooks[-1] == "leader-settings-changed"
    old.unit.contexts.close(context)


async def test_a_socket_that_cannot_be_made_is_one_clear_error(served: Served) -> None:
    """F"""
    with pytest.raises(Unreachable, match="cannot listen on"):
        await ExecServer(served.machine.unit, Path("/nowhere/x")).start()


async def begins_backup(served: Served, request: bytes) -> asyncio.StreamWriter:
    """An operator asks for the action `backup`, which its charm then has, and it runs."""
    machine = served.machine
    charm = machine.folder / "charm"
    (charm / "actions").mkdir()
    (charm / "actions/backup").touch(mode=0o755)
    (charm / "actions.yaml").write_text("backup: {params: {to: {type: string}}}\n")
    machine.files.read_again()
    machine.runner.held.add("actions/backup")
    _, writer = await served.dial()
    writer.write(request)
    await served.until(lambda: machine.running == "actions/backup")
    return writer


async def test_an_action_of_which_nobody_waits_for_the_end_tells_it_to_the_log(
    served: Served,
) -> None:
    """H11, T10: and all that it says has its name; values of results are nobody's business"""
    machine = served.machine
    writer = await begins_backup(served, encode_ask(RunAction(name="backup")))
    writer.close()
    await writer.wait_closed()
    await machine.tool("action-log", "half way")
    await machine.tool("juju-log", "by the way")
    await machine.tool("action-set", "out.size=s3cret", "file=s3cret")
    await machine.tool("action-fail", "no room")
    machine.hook.end()
    await served.until(lambda: "no room" in machine.log_text())
    said = [line.partition("web/0 actions/backup: ") for line in machine.log_text().splitlines()]
    assert [(head.split()[1], text) for head, _, text in said if text] == [
        ("INFO", "half way"),
        ("INFO", "by the way"),
        ("ERROR", "failed: no room, with results file, out.size; values are not logged"),
    ]
    assert "s3cret" not in machine.log_text() and "exec:" not in machine.log_text()


async def test_an_action_that_was_not_run_after_all_is_in_the_log(served: Served) -> None:
    """H11"""
    machine = served.machine
    (machine.folder / "charm/actions.yaml").write_text("backup: {}\n")
    machine.files.read_again()
    answer, _, writer = await served.ask(encode_ask(RunAction(name="backup")))
    writer.close()
    assert answer["error"] == 'the charm of web/0 has no file for "backup"'
    assert f"WARNING web/0 actions/backup: not run: {answer['error']}\n" in machine.log_text()


async def test_a_wrong_parameter_is_told_with_the_actions_name(served: Served) -> None:
    machine = served.machine
    (machine.folder / "charm/actions.yaml").write_text("backup: {params: {to: {type: string}}}\n")
    machine.files.read_again()
    ask = encode_ask(RunAction(name="backup", params={"to": 1}))
    answer, _, writer = await served.ask(ask)
    writer.close()
    said = 'action "backup": parameter "to" must be string, not 1'
    assert answer == {"type": "Refusal", "error": said, "wants_text": "to"}
