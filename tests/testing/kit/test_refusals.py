"""Bad input: one line each, that says what, why, and the next step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tenure.testing import App, Stage
from tests.support.bash_charms import JOB, bash_charm, said


def cut_off_and_elected(stage: Stage, web: App) -> None:
    web[1].cut_off()
    web.elect(web[1])


def failing_for_ever(stage: Stage, web: App) -> None:
    (web[0].charm / "hooks" / "update-status").write_text("#!/bin/bash\nexit 3\n")
    web[0].update_status()


def raising(stage: Stage, web: App) -> None:
    stage.never(lambda: 1 / 0, "nothing is so")
    stage.pass_time("1s")


REFUSED: list[tuple[Callable[[Stage, App], object], str]] = [
    (lambda stage, web: web[9], "there is no unit web/9: there are web/0, web/1"),
    (cut_off_and_elected, "web/1 is cut off, so it cannot lead: reconnect() it first"),
    (lambda stage, web: stage.pass_time("-5s"),
     "'-5s' is not a duration: write it like 60s, 5m, 1h30m or 500ms"),
    (lambda stage, web: stage.pass_time(5),  # type: ignore[arg-type]
     "5 is no span: write it like '61s', or give a timedelta"),
    (failing_for_ever,
     "the stage does not settle in 10 minutes: web/0 owes update-status, which failed: exit "
     "status 3 (see the log of web/0): mend that, or deploy with settle=False and pass_time()"),
    (raising,
     "the condition of never('nothing is so') raised ZeroDivisionError: division by zero"),
    (lambda stage, web: web[0].start(),
     "the agent of web/0 runs already: kill() or stop() it first"),
    (lambda stage, web: web[0].reconnect(), "web/0 is not cut off: cut_off() does that"),
    (lambda stage, web: stage.controller.start(), "the controller runs already"),
    (lambda stage, web: stage.until(lambda: False, within="1m"),
     "what until() waits for did not come to pass within 60 s of virtual time: nobody had "
     "anything left to do: see the story"),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "line"), REFUSED, ids=[line[:30] for _, line in REFUSED])
def test_what_cannot_be_is_refused_in_one_line(
    tmp_path: Path, ask: Callable[[Stage, App], object], line: str
) -> None:
    with Stage() as stage:
        web = stage.deploy(bash_charm(tmp_path, {**JOB, "update-status": "true"}), units=2)
        assert said(lambda: ask(stage, web)) == line


def test_a_charm_of_which_nothing_would_run_is_refused(tmp_path: Path) -> None:
    charm = bash_charm(tmp_path, {"hooks/instal": ""}, "name: web\n")
    with Stage() as stage:
        assert said(lambda: stage.deploy(charm)) == (
            f'the charm "{charm}" has no executable hook and no dispatch: nothing of it would run'
        )


def test_in_a_running_event_loop_nothing_is_made(tmp_path: Path) -> None:
    async def main() -> str:
        return said(lambda: Stage(tmp_path / "stage"))

    assert asyncio.run(main()) == (
        "an event loop runs in this thread: write a plain test without `async`, or call the stage "
        "in `asyncio.to_thread`"
    )
    assert not (tmp_path / "stage").exists()
