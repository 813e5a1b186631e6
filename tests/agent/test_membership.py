"""A unit in its peer relations: what it is told, and what the others see of its hooks' writing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure.core.changes import BagPut
from tenure.errors import NotFound
from tenure.testing.machine import Machine
from tenure.testing.time.waiting import in_virtual_time, settle
from tests.support.charmstage import PEER_HOOKS, busy, calm, charmed, end, is_calm, refused, said
from tests.support.stage import Stage


def peer_hooks(machine: Machine) -> list[str]:
    """Its peers' hooks so far: `joined web/1`."""
    return [
        f"{ran.hook.removeprefix('peers-relation-')} {ran.env['JUJU_REMOTE_UNIT']}".strip()
        for ran in machine.ran
        if ran.hook in PEER_HOOKS
    ]


def bags(stage: Stage) -> dict[str, dict[str, str]]:
    """What the store holds."""
    found = stage.disk.persisted().bags.get("web", ())
    return {bag.owner: dict(bag.settings) for bag in found}


# -- being told


@in_virtual_time
async def test_a_unit_with_peers_starts_with_its_hooks_in_order(tmp_path: Path) -> None:
    """H1"""
    stage = await charmed(tmp_path)
    leader, minion = await calm(stage)
    first = ["install", "peers-relation-created"]
    assert leader.hooks[:5] == [*first, "leader-elected", "config-changed", "start"]
    assert minion.hooks[:5] == [*first, "leader-settings-changed", "config-changed", "start"]
    assert peer_hooks(leader) == ["created", "joined web/1", "changed web/1"]
    assert peer_hooks(minion) == ["created", "joined web/0", "changed web/0"]


@in_virtual_time
async def test_a_hook_of_a_relation_has_its_variables(tmp_path: Path) -> None:
    """H9"""
    stage = await charmed(tmp_path)
    leader, _ = await calm(stage)
    created, joined = [ran.env for ran in leader.ran if ran.hook in PEER_HOOKS][:2]
    for env, remote in ((created, ""), (joined, "web/1")):
        assert env["JUJU_RELATION"] == "peers"
        assert env["JUJU_RELATION_ID"] == "peers:0"
        assert env["JUJU_REMOTE_APP"] == "web"
        assert env["JUJU_REMOTE_UNIT"] == remote
        assert "JUJU_DEPARTING_UNIT" not in env
    assert "JUJU_RELATION" not in leader.ran[0].env


@in_virtual_time
async def test_bags_begin_with_the_units_own_address(tmp_path: Path) -> None:
    stage = await charmed(tmp_path)
    await calm(stage)
    first, second = bags(stage)["web/0"], bags(stage)["web/1"]
    assert first.keys() == {"egress-subnets", "ingress-address", "private-address"}
    assert first["ingress-address"].startswith("127.") and first != second


@in_virtual_time
async def test_who_leaves_departs_for_all(tmp_path: Path) -> None:
    """H1, U4"""
    stage = await charmed(tmp_path, units=3)
    leader, minion, leaving = await calm(stage)
    await stage.post("/v1/units/web/2/remove")
    await stage.until(lambda: not leaving.alive, "it left")
    assert leaving.hooks[-5:] == [
        "peers-relation-departed", "peers-relation-departed", "peers-relation-broken", "stop",
        "remove",
    ]  # fmt: skip
    assert {ran.env["JUJU_DEPARTING_UNIT"] for ran in leaving.ran[-5:-3]} == {"web/2"}
    for other in (leader, minion):
        await stage.until(lambda other=other: peer_hooks(other)[-1] == "departed web/2")
        assert other.ran[-1].env["JUJU_DEPARTING_UNIT"] == "web/2"


@in_virtual_time
async def test_the_departed_can_still_be_read_when_the_others_are_told(tmp_path: Path) -> None:
    stage = await charmed(tmp_path, units=2)
    leader, leaving = await calm(stage)
    leader.runner.held.add("peers-relation-departed")
    await stage.post("/v1/units/web/1/remove")
    await stage.until(lambda: leader.running == "peers-relation-departed")
    await stage.until(lambda: not leaving.alive)
    assert await said(leader, "relation-list") == ""
    assert "ingress-address: 127." in await said(leader, "relation-get", "-")


@in_virtual_time
async def test_nothing_told_is_told_again_after_a_restart(tmp_path: Path) -> None:
    """H4"""
    stage = await charmed(tmp_path)
    leader, minion = await calm(stage)
    before = minion.hooks
    await minion.crash()
    minion.start()
    await stage.until(lambda: minion.unit.claimant.accepted)
    await stage.pass_time(5.0)
    assert minion.hooks == before and peer_hooks(leader)[-1] == "changed web/1"


