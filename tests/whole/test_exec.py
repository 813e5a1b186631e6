"""`tenure exec` against the real agent: bytes, signals and exit codes pass unchanged."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from tenure.agent.hooks.warden import read_stat
from tenure.wire.operators import HookState
from tests.support.patience import HANG, ending

from .conftest import Place, wait_for


def test_stdin_stdout_stderr_and_exit_code_pass_through_unchanged(idle: Place) -> None:
    """T9"""
    every_byte = bytes(range(256)) * 1000
    done = idle.call("exec", "web/0", "--", "cat", stdin=every_byte)
    assert (done.returncode, done.stdout, done.stderr) == (0, every_byte, b"")
    done = idle.call("exec", "web/0", "--", "sh", "-c", "printf '\\377' >&2; exit 42")
    assert (done.returncode, done.stdout, done.stderr) == (42, b"", b"\xff")
    done = idle.call("exec", "web/0", "--", "sh", "-c", "kill -TERM $$")
    assert done.returncode == 128 + signal.SIGTERM
    done = idle.call("exec", "web/0", "--", "printf", "%s|", "--state", "-f", "--", "", "a b")
    assert done.stdout == b"--state|-f|--||a b|"


def test_what_the_caller_closed_is_closed_for_the_command_too(idle: Place) -> None:
    """T9"""
    script = "for n in 0 1 2; do [ -e /proc/self/fd/$n ] || printf %s $n >> seen; done; exit 7"
    seen = idle.state / "units" / "web-0" / "charm" / "seen"
    for closed, numbers in (("<&-", "0"), (">&-", "1"), ("2>&-", "2"), ("<&- >&- 2>&-", "012")):
        shell = ["sh", "-c", f'exec "$@" {closed}', "sh"]
        argv = idle.argv("exec", "web/0", "--", "sh", "-c", script)
        done = subprocess.run([*shell, *argv], capture_output=True, timeout=HANG, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (7, b"", b""), closed
        assert seen.read_text() == numbers
        seen.unlink()
    argv = idle.argv("exec", "web/0", "--", "nosuch")
    shell = ["sh", "-c", 'exec "$@" 2>&-', "sh"]
    done = subprocess.run([*shell, *argv], capture_output=True, timeout=HANG, check=False)
    assert (done.returncode, done.stdout) == (127, b"")


def test_the_command_is_in_a_fresh_hook_context_in_the_charms_folder(idle: Place) -> None:
    """H9, T8"""
    folder = idle.state / "units" / "web-0" / "charm"
    assert idle.text("exec", "web/0", "--", "pwd") == f"{folder}\n"
    assert idle.text("exec", "web/0", "--", "is-leader") == "True\n"
    script = "echo $JUJU_UNIT_NAME; echo $JUJU_CONTEXT_ID; echo ${TENURE_STATE-none}"
    first = idle.text("exec", "web/0", "--", "sh", "-c", script).split()
    second = idle.text("exec", "web/0", "--", "sh", "-c", script).split()
    assert first[0] == "web/0"
    assert first[1] != second[1]
    assert first[2] == "none"


def test_what_cannot_be_started_has_the_shells_codes(idle: Place) -> None:
    folder = idle.state / "units" / "web-0" / "charm"
    (folder / "plain").write_text("echo never")
    (folder / "script").write_text("echo from sh $1")
    (folder / "script").chmod(0o755)
    (folder / "lost").write_text("#!/nowhere/at/all\n")
    (folder / "lost").chmod(0o755)
    for name, code in (("nope", 127), ("./nope", 127), ("./plain", 126), ("./hooks", 126),
                       ("", 127), ("./lost", 127)):  # fmt: skip
        done = idle.call("exec", "web/0", "--", name)
        assert (done.returncode, done.stdout) == (code, b""), name
        assert done.stderr.startswith(b"ERROR ") and done.stderr.count(b"\n") == 1
    assert idle.text("exec", "web/0", "--", "./script", "x") == "from sh x\n"
    assert idle.text("exec", "web/0", "--", "hooks/../script", "y") == "from sh y\n"


def test_it_waits_for_a_running_hook_and_no_hook_runs_beside_it(place: Place) -> None:
    """H6"""
    place.write_hook("start", "touch begun; sleep 0.7; touch finished")
    place.up("--lease", "5s")
    folder = place.state / "units" / "web-0" / "charm"
    wait_for((folder / "begun").exists, "the hook to begin")
    assert place.text("exec", "web/0", "--", "ls", "finished") == "finished\n"


def has_ended(noted: Path) -> bool:
    """Whether the process whose pid was noted there runs no more."""
    found = read_stat(int(noted.read_text()))
    return found is None or not found.alive()


def test_a_command_that_is_ended_is_ended_with_all_that_it_started(idle: Place) -> None:
    """H6: or the next command would run beside it"""
    folder = idle.state / "units" / "web-0" / "charm"
    script = "sleep 600 & echo $! > child; wait"
    done = idle.call("exec", "web/0", "--wait", "1s", "--", "sh", "-c", script)
    assert done.returncode == 124
    assert has_ended(folder / "child")
    (folder / "child").unlink()
    run = idle.begin("exec", "web/0", "--", "sh", "-c", script)
    wait_for(lambda: (folder / "child").exists() and (folder / "child").read_text(), "it to begin")
    run.send(signal.SIGTERM)
    assert run.ends() == 128 + signal.SIGTERM
    assert has_ended(folder / "child")


def test_it_works_while_the_unit_is_in_error(place: Place) -> None:
    """H7"""
    place.write_hook("start", "exit 3")
    place.up("--lease", "5s")

    def hook() -> HookState | None:
        status = place.try_status()
        web = status.applications.get("web") if status else None
        return web.units["web/0"].hook if web and web.units else None

    wait_for(lambda: (state := hook()) and state.error, "the unit to be in error")
    assert place.text("exec", "web/0", "--", "echo", "here") == "here\n"
    done = place.call("resolve", "web/0", "--no-retry")
    assert done.returncode == 0
    wait_for(lambda: (state := hook()) and state.error is None, "the error to be over")


def test_a_unit_that_does_not_exist_is_said_at_once(idle: Place) -> None:
    done = idle.call("exec", "web/7", "--", "true")
    assert done.returncode == 125
    assert done.stderr == b"ERROR there is no unit web/7: see `tenure status`\n"


def test_when_the_agent_is_killed_the_command_ends_with_it(place: Place) -> None:
    """H8"""
    place.up("--lease", "5s", "--no-restart")
    place.settles(["web/0"])
    argv = place.argv("exec", "web/0", "--", "sh", "-c", "sleep 60 & echo $!; wait")
    with ending(subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)) as process:
        assert process.stdout is not None
        started = int(process.stdout.readline())
        agent = place.pid_of("web/0")
        assert agent is not None
        os.kill(agent, signal.SIGKILL)
        _, err = process.communicate(timeout=HANG)
    assert process.returncode == 125
    assert err.startswith(b"ERROR the context of web/0 is over")
    assert not _lives(started)


def test_a_signal_is_passed_on_to_the_command(idle: Place) -> None:
    trap = "trap 'echo got it; exit 9' TERM; echo begun; while :; do sleep 0.05; done"
    argv = idle.argv("exec", "web/0", "--", "sh", "-c", trap)
    with ending(subprocess.Popen(argv, stdout=subprocess.PIPE)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.terminate()
        out, _ = process.communicate(timeout=HANG)
    assert (process.returncode, out) == (9, b"got it\n")


def test_when_exec_is_killed_its_command_ends_and_no_hook_begins_beside_it(place: Place) -> None:
    """H6, H8: with all that it started, but for what moved into a session of its own"""
    place.up("--lease", "5s")
    place.settles(["web/0"])
    script = "setsid sleep 60 & daemon=$!; sleep 60 & echo $! $daemon $$; wait"
    argv = place.argv("exec", "web/0", "--", "bash", "-c", script)
    started: list[int] = []
    with ending(subprocess.Popen(argv, stdout=subprocess.PIPE)) as process:
        assert process.stdout is not None
        child, daemon, command = map(int, process.stdout.readline().split())
        started += [child, daemon, command]
        wait_for(lambda: os.getsid(daemon) == daemon, "a session of its own")
        process.kill()
    try:
        wait_for(lambda: not _lives(child) and not _lives(command), "the command to end")
        assert _lives(daemon)
        assert place.text("exec", "web/0", "--", "is-leader") == "True\n"
    finally:
        for pid in filter(_lives, started):
            os.kill(pid, signal.SIGKILL)


def _lives(pid: int) -> bool:
    stat = read_stat(pid)
    return stat is not None and stat.alive()
