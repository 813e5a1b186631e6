"""When a unit takes up what was changed in its charm: when an operator says so, and never else."""

from __future__ import annotations

import os
import shutil
import signal
import zipfile
from pathlib import Path

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


def test_a_refresh_replaces_what_a_hook_changed_of_the_charm(place: Place) -> None:
    """P3: the unit has its upgrade, and keeps what is its own"""
    place.write_hook("config-changed", "echo mine > version; echo kept > made")
    (place.charm / "version").write_text("one")
    place.up("--lease", "10s")
    place.settles(["web/0"])
    assert _version(place, "web/0") == "mine\n"
    place.write_hook("config-changed", "true")
    (place.charm / "version").write_text("two")
    place.text("refresh", "web")
    wait_for(lambda: _version(place, "web/0") == "two", "the new one")
    assert (place.state / "units/web-0/charm/made").read_text() == "kept\n"


def test_a_unit_that_lost_its_charm_is_in_error_until_it_has_it_again(place: Place) -> None:
    """H6, H7"""
    place.write_hook("update-status", "echo it ran")
    place.up("--lease", "5s", "--update-status-interval", "1s")
    place.settles(["web/0"])
    shutil.rmtree(place.state / "units/web-0/charm")
    refused = place.call("exec", "web/0", "--", "true")
    assert refused.returncode == 125 and b"`tenure refresh web` copies it again" in refused.stderr
    wait_for(lambda: place.status().applications["web"].units["web/0"].hook.error, "it is in error")
    assert "the unit has lost its copy of the charm" in place.text("why", "web/0")
    wait_for((place.state / "units/web-0/charm/hooks/install").exists, "the copy")
    place.settles(["web/0"])


def test_a_charm_whose_hooks_lack_the_executable_bit_runs(place: Place) -> None:
    """H6: as Juju's packer has it"""
    for path in (place.charm / "hooks").iterdir():
        path.chmod(0o644)
    run = place.up("--lease", "5s")
    place.settles(["web/0"])
    assert "hooks/install, hooks/leader-elected" in run.err and "not executable" in run.err
    log = place.text("log", "web/0")
    assert "WARNING web/0: hooks/install is not executable in the charm" in log
    assert "leader-elected ended well" in log


def test_prepared_charms_and_removed_units_go_and_a_moved_state_folder_runs(place: Place) -> None:
    """H9, O1: nothing grows for ever, and nothing inside is known by where it once was"""
    file = place.folder / "web.charm"
    _pack(place, file)
    run = place.begin("up", str(file), "--name", "web", "--units", "2", "--lease", "5s")
    place.settles(["web/0", "web/1"])
    for version in ("two", "three"):
        (place.charm / "version").write_text(version)
        _pack(place, file)
        place.text("refresh", "web", str(file))
        wait_for(lambda now=version: _version(place, "web/0") == now, version)
    wait_for(lambda: len(_prepared(place)) == 1, "one charm is left")
    place.text("remove-unit", "web/1")
    wait_for(lambda: not (place.state / "units/web-1").exists(), "the unit's folder is gone")
    assert "the unit has left" in place.text("log", "web/1")
    run.send(signal.SIGINT)
    assert run.ends() == 0
    moved = place.folder / "moved"
    place.state.rename(moved)
    place.move_to(moved)
    place.begin("up")
    place.settles(["web/0"])
    assert place.text("add-unit", "web") == "web/2\n"
    place.settles(["web/0", "web/2"])
    assert _version(place, "web/2") == "three"
    place.text("remove-application", "web")
    wait_for(lambda: not _prepared(place), "no charm is left")
    wait_for(lambda: not list((place.state / "units").iterdir()), "no unit is left")


def _prepared(place: Place) -> list[str]:
    return [path.name for path in (place.state / "charms").iterdir() if len(path.name) == 32]


def _pack(place: Place, file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(place.charm.rglob("*")):
            archive.write(path, path.relative_to(place.charm))
