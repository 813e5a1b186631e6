"""What hooks, actions and `exec` begin with, whoever started `tenure up` and `tenure exec`."""

from __future__ import annotations

import os
import signal
import subprocess

from tenure.agent.hooks.warden import read_stat
from tests.support.hostile import TELL, TOLD, hostile

from .conftest import Place, wait_for

ACTIONS = "tell:\n  description: tells what it found\n"


def test_hooks_actions_and_exec_begin_alike_whoever_started_tenure(place: Place) -> None:
    """H9: default signals, an empty mask, no descriptors, umask 022"""
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
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
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
