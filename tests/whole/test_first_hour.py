"""What a newcomer meets: nobody watches in vain, and nothing that is wrong stays silent."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

from tests.support.patience import ending

from .conftest import PATIENCE, Place, wait_for

LEASE = ("--lease", "5s")


def test_a_detached_up_tells_of_a_hook_that_fails_at_once(place: Place) -> None:
    place.write_hook("install", "exit 3")
    done = place.call("up", str(place.charm), "--detach", *LEASE)
    assert done.returncode == 0 and b"tenure is up" in done.stdout
    assert done.stderr.startswith(b'warning: web/0: hook failed: "install": see `tenure log web/0`')


def test_a_detached_up_that_waits_ends_with_the_hook_that_failed(place: Place) -> None:
    place.write_hook("install", "exit 3")
    done = place.call("up", str(place.charm), "--detach", "--wait", *LEASE)
    assert done.returncode == 1
    assert done.stderr.startswith(b'ERROR web/0: hook failed: "install": see `tenure log web/0`')
    place.write_hook("install", "true")
    done = place.call("deploy", str(place.charm), "db", "--wait", "--timeout", "30s", *LEASE)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"db/0 starts\n", b"")
    place.settles(["db/0"], "db")


def test_who_waits_is_told_of_what_was_not_there_yet(place: Place) -> None:
    place.write_hook("start", "sleep 0.5")
    waiting = place.begin("wait", "web", "--for", "idle", "--for", "leader", "--timeout", "50s")
    place.call("up", str(place.charm), "--detach", *LEASE)
    assert waiting.ends() == 0 and waiting.out == "web: idle, leader\n"
    assert place.call("wait", "web/7", "--timeout", "0s").returncode == 5
    place.call("remove-application", "web")
    assert place.call("wait", "web", "--for", "gone").returncode == 0


def test_a_misspelled_hook_is_told_by_up_the_log_and_why(place: Place) -> None:
    place.write_hook("leader-elcted", "true")
    place.write_hook("pears-relation-changed", "true")
    done = place.call("up", str(place.charm), "--detach", "--wait", *LEASE)
    for said in (done.stderr, place.call("log").stdout, place.call("why", "web").stdout):
        assert b"hooks/leader-elcted never runs: there is no such hook" in said
        assert b"did you mean leader-elected?" in said
        assert b"hooks/pears-relation-changed never runs: the charm has no relation" in said


def test_a_charm_that_no_unit_could_copy_is_refused_by_whoever_takes_it(place: Place) -> None:
    name = os.fsdecode(b"caf\xe9")
    says = b'"caf\\xe9" is not UTF-8: rename it\n'
    place.call("up", str(place.charm), "--detach", "--wait", *LEASE)
    (place.charm / name).touch()
    for words in (("deploy", str(place.charm), "db"), ("refresh", "web"), ("up", str(place.charm))):
        done = place.call(*words)
        assert (done.returncode, done.stdout) == (1, b""), words
        assert done.stderr.startswith(b"ERROR cannot use the charm ") and done.stderr.endswith(says)
    assert place.status().applications.keys() == {"web"}
    assert place.text("log", "web/0").count("upgrade-charm") == 0


def test_an_agent_that_ends_before_it_is_ready_leaves_the_reason_in_the_log(place: Place) -> None:
    """H11: there `why` sends whoever asks"""
    place.call("up", str(place.charm), "--detach", *LEASE)
    gone = place.folder / "gone"
    shutil.copytree(place.charm, gone)
    place.call("deploy", str(gone), "db", "--units", "0", *LEASE)
    (gone / os.fsdecode(b"\xff")).touch()
    place.call("add-unit", "db")
    wait_for(lambda: "the agent ended" in place.call("log", "db").stdout.decode(), "the reason")
    line = place.text("log", "db/0").splitlines()[-1]
    assert " ERROR   db/0: the agent ended: cannot use the charm " in line
    assert line.endswith(r'"\xff" is not UTF-8: rename it')
    assert "see `tenure log db/0`" in place.text("why", "db/0")


def test_a_terminal_that_moves_no_cursor_gets_a_line_for_each_event(place: Place) -> None:
    for words, term in (((), "dumb"), (("--plain",), "xterm")):
        place.move_to(place.folder / term)  # because one that carries on need not be granted again
        shown = on_terminal(place.argv("up", str(place.charm), *LEASE, *words), term, "granted")
        assert shown.startswith(f"state folder {place.state}; web: lease 5 s")
        assert "\x1b" not in shown


def on_terminal(argv: list[str], term: str, until: str) -> str:
    """What a command prints on a terminal until it says that, and is ended by Ctrl-C."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": term}
    begun = subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, env=environ)
    with ending(begun) as process:
        os.close(theirs)
        shown = b""
        deadline = time.monotonic() + PATIENCE
        while until.encode() not in shown and time.monotonic() < deadline:
            if select.select([ours], [], [], 1.0)[0]:
                shown += os.read(ours, 65536)
        process.send_signal(signal.SIGINT)
        try:
            while more := os.read(ours, 65536):
                shown += more
        except OSError:  # Linux' way to say that nobody has the other side
            pass
        assert process.wait(PATIENCE) == 0
    os.close(ours)
    assert until in shown.decode()
    return shown.decode()


def test_local_times_are_those_of_one_zone(idle: Place) -> None:
    zone = {**os.environ, "TZ": "Asia/Tokyo"}
    for command, said in (("status", "SINCE (JST)"), ("history", "TIME (JST)"), ("log", "+09:00 ")):
        words = ["web"] if command == "history" else []
        done = subprocess.run(
            idle.argv(command, *words), env=zone, capture_output=True, timeout=30, check=True
        )
        assert said in done.stdout.decode()


def test_a_name_that_is_too_long_starts_nothing(place: Place) -> None:
    done = place.call("up", str(place.charm), "--name", "a" * 150)
    assert done.returncode == 2 and b"at most 128 characters" in done.stderr
    assert not Path(place.state).exists()