@in_virtual_time
async def test_what_changed_while_an_agent_was_away_is_told_once(tmp_path: Path) -> None:
    """H3, H4: a burst, as one"""
    stage = await charmed(tmp_path)
    leader, minion = await calm(stage)
    await minion.crash()
    for value in ("1", "2", "3"):
        await busy(stage, leader)
        await said(leader, "relation-set", "-r", "0", f"k={value}")
        await end(leader)
    minion.start()
    await stage.until(lambda: peer_hooks(minion).count("changed web/0") == 2)
    await stage.pass_time(5.0)
    assert peer_hooks(minion).count("changed web/0") == 2


@in_virtual_time
async def test_an_interrupted_hook_of_a_relation_is_run_again(tmp_path: Path) -> None:
    """H5"""
    stage = await charmed(tmp_path)
    leader, minion = stage.machines
    minion.runner.held.add("peers-relation-joined")
    await stage.led()
    await stage.until(lambda: minion.running == "peers-relation-joined")
    await minion.crash()
    minion.runner.held.clear()
    minion.start()
    await stage.until(lambda: is_calm(minion, 2))
    assert peer_hooks(minion) == ["created", "joined web/0", "joined web/0", "changed web/0"]
    assert leader.alive


@in_virtual_time
async def test_a_failed_hook_of_a_relation_is_tried_again_for_the_same_unit(
    tmp_path: Path,
) -> None:
    """H7"""
    stage = await charmed(tmp_path)
    _, minion = stage.machines
    minion.runner.failing["peers-relation-joined"] = 2
    await stage.led()
    await stage.until(lambda: is_calm(minion, 2), within=60.0)
    joined = "joined web/0"
    assert peer_hooks(minion) == ["created", joined, joined, joined, "changed web/0"]


@in_virtual_time
async def test_leadership_does_not_wait_for_relations_that_cannot_be_entered(
    tmp_path: Path,
) -> None:
    """H3, U5: the disk is full, and the lease runs out"""
    stage = await charmed(tmp_path, duration=5.0, guarantee=2.0)
    leader, minion = stage.machines
    leader.runner.held.add("install")
    leader.start()
    await stage.until(lambda: leader.leads and leader.running == "install")
    stage.disk.full = True
    await end(leader)
    await stage.until(lambda: "leader-elected" in leader.hooks, within=10.0)
    assert "peers-relation-created" not in leader.hooks
    stage.disk.full = False
    await stage.until(lambda: "peers-relation-created" in leader.hooks, within=20.0)
    assert not minion.alive


# -- writing


@in_virtual_time
async def test_what_a_hook_sets_is_seen_when_it_has_ended_well_and_not_before(
    tmp_path: Path,
) -> None:
    stage = await charmed(tmp_path)
    leader, minion = await calm(stage)
    await busy(stage, leader)
    await said(leader, "relation-set", "-r", "peers:0", "a=1", "b=2")
    await said(leader, "relation-set", "-r", "peers:0", "--app", "c=3")
    assert 'a: "1"' in await said(leader, "relation-get", "-r", "0", "-", "web/0")
    assert await said(leader, "relation-get", "-r", "0", "--app", "c", "web") == "3\n"
    await stage.pass_time(1.0)
    assert "a" not in bags(stage)["web/0"] and peer_hooks(minion)[-1] == "changed web/0"
    commits = len(stage.store.commits) if stage.store else 0
    await end(leader)
    await stage.until(lambda: "a" in bags(stage)["web/0"])
    assert stage.store is not None
    puts = [c for c in stage.store.commits[commits] if isinstance(c, BagPut)]
    assert {put.record.owner for put in puts} == {"web", "web/0"}, "all together"
    await stage.until(lambda: peer_hooks(minion)[-2:] == ["changed", "changed web/0"])


@in_virtual_time
async def test_what_a_failed_hook_set_is_dropped(tmp_path: Path) -> None:
    """H7: unlike what it wrote with leader-set"""
    stage = await charmed(tmp_path)
    leader, _ = await calm(stage)
    await busy(stage, leader)
    await said(leader, "relation-set", "-r", "0", "a=1")
    await said(leader, "leader-set", "kept=yes")
    await said(leader, "state-set", "a=1")
    await said(leader, "open-port", "80")
    await end(leader, "failed", "exit status 1")
    await stage.pass_time(4.0)
    assert "a" not in bags(stage)["web/0"]
    assert stage.disk.persisted().buckets["web"].settings == {"kept": "yes"}
    leader.runner.held.add("update-status")
    await stage.until(lambda: leader.running == "update-status", within=10.0)
    assert await said(leader, "state-get", "a") == ""
    assert await said(leader, "opened-ports") == ""


