"""However the agent ends, its hooks end with it."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tenure.agent.hooks import warden, warden_client
from tenure.agent.hooks.warden_client import Warden
from tests.agent.hooks.processes import eventually, pid_in, running
from tests.support.patience import HANG, ending

StartAgent = Callable[[str], "Agent"]
Child = subprocess.Popen[bytes]

SOURCE = Path(warden.__file__).parents[3]

AGENT = """
import asyncio, os, sys
from tenure.agent.hooks.process import HookCommand, HookRunner
from tenure.agent.hooks.warden_client import Warden

class Nothing:
    def log(self, level, message, source=""): pass

async def main(context_id, script):
    warden = Warden()
    warden.start()
    hook = HookRunner(warden, Nothing()).start(HookCommand(
        hook="start", argv=("/bin/sh", "-c", script), context_id=context_id, cwd=os.getcwd(),
        env={"JUJU_CONTEXT_ID": context_id, "PATH": os.environ["PATH"]}))
    print(os.getpid(), warden.pid, hook.pid, flush=True)
    await hook.wait()
    print("ended", flush=True)
    await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def context_id() -> Iterator[str]:
    """A context id that no other test has; whatever carries it is ended with the test."""
    context_id = f"web/0-start-{secrets.token_hex(8)}"
    yield context_id
    for process in warden.living():
        if warden.carries(process.pid, context_id):
            warden.kill(process.pid)


class Agent:
    """A process like the agent, with one hook."""

    def __init__(self, context_id: str, script: str, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", AGENT, context_id, script],
            stdout=subprocess.PIPE,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
        )
        assert self.process.stdout is not None
        self.pid, self.warden, self.hook = map(int, self.process.stdout.readline().split())

    def until_the_hook_ended(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ended\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def agent(context_id: str, tmp_path: Path) -> Iterator[StartAgent]:
    started: list[Agent] = []

    def start(script: str) -> Agent:
        started.append(Agent(context_id, script, tmp_path))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()


async def test_a_hooks_group_dies_with_a_killed_agent(agent: StartAgent, tmp_path: Path) -> None:
    """H8"""
    killed = agent("trap '' TERM HUP; env -i sleep 60 & echo $! > child; wait; sleep 60")
    await eventually(lambda: pid_in(tmp_path / "child"))
    killed.kill()
    child = pid_in(tmp_path / "child")
    await eventually(lambda: not running(killed.hook) and not running(child), within=1.0)
    await eventually(lambda: not running(killed.warden))


async def test_what_a_hook_left_in_its_group_dies_with_a_killed_agent(
    agent: StartAgent, tmp_path: Path
) -> None:
    """H8: also when the hook itself has long ended."""
    killed = agent("sleep 60 & echo $! > child")
    killed.until_the_hook_ended()
    child = pid_in(tmp_path / "child")
    assert running(child)
    killed.kill()
    await eventually(lambda: not running(child), within=1.0)


async def test_what_a_charm_moved_into_its_own_session_is_left_alone(
    agent: StartAgent, tmp_path: Path
) -> None:
    """H8"""
    killed = agent("setsid sleep 60 & echo $! > service; sleep 60")
    await eventually(lambda: pid_in(tmp_path / "service"))
    service = pid_in(tmp_path / "service")
    await eventually(lambda: (stat := warden.read_stat(service)) and stat.session == service)
    killed.kill()
    await eventually(lambda: not running(killed.warden))
    assert not running(killed.hook)
    assert running(service)


async def test_the_warden_is_deaf_to_what_ends_an_agent(agent: StartAgent, tmp_path: Path) -> None:
    """H8: a terminal's or a service manager's signal to everybody."""
    killed = agent("trap '' TERM HUP INT; echo $$ > ready; while :; do sleep 0.1; done")
    await eventually(lambda: pid_in(tmp_path / "ready"))
    await eventually(lambda: ignores(killed.warden, signal.SIGHUP))
    stat = warden.read_stat(killed.warden)
    assert stat is not None
    assert stat.session == killed.warden
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        os.kill(killed.warden, number)
    killed.kill()
    await eventually(lambda: not running(killed.hook), within=1.0)


def ignores(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line for line in status.splitlines() if line.startswith("SigIgn:"))
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)


async def test_a_hook_does_not_hold_the_pipe_to_the_warden(
    agent: StartAgent, tmp_path: Path
) -> None:
    """H8: else the warden would not notice that the agent is gone."""
    started = agent("exec sleep 60")
    await eventually(lambda: Path(f"/proc/{started.hook}/comm").read_text() == "sleep\n")
    theirs = {str(each.readlink()) for each in Path(f"/proc/{started.hook}/fd").iterdir()}
    pipe = str(Path(f"/proc/{started.warden}/fd/0").readlink())
    assert pipe.startswith("pipe:")
    assert pipe not in theirs


async def test_another_warden_is_started_and_told_of_what_is_alive(
    agent: StartAgent, tmp_path: Path, context_id: str
) -> None:
    """H8"""
    killed = agent("trap '' TERM; echo $$ > ready; sleep 60; sleep 60")
    await eventually(lambda: pid_in(tmp_path / "ready"))
    os.kill(killed.warden, signal.SIGKILL)
    await eventually(lambda: wardens_of(killed.pid) - {killed.warden})
    assert running(killed.hook)
    killed.kill()
    await eventually(lambda: not running(killed.hook), within=1.0)


