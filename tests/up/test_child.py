"""One process: ready, its end, and its last words."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tenure.up.child import CannotStart, Child

from .conftest import OBEDIENT, STUBBORN, Start


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