@in_virtual_time
async def test_a_minion_cannot_write_the_bag_of_the_application(tmp_path: Path) -> None:
    """B2"""
    stage = await charmed(tmp_path)
    _, minion = await calm(stage)
    await busy(stage, minion)
    said_so = await refused(minion, "relation-set", "-r", "0", "--app", "a=1")
    assert said_so == "cannot write relation settings"
    assert await said(minion, "relation-get", "-r", "0", "--app", "-", "web") == "{}\n"


@in_virtual_time
async def test_leadership_is_checked_again_when_the_hook_ends(tmp_path: Path) -> None:
    """G6: the term that it wrote under is over; all of it is dropped, and the hook has failed"""
    stage = await charmed(tmp_path)
    leader, minion = await calm(stage)
    await busy(stage, leader)
    await said(leader, "relation-set", "-r", "0", "own=1")
    await said(leader, "relation-set", "-r", "0", "--app", "shared=1")
    await stage.post("/v1/applications/web/revoke")
    await stage.until(lambda: minion.leads)
    await end(leader)
    await stage.pass_time(1.0)
    assert leader.unit.state.failure is not None
    assert leader.unit.state.failure.detail.startswith("cannot write relation settings")
    assert "own" not in bags(stage)["web/0"] and "web" not in bags(stage)


@in_virtual_time
async def test_a_leader_that_steps_down_may_still_finish_its_hook(tmp_path: Path) -> None:
    """U4: what its running hook wrote is accepted until it releases"""
    stage = await charmed(tmp_path)
    leader, minion = await calm(stage)
    await busy(stage, leader)
    electing = stage.ask("/v1/applications/web/elect", {"unit": "web/1"})
    await stage.pass_time(0.5)
    await said(leader, "relation-set", "-r", "0", "--app", "shared=1")
    await end(leader)
    await electing
    assert minion.leads and bags(stage)["web"] == {"shared": "1"}


@in_virtual_time
async def test_all_are_told_of_the_application_s_bag_its_writer_too_and_once(
    tmp_path: Path,
) -> None:
    """P2, H4, G10: told of the application, not of whose hand it was"""
    stage = await charmed(tmp_path, units=3)
    leader, *minions = await calm(stage)
    await busy(stage, leader)
    await said(leader, "relation-set", "-r", "0", "--app", "a=1")
    await end(leader)
    for machine in (leader, *minions):
        await stage.until(lambda machine=machine: peer_hooks(machine)[-1] == "changed")
        told = machine.ran[-1].env
        assert (told["JUJU_REMOTE_APP"], told["JUJU_REMOTE_UNIT"]) == ("web", "")
        assert "web/0" not in told.values() or machine is leader
    await leader.crash()
    leader.start()
    await stage.until(lambda: leader.unit.claimant.accepted)
    await stage.pass_time(3.0)
    assert peer_hooks(leader).count("changed") == 1


@in_virtual_time
async def test_a_changed_hook_that_writes_the_same_again_comes_to_an_end(tmp_path: Path) -> None:
    """P2, B4: it is told of what it changed, and not of what it left as it was"""
    stage = await charmed(tmp_path, units=1)
    [leader] = await calm(stage)
    leader.runner.held.add("peers-relation-changed")
    await busy(stage, leader)
    await said(leader, "relation-set", "-r", "0", "--app", "a=1")
    await end(leader)
    for value in ("2", "2"):
        await stage.until(lambda: leader.running == "peers-relation-changed")
        await said(leader, "relation-set", "--app", f"a={value}")
        await end(leader)
    await stage.pass_time(5.0)
    assert leader.running is None and peer_hooks(leader).count("changed") == 2


@in_virtual_time
async def test_nothing_is_written_and_nobody_told_when_nothing_changed(tmp_path: Path) -> None:
    """B4"""
    stage = await charmed(tmp_path)
    leader, minion = await calm(stage)
    await busy(stage, leader)
    await said(leader, "relation-set", "-r", "0", "gone=")
    await end(leader)
    await stage.pass_time(2.0)
    assert peer_hooks(minion)[-1] == "changed web/0" and len(peer_hooks(minion)) == 3


