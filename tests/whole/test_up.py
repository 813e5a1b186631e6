"""`tenure up`, with the real controller, real agents and a real charm."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tenure.statefolder import StateFolder

from .conftest import Place, wait_for


def test_up_starts_everything_and_ctrl_c_ends_all_of_it(place: Place) -> None:
    run = place.up("--units", "2", "--lease", "10s")
    place.settles(["web/0", "web/1"])
    assert run.out.splitlines()[0] == (
        f"state folder {place.state}; web: lease 10 s, guarantee 5 s"
    )
    begun = time.monotonic()
    run.send(signal.SIGINT)
    assert run.ends() == 0
    assert time.monotonic() - begun < 5
    assert place.processes() == []
    assert run.err == ""


def test_sockets_that_lie_elsewhere_leave_no_folder_after_a_clean_end(place: Place) -> None:
    place.move_to(place.folder / ("s" * 90))
    run = place.up("--lease", "5s")
    place.settles(["web/0"])
    sockets = StateFolder(place.state).socket_folder
    assert sockets.parent == Path("/tmp") and sockets.is_dir()
    run.send(signal.SIGINT)
    assert run.ends() == 0
    assert not sockets.exists()


def test_a_folder_in_a_sockets_place_is_one_line_before_anything_is_started(place: Place) -> None:
    sockets = place.state / "run"
    (sockets / "controller.sock").mkdir(parents=True)
    sockets.chmod(0o700)
    run = place.up()
    assert run.ends() == 1
    assert run.err == (
        f"ERROR cannot listen on {sockets}/controller.sock: it is a folder: "
        "remove it, or choose another state folder with --state\n"
    )


def test_the_next_up_carries_on_with_units_lease_and_settings(place: Place) -> None:
    """B1, G8"""
    run = place.up("--units", "2", "--lease", "10s", "--guarantee", "4s")
    place.settles(["web/0", "web/1"])
    leader = place.leader()
    assert leader is not None
    assert place.call("exec", leader, "--", "leader-set", "secret=s3").returncode == 0
    term = place.status().applications["web"].term
    run.send(signal.SIGTERM)
    assert run.ends() == 0
    place.up()
    place.settles(["web/0", "web/1"])
    web = place.status().applications["web"]
    assert (web.lease.duration, web.lease.guarantee) == (10, 4)
    assert web.term >= term
    assert place.text("settings", "web") == "secret: s3\n"


def test_a_second_up_on_the_same_folder_is_refused_with_the_first_ones_pid(
    place: Place,
) -> None:
    run = place.up("--lease", "5s")
    place.settles(["web/0"])
    second = place.up()
    assert second.ends() == 1
    assert second.out == ""
    assert second.err == (
        f"ERROR `tenure up` (pid {run.process.pid}) runs on {place.state} already: see `tenure "
        "status`, stop it with `tenure down`, or choose another --state\n"
    )
    assert run.process.poll() is None


def test_when_up_is_killed_its_processes_end_within_a_second_and_the_next_up_goes_on(
    place: Place,
) -> None:
    """H8"""
    run = place.up("--units", "2", "--lease", "5s")
    place.settles(["web/0", "web/1"])
    assert len(place.processes()) == 3
    run.process.kill()
    run.ends()
    wait_for(lambda: not place.processes(), "children to notice", within=1.5)
    place.up()
    place.settles(["web/0", "web/1"])


def test_an_up_right_after_a_killed_one_waits_for_its_vanishing_processes(place: Place) -> None:
    run = place.up("--lease", "5s")
    place.settles(["web/0"])
    stopped = place.processes()
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)  # They cannot notice, and hold their locks.
    run.process.kill()
    run.ends()
    second = place.up()
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    second.says("state folder")
    place.settles(["web/0"])
    assert not [line for line in second.out.splitlines() if "ended" in line and "hook:" not in line]


def test_a_controller_or_agent_that_died_is_restarted_after_a_second(place: Place) -> None:
    """G9"""
    run = place.up("--lease", "10s")
    place.settles(["web/0"])
    pid, status = place.pid_of("web/0"), place.status()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    run.says("agent of web/0 ended (signal: killed); restarting in 1 s")
    wait_for(lambda: place.pid_of("web/0") not in (pid, None), "a new agent")
    os.kill(status.controller.pid, signal.SIGKILL)
    run.says("controller ended (signal: killed); restarting in 1 s")
    wait_for(lambda: place.try_status() is not None, "a new controller")
    place.settles(["web/0"])
    assert place.status().applications["web"].term == status.applications["web"].term


def test_no_restart_leaves_ended_what_ended_and_another_unit_leads(place: Place) -> None:
    """G11"""
    run = place.up("--units", "2", "--lease", "5s", "--no-restart")
    place.settles(["web/0", "web/1"])
    leader = place.leader()
    assert leader is not None
    other = {"web/0": "web/1", "web/1": "web/0"}[leader]
    pid = place.pid_of(leader)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    run.says(f"agent of {leader} ended (signal: killed); it is not restarted")
    wait_for(lambda: place.leader() == other, f"{other} to lead")
    assert place.status().applications["web"].units[leader].agent == "lost"


def test_units_can_be_added_and_removed_while_it_is_up(place: Place) -> None:
    """H1"""
    run = place.up("--lease", "5s")
    place.settles(["web/0"])
    assert place.text("add-unit", "web") == "web/1\n"
    place.settles(["web/0", "web/1"])
    place.text("remove-unit", "web/1")
    run.says("agent of web/1 is gone, as its unit is")
    place.settles(["web/0"])
    assert place.text("add-unit", "web") == "web/2\n"
    place.settles(["web/0", "web/2"])


def test_more_units_are_added_and_fewer_are_refused_with_the_command_to_use(place: Place) -> None:
    run = place.up("--units", "2", "--lease", "5s")
    place.settles(["web/0", "web/1"])
    run.send(signal.SIGINT)
    run.ends()
    fewer = place.up("--units", "1")
    assert fewer.ends() == 1
    assert fewer.err == (
        "ERROR web has 2 units, not 1: start it without --units, and then `tenure scale web 1` has "
        "the others leave\n"
    )
    assert place.processes() == []
    place.up("--units", "3")
    place.settles(["web/0", "web/1", "web/2"])


def test_another_name_or_another_charm_is_refused(place: Place) -> None:
    run = place.up("--lease", "5s")
    place.settles(["web/0"])
    run.send(signal.SIGINT)
    run.ends()
    other = place.folder / "other"
    shutil.copytree(place.charm, other)
    named = place.up("--name", "shop")
    assert named.ends() == 1
    assert named.err == (
        f"ERROR {place.state} runs web, and no shop: `tenure up` alone carries on, and then "
        f"`tenure deploy {place.charm} shop` adds it beside; "
        "or choose another state folder with --state\n"
    )
    charmed = place.up("--name", "web", charm=other)
    assert charmed.ends() == 1
    assert charmed.err == (
        f"ERROR web runs the charm {place.charm}: `tenure up` alone carries on, and then `tenure "
        f"refresh web {other}` changes it; or choose another state folder with --state\n"
    )
    assert place.processes() == []


def test_the_lease_of_an_application_that_exists_is_changed(place: Place) -> None:
    """L1"""
    run = place.up("--lease", "10s")
    place.settles(["web/0"])
    run.send(signal.SIGINT)
    run.ends()
    run = place.up("--lease", "20s", "--guarantee", "3s")
    place.settles(["web/0"])
    lease = place.status().applications["web"].lease
    assert (lease.duration, lease.guarantee) == (20, 3)


def test_a_running_hook_is_let_end_when_all_is_stopped(place: Place) -> None:
    """H8"""
    place.write_hook("start", "touch begun; for i in {1..15}; do sleep 0.1; done; touch finished")
    run = place.up("--lease", "5s")
    folder = place.state / "units" / "web-0" / "charm"
    wait_for((folder / "begun").exists, "the hook to begin")
    run.send(signal.SIGINT)
    assert run.ends() == 0
    assert (folder / "finished").exists()


def test_a_second_ctrl_c_kills_everything_at_once_hooks_too(place: Place) -> None:
    """H8"""
    place.write_hook("start", "trap '' TERM; echo $$ > pid; while :; do sleep 0.1; done")
    run = place.up("--lease", "5s")
    pid_file = place.state / "units" / "web-0" / "charm" / "pid"
    wait_for(lambda: pid_file.exists() and pid_file.read_text().strip(), "the hook to begin")
    hook = int(pid_file.read_text())
    run.send(signal.SIGINT)
    run.says("stopping")
    begun = time.monotonic()
    run.send(signal.SIGINT)
    assert run.ends() == 0
    assert time.monotonic() - begun < 1.5
    wait_for(lambda: not _is_alive(hook), "the hook to be gone", within=2)
    assert place.processes() == []


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_detach_returns_once_all_is_ready_and_down_ends_it(place: Place) -> None:
    done = place.call("up", str(place.charm), "--units", "2", "--lease", "5s", "--detach")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"tenure is up (pid ")
    # Not at once: what an agent has just forked looks like the agent until it is the hook.
    wait_for(lambda: len(place.processes()) == 3, "a controller and two agents")
    assert place.call("exec", "web/1", "--", "is-leader").returncode == 0
    assert "state folder" in (place.state / "up.log").read_text()
    assert place.call("down").returncode == 0
    assert place.processes() == []
    again = place.call("down")
    assert again.returncode == 3
    assert again.stderr.startswith(b"ERROR no `tenure up` runs on ")


def test_detach_gives_the_error_and_its_exit_code(place: Place) -> None:
    place.call("up", str(place.charm), "--lease", "5s", "--detach")
    done = place.call("up", str(place.charm), "--detach")
    assert done.returncode == 1
    assert done.stderr.startswith(b"ERROR `tenure up` (pid ")


def test_a_store_that_is_gone_is_an_error_and_no_new_beginning(place: Place) -> None:
    run = place.up("--lease", "5s")
    place.settles(["web/0"])
    run.send(signal.SIGINT)
    run.ends()
    for path in (place.state / "controller").glob("controller.db*"):
        path.unlink()
    run = place.up()
    assert run.ends() == 1
    assert run.err.startswith("ERROR the controller ended: ")
    assert str(place.state / "controller" / "controller.db") in run.err
    assert run.err.count("\n") == 1


def test_a_store_that_is_another_programs_is_refused_by_name(place: Place) -> None:
    folder = place.state / "controller"
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / "controller.db") as database:
        database.execute("CREATE TABLE mine (x)")
    run = place.up()
    assert run.ends() == 1
    assert str(folder / "controller.db") in run.err
    assert run.err.count("\n") == 1
    assert place.processes() == []


@pytest.mark.parametrize(
    ("args", "code", "error"),
    [
        (["--lease", "4s"], 2, "ERROR a lease of 4 s is out of range: choose 5 s to 300 s\n"),
        (["--lease", "301s"], 2, "ERROR a lease of 301 s is out of range: choose 5 s to 300 s\n"),
        (
            ["--lease", "20s", "--guarantee", "11s"],
            2,
            "ERROR a guarantee of 11 s does not fit a lease of 20 s: choose more than 0 s and at "
            "most half the lease, 10 s\n",
        ),
        (
            ["--update-status-interval", "500ms"],
            2,
            "ERROR --update-status-interval is out of range: choose 1s to 24h\n",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    place: Place, args: list[str], code: int, error: str
) -> None:
    """L1"""
    run = place.up(*args)
    assert (run.ends(), run.out, run.err) == (code, "", error)
    assert not place.state.exists()


def test_a_charm_that_is_none_is_refused_before_anything_is_made(place: Place) -> None:
    missing = place.up(charm=place.folder / "nowhere")
    assert missing.ends() == 1
    assert missing.err.startswith("ERROR ")
    empty = place.folder / "empty"
    empty.mkdir()
    nothing = place.up(charm=empty)
    assert nothing.ends() == 1
    assert nothing.err.count("\n") == 1
    assert not place.state.exists()