def wardens_of(parent: int) -> set[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return {int(pid) for pid in children if b"warden.py" in command_of(pid)}


def command_of(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.fixture
def bare() -> Iterator[Child]:
    """The warden's program with a pipe in our hand."""
    with ending(
        subprocess.Popen(
            [sys.executable, "-IS", warden.__file__], stdin=subprocess.PIPE, start_new_session=True
        )
    ) as process:
        yield process
        process.kill()


def tell(process: Child, text: str) -> None:
    """Say it, and be gone."""
    assert process.stdin is not None
    process.stdin.write(text.encode())
    process.stdin.close()
    process.wait(HANG)


@pytest.fixture
def make_sleeper(context_id: str) -> Iterator[Callable[[], Child]]:
    with ExitStack() as at_the_end:

        def make() -> Child:
            process = subprocess.Popen(
                ["sleep", "60"], env={"JUJU_CONTEXT_ID": context_id}, start_new_session=True
            )
            at_the_end.enter_context(process)
            at_the_end.callback(process.kill)
            return process

        yield make


@pytest.fixture
def sleeper(make_sleeper: Callable[[], Child]) -> Child:
    return make_sleeper()


def test_a_hook_whose_pid_was_not_told_is_found_by_its_context(
    bare: Child, sleeper: Child, context_id: str
) -> None:
    """H8: the agent was killed while it started the hook."""
    tell(bare, f"+{context_id}\n")
    assert sleeper.wait(HANG) == -signal.SIGKILL


async def test_a_hook_that_becomes_itself_only_now_is_found_too(
    bare: Child, make_sleeper: Callable[[], Child], context_id: str
) -> None:
    """H8: the agent was killed between the fork and the exec."""
    await eventually(lambda: ignores(bare.pid, signal.SIGHUP))
    assert bare.stdin is not None
    bare.stdin.write(f"+{context_id}\n".encode())
    bare.stdin.close()
    assert make_sleeper().wait(HANG) == -signal.SIGKILL


def test_a_stranger_with_the_hooks_pid_is_left_alone(
    bare: Child, sleeper: Child, context_id: str
) -> None:
    """H8: another start time is another process."""
    stat = warden.read_stat(sleeper.pid)
    assert stat is not None
    tell(bare, f"+a\n=a {sleeper.pid} {stat.start + 1}\n")
    assert sleeper.poll() is None


def test_a_hook_that_is_over_is_no_business_of_the_wardens(
    bare: Child, sleeper: Child, context_id: str
) -> None:
    """H8"""
    stat = warden.read_stat(sleeper.pid)
    assert stat is not None
    tell(bare, f"+{context_id}\n={context_id} {sleeper.pid} {stat.start}\n-{context_id}\n")
    assert sleeper.poll() is None


def test_a_warden_passes_over_what_it_does_not_understand(
    bare: Child, sleeper: Child, context_id: str
) -> None:
    """H8"""
    stat = warden.read_stat(sleeper.pid)
    assert stat is not None
    tell(bare, f"\n\udcff?\n=a b c\n=a\n+{context_id}\n={context_id} {sleeper.pid} {stat.start}\n="
         .encode("utf-8", "replace").decode())  # fmt: skip
    assert sleeper.wait(HANG) == -signal.SIGKILL


@pytest.fixture
def leader(context_id: str) -> Iterator[Child]:
    """A hook that leaves a child in its group and ends once its pid was read."""
    with ending(
        subprocess.Popen(
            ["/bin/sh", "-c", "sleep 60 & echo $!"],
            stdout=subprocess.PIPE,
            env={"JUJU_CONTEXT_ID": context_id},
            start_new_session=True,
        )
    ) as process:
        yield process
        warden.kill_group(process.pid)


async def test_a_group_that_outlives_its_hook_stays_registered_until_it_is_gone(
    monkeypatch: pytest.MonkeyPatch, context_id: str, leader: Child
) -> None:
    """H8"""
    monkeypatch.setattr(warden_client, "LOOK_AFTER", 0.01)
    ours = Warden()
    ours.start()
    assert leader.stdout is not None
    child = int(leader.stdout.readline())
    ours.expect(context_id)
    ours.spawned(context_id, leader.pid)
    leader.wait()
    ours.ended(context_id)
    assert ours.registered == {context_id}
    os.kill(child, signal.SIGKILL)
    await eventually(lambda: not ours.registered)
    await ours.close()


async def test_a_warden_that_is_stopped_is_replaced_before_it_fills_up(context_id: str) -> None:
    """H8: and its hooks live on: it is ended before its pipe is closed."""
    ours = Warden()
    ours.start()
    stopped = ours.pid
    assert stopped is not None
    try:
        os.kill(stopped, signal.SIGSTOP)
        for number in range(100_000):
            ours.expect(f"{context_id}-{number}")
            ours.ended(f"{context_id}-{number}")
            if ours.pid != stopped:
                break
        assert not running(stopped)
        await eventually(lambda: ours.pid)
        assert ours.pid != stopped
    finally:
        await ours.close()