@in_virtual_time
async def test_a_hook_whose_writing_is_refused_has_failed_and_is_tried_again(
    tmp_path: Path,
) -> None:
    """G7, H7"""
    stage = await charmed(tmp_path)
    leader, _ = await calm(stage)
    await busy(stage, leader)
    await said(leader, "relation-set", "-r", "0", "a=1")
    stage.disk.full = True
    await end(leader)
    await stage.until(lambda: leader.unit.state.failure is not None)
    assert "no space left" in leader.log_text() and "nothing was written" in leader.log_text()
    stage.disk.full = False
    leader.runner.held.clear()
    await stage.until(lambda: leader.unit.state.failure is None, within=20.0)
    assert "a" not in bags(stage)["web/0"]


@in_virtual_time
async def test_a_hook_whose_writing_nobody_is_sure_of_says_so(tmp_path: Path) -> None:
    """G7"""
    stage = await charmed(tmp_path)
    leader, _ = await calm(stage)
    await busy(stage, leader)
    await said(leader, "relation-set", "-r", "0", "a=1")
    stage.disk.faults.append("unsure-landed")
    await end(leader)
    await stage.until(lambda: leader.unit.state.failure is not None)
    assert "it is unknown whether they were written" in leader.log_text()


@in_virtual_time
async def test_a_crash_between_the_commit_and_its_record_runs_the_hook_again(
    tmp_path: Path,
) -> None:
    """H5: at least once"""
    stage = await charmed(tmp_path)
    leader, _ = await calm(stage)
    await busy(stage, leader)
    await said(leader, "relation-set", "-r", "0", "a=1")
    assert stage.store is not None
    leader.disk.dies_at, leader.disk.lands = 1, False
    leader.hook.end()
    await stage.until(lambda: not leader.alive)
    assert bags(stage)["web/0"]["a"] == "1"
    leader.start()
    await stage.until(lambda: leader.unit.claimant.accepted)
    assert "update-status was interrupted" in leader.log_text()


# -- reading


@in_virtual_time
async def test_a_hook_reads_each_bag_as_it_was_at_its_first_reading(tmp_path: Path) -> None:
    """T4: as it is with the leader settings"""
    stage = await charmed(tmp_path)
    leader, minion = await calm(stage)
    await busy(stage, minion)
    assert await said(minion, "relation-get", "-r", "0", "k", "web/0") == ""
    await busy(stage, leader)
    await said(leader, "relation-set", "-r", "0", "k=1")
    await end(leader)
    await stage.until(lambda: "k" in bags(stage)["web/0"])
    assert await said(minion, "relation-get", "-r", "0", "k", "web/0") == ""
    await end(minion)
    await busy(stage, minion)
    assert await said(minion, "relation-get", "-r", "0", "k", "web/0") == "1\n"


@in_virtual_time
async def test_a_unit_that_never_was_cannot_be_read(tmp_path: Path) -> None:
    stage = await charmed(tmp_path)
    leader, _ = await calm(stage)
    await busy(stage, leader)
    assert "permission denied" in await refused(leader, "relation-get", "-r", "0", "-", "web/9")


@in_virtual_time
async def test_members_are_those_of_whom_the_charm_was_told(tmp_path: Path) -> None:
    stage = await charmed(tmp_path)
    leader, minion = stage.machines
    leader.runner.held.update(("peers-relation-created", "peers-relation-joined"))
    leader.start()
    await stage.until(lambda: leader.running == "peers-relation-created")
    minion.start()
    await stage.until(lambda: minion.running is None and "start" in minion.hooks)
    assert await said(leader, "relation-ids", "peers") == "peers:0\n"
    assert await said(leader, "relation-list", "-r", "0") == ""
    leader.runner.held.discard("peers-relation-created")
    await end(leader)
    await stage.until(lambda: leader.running == "peers-relation-joined")
    assert await said(leader, "relation-list") == "web/1\n"
    await settle()


@in_virtual_time
async def test_an_application_that_goes_takes_its_bags_and_configuration_along(
    tmp_path: Path,
) -> None:
    """B1, G8"""
    stage = await charmed(tmp_path)
    machines = await calm(stage)
    await stage.post("/v1/applications/web/config", {"put": {"size": "4"}})
    await stage.post("/v1/applications/web/remove", {})
    for machine in machines:
        await stage.until(lambda machine=machine: not machine.alive)
        assert machine.hooks[-2:] == ["stop", "remove"]
    kept = stage.disk.persisted()
    assert not kept.bags and not kept.configs and not kept.charms
    with pytest.raises(NotFound):
        await stage.get("/v1/applications/web/settings")
