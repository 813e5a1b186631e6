"""A sweeper or a careless `rm` takes files of a running Tenure: within some seconds all is well."""

from __future__ import annotations

import shutil

import pytest

from tenure.cli.words.options import operator_of
from tenure.errors import Unreachable
from tenure.statefolder import StateFolder

from .conftest import Place, wait_for

WITHIN = 15.0
"""Seconds until what was removed is there again."""


@pytest.fixture
def running(place: Place) -> Place:
    place.write_hook("update-status", "is-leader; command -v apt-get")
    place.up("--lease", "5s", "--update-status-interval", "1s")
    place.settles(["web/0"])
    return place


def test_sockets_that_were_removed_are_bound_again(running: Place) -> None:
    """G9, H4: and nobody loses leadership meanwhile"""
    term = running.status().applications["web"].term
    operator = operator_of(StateFolder(running.state))
    for socket in (running.state / "run").iterdir():
        socket.unlink()
    with pytest.raises(Unreachable, match="runs there, so its socket was removed"):
        operator.status()  # at once: a command of its own would come too late
    wait_for(lambda: running.try_status(), "the controller's socket", WITHIN)
    wait_for(lambda: _says_true(running), "hook tools and exec", WITHIN)
    assert running.status().applications["web"].term == term
    assert running.text("history", "web").count(" granted ") == 1


def test_the_sockets_folder_may_vanish_whole(running: Place) -> None:
    shutil.rmtree(running.state / "run")
    wait_for(lambda: running.try_status(), "the controller's socket", WITHIN)
    wait_for(lambda: _says_true(running), "hook tools and exec", WITHIN)
    assert (running.state / "run").stat().st_mode & 0o777 == 0o700


def test_what_was_connected_goes_on(running: Place) -> None:
    """L9, T9: an operator's context from before is whole, and so is the agents' conversation"""
    begun, flag = running.folder / "begun", running.folder / "go"
    script = f"touch {begun}; while [ ! -e {flag} ]; do sleep 0.1; done; is-leader"
    context = running.begin("exec", "web/0", "--", "bash", "-c", script)
    wait_for(begun.exists, "the context")
    pid = running.pid_of("web/0")
    for socket in (running.state / "run").iterdir():
        socket.unlink()
    wait_for(lambda: len(list((running.state / "run").iterdir())) == 3, "all sockets", WITHIN)
    flag.touch()
    assert context.ends() == 0 and context.out == "True\n"
    assert running.pid_of("web/0") == pid


@pytest.mark.parametrize("folder", ["tools", "shims"])
def test_what_hooks_find_on_their_path_is_made_again_before_the_next_one(
    running: Place, folder: str
) -> None:
    """T1: else no tool is found, or the machine's own apt-get is"""
    unit = running.state / "units/web-0"
    shutil.rmtree(unit / folder)
    wait_for(lambda: "it was made again" in running.text("log", "web/0"), "it is there", WITHIN)
    wait_for(lambda: len(_after(running)) >= 8, "two more hooks", WITHIN)
    assert all("not found" not in line for line in _after(running))
    found = {line.split(": ", 1)[1] for line in _after(running) if line.endswith("/apt-get")}
    assert found == {str(unit / "shims/apt-get")}


def test_up_has_its_lock_again(running: Place) -> None:
    """L9: else a second `up` would start beside it"""
    lock = running.state / "up.lock"
    lock.unlink()
    wait_for(lambda: lock.exists() and lock.read_text(), "the lock", WITHIN)
    second = running.call("up")
    assert second.returncode == 1 and b"runs on" in second.stderr


def test_a_detached_ups_log_is_put_aside_while_it_runs(place: Place) -> None:
    place.write_hook("update-status", "true")
    place.text("up", str(place.charm), "--update-status-interval", "1s", "--detach")
    log = place.state / "up.log"
    with open(log, "ab") as file:
        file.write(b"x" * 11_000_000 + b"\n")
    wait_for(lambda: log.stat().st_size < 1_000_000, "it is short", WITHIN)
    assert log.with_name("up.log.1").stat().st_size == 10 * 1024 * 1024
    begun = log.stat().st_size
    wait_for(lambda: log.stat().st_size > begun, "it goes on", WITHIN)
    assert b"\0" not in log.read_bytes()


def _says_true(place: Place) -> bool:
    done = place.call("exec", "web/0", "--", "is-leader")
    return done.returncode == 0 and done.stdout == b"True\n"


def _after(place: Place) -> list[str]:
    """The log since something was made again."""
    return place.text("log", "web/0").partition("it was made again")[2].splitlines()
