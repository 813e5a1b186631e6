"""The table of what happens when, row by row, on real processes."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
from pathlib import Path

import pytest

from tenure.statefolder import StateFolder
from tests.support.patience import HANG
from tests.whole.conftest import Place, wait_for

TRACE = 'echo "$JUJU_UNIT_NAME $JUJU_HOOK_NAME $TENURE_TERM" >> {trace}'


@pytest.fixture
def trace(place: Place) -> Path:
    """Every leadership hook leaves a line there."""
    path = place.folder / "trace"
    path.touch()
    for hook in ("leader-elected", "leader-settings-changed"):
        place.write_hook(hook, TRACE.format(trace=path))
    return path


def lines(trace: Path) -> list[str]:
    return trace.read_text().splitlines()


def all_are_told(place: Place, trace: Path) -> None:
    """Wait until both units have run their first leadership hook, and nothing runs."""
    place.settles(["web/0", "web/1"])
    wait_for(lambda: len(lines(trace)) == 2, "both to be told")
    place.settles(["web/0", "web/1"])


def other_of(leader: str | None) -> str:
    return {"web/0": "web/1", "web/1": "web/0"}[leader or ""]


def pid_of(place: Place, unit: str | None) -> int:
    assert unit is not None
    pid = place.pid_of(unit)
    assert pid is not None
    return pid


def test_a_leader_back_before_its_lease_ran_out_goes_on_and_no_hook_runs_again(
    place: Place, trace: Path
) -> None:
    """U1, H4"""
    place.up("--units", "2", "--lease", "20s")
    all_are_told(place, trace)
    leader, before, seen = place.leader(), place.status(), lines(trace)
    killed = pid_of(place, leader)
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: place.pid_of(leader or "") not in (None, killed), "a new agent")
    assert place.text("exec", str(leader), "--", "is-leader") == "True\n"
    after = place.status().applications["web"]
    assert (after.leader, after.term) == (leader, before.applications["web"].term)
    assert lines(trace) == seen


def test_a_controller_killed_and_started_again_is_noticed_by_nobody(
    place: Place, trace: Path
) -> None:
    """G9, G6"""
    place.up("--units", "2", "--lease", "20s")
    all_are_told(place, trace)
    leader, before = place.leader(), place.status()
    place.text("exec", str(leader), "--", "leader-set", "kept=1")
    os.kill(before.controller.pid, signal.SIGKILL)
    wait_for(lambda: len(lines(trace)) == 3, "the news to be told")
    wait_for(lambda: place.try_status() is not None, "a new controller")
    place.settles(["web/0", "web/1"])
    assert place.text("exec", other_of(leader), "--", "leader-get", "kept") == "1\n"
    after = place.status()
    assert after.controller.pid != before.controller.pid
    assert after.applications["web"].leader == leader
    assert after.applications["web"].term == before.applications["web"].term
    assert len(lines(trace)) == 3


def test_a_controller_started_again_begins_no_empty_store(place: Place) -> None:
    """F, G8: or all terms would begin anew, and each agent would be refused for what it knows"""
    place.up("--lease", "20s")
    place.settles(["web/0"])
    store, log = StateFolder(place.state).store_file, StateFolder(place.state).controller_log
    pid = place.status().controller.pid
    os.kill(pid, signal.SIGSTOP)
    for part in store.parent.glob(f"{store.name}*"):
        part.rename(place.folder / part.name)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: "is missing" in log.read_text(), "the new controller to refuse")
    assert not store.exists()


def test_a_leader_that_was_stopped_past_its_lease_is_a_minion_when_it_wakes(
    place: Place, trace: Path
) -> None:
    """U5, G5, U1"""
    place.up("--units", "2", "--lease", "5s", "--guarantee", "2s", "--no-restart")
    place.settles(["web/0", "web/1"])
    leader = place.leader()
    pid = pid_of(place, leader)
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: place.leader() == other_of(leader), "the other to lead")
    os.kill(pid, signal.SIGCONT)
    assert place.text("exec", str(leader), "--", "is-leader") == "False\n"
    refused = place.call("exec", str(leader), "--", "leader-set", "a=b")
    assert refused.returncode == 1
    assert b"not the leader" in refused.stderr
    told = [f"{leader} leader-elected 1", f"{leader} leader-settings-changed "]
    wait_for(
        lambda: [line for line in lines(trace) if line.startswith(str(leader))] == told,
        f"it to be told: {lines(trace)}",
    )


def test_an_agent_that_was_stopped_is_silent_wherever_an_operator_looks(place: Place) -> None:
    """O1, O3, O5: what its kernel still takes is no answer"""
    place.up("--units", "2", "--lease", "60s")
    place.settles(["web/0", "web/1"])
    unit = other_of(place.leader())
    pid = pid_of(place, unit)
    os.kill(pid, signal.SIGSTOP)
    refused = place.call("exec", unit, "--", "true")
    assert refused.returncode == 125
    silent = rf"{unit} does not answer: its agent \(pid {pid}\) has been silent for \d+ s: see "
    assert re.search(silent, refused.stderr.decode()), refused.stderr
    assert re.search(rf"{unit} +silent for \d+ s +{pid} ", place.text("status"))
    told = place.text("why", unit)
    assert "its agent has been silent for" in told and f"`kill -CONT {pid}`" in told
    refused = place.call("elect", unit)
    assert refused.returncode == 1 and b"its agent has been silent for" in refused.stderr
    os.kill(pid, signal.SIGCONT)
    wait_for(
        lambda: place.status().applications["web"].units[unit].agent == "connected",
        "it to be heard again",
    )
    assert place.text("elect", unit).startswith(f"{unit} leads web")


def test_a_stalled_controller_takes_the_lease_from_nobody_who_is_there(place: Place) -> None:
    """L8, G9"""
    place.up("--units", "2", "--lease", "5s", "--guarantee", "2s", "--no-restart")
    place.settles(["web/0", "web/1"])
    leader, before = place.leader(), place.status()
    agents = [pid_of(place, unit) for unit in ("web/0", "web/1")]
    os.kill(before.controller.pid, signal.SIGSTOP)
    wait_for(
        lambda: place.call("exec", str(leader), "--", "is-leader").stdout == b"False\n",
        "its own clock to end its belief",
    )
    os.kill(before.controller.pid, signal.SIGCONT)
    wait_for(lambda: place.status().applications["web"].term == 2, "a new term")
    assert place.leader() == leader
    assert agents == [pid_of(place, unit) for unit in ("web/0", "web/1")]


def test_a_leader_whose_agent_is_stopped_cleanly_hands_over_at_once(
    place: Place, trace: Path
) -> None:
    """U4, G2"""
    place.write_hook("leader-deposed", TRACE.format(trace=trace))
    place.up("--units", "2", "--lease", "60s", "--no-restart")
    all_are_told(place, trace)
    leader = place.leader()
    successor = other_of(leader)
    os.kill(pid_of(place, leader), signal.SIGTERM)
    wait_for(lambda: place.leader() == successor, "the other to lead")
    wait_for(lambda: f"{successor} leader-elected 2" in lines(trace), "its hook")
    assert lines(trace)[-3:] == [
        f"{leader} leader-deposed ",
        f"{leader} leader-settings-changed ",
        f"{successor} leader-elected 2",
    ]


def test_elect_moves_leadership_and_says_how_long_each_part_took(place: Place) -> None:
    """O1, O4"""
    place.up("--units", "2", "--lease", "60s")
    place.settles(["web/0", "web/1"])
    leader = place.leader()
    successor = other_of(leader)
    said = place.text("elect", successor)
    assert f"{successor} leads web, term 2" in said
    assert f"{leader} stepped down in" in said
    assert "took over in" in said
    assert f"an operator elected {successor}" in place.text("history", "web")


def test_a_promise_given_inside_a_hook_holds_until_the_hook_has_ended(place: Place) -> None:
    """G3, U4"""
    gate, told = place.folder / "gate", place.folder / "told"
    place.write_hook(
        "config-changed",
        f'if [ "$(is-leader)" = True ]; then touch {told}; '
        f"until [ -e {gate} ]; do read -t 0.02 <> <(:); done; leader-set last=word; fi",
    )
    place.up("--units", "2", "--lease", "60s")
    wait_for(told.exists, "the promise")
    leader = place.leader()
    successor = other_of(leader)
    wait_for(lambda: place.status().applications["web"].units[successor].eligible, successor)
    electing = subprocess.Popen(place.argv("elect", successor), stdout=subprocess.PIPE)
    try:
        wait_for(lambda: place.status().applications["web"].lease.handing_over, "stepping down")
        assert place.leader() == leader
        assert electing.poll() is None
        gate.touch()
        out, _ = electing.communicate(timeout=HANG)
    finally:
        electing.kill()
        electing.wait()
    assert f"{successor} leads web".encode() in out
    assert place.text("settings", "web").strip() == "last: word"


def test_a_full_disk_refuses_writes_while_renewals_go_on_and_mends_itself(place: Place) -> None:
    """G7, L7, L8"""
    place.up("--units", "2", "--lease", "60s", "--no-restart")
    place.settles(["web/0", "web/1"])
    leader, before = place.leader(), place.status()
    controller = before.controller.pid
    _, hard = resource.prlimit(controller, resource.RLIMIT_FSIZE)
    resource.prlimit(controller, resource.RLIMIT_FSIZE, (0, hard))
    failed = place.call("exec", str(leader), "--", "leader-set", "a=1")
    assert failed.returncode == 1
    assert failed.stderr.startswith(b"ERROR cannot write leadership settings: ")
    assert failed.stderr.count(b"\n") == 1
    assert place.text("exec", str(leader), "--", "is-leader") == "True\n"
    resource.prlimit(controller, resource.RLIMIT_FSIZE, (hard, hard))
    wait_for(
        lambda: place.call("exec", str(leader), "--", "leader-set", "b=2").returncode == 0,
        "writes to go on",
    )
    after = place.status()
    assert (after.controller.pid, place.leader()) == (controller, leader)
    assert after.applications["web"].term == before.applications["web"].term
    assert "b: '2'" in place.text("settings", "web") or 'b: "2"' in place.text("settings", "web")


def test_a_hook_ends_with_its_killed_agent_and_runs_again_never_beside_its_ghost(
    place: Place,
) -> None:
    """H5, H8, H2"""
    pids = place.folder / "pids"
    place.write_hook(
        "leader-elected",
        f'echo $$ >> {pids}; [ "$(wc -l < {pids})" -gt 1 ] && exit 0; trap "" TERM; sleep 300',
    )
    place.up("--lease", "30s")
    wait_for(lambda: pids.exists() and pids.read_text().endswith("\n"), "the hook")
    os.kill(pid_of(place, "web/0"), signal.SIGKILL)
    first = int(pids.read_text().split()[0])
    wait_for(lambda: not Path(f"/proc/{first}").exists(), "the hook to be gone")
    wait_for(lambda: len(pids.read_text().split()) == 2, "it to run again")
    place.settles(["web/0"])
    assert place.status().applications["web"].term == 1


def test_the_same_unit_started_twice_is_refused(place: Place) -> None:
    """L9"""
    place.up("--lease", "10s")
    place.settles(["web/0"])
    pid = pid_of(place, "web/0")
    argv = [*place.argv("x")[:2], "tenure.agent", "--state", str(place.state), "--charm",
            str(place.charm), "web/0"]  # fmt: skip
    second = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=HANG)
    assert second.returncode == 1
    assert second.stderr.startswith(b"ERROR ")
    assert str(pid).encode() in second.stderr
    assert place.text("exec", "web/0", "--", "is-leader") == "True\n"


def test_a_failed_hook_is_shown_retried_and_resolved(place: Place) -> None:
    """H7, O2, O3, O5"""
    place.write_hook("config-changed", "exit 3")
    place.up("--lease", "10s")
    wait_for(
        lambda: b"! config-changed failed" in place.call("status").stdout,
        "the error in status",
    )
    assert 'hook failed: "config-changed"' in place.text("resolve", "web/0")
    wait_for(lambda: place.text("log", "web/0").count("exit status 3") >= 2, "a second try")
    place.text("resolve", "web/0", "--no-retry")
    place.settles(["web/0"])
    assert "failed" not in place.text("status")


def test_a_pinned_lease_outlives_its_holder_and_revoke_frees_it(place: Place) -> None:
    """L6, L5, O2"""
    place.up("--units", "2", "--lease", "5s", "--no-restart")
    place.settles(["web/0", "web/1"])
    leader = place.leader()
    place.text("pin", "web", "--reason", "upgrade", "--for", "2h")
    os.kill(pid_of(place, leader), signal.SIGKILL)

    def is_past_its_end() -> bool:
        web = place.status().applications["web"]
        return web.lease.left == 0 and web.leader == leader

    wait_for(is_past_its_end, "the lease to be over and still held")
    assert "pinned" in place.text("why", "web")
    assert place.call("revoke", "web").returncode == 2
    place.text("revoke", "web", "--yes")
    wait_for(lambda: place.leader() == other_of(leader), "the other to lead")
    assert "revoked" in place.text("history", "web")


def test_a_charm_that_cannot_be_copied_owes_all_its_hooks(place: Place) -> None:
    """H1, H4"""
    run = place.up("--lease", "10s")
    place.settles(["web/0"])
    in_the_way = place.state / "units" / "web-1" / "charm"
    in_the_way.parent.mkdir(mode=0o700)
    in_the_way.touch()
    place.text("add-unit", "web")
    run.says("agent of web/1 ended (exit status 1: cannot copy the charm")
    in_the_way.unlink()
    place.settles(["web/0", "web/1"])
    assert place.text("log", "web/1").count("install ended well") == 1
