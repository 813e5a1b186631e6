"""Running one hook: its output, its end, and the end of what it left."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tenure.agent.hooks.leftovers import end_leftovers
from tenure.agent.hooks.output import MAX_CAPTURED
from tenure.agent.hooks.process import (
    MOST_HELD,
    HookCommand,
    HookResult,
    HookRunner,
    RunningHook,
    warden,
)
from tenure.agent.hooks.warden_client import Warden, group_lives
from tests.agent.hooks.processes import eventually, pid_in, running

MakeHook = Callable[..., HookCommand]
Leave = Callable[[str], subprocess.Popen[bytes]]


class Lines:
    """A log that remembers."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str, str]] = []
        self.largest = 0

    def log(self, level: str, message: str, source: str = "") -> None:
        self.largest = max(self.largest, len(message))
        self.all += [(level, source, line) for line in message.removesuffix("\n").split("\n")]

    def texts(self, level: str = "INFO") -> list[str]:
        return [line for each, _, line in self.all if each == level]


@pytest.fixture
def context_id() -> Iterator[str]:
    """A context id that no other test has; whatever carries it is ended with the test."""
    context_id = f"web/0-start-{secrets.token_hex(8)}"
    yield context_id
    for process in warden.living():
        if warden.carries(process.pid, context_id):
            warden.kill(process.pid)


@pytest.fixture
async def the_warden() -> AsyncIterator[Warden]:
    the_warden = Warden()
    the_warden.start()
    yield the_warden
    await the_warden.close()


@pytest.fixture
def log() -> Lines:
    return Lines()


@pytest.fixture
async def runner(the_warden: Warden, log: Lines) -> AsyncIterator[HookRunner]:
    runner = HookRunner(the_warden, log)
    yield runner
    runner.close()


@pytest.fixture
def hook(context_id: str, tmp_path: Path) -> MakeHook:
    def command(script: str, *, hook: str = "start", argv: tuple[str, ...] = ()) -> HookCommand:
        return HookCommand(
            hook=hook,
            argv=argv or ("/bin/sh", "-c", script),
            env={"JUJU_CONTEXT_ID": context_id, "PATH": os.environ["PATH"]},
            cwd=str(tmp_path),
            context_id=context_id,
        )

    return command


async def ended(hook: RunningHook) -> HookResult:
    async with asyncio.timeout(10):
        return await hook.wait()


@pytest.mark.parametrize(
    ("script", "result"),
    [
        ("exit 0", HookResult("done", "", 0)),
        ("exit 3", HookResult("failed", "exit status 3", 3)),
        ("kill -SEGV $$", HookResult("failed", "signal: segmentation fault")),
        ("kill -TERM $$", HookResult("killed", "signal: terminated")),
        ("kill -KILL $$", HookResult("killed", "signal: killed")),
    ],
)
async def test_how_a_hook_ended_is_its_result(
    runner: HookRunner, hook: MakeHook, script: str, result: HookResult
) -> None:
    """H7, H8"""
    started = runner.start(hook(script))
    assert await ended(started) == result
    assert await ended(started) == result


async def test_a_hook_leads_its_own_session_in_the_charms_folder_without_input(
    runner: HookRunner, hook: MakeHook, log: Lines, tmp_path: Path
) -> None:
    """H8, H9"""
    started = runner.start(hook("pwd; cut -d' ' -f5,6 /proc/$$/stat; cat; ls /proc/self/fd"))
    await ended(started)
    where, numbers, *files = log.texts()
    assert where == str(tmp_path)
    assert numbers == f"{started.pid} {started.pid}"
    assert files == ["0", "1", "2", "3"]  # 3 is the folder that `ls` itself has open


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        (None, 0, "no such file or directory"),
        ("#!/bin/sh\n", 0o644, "permission denied"),
        ("#!/no/such\n", 0o755, "its interpreter '/no/such' does not exist"),
        ("#!/bin/sh\r\n", 0o755, r"its interpreter '/bin/sh\r' does not exist"),
        ("true\n", 0o755, "exec format error"),
    ],
)
async def test_a_hook_that_cannot_be_started_has_failed(
    runner: HookRunner, hook: MakeHook, tmp_path: Path, content: str | None, mode: int, says: str
) -> None:
    """H7"""
    path = tmp_path / "hook"
    if content is not None:
        path.write_bytes(content.encode())
        path.chmod(mode)
    started = runner.start(hook("", argv=(str(path),)))
    assert started.pid is None
    assert await ended(started) == HookResult("failed", f'cannot start "{path}": {says}')
    started.terminate()
    started.kill()


async def test_a_hook_whose_folder_or_environment_is_impossible_has_failed(
    runner: HookRunner, hook: MakeHook, tmp_path: Path
) -> None:
    """H7"""
    tmp_path.rmdir()
    result = await ended(runner.start(hook("true")))
    assert result.detail == f'cannot start "/bin/sh": its folder "{tmp_path}" is not there'
    tmp_path.mkdir()
    result = await ended(runner.start(hook("", argv=("/bin/sh", "-c", "a\0b"))))
    assert result == HookResult("failed", 'cannot start "/bin/sh": embedded null byte')


