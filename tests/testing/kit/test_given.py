"""What a test gives that is not what it should be: one line each, and the stage goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tenure.testing import App, KitError, Stage

HOOKS = {
    "leader-elected": 'leader-set owner="$JUJU_UNIT_NAME"',
    "config-changed": "true",
}


@pytest.fixture(scope="module")
def charm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("charm")
    (folder / "hooks").mkdir()
    for name, body in HOOKS.items():
        hook = folder / "hooks" / name
        hook.write_text(f"#!/bin/bash\n{body}\n")
        hook.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def shared(charm: Path) -> Iterator[tuple[Stage, App]]:
    with Stage() as stage:
        yield stage, stage.deploy(charm, "web", units=2)


WRONG: list[tuple[Callable[[Stage, App], Any], str]] = [
    (lambda s, w: w[0].exec("leader-set", 3), "a command is made of words: write '3' instead of 3"),
    (lambda s, w: w.elect("web/1"), "elect() takes a unit, as in elect(web[1]), not 'web/1'"),
    (lambda s, w: w["web/1"], "the number of a unit of web is a number from 0 to 1000000000, not"),
    (lambda s, w: s.deploy(None), "a charm is the path of a folder or a file, not None"),
    (lambda s, w: s.deploy("x", units="3"), "units is a number from 1 to 1000, not '3'"),
    (lambda s, w: s.deploy("x", units=0), "units is a number from 1 to 1000, not 0"),
    (lambda s, w: s.deploy("x", config=[1]), "config takes names and values, as in config={'port'"),
    (lambda s, w: w[0].run("go", [1]), "run() takes names and values, as in run('backup'"),
    (lambda s, w: s.until(True), "until() asks again and again: give it a function, as in lambda"),
    (lambda s, w: s.never(True, "x"), "never() asks again and again: give it a function"),
    (lambda s, w: s.pass_time("99999999h"), "99999999h is too long: a year at most"),
    (lambda s, w: w[0].halt("leader-electd", "leader-set"),
     "there is no hook 'leader-electd': did you mean 'leader-elected'?"),
    (lambda s, w: w[0].halt("leader-elected", "leader-st"),
     "there is no tool 'leader-st': did you mean 'leader-set'?"),
    (lambda s, w: s.until(lambda: s.settle()),
     "a condition may only look: it cannot run the stage that asks it"),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "told"), WRONG)
def test_what_is_given_wrongly_is_refused_in_one_line_and_the_stage_goes_on(
    shared: tuple[Stage, App], ask: Callable[[Stage, App], Any], told: str
) -> None:
    """G7"""
    with pytest.raises(KitError) as refusal:
        ask(*shared)
    assert str(refusal.value).startswith(told) and "\n" not in str(refusal.value)
    stage, web = shared
    stage.settle()
    assert web[0].exec("cat", web[0].charm / "hooks" / "config-changed").code == 0


def test_a_unit_that_was_removed_is_not_there_any_more(charm: Path) -> None:
    """U4"""
    with Stage() as stage:
        web = stage.deploy(charm, "web", units=2)
        gone = web[1]
        gone.remove()
        for ask in (gone.start, gone.cut_off, gone.kill, gone.update_status):
            with pytest.raises(KitError, match=r"^web/1 was removed: add_unit\(\) makes another$"):
                ask()
        with pytest.raises(KitError, match=r"^web/1 was removed, so it cannot lead"):
            web.elect(gone)
        stage.settle()


def test_a_stage_that_another_thread_runs_refuses_and_goes_on(charm: Path) -> None:
    """And can be closed after that"""
    with Stage() as stage:
        stage.deploy(charm, "web")
        inside, over = threading.Event(), threading.Event()

        def hold() -> bool:
            inside.set()
            return over.wait(60)

        thread = threading.Thread(target=stage.until, args=(hold,))
        thread.start()
        assert inside.wait(60)
        for ask in (stage.settle, stage.close):
            with pytest.raises(KitError, match=r"^another thread runs this stage"):
                ask()
        over.set()
        thread.join()
        stage.settle()


@pytest.mark.filterwarnings("error")
def test_a_closed_stage_refuses_whatever_is_asked(charm: Path) -> None:
    with Stage() as stage:
        web = stage.deploy(charm, "web", units=2)
    for ask in (
        lambda: web.elect(web[1]), lambda: web[0].exec("true"), web[0].kill, web.step_down,
        lambda: web[0].halt("start", "begin"), lambda: stage.never(lambda: False, "x"),
    ):  # fmt: skip
        with pytest.raises(KitError, match=r"^the stage is closed: make another$"):
            ask()


def test_the_story_has_what_a_failed_hook_said_last(charm: Path, tmp_path: Path) -> None:
    """H7, O5"""
    hook = tmp_path / "hooks" / "install"
    hook.parent.mkdir()
    hook.write_text("#!/bin/bash\necho first >&2\necho oops >&2\nexit 3\n")
    hook.chmod(0o755)
    with Stage() as stage:
        with pytest.raises(KitError, match=r"which failed: exit status 3: oops \(see the log of"):
            stage.deploy(tmp_path, "web")
        assert "0.000 web/0 install: failed (exit status 3): oops" in stage.story.lines
