"""What hooks, actions and `exec` begin with, whoever started `tenure up` and `tenure exec`."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from tenure.agent.hooks.warden import Stat, read_stat
from tests.support.hostile import TELL, TOLD, hostile
from tests.support.namespaces import as_process_1, skip_unless_allowed
from tests.support.patience import HANG

from .conftest import Place, wait_for

ACTIONS = "tell:\n  description: tells what it found\n"


def test_hooks_actions_and_exec_begin_alike_whoever_started_tenure(place: Place) -> None:
    """P6, H9: default signals, an empty mask, no descriptors, umask 022"""
    place.write_hook("start", f"{TELL} > told")
    action = place.charm / "actions" / "tell"
    action.parent.mkdir()
    action.write_text(f"#!/bin/bash\n{TELL} > told-by-action\n")
    action.chmod(0o755)
    (place.charm / "actions.yaml").write_text(ACTIONS)
    run = place.up("--lease", "5s", caller=hostile)
    place.settles(["web/0"])
    copy = place.state / "units" / "web-0" / "charm"
    place.text("run", "web/0", "tell")
    argv = hostile(place.argv("exec", "web/0", "--", "bash", "-c", TELL))
    done = subprocess.run(argv, capture_output=True, text=True, timeout=HANG, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, TOLD, "")
    assert (copy / "told").read_text() == TOLD
    assert (copy / "told-by-action").read_text() == TOLD
    assert run.process.poll() is None
    assert place.call("down").returncode == 0
    assert run.ends() == 0


def test_a_hook_can_trap_ctrl_c_and_its_daemon_can_be_hung_up(place: Place) -> None:
    """H9"""
    body = "trap 'echo caught > int' INT; kill -INT $$\nsetsid sleep 300 >&- 2>&- &\necho $! > pid"
    place.write_hook("start", body)
    place.up("--lease", "5s", caller=hostile)
    place.settles(["web/0"])
    copy = place.state / "units" / "web-0" / "charm"
    assert (copy / "int").read_text() == "caught\n"
    daemon = int((copy / "pid").read_text())
    _end(daemon, signal.SIGHUP)


def test_a_state_folder_that_no_hook_could_find_its_tools_in_is_refused_by_up(place: Place) -> None:
    """H9, T8"""
    for name, code, why in (
        (b"15:12:01", 1, b"there is a colon in its path"),
        (b"a\nb", 1, b"there is a control character"),
        (b"caf\xe9", 2, b"is not text in UTF-8"),
    ):
        place.move_to(place.folder / os.fsdecode(name))
        done = place.call("up", str(place.charm), "--detach")
        assert (done.returncode, done.stdout) == (code, b"")
        assert why in done.stderr and done.stderr.count(b"\n") == 1
        assert not place.state.exists()


def test_in_a_state_folder_of_any_other_name_hooks_find_their_tools(place: Place) -> None:
    """H9"""
    place.move_to(place.folder / 'it\'s $HOME; 50%, "é" *')
    place.write_hook("start", "status-set active found")
    place.up("--lease", "5s")
    place.settles(["web/0"])
    assert place.status().applications["web"].units["web/0"].status.message == "found"
    assert place.text("exec", "web/0", "--", "is-leader") == "True\n"


def test_up_as_process_1_reaps_what_hooks_left_and_ends_as_ever(place: Place) -> None:
    """H8"""
    skip_unless_allowed()
    place.write_hook("update-status", "setsid sleep 0.1 & echo >> runs")
    run = place.up("--lease", "5s", "--update-status-interval", "1s", caller=as_process_1)
    place.settles(["web/0"])
    runs = place.state / "units" / "web-0" / "charm" / "runs"
    wait_for(lambda: runs.exists() and len(runs.read_text()) >= 3, "three hooks to have run")
    (first,) = (each.pid for each in _processes() if each.parent == run.process.pid)
    wait_for(lambda: not _zombies_of(first), "what hooks left to be reaped")
    os.kill(first, signal.SIGTERM)
    assert run.ends() == 0


def _zombies_of(parent: int) -> list[int]:
    return [each.pid for each in _processes() if each.parent == parent and not each.alive()]


def _processes() -> list[Stat]:
    pids = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [stat for stat in map(read_stat, pids) if stat is not None]


def _end(pid: int, number: signal.Signals) -> None:
    """With that signal; by force if it does not heed it."""
    process = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(process, number)
        wait_for(lambda: not _lives(pid), f"process {pid} to end")
    finally:
        if _lives(pid):
            signal.pidfd_send_signal(process, signal.SIGKILL)
        os.close(process)


def _lives(pid: int) -> bool:
    stat = read_stat(pid)
    return stat is not None and stat.alive()
