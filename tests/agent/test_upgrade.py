"""The charm of a unit is brought up to date: a copy beside the loop, then `upgrade-charm`."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from tenure.agent.charm.copy import CharmError, CopyInterrupted
from tenure.agent.charm.files import CharmFiles
from tenure.testing.charm import make_charm
from tenure.testing.machine import Machine
from tenure.testing.time.waiting import in_virtual_time, settle
from tests.support.charmstage import (
    CHARM,
    CHARM_HOOKS,
    CONFIG_YAML,
    calm,
    charmed,
    end,
    give,
    is_calm,
    source_of,
)
from tests.support.stage import Stage

WITHOUT_DEPOSED = tuple(hook for hook in CHARM_HOOKS if hook != "leader-deposed")


def make_source(folder: Path, **files: str) -> Path:
    """A charm's source with a `dispatch` and these files."""
    source = folder / "source"
    source.mkdir(exist_ok=True)
    for name, text in {"dispatch": "#!/bin/sh\n", "config_yaml": CONFIG_YAML, **files}.items():
        path = source / name.replace("_", ".")
        path.write_text(text)
        path.chmod(0o755)
    return source


@in_virtual_time
async def test_a_new_charm_is_copied_and_then_told_of(tmp_path: Path) -> None:
    """H1, H9"""
    stage = await charmed(tmp_path)
    leader, minion = await calm(stage)
    source = make_source(tmp_path, flag="new")
    await stage.post("/v1/applications/web/charm", {**CHARM, "source": str(source)})
    for machine in (leader, minion):
        await stage.until(
            lambda machine=machine: machine.hooks[-2:] == ["upgrade-charm", "config-changed"]
        )
        assert (machine.folder / "charm" / "flag").read_text() == "new"
        assert machine.unit.state.charm_revision == 2
    await leader.crash()
    leader.start()
    await stage.until(lambda: leader.unit.claimant.accepted)
    await stage.pass_time(2.0)
    assert leader.count("upgrade-charm") == 1


@in_virtual_time
async def test_a_charm_without_the_hook_is_upgraded_all_the_same(tmp_path: Path) -> None:
    """H6"""
    hooks = ("install", "leader-elected", "leader-settings-changed", "config-changed", "start")
    stage = await charmed(tmp_path, units=1, hooks=hooks)
    [unit] = await stage.led()
    source = tmp_path / "source"
    (source / "hooks").mkdir(parents=True)
    (source / "hooks" / "start").touch(mode=0o755)
    await stage.post("/v1/applications/web/charm", {**CHARM, "source": str(source)})
    await stage.until(lambda: unit.count("config-changed") == 2)
    assert "upgrade-charm skipped" in unit.log_text()


@in_virtual_time
async def test_a_dispatch_is_asked_to_demote_only_while_its_charm_declares_that(
    tmp_path: Path,
) -> None:
    """H10: what is so is what the copy says when the hook is due"""
    stage = await charmed(tmp_path, hooks=WITHOUT_DEPOSED)
    machines = await calm(stage)
    declares = "x-tenure: {hooks: [leader-deposed]}\n"
    for round_, metadata in enumerate(("", declares, "")):
        source = make_source(tmp_path, metadata_yaml=f"name: web\n{metadata}")
        await give(stage, source)
        for machine in machines:
            await stage.until(lambda m=machine, n=round_: m.unit.state.charm_copied == n + 2)
            await stage.until(lambda m=machine: m.hooks[-1] == "config-changed" and not m.running)
        old, new = sorted(machines, key=lambda machine: not machine.leads)
        before = old.count("leader-deposed")
        await stage.post("/v1/applications/web/elect", {"unit": new.name})
        await stage.until(lambda old=old: old.hooks[-1] == "leader-settings-changed")
        assert old.count("leader-deposed") == before + (1 if metadata else 0)
        assert old.unit.state.deposition is None, "it is paid all the same"


