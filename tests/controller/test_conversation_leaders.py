"""Two worlds that differ only in which other unit leads tell a third one the same, to the byte."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure.controller import welcome
from tenure.controller.agents import Agents
from tenure.controller.service import Service
from tenure.core.application import Application
from tenure.core.effects import PeerView
from tenure.core.peers import BagWrite, Peers
from tenure.core.statuses import Statuses, said_of
from tenure.testing.time.waiting import in_virtual_time
from tenure.wire.codec import encode
from tenure.wire.messages import (
    CommitHook,
    EnterPeers,
    FromAgent,
    GoalUnit,
    ReadBag,
    ReadGoal,
    ReadSettings,
    ReadStatus,
    Release,
    Report,
    SetStatus,
    WriteSettings,
)
from tests.support.bench import LoopBench
from tests.support.charmed import asked, charmed, own, shared
from tests.support.talk import Talk, connected

PAIR = ("web/0", "web/1")
THIRD = "web/2"


class Scene:
    """Three units that take part; `leader` is one of the pair, `other` the other one. Both of the
    pair do the same, but for what only a leader can do."""

    def __init__(self, bench: LoopBench, service: Service, leader: str) -> None:
        self.bench = bench
        self.service = service
        self.leader = leader
        self.term = 0
        self.talks: dict[str, Talk] = {}
        self.heard: list[bytes] = []
        self._said = 0

    @property
    def other(self) -> str:
        return PAIR[1 - PAIR.index(self.leader)]

    @property
    def number(self) -> int:
        """Of the next request; also a value that was not there before."""
        self._said += 1
        return self._said

    async def connect(self, unit: str) -> None:
        """The unit's agent connects, for the first time or again."""
        if unit in self.talks:
            self.take_down()
            self.talks[unit].hang_up()
            await self.bench.turn()
        talk = await connected(self.bench, self.service, unit, session=1 + self.number)
        talk.say(EnterPeers(id=self.number, unit=unit, settings={"address": unit}))
        self.talks[unit] = talk

    def take_down(self) -> None:
        """What the third unit heard, as it is on the wire."""
        self.heard += [encode(frame) for frame in self.talks[THIRD].frames]
        self.talks[THIRD].frames.clear()

    def say(self, unit: str, *messages: FromAgent) -> None:
        self.talks[unit].say(*messages)

    def claim(self, unit: str, term: int | None = None) -> None:
        self.talks[unit].claim((unit, term))


Act = Callable[[Scene], Awaitable[None] | None]


def write_settings(scene: Scene) -> None:
    n = scene.number
    scene.say(
        scene.leader,
        WriteSettings(id=n, unit=scene.leader, term=scene.term, changes={f"k{n % 3}": str(n)}),
    )


def write_for_all(scene: Scene) -> None:
    n, unit = scene.number, scene.leader
    writes = (shared(0, a=str(n)), shared(1, b=str(n % 2)))
    scene.say(unit, CommitHook(id=n, unit=unit, bags=writes, term=scene.term))


def set_status(scene: Scene) -> None:
    n, unit = scene.number, scene.leader
    scene.say(unit, SetStatus(id=n, unit=unit, term=scene.term, current="active", message=str(n)))


def write_own(scene: Scene) -> None:
    n = scene.number
    for unit in PAIR:
        scene.say(unit, CommitHook(id=n, unit=unit, bags=(own(0, a=str(n)),)))


def report(scene: Scene) -> None:
    for unit in PAIR:
        hook = "leader-elected" if unit == scene.leader else "leader-settings-changed"
        scene.say(unit, Report(unit=unit, last=hook, current="active", message=hook, since=0.0))


def fail(scene: Scene) -> None:
    for unit in PAIR:
        hook = "leader-elected" if unit == scene.leader else "leader-settings-changed"
        scene.say(unit, Report(unit=unit, error=f'hook failed: "{hook}"', since=0.0))


def renew(scene: Scene) -> None:
    scene.claim(scene.leader, scene.term)
    scene.claim(scene.other)


async def hand_over(scene: Scene) -> None:
    scene.say(scene.leader, Release(id=scene.number, unit=scene.leader, term=scene.term))
    await scene.bench.turn()
    scene.claim(scene.other)
    await scene.bench.turn()
    scene.leader = scene.other
    granted = [each.term for each in scene.talks[scene.leader].verdicts() if hasattr(each, "term")]
    scene.term = granted[-1] if granted else 0


def revoke(scene: Scene) -> None:
    orders = scene.bench.model.orders
    scene.bench.give("web", lambda now: orders.revoke(now, "web"))


def step_down(scene: Scene) -> None:
    orders = scene.bench.model.orders
    scene.bench.give("web", lambda now: orders.step_down(now, "web"))


async def configure(scene: Scene) -> None:
    put = {"port": str(scene.number)}
    await asked(scene.bench, scene.service, "POST", "/web/config", {"put": put})


def ask_all(scene: Scene) -> None:
    n = scene.number
    scene.say(
        THIRD, ReadSettings(id=n, unit=THIRD), ReadGoal(id=n + 1000, unit=THIRD),
        *(ReadBag(id=n + 2000 + at, unit=THIRD, relation=0, owner=owner)
          for at, owner in enumerate(("web", *PAIR))),
    )  # fmt: skip