async def test_output_goes_line_by_line_to_the_log(
    runner: HookRunner, hook: MakeHook, log: Lines
) -> None:
    """H11"""
    await ended(runner.start(hook(r"printf 'one\n\ntw\377o\r\n\303\251 no newline'; echo bad >&2")))
    assert log.texts("INFO") == ["one", "", "tw\ufffdo", "é no newline"]
    assert log.texts("WARNING") == ["bad"]
    assert {source for _, source, _ in log.all} == {"start"}
    await ended(runner.start(hook("echo hello", hook="")))
    assert log.all[-1] == ("INFO", "exec", "hello")


async def test_what_was_written_is_captured_if_that_is_wanted(
    runner: HookRunner, hook: MakeHook, log: Lines
) -> None:
    """H11: and it is in the log all the same."""
    command = replace(hook("printf 'a\\nb'; printf '%70000s' x >&2; exit 3"), captured=True)
    result = await ended(runner.start(command))
    assert result.stdout is not None and result.stderr is not None
    assert (result.kind, bytes(result.stdout.content), result.stdout.size) == ("failed", b"a\nb", 3)
    assert (len(result.stderr.content), result.stderr.size) == (MAX_CAPTURED, 70000)
    assert log.texts("INFO") == ["a", "b"]
    assert sum(map(len, log.texts("WARNING"))) == 70000


async def test_output_arrives_while_the_hook_runs(
    runner: HookRunner, hook: MakeHook, log: Lines
) -> None:
    """H11"""
    started = runner.start(hook("echo early; sleep 60"))
    await eventually(lambda: log.texts() == ["early"])
    started.kill()
    await ended(started)


async def test_a_child_in_the_background_does_not_hold_up_the_end(
    runner: HookRunner, hook: MakeHook, log: Lines, tmp_path: Path
) -> None:
    """H11"""
    os.mkfifo(tmp_path / "go")
    reader = "exec 3<>go; while read line <&3; do echo $line; done"
    script = f"({reader}) & echo $! > child; printf last"
    started = runner.start(hook(script))
    assert await ended(started) == HookResult("done", "", 0)
    assert log.texts() == ["last"]
    (tmp_path / "go").write_text("later\n")
    await eventually(lambda: log.texts() == ["last", "later"])
    child = pid_in(tmp_path / "child")
    runner.close()
    assert running(child), "it is let go, not killed"
    (tmp_path / "go").write_text("too late\n")
    await eventually(lambda: not running(child))
    assert log.texts() == ["last", "later"]


async def test_what_a_daemon_prints_is_read_for_as_long_as_it_lives(
    runner: HookRunner, hook: MakeHook, log: Lines, tmp_path: Path
) -> None:
    """H8, H11: however many hooks come after the one that left it"""
    os.mkfifo(tmp_path / "go")
    daemon = "exec 3<>go; echo $$ > child; while read line <&3; do echo $line; echo $line >&2; done"
    await ended(runner.start(hook(f"setsid bash -c '{daemon}' &")))
    await eventually(lambda: pid_in(tmp_path / "child"))
    child = pid_in(tmp_path / "child")
    try:
        for number in range(MOST_HELD + 2):
            await ended(runner.start(hook("true")))
            if number % 10 == 0:
                (tmp_path / "go").write_text(f"{number}\n")
                said = [f"{number}"]
                await eventually(lambda: log.texts()[-1:] == said)  # noqa: B023
                await eventually(lambda: log.texts("WARNING")[-1:] == said)  # noqa: B023
        assert running(child)
    finally:
        warden.kill(child)
    await eventually(lambda: not running(child))
    await ended(runner.start(hook("echo after")))
    assert log.texts()[-1] == "after"


async def test_of_too_many_hooks_that_left_daemons_the_oldest_is_read_no_more_and_that_is_said(
    runner: HookRunner, hook: MakeHook, log: Lines, tmp_path: Path
) -> None:
    """H11"""
    first = runner.start(hook("sleep 60 & exit 0"))
    others = [runner.start(hook("sleep 60 & exit 0")) for _ in range(MOST_HELD)]
    assert [each.is_heard for each in (first, *others)] == [False] + [True] * MOST_HELD
    assert "is read no more" in log.texts("WARNING")[-1]
    for each in (first, *others):
        await ended(each)
        each.kill()


async def test_all_that_was_written_before_the_end_is_in_the_log(
    runner: HookRunner, hook: MakeHook, log: Lines, tmp_path: Path
) -> None:
    """H11: also while a child in the background holds the pipe, and goes on flooding it."""
    started = runner.start(hook("yes background & echo $! > child; seq 1 5000"))
    await ended(started)
    assert [text for text in log.texts() if text.isdigit()][-1] == "5000"
    child = pid_in(tmp_path / "child")
    runner.close()
    await eventually(lambda: not running(child))