@in_virtual_time
async def test_a_failed_demotion_is_over_once_the_charm_has_it_no_more(tmp_path: Path) -> None:
    """H10, H7"""
    stage = await charmed(tmp_path, hooks=WITHOUT_DEPOSED)
    old, new = await calm(stage)
    await give(stage, make_source(tmp_path, metadata_yaml="x-tenure: {hooks: [leader-deposed]}\n"))
    await stage.until(lambda: old.hooks[-1] == "config-changed" and not old.running)
    old.runner.failing["leader-deposed"] = 1
    await stage.post("/v1/applications/web/elect", {"unit": new.name})
    await stage.until(lambda: old.unit.state.failure is not None)
    await give(stage, make_source(tmp_path, metadata_yaml=""))
    await stage.until(lambda: old.unit.state.failure is None)
    await stage.until(lambda: "leader-settings-changed" in old.hooks[-3:])
    assert old.count("leader-deposed") == 1


@in_virtual_time
async def test_a_charm_that_cannot_be_copied_is_an_error_that_is_tried_again(
    tmp_path: Path,
) -> None:
    """H7"""
    stage = await charmed(tmp_path, units=1)
    [unit] = await stage.led()
    gone = tmp_path / "source"
    await stage.post("/v1/applications/web/charm", {**CHARM, "source": str(gone)})
    await stage.until(lambda: unit.unit.state.failure is not None)
    assert 'hook failed: "upgrade-charm"' in unit.log_text() and str(gone) in unit.log_text()
    make_source(tmp_path)
    await stage.until(lambda: unit.count("upgrade-charm") == 1, within=20.0)
    await stage.until(lambda: unit.unit.state.failure is None)


@in_virtual_time
async def test_a_charm_handed_in_before_install_is_over_is_taken_up_after_it(
    tmp_path: Path,
) -> None:
    """H1"""
    stage = await charmed(tmp_path, units=1)
    [unit] = stage.machines
    unit.runner.held.add("install")
    unit.start()
    await stage.until(lambda: unit.running == "install" and unit.unit.claimant.accepted)
    source = make_source(tmp_path)
    await stage.post("/v1/applications/web/charm", {**CHARM, "source": str(source)})
    await end(unit)
    await stage.until(lambda: "start" in unit.hooks)
    assert unit.hooks[:3] == ["install", "upgrade-charm", "peers-relation-created"]


@in_virtual_time
async def test_a_new_peer_endpoint_is_entered(tmp_path: Path) -> None:
    stage = await charmed(tmp_path)
    leader, _ = await calm(stage)
    source = make_source(tmp_path)
    given = {**CHARM, "source": str(source), "peers": ["peers", "cluster"]}
    await stage.post("/v1/applications/web/charm", given)
    await stage.until(lambda: "cluster-relation-changed" in leader.hooks)
    new = [hook for hook in leader.hooks if hook.startswith("cluster")]
    assert new == [f"cluster-relation-{kind}" for kind in ("created", "joined", "changed")]


# -- nothing stands still, whatever becomes of a copy


async def failed_upgrade(tmp_path: Path) -> tuple[Stage, Machine]:
    """A unit in error since its `upgrade-charm` failed."""
    stage = await charmed(tmp_path, units=1)
    [unit] = await stage.led()
    unit.runner.failing["upgrade-charm"] = 1
    await give(stage, source_of(tmp_path))
    await stage.until(lambda: unit.unit.state.failure is not None)
    return stage, unit


@in_virtual_time
async def test_an_agent_that_starts_in_error_of_an_upgrade_goes_on(tmp_path: Path) -> None:
    """H5, H7: it does not know the charm before the controller has told it"""
    stage, unit = await failed_upgrade(tmp_path)
    await unit.crash()
    unit.start()
    await stage.until(lambda: unit.hooks[-2:] == ["upgrade-charm", "config-changed"], within=20.0)
    assert unit.unit.state.failure is None


