"""A hook that hangs, with real processes: `why`, `kill-hook` and `--hook-timeout`."""

from __future__ import annotations

from tenure.agent.hooks.warden import read_stat
from tenure.wire.operators import HookState

from .conftest import Place, wait_for

HANGS = "sleep 600 & echo $! > child; echo begun; wait"


def hook_of(place: Place) -> HookState:
    status = place.try_status()
    web = status.applications.get("web") if status else None
    unit = web.units.get("web/0") if web else None
    return unit.hook if unit else HookState()


def child_is_gone(place: Place) -> bool:
    pid = int((place.state / "units" / "web-0" / "charm" / "child").read_text())
    stat = read_stat(pid)
    return stat is None or not stat.alive()


def test_an_operator_ends_a_hook_that_hangs_with_all_that_it_started(place: Place) -> None:
    """H7, O2"""
    place.write_hook("start", HANGS)
    place.up("--lease", "5s")
    wait_for(lambda: hook_of(place).running == "start", "the hook to run")
    wait_for(lambda: "begun" in place.text("log", "web/0"), "the hook to hang")
    said = place.text("kill-hook", "web/0")
    assert said == "web/0 was told to end start, which has failed then: see `tenure status`\n"
    wait_for(lambda: hook_of(place).error, "the hook to have failed")
    assert child_is_gone(place)
    assert '"start" (ended by an operator)' in place.text("why", "web/0")
    place.write_hook("start", "true")
    assert place.call("refresh", "web").returncode == 0
    place.settles(["web/0"])
    done = place.call("kill-hook", "web/0")
    assert (done.returncode, done.stderr) == (
        1, b"ERROR web/0 runs no hook: see `tenure status`\n",
    )  # fmt: skip


def test_a_hook_that_takes_longer_than_it_may_is_ended_by_itself_until_that_is_off(
    place: Place,
) -> None:
    """H7: and the state folder remembers it"""
    place.write_hook("start", HANGS)
    run = place.up("--lease", "5s", "--hook-timeout", "1s")
    wait_for(lambda: hook_of(place).error, "the hook to have failed")
    assert child_is_gone(place)
    told = '"start" (it ran for longer than 1s (--hook-timeout))'
    assert told in place.text("why", "web/0")
    assert place.call("down").returncode == 0
    assert run.ends() == 0
    run = place.begin("up")
    wait_for(lambda: hook_of(place).error, "the hook to have failed again")
    assert told in place.text("why", "web/0")


def test_how_long_a_hook_may_run_is_a_duration_or_off(place: Place) -> None:
    for wrong, why in (("60", b"has no unit"), ("10ms", b"too short"), ("never", b"not a dur")):
        done = place.call("up", str(place.charm), "--hook-timeout", wrong)
        assert done.returncode == 2 and why in done.stderr and done.stderr.count(b"\n") == 1
