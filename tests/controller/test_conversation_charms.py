"""A unit's conversation about what its charm needs: peers, bags, the goal, the charm itself."""

from __future__ import annotations

from typing import Any

import pytest

from tenure.core.bags import MAX_BAG
from tenure.core.effects import BagChanged, CharmChanged, Configured, PeerLeft
from tenure.testing.time.waiting import in_virtual_time, settle
from tenure.wire.codec import MAX_FRAME, decode_from_agent, encode
from tenure.wire.messages import (
    Bag,
    CommitHook,
    Done,
    EnterPeers,
    Failed,
    Gone,
    LeavePeers,
    PeerView,
    ReadBag,
    ReadGoal,
    Release,
    UnitWelcome,
    Welcome,
)
from tests.support.charmed import asked, bag_of, charmed, member, own, shared
from tests.support.talk import Talk, connected, leader

# -- Hello


@in_virtual_time
async def test_a_welcome_tells_the_charm_the_configuration_and_the_peers() -> None:
    """H3: as with the settings' revision, whenever it connects"""
    bench, service = await charmed(3)
    lead, term = await leader(bench, service, "web/0")
    lead.say(EnterPeers(id=1, unit="web/0"))
    lead.say(CommitHook(id=2, unit="web/0", bags=(own(1, a="1"), shared(1, b="2")), term=term))
    gone = await member(bench, service, "web/2")
    gone.say(LeavePeers(id=3, unit="web/2"))
    await bench.turn()
    await asked(bench, service, "POST", "/web/config", {"put": {"port": "81"}})
    talk = await connected(bench, service, "web/1")
    assert talk.of(Welcome)[0].units == (
        UnitWelcome(
            unit="web/1", changed_keys=(),
            peers=(
                PeerView(relation=0, endpoint="peers", members={"web/0": 1}),
                PeerView(relation=1, endpoint="ring", application=1, members={"web/0": 2}),
            ),
            config=Configured(unit="web/1", revision=1, values={"port": "81"}),
            charm=CharmChanged(
                unit="web/1", revision=1, source="/srv/web", peers={"peers": 0, "ring": 1},
                update_status_interval=300.0,
            ),
        ),
    )  # fmt: skip


@in_virtual_time
async def test_a_unit_s_own_bag_is_not_among_its_peers() -> None:
    """It is no member of itself, also when it is back."""
    bench, service = await charmed()
    first = await member(bench, service, "web/0")
    first.hang_up()
    again = await connected(bench, service, "web/0", session=2)
    assert [view.members for view in again.of(Welcome)[0].units[0].peers] == [{}, {}]


# -- bags


@in_virtual_time
async def test_a_hook_s_commit_reaches_all_at_once_and_the_writer_what_is_not_its_own() -> None:
    """G6, P2: one frame to each, once it is durable"""
    bench, service = await charmed(3)
    lead, term = await leader(bench, service, "web/0")
    lead.say(EnterPeers(id=1, unit="web/0"))
    peer = await member(bench, service, "web/1")
    newcomer = await connected(bench, service, "web/2")
    for talk in (lead, peer, newcomer):
        talk.frames.clear()
    bench.store.open.clear()
    lead.say(CommitHook(id=2, unit="web/0", bags=(own(0, a="1"), shared(1, b="2")), term=term))
    await bench.turn()
    assert not any((lead.heard, peer.heard, newcomer.heard)), "it is not durable yet"
    bench.store.open.set()
    await settle()
    of_all = BagChanged(unit="web/0", relation=1, owner="web", version=1)
    assert sorted(map(repr, lead.heard)) == sorted(map(repr, [Done(id=2), of_all]))
    for unit, talk in (("web/1", peer), ("web/2", newcomer)):
        assert talk.frames == [
            [
                BagChanged(unit=unit, relation=0, owner="web/0", version=2),
                BagChanged(unit=unit, relation=1, owner="web", version=1),
            ]
        ]
    assert await bag_of(bench, peer, "web/1", 1, "web") == Bag(
        id=1002, version=1, settings={"b": "2"}
    )


@in_virtual_time
@pytest.mark.parametrize("fault", ["refused", "unsure-not-landed"])
async def test_a_commit_that_failed_left_nothing_and_nobody_heard_of_it(fault: Any) -> None:
    """G7, L7"""
    bench, service = await charmed()
    lead, term = await leader(bench, service, "web/0")
    lead.say(EnterPeers(id=1, unit="web/0"))
    peer = await member(bench, service, "web/1")
    peer.frames.clear()
    before = bench.disk.persisted().bags
    bench.disk.faults = [fault]
    lead.say(CommitHook(id=2, unit="web/0", bags=(own(0, a="1"), shared(1, b="2")), term=term))
    await bench.turn()
    assert lead.of(Failed)[0].code == ("unsure" if fault != "refused" else "store-refused")
    await bench.pass_time(1.0)
    assert peer.of(BagChanged) == [] and bench.disk.persisted().bags == before
    if peer.ended:  # made to say Hello anew, since the outcome was unknown
        peer.hang_up()
        peer = await connected(bench, service, "web/1", session=2)
        views = peer.of(Welcome)[0].units[0].peers
        assert [(view.application, view.members) for view in views] == [(0, {"web/0": 1})] * 2