@in_virtual_time
async def test_it_goes_on_also_when_the_controller_comes_late(tmp_path: Path) -> None:
    """H5, H7"""
    stage, unit = await failed_upgrade(tmp_path)
    await unit.crash()
    await stage.kill_controller()
    unit.start()
    await stage.pass_time(20.0)
    await stage.start_controller()
    await stage.until(lambda: unit.unit.state.failure is None, within=30.0)


@in_virtual_time
async def test_a_skipped_upgrade_does_not_run_when_its_copy_is_ready(tmp_path: Path) -> None:
    """H7"""
    stage, unit = await failed_upgrade(tmp_path)
    gate = asyncio.Event()
    unit.files.gate = gate
    await give(stage, source_of(tmp_path))
    await stage.until(lambda: unit.unit.upgrade.busy)
    await stage.post("/v1/units/web/0/resolve", {"retry": False})
    await stage.until(lambda: unit.unit.state.failure is None)
    gate.set()
    await stage.pass_time(5.0)
    assert unit.count("upgrade-charm") == 1 and unit.hooks[-1] == "config-changed"


@pytest.mark.parametrize("fault", [ValueError("odd"), RuntimeError("odd"), RecursionError("odd")])
@in_virtual_time
async def test_a_fault_of_the_copy_that_nobody_foresaw_is_a_failed_hook(
    tmp_path: Path, fault: Exception
) -> None:
    """H7"""
    stage = await charmed(tmp_path, units=1)
    [unit] = await stage.led()
    files = unit.slow_copies(fault)
    files.open_gate()
    await give(stage, source_of(tmp_path))
    await stage.until(lambda: unit.unit.state.failure is not None)
    assert "internal fault while copying the charm" in unit.log_text()
    files.fault = None
    await stage.until(lambda: unit.unit.state.failure is None, within=20.0)


@in_virtual_time
async def test_a_copy_is_told_to_end_with_its_agent(tmp_path: Path) -> None:
    """H8"""
    stage = await charmed(tmp_path, units=1)
    [unit] = await stage.led()
    files = unit.slow_copies()
    await give(stage, source_of(tmp_path))
    await stage.until(lambda: unit.unit.upgrade.busy)
    unit.agent.halt()
    await settle()
    assert files.interrupted
    files.fault = CharmError("told to end")
    files.open_gate()
    await stage.until(lambda: not unit.alive, within=5.0)


@in_virtual_time
async def test_a_new_charm_reaches_a_unit_in_error_which_is_tried_again_at_once(
    tmp_path: Path,
) -> None:
    """H7, H1: it may be the mend of what failed; upgrade-charm follows"""
    stage = await charmed(tmp_path, units=1)
    [unit] = stage.machines
    unit.revision = 1
    unit.runner.failing["install"] = 100
    unit.start()
    await stage.until(lambda: unit.count("install") == 4, within=120.0)
    unit.runner.failing["install"] = 0
    took = asyncio.get_running_loop().time()
    await give(stage, source_of(tmp_path))
    await stage.until(lambda: unit.count("install") == 5)
    assert asyncio.get_running_loop().time() - took < 1.0
    await stage.until(lambda: "start" in unit.hooks)
    assert unit.hooks[4:6] == ["install", "upgrade-charm"]


@in_virtual_time
async def test_a_failed_hook_is_tried_again_though_the_new_charm_cannot_be_copied(
    tmp_path: Path,
) -> None:
    """H7: and the copy is tried again ever more rarely"""
    stage = await charmed(tmp_path, units=1)
    [unit] = await stage.led()
    unit.unit.upgrade.copied(1)
    unit.runner.failing["config-changed"] = 2
    await stage.post("/v1/applications/web/config", {"put": {"size": "5"}})
    await stage.until(lambda: unit.unit.state.failure is not None)
    await give(stage, tmp_path / "gone")
    await stage.until(lambda: unit.count("config-changed") == 4, within=60.0)
    unit.runner.failing["config-changed"] = 1000
    await stage.post("/v1/applications/web/config", {"put": {"size": "6"}})
    await stage.pass_time(600.0)
    assert unit.log_text().count("the charm was not brought up to date") < 12


