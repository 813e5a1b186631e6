"""When a unit takes up what was changed in its charm: when an operator says so, and never else."""

from __future__ import annotations

import os
import signal

from .conftest import Place, wait_for


def test_up_hands_a_changed_charm_in_and_an_unchanged_one_not(place: Place) -> None:
    """H1, H4: upgrade-charm runs once for each change"""
    place.write_hook("upgrade-charm", "echo took up $(cat version)")
    (place.charm / "version").write_text("one")
    run = place.up("--lease", "10s")
    place.settles(["web/0"])
    for version, revision in (("one", 1), ("two", 2)):
        run.send(signal.SIGINT)
        assert run.ends() == 0
        (place.charm / "version").write_text(version)
        run = place.up()
        place.settles(["web/0"])
        wait_for(lambda now=revision: _runs(place) == now, f"revision {revision}")
    log = place.text("log", "web/0")
    assert "took up two" in log and "took up one" not in log
    assert log.count("upgrade-charm ended well") == 1


def test_an_agent_that_is_started_again_runs_what_it_ran_before(place: Place) -> None:
    """H4, H9: though the charm's folder has changed; units under one revision are alike"""
    (place.charm / "version").write_text("one")
    place.up("--lease", "10s", "--units", "2")
    place.settles(["web/0", "web/1"])
    (place.charm / "version").write_text("two")
    pid = place.pid_of("web/0")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: place.pid_of("web/0") not in (None, pid), "the agent is back")
    place.settles(["web/0", "web/1"])
    assert [_version(place, unit) for unit in ("web/0", "web/1")] == ["one", "one"]
    place.text("refresh", "web")
    wait_for(
        lambda: [_version(place, unit) for unit in ("web/0", "web/1")] == ["two", "two"],
        "both take the new one up",
    )


def test_a_mended_charm_reaches_a_unit_that_is_in_error(place: Place) -> None:
    """H7: the edit, refresh, look of a charm's author"""
    place.write_hook("install", "exit 3")
    run = place.up("--lease", "10s")
    run.says('hook failed: "install"')
    place.write_hook("install", "echo mended")
    place.text("refresh", "web")
    place.settles(["web/0"])
    log = place.text("log", "web/0")
    assert log.count("install ended well") == 1 and "mended" in log


def test_an_operators_word_on_host_changes_holds_from_the_next_hook_on(place: Place) -> None:
    """H9"""
    place.up("--lease", "10s")
    place.settles(["web/0"])
    which = ("exec", "web/0", "--", "sh", "-c", "command -v apt-get || true")
    assert "shims" in place.text(*which)
    place.text("refresh", "web", "--allow-host-changes")
    wait_for(lambda: "shims" not in place.text(*which), "the shims are gone")
    place.text("refresh", "web", "--no-allow-host-changes")
    wait_for(lambda: "shims" in place.text(*which), "the shims are back")


def _runs(place: Place) -> int:
    status = place.try_status()
    return status.applications["web"].units["web/0"].charm_revision if status else 0


def _version(place: Place, unit: str) -> str:
    return place.text("exec", unit, "--", "cat", "version")
