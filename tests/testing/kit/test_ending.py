"""What a stage leaves when it is closed: nothing, whatever happened on it."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tenure.testing import App, Forbidden, KitError, Stage
from tests.support.bash_charms import JOB, bash_charm, is_alive, said


def descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_what_hooks_left_behind_is_ended_also_in_a_session_of_its_own(tmp_path: Path) -> None:
    """H8"""
    file = tmp_path / "pids"
    hook = f"setsid sleep 1000 & echo $! >>{file}; sleep 1001 & echo $! >>{file}"
    with Stage() as stage:
        stage.deploy(bash_charm(tmp_path, {"install": hook}))
        pids = [int(pid) for pid in file.read_text().split()]
        assert [is_alive(pid) for pid in pids] == [True, True]
    try:
        assert [is_alive(pid) for pid in pids] == [False, False]
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def killed(stage: Stage, web: App) -> None:
    web[1].kill()
    stage.pass_time("61s")


def held(stage: Stage, web: App) -> None:
    halt = web[1].halt("leader-elected", "leader-set")
    web.elect(web[1], wait=False)
    halt.reached()


def frozen(stage: Stage, web: App) -> None:
    held(stage, web)
    web[1].freeze("61s")


def interrupted(stage: Stage, web: App) -> None:
    def interrupt() -> bool:
        raise KeyboardInterrupt

    stage.never(interrupt, "")
    with pytest.raises(KeyboardInterrupt):
        stage.pass_time("1m")


def forbidden(stage: Stage, web: App) -> None:
    stage.never(lambda: web[1].leads, "web/1 must not lead")
    with pytest.raises(Forbidden, match="web/1 must not lead: so it was at 0"):
        web.elect(web[1])


def without_controller(stage: Stage, web: App) -> None:
    web.elect(web[1], wait=False)
    stage.controller.kill()
    stage.pass_time("5s")


@pytest.mark.parametrize(
    "happens", [killed, held, frozen, interrupted, forbidden, without_controller]
)
def test_a_stage_that_is_closed_leaves_no_file_process_or_word(
    tmp_path: Path, happens: Callable[[Stage, App], None], capfd: pytest.CaptureFixture[str]
) -> None:
    before = descriptors(), threading.active_count()
    with Stage() as stage:
        happens(stage, stage.deploy(bash_charm(tmp_path, JOB), units=2))
        folder = stage.folder
    assert (descriptors(), threading.active_count()) == before
    assert not folder.exists()
    assert capfd.readouterr() == ("", "")
    with pytest.raises(ChildProcessError):  # no zombie either
        os.waitpid(-1, os.WNOHANG)


def test_a_stage_that_is_closed_says_so(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "stage")
    stage.close()
    stage.close()
    assert said(stage.settle) == "the stage is closed: make another"
    with pytest.raises(KitError, match="is another stage's: give each a folder of its own"):
        Stage(tmp_path / "stage")