async def test_a_hook_that_floods_its_log_does_not_starve_the_loop(
    runner: HookRunner, hook: MakeHook, log: Lines
) -> None:
    """H11"""
    started = runner.start(hook("yes & yes >&2"))
    await eventually(lambda: len(log.all) > 10_000)
    started.kill()
    assert (await ended(started)).kind == "killed"
    assert log.largest <= 4096 + 2, "so much is taken in one turn, and no more"


async def test_kill_leaves_nothing_of_the_group(
    runner: HookRunner, hook: MakeHook, tmp_path: Path
) -> None:
    """H8"""
    script = "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > child; sleep 60' & wait; sleep 60"
    started = runner.start(hook(script))
    await eventually(lambda: pid_in(tmp_path / "child"))
    started.terminate()
    started.kill()
    assert await ended(started) == HookResult("killed", "signal: killed")
    assert not running(pid_in(tmp_path / "child"))
    assert started.pid is not None
    assert not group_lives(started.pid)
    started.kill()


async def test_a_hook_killed_from_outside_leaves_nothing_to_run_beside_its_retry(
    runner: HookRunner, hook: MakeHook, tmp_path: Path
) -> None:
    """H8"""
    started = runner.start(hook("sleep 60 & echo $! > child; sleep 60"))
    await eventually(lambda: pid_in(tmp_path / "child"))
    assert started.pid is not None
    os.kill(started.pid, signal.SIGKILL)
    assert await ended(started) == HookResult("killed", "signal: killed")
    assert not running(pid_in(tmp_path / "child"))


async def test_terminate_lets_a_hook_clean_up_and_counts_as_killed(
    runner: HookRunner, hook: MakeHook, log: Lines, tmp_path: Path
) -> None:
    """H8"""
    script = "trap 'echo bye; exit 143' TERM; echo > ready; while :; do sleep 0.01; done"
    started = runner.start(hook(script))
    await eventually((tmp_path / "ready").exists)
    started.terminate()
    assert await ended(started) == HookResult("killed", "exit status 143", 143)
    assert log.texts() == ["bye"]


async def test_waiting_may_be_given_up_and_begun_again(
    runner: HookRunner, hook: MakeHook, tmp_path: Path
) -> None:
    """H8"""
    os.mkfifo(tmp_path / "go")
    started = runner.start(hook("read line < go; exit 4"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(started.wait(), 0.01)
    (tmp_path / "go").write_text("go\n")
    assert await ended(started) == HookResult("failed", "exit status 4", 4)


@pytest.fixture
def leftover(hook: MakeHook, tmp_path: Path) -> Iterator[Leave]:
    """Starts a hook as an agent would that is gone by now; ready once it wrote `ready`."""
    started: list[subprocess.Popen[bytes]] = []

    def start(script: str) -> subprocess.Popen[bytes]:
        command = hook(script)
        child = subprocess.Popen(
            command.argv, env=command.env, cwd=command.cwd, start_new_session=True
        )
        started.append(child)
        return child

    yield start
    for child in started:
        warden.kill_group(child.pid)
        child.wait()


LEAVES_A_SERVICE = "setsid sleep 60 & echo $! > service; env -i sleep 60 & echo $! > child; wait"


async def test_what_is_left_of_a_recorded_hook_is_ended(
    leftover: Leave, context_id: str, tmp_path: Path
) -> None:
    """H5, H8: its whole group, but not a service that the charm moved into its own session."""
    child = leftover(LEAVES_A_SERVICE)
    await eventually(lambda: pid_in(tmp_path / "child") and own_session(tmp_path / "service"))
    end_leftovers(child.pid, context_id)
    assert not running(child.pid)
    assert not running(pid_in(tmp_path / "child"))
    assert running(pid_in(tmp_path / "service"))
    end_leftovers(child.pid, context_id)
    assert running(pid_in(tmp_path / "service"))


async def test_a_hook_whose_pid_was_not_recorded_is_found_by_its_context(
    leftover: Leave, context_id: str, tmp_path: Path
) -> None:
    """H5"""
    child = leftover("sleep 60 & echo $! > child; wait")
    await eventually(lambda: pid_in(tmp_path / "child"))
    end_leftovers(None, context_id)
    assert not running(child.pid)
    assert not running(pid_in(tmp_path / "child"))


async def test_a_stranger_with_the_recorded_pid_is_left_alone(leftover: Leave) -> None:
    """H5"""
    child = leftover("sleep 60")
    end_leftovers(child.pid, "web/0-another-context")
    assert running(child.pid)


def own_session(path: Path) -> bool:
    stat = warden.read_stat(pid_in(path)) if pid_in(path) else None
    return stat is not None and stat.session == stat.pid