@in_virtual_time
async def test_a_charm_whose_upgrade_was_skipped_comes_all_the_same(tmp_path: Path) -> None:
    """H7, H9"""
    stage, unit = await failed_upgrade(tmp_path)
    gate = asyncio.Event()
    unit.files.gate = gate
    await give(stage, source_of(tmp_path))
    await stage.until(lambda: unit.unit.upgrade.busy)
    await give(stage, source_of(tmp_path))
    await stage.post("/v1/units/web/0/resolve", {"retry": False})
    gate.set()
    await stage.until(lambda: unit.unit.state.charm_copied == 4)
    assert unit.unit.state.failure is None


@in_virtual_time
async def test_no_hook_runs_from_a_half_copied_charm(tmp_path: Path) -> None:
    """U4, H5: the agent is stopped meanwhile; the deposition stays owed, the lease is released"""
    stage = await charmed(tmp_path)
    leader, other = await calm(stage)
    files = leader.slow_copies(CopyInterrupted("told to end"))
    await give(stage, source_of(tmp_path))
    await stage.until(lambda: leader.unit.upgrade.busy)
    before = leader.hooks
    leader.agent.stop()
    files.open_gate()
    await stage.until(lambda: not leader.alive, within=40.0)
    assert leader.hooks == before and leader.unit.state.deposition is not None
    await stage.until(lambda: other.leads, within=40.0)


# -- a copy that is not whole


async def refreshed(tmp_path: Path) -> tuple[Stage, Machine, Path]:
    """A unit that runs a copy of a source: with `hooks/`, so that a hook may be missing."""
    stage = await charmed(tmp_path, units=1)
    [unit] = await calm(stage)
    source = tmp_path / "source"
    make_charm(source, CHARM_HOOKS)
    (source / "config.yaml").write_text(CONFIG_YAML)
    await give(stage, source)
    await stage.until(lambda: unit.count("config-changed") == 2)
    await stage.until(lambda: is_calm(unit, 1))
    return stage, unit, source


def update(unit: Machine) -> None:
    """Its update-status is due."""
    unit.unit.schedule.update_after(unit.clock.now(), 0.0)
    unit.agent.wake()


def test_what_a_charm_removes_of_its_own_files_is_not_missed(tmp_path: Path) -> None:
    """H6: but what Tenure would run is"""
    source = tmp_path / "source"
    make_charm(source, CHARM_HOOKS)
    (source / "hooks" / "lib.sh").write_text("")
    (source / "hooks" / "tools").mkdir()
    program = source / "hooks" / "tools" / "clean"
    program.write_text("")
    program.chmod(0o755)
    files = CharmFiles(tmp_path / "unit", lambda level, line: None)
    files.refresh_now(str(source))
    (files.copy / "hooks" / "lib.sh").unlink()
    shutil.rmtree(files.copy / "hooks" / "tools")
    assert files.damage() == ""
    (files.copy / "hooks" / "start").unlink()
    assert files.damage() == "the unit has lost hooks/start of its copy of the charm"