@in_virtual_time
async def test_a_commit_that_landed_though_nobody_knew_is_told_in_the_next_welcome() -> None:
    """G7, L8"""
    bench, service = await charmed()
    lead, term = await leader(bench, service, "web/0")
    peer = await member(bench, service, "web/1")
    bench.disk.faults = ["unsure-landed"]
    lead.say(CommitHook(id=2, unit="web/0", bags=(shared(1, b="2"),), term=term))
    await bench.turn()
    await bench.pass_time(1.0)
    assert lead.of(Failed)[0].code == "unsure" and peer.ended
    peer.hang_up()
    again = await connected(bench, service, "web/1", session=2)
    assert again.of(Welcome)[0].units[0].peers[1].application == 1


@in_virtual_time
async def test_an_old_leader_s_commit_is_refused_whole() -> None:
    """G6, G8, B2"""
    bench, service = await charmed()
    old, term = await leader(bench, service, "web/0")
    old.say(EnterPeers(id=1, unit="web/0"), Release(id=2, unit="web/0", term=term))
    await bench.turn()
    await leader(bench, service, "web/1")
    old.say(CommitHook(id=3, unit="web/0", bags=(own(0, a="1"), shared(0, b="2")), term=term))
    await bench.turn()
    [failed] = old.of(Failed)
    assert (failed.code, failed.message) == (
        "not-leader", 'application "web": prerequisites failed: "web/0" is not leader of "web"',
    )  # fmt: skip
    assert (await bag_of(bench, old, "web/0", 0, "web/0")).settings == {}
    assert (await bag_of(bench, old, "web/0", 0, "web")).version == 0


@in_virtual_time
async def test_others_hear_that_a_unit_leaves_and_may_still_read_its_bag() -> None:
    """U4: also when it leaves for ever"""
    bench, service = await charmed(3)
    talks = [await member(bench, service, f"web/{n}") for n in range(3)]
    talks[0].say(LeavePeers(id=1, unit="web/0"))
    await bench.turn()
    applications = bench.controller.model.applications
    bench.give("web", lambda now: applications.remove_unit(now, "web/1", force=False))
    await bench.turn()
    talks[1].say(Gone(id=1, unit="web/1"))
    await bench.turn()
    assert talks[2].of(PeerLeft) == [
        PeerLeft(unit="web/2", relation=relation, owner=owner)
        for owner in ("web/0", "web/1") for relation in (0, 1)
    ]  # fmt: skip
    for owner in ("web/0", "web/1"):
        found = await bag_of(bench, talks[2], "web/2", 1, owner)
        assert found.settings == {"address": owner}


@in_virtual_time
async def test_what_a_unit_may_not_read_or_write_is_refused_and_the_talk_goes_on() -> None:
    """B2, B6"""
    bench, service = await charmed()
    talk = await member(bench, service, "web/0")
    for relation, owner, message in (
        (0, "web/7", "permission denied"), (0, "db/0", "permission denied"),
        (9, "web", "relation 9 not found"),
    ):  # fmt: skip
        found = await bag_of(bench, talk, "web/0", relation, owner)
        assert (found.code, found.message) == ("not-found", message)
    talk.say(CommitHook(id=5, unit="web/0", bags=(own(0, k="v" * MAX_BAG),)))
    await bench.turn()
    assert talk.of(Failed)[-1].code == "bucket-full" and not talk.ended


@in_virtual_time
async def test_a_superseded_session_s_commit_is_discarded() -> None:
    """L9"""
    bench, service = await charmed()
    older = await member(bench, service, "web/0")
    newer = Talk(service)
    newer.hello("web/0", session=2)
    older.say(CommitHook(id=5, unit="web/0", bags=(own(0, late="1"),)))
    await bench.turn()
    assert "late" not in (await bag_of(bench, newer, "web/0", 0, "web/0")).settings


def test_a_whole_bag_fits_into_a_frame_however_it_is_escaped() -> None:
    """B6, F"""
    change = own(0, k="\x01" * (MAX_BAG - 1))
    frame = encode([CommitHook(id=1, unit="web/0", bags=(change,))])
    assert len(frame) <= MAX_FRAME
    assert decode_from_agent(frame)[0].bags == (change,)  # type: ignore[union-attr]


@in_virtual_time
async def test_goal_bags_and_pushes_are_the_same_whoever_leads() -> None:
    """G10: a minion of web/0 and a minion of web/1 hear the same"""
    heard = []
    for chosen in ("web/0", "web/1"):
        bench, service = await charmed(3)
        lead, term = await leader(bench, service, chosen)
        lead.say(EnterPeers(id=1, unit=chosen))
        await member(bench, service, "web/1" if chosen == "web/0" else "web/0")
        minion = await member(bench, service, "web/2")
        minion.frames.clear()
        lead.say(CommitHook(id=2, unit=chosen, bags=(shared(0, k="v"),), term=term))
        await bench.turn()
        minion.say(
            ReadGoal(id=3, unit="web/2"), ReadBag(id=4, unit="web/2", relation=0, owner="web"),
            ReadBag(id=5, unit="web/2", relation=0, owner="web/9"),
            CommitHook(id=6, unit="web/2", bags=(shared(0, k="w"),), term=term),
        )  # fmt: skip
        await bench.turn()
        heard.append(minion.heard)
    assert heard[0] == heard[1] and len(heard[0]) == 5