def be_refused(scene: Scene) -> None:
    n = scene.number
    scene.claim(THIRD)
    scene.say(
        THIRD, WriteSettings(id=n, unit=THIRD, term=scene.term, changes={"k": "v"}),
        CommitHook(id=n + 1000, unit=THIRD, bags=(shared(0, a="b"),), term=scene.term),
        SetStatus(id=n + 2000, unit=THIRD, term=scene.term, current="active"),
        ReadStatus(id=n + 3000, unit=THIRD, term=scene.term),
    )  # fmt: skip


async def come_again(scene: Scene) -> None:
    await scene.connect(THIRD)


async def all_come_again(scene: Scene) -> None:
    for unit in (*PAIR, THIRD):
        await scene.connect(unit)


ACTS: tuple[Act, ...] = (
    write_settings, write_for_all, set_status, write_own, report, fail, renew, hand_over, revoke,
    step_down, configure, ask_all, be_refused, come_again, all_come_again,
)  # fmt: skip


@in_virtual_time
async def live(leader: str, acts: tuple[Act, ...], heard: list[bytes]) -> None:
    """All that the third unit is told in the world in which this one leads."""
    bench, service = await charmed(3)
    scene = Scene(bench, service, leader)
    for unit in (*PAIR, THIRD):
        await scene.connect(unit)
    for unit in (scene.leader, scene.other, THIRD):
        scene.claim(unit)
        await bench.turn()
    scene.term = 1
    for act in acts:
        done = act(scene)
        if done is not None:
            await done
        await bench.turn()
        scene.take_down()
    heard += scene.heard


def differs(*acts: Act) -> bool:
    """Whether the third unit can tell the two worlds apart."""
    heard: tuple[list[bytes], list[bytes]] = ([], [])
    for leader, told in zip(PAIR, heard, strict=True):
        live(leader, acts, told)
    assert heard[0]
    return heard[0] != heard[1]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(ACTS), min_size=1, max_size=12))
def test_a_unit_hears_the_same_whichever_of_the_others_leads(acts: list[Act]) -> None:
    """G10"""
    assert not differs(*acts)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_after_each_act_all_that_can_be_asked_is_answered_alike(act: Act) -> None:
    """G10: so that none of them is left to chance"""
    assert not differs(act, ask_all, be_refused, come_again, ask_all)


# -- planted bugs


def members_with_the_leader_first(patch: pytest.MonkeyPatch) -> None:
    real = welcome.views

    def views(application: Application, unit: str) -> tuple[PeerView, ...]:
        holder = application.lease.holder
        first = holder.unit if holder else ""

        def reordered(members: Mapping[str, int]) -> dict[str, int]:
            return dict(sorted(members.items(), key=lambda each: each[0] != first))

        return tuple(
            PeerView(
                relation=view.relation, endpoint=view.endpoint, application=view.application,
                members=reordered(view.members), entered=view.entered,
            )
            for view in real(application, unit)
        )  # fmt: skip

    patch.setattr(welcome, "views", views)


def goal_naming_the_leader(patch: pytest.MonkeyPatch) -> None:
    real = Agents.goal

    def goal(self: Agents, unit: str) -> dict[str, GoalUnit]:
        units = real(self, unit)
        holder = self._model.living("web").lease.holder
        return dict(sorted(units.items(), key=lambda each: not holder or each[0] != holder.unit))

    patch.setattr(Agents, "goal", goal)


def goal_with_messages(patch: pytest.MonkeyPatch) -> None:
    """An error's message names the hook that failed, and that may be `leader-elected`."""

    def goal_of(self: Agents, record: Any) -> GoalUnit:
        return GoalUnit(status=self.said_of(record.unit).message)

    patch.setattr(Agents, "_goal_of", goal_of)


def writer_s_own_bag_touched(patch: pytest.MonkeyPatch) -> None:
    """Who writes for all is seen to write, too."""
    real = Peers.commit

    def commit(
        self: Peers, now: float, unit: str, writes: Sequence[BagWrite], term: int | None
    ) -> None:
        real(self, now, unit, writes, term)
        if any(write.application for write in writes):
            mark = BagWrite(relation=0, application=False, changes={"wrote": str(term)})
            real(self, now, unit, [mark], None)

    patch.setattr(Peers, "commit", commit)


def status_for_all_to_read(patch: pytest.MonkeyPatch) -> None:
    def read(self: Statuses, now: float, unit: str, term: int) -> Any:
        application = self._leases.application_with(unit)
        return application, said_of(application)

    patch.setattr(Statuses, "read", read)


@pytest.mark.parametrize(
    ("plant", "acts"),
    [
        (members_with_the_leader_first, (come_again,)),
        (goal_naming_the_leader, (ask_all,)),
        (goal_with_messages, (fail, ask_all)),
        (writer_s_own_bag_touched, (write_for_all,)),
        (status_for_all_to_read, (fail, be_refused)),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_way_to_tell_who_leads_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], acts: tuple[Act, ...]
) -> None:
    """G10: each a planted bug"""
    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        assert differs(*acts)