@pytest.mark.parametrize("what", ["charm", "charm/hooks", "charm/hooks/stop"])
@in_virtual_time
async def test_a_unit_whose_copy_is_gone_is_in_error_and_then_has_it_again(
    tmp_path: Path, what: str
) -> None:
    """H6, H7: no hook is counted as missing because its charm is; whatever hook is due"""
    stage, unit, source = await refreshed(tmp_path)
    before = unit.count("update-status")
    gone = unit.folder / what
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    update(unit)
    await stage.until(lambda: unit.unit.state.failure is not None, within=2.0)
    assert "skipped" not in unit.log_text() and "the unit has lost" in unit.log_text()
    why = await stage.get("/v1/units/web/0/why")
    assert "the unit has lost" in why["answer"] and "tenure refresh web" in why["next"]
    await stage.until(lambda: unit.count("update-status") == before + 1, within=20.0)
    assert gone.exists()
    await stage.until(lambda: unit.unit.state.failure is None)
    why = await stage.get("/v1/units/web/0/why")
    assert "its charm was copied again" in why["answer"]
    await give(stage, source)
    await stage.until(lambda: unit.count("upgrade-charm") == 2)
    await stage.until(lambda: is_calm(unit, 1))
    why = await stage.get("/v1/units/web/0/why")
    assert "copied again" not in why["answer"]


@in_virtual_time
async def test_a_copy_that_cannot_be_made_again_keeps_the_unit_in_error(tmp_path: Path) -> None:
    """H7: until there is a charm to copy; an operator who skips the hook skips no other"""
    stage, unit, source = await refreshed(tmp_path)
    before = unit.hooks
    source.rename(tmp_path / "moved")
    shutil.rmtree(unit.folder / "charm")
    update(unit)
    await stage.pass_time(60.0)
    assert str(source) in unit.log_text() and unit.unit.state.failure is not None
    await stage.post("/v1/units/web/0/resolve", {"retry": False})
    update(unit)
    await stage.pass_time(60.0)
    assert unit.hooks == before and unit.unit.state.failure is not None
    await give(stage, tmp_path / "moved")
    await stage.until(lambda: unit.hooks[-1] == "config-changed", within=5.0)


@in_virtual_time
async def test_a_copy_that_failed_in_the_middle_is_finished_before_any_hook(
    tmp_path: Path,
) -> None:
    """P3: also when an operator skips the upgrade"""
    stage, unit, _ = await refreshed(tmp_path)
    source = tmp_path / "other"
    make_charm(source, CHARM_HOOKS)
    (source / "added").touch()
    files = unit.files
    files.full_at = unit.folder / "charm/added"
    await give(stage, source)
    await stage.until(lambda: unit.unit.state.failure is not None)
    assert "was interrupted" in files.damage()
    before = unit.hooks
    await stage.post("/v1/units/web/0/resolve", {"retry": False})
    update(unit)
    await stage.pass_time(0.5)
    assert unit.hooks == before
    files.full_at = None
    await stage.until(lambda: len(unit.hooks) > len(before), within=30.0)
    assert not files.damage()


@in_virtual_time
async def test_the_unit_follows_an_earlier_charm(tmp_path: Path) -> None:
    """P3: an older copy of the store was put back"""
    stage, unit, source = await refreshed(tmp_path)
    (source / "later").touch()
    await give(stage, source)
    await stage.until(lambda: unit.count("upgrade-charm") == 2)
    assert (unit.folder / "charm/later").exists() and unit.unit.state.charm_revision == 3
    (source / "later").unlink()
    given = unit.unit.parts.remote.charm
    assert given is not None
    unit.unit.charm_changed(replace(given, revision=2))
    unit.agent.wake()
    await stage.until(lambda: unit.count("upgrade-charm") == 3)
    assert not (unit.folder / "charm/later").exists()
    assert (unit.unit.state.charm_revision, unit.unit.state.charm_copied) == (2, 2)


@in_virtual_time
async def test_a_copy_from_a_source_that_is_no_more_is_made_from_the_one_that_came(
    tmp_path: Path,
) -> None:
    """P3: a charm that was handed in while the one before it was being copied"""
    stage, unit, source = await refreshed(tmp_path)
    gate = asyncio.Event()
    unit.files.gate = gate
    await give(stage, tmp_path / "cleaned")
    await stage.until(lambda: unit.unit.upgrade.busy)
    await give(stage, source)
    gate.set()
    await stage.until(lambda: unit.unit.state.charm_revision == 4)
    assert "hook failed" not in unit.log_text()
