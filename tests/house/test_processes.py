"""Backoff, one process, and keeping it running; with small stand-ins for controller and agent."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tenure.clock import SystemClock
from tenure.up.backoff import Backoff
from tenure.up.child import CannotStart, Child
from tenure.up.closing import close_all
from tenure.up.restarter import Restarter

Start = Callable[[str], Child]

OBEDIENT = "print('ready', flush=True); input()"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('ready', flush=True); time.sleep(60)"
)


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    children: list[Child] = []

    def begin(program: str) -> Child:
        child = Child.start([sys.executable, "-ISc", program], tmp_path / "log")
        children.append(child)
        return child

    yield begin
    for child in children:
        child.kill()
        await child.ended


def test_waiting_doubles_to_half_a_minute_and_a_calm_minute_forgets() -> None:
    waits, backoff = [], Backoff()
    for _ in range(7):
        backoff = backoff.after(ran_for=2.0)
        waits.append(backoff.delay)
        backoff = backoff.doubled()
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    assert backoff.after(ran_for=60.0).delay == 1


async def test_a_child_says_when_it_is_ready_and_ends_when_asked(start: Start) -> None:
    child = start(OBEDIENT)
    assert await child.ready
    child.ask_to_stop()
    assert await child.ended == 0


async def test_a_child_that_fails_gives_its_last_words(start: Start) -> None:
    child = start("import sys; print('noise', file=sys.stderr); sys.exit('ERROR no seat')")
    assert not await child.ready
    assert await child.ended == 1
    assert child.last_words() == "no seat"
    assert child.how_it_ended() == "exit status 1: no seat"
    silent = start("import sys; sys.exit(3)")
    await silent.ended
    assert silent.how_it_ended() == "exit status 3"


async def test_a_child_that_was_killed_is_told_by_the_signal(start: Start) -> None:
    child = start(STUBBORN)
    await child.ready
    child.kill()
    assert await child.ended == -signal.SIGKILL
    assert child.how_it_ended() == "signal: killed"


async def test_a_child_has_a_session_of_its_own_and_an_end_of_a_pipe_as_stdin(
    start: Start,
) -> None:
    """H8"""
    child = start(OBEDIENT)
    assert await child.ready
    assert os.getsid(child.pid) == child.pid
    assert Path(f"/proc/{child.pid}/fd/0").readlink().name.startswith("pipe:")


async def test_what_cannot_be_started_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="cannot start a process: /nowhere: No such file"):
        Child.start(["/nowhere"], tmp_path / "log")
    with pytest.raises(CannotStart, match=r"cannot start a process: .*/no/folder: No such file"):
        Child.start(["/bin/true"], tmp_path / "no" / "folder" / "log")


def keeper(
    start: Callable[[], Child], say: Callable[[str], None], *, restart: bool, wanted: bool
) -> Restarter:
    async def is_wanted() -> bool:
        return wanted

    return Restarter(
        "agent of web/0",
        start,
        say=say,
        clock=SystemClock(),
        restart=restart,
        is_wanted=is_wanted,
    )


async def test_a_process_of_a_unit_that_is_gone_is_not_started_again(start: Start) -> None:
    said: list[str] = []
    await keeper(lambda: start("pass"), said.append, restart=True, wanted=False).keep()
    assert said == ["agent of web/0 is gone, as its unit is"]


async def test_without_restart_what_ended_stays_ended(start: Start) -> None:
    said: list[str] = []
    kept = keeper(lambda: start("raise SystemExit(4)"), said.append, restart=False, wanted=True)
    await kept.keep()
    assert said == ["agent of web/0 ended (exit status 4); it is not restarted"]
    assert await kept.started == "exit status 4"


async def test_what_ended_is_started_again_until_it_is_dismissed(start: Start) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    kept = keeper(lambda: start("raise SystemExit(4)"), said.put_nowait, restart=True, wanted=True)
    keeping = asyncio.create_task(kept.keep())
    assert await said.get() == "agent of web/0 ended (exit status 4); restarting in 1 s"
    assert await said.get() == "agent of web/0 ended (exit status 4); restarting in 2 s"
    kept.dismiss()
    await keeping
    assert said.empty()


async def test_agents_end_before_the_controller(start: Start, tmp_path: Path) -> None:
    tell = "print('ready', flush=True); input(); open({!r}, 'a').write({!r})"
    order = tmp_path / "order"
    controller = start(tell.format(str(order), "controller "))
    agents = [start(tell.format(str(order), "agent ")) for _ in range(2)]
    for child in (controller, *agents):
        assert await child.ready
    await close_all(agents, controller, asyncio.Event())
    assert order.read_text() == "agent agent controller "


async def test_who_is_in_a_hurry_does_not_wait(start: Start) -> None:
    child, controller = start(STUBBORN), start(STUBBORN)
    assert await child.ready and await controller.ready
    hurry = asyncio.Event()
    hurry.set()
    await asyncio.wait_for(close_all([child], controller, hurry), 5)
    assert (child.ended.result(), controller.ended.result()) == (-9, -9)
