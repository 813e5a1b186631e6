"""A unit's conversation with the controller: Hello, sessions, answers, pushes (L9, L7, G7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tenure.controller.conversation import Conversation
from tenure.controller.desk import Desk
from tenure.core.effects import ClaimUnsure, Denied, Granted, Offer, Revision, Revoked, StepDown
from tenure.wire.messages import (
    PROTOCOL_VERSION,
    Claim,
    Claims,
    Done,
    Failed,
    FromAgent,
    FromController,
    Gone,
    Hello,
    ReadSettings,
    Release,
    Remove,
    Report,
    Settings,
    Superseded,
    UnitHello,
    UnitWelcome,
    Verdicts,
    Welcome,
    WriteSettings,
)
from tests.support.bench import Bench
from tests.support.virtual import in_virtual_time, settle


class Talk:
    """One agent's side of a conversation, without a transport."""

    def __init__(self, desk: Desk) -> None:
        self.frames: list[list[FromController]] = []
        self.ended = False
        self.conversation = Conversation(desk, self.frames.append, self._close)
        self._ids = 0

    def _close(self) -> None:
        self.ended = True

    @property
    def heard(self) -> list[FromController]:
        return [message for frame in self.frames for message in frame]

    def of(self, kind: type[Any]) -> list[Any]:
        return [message for message in self.heard if isinstance(message, kind)]

    def say(self, *messages: FromAgent) -> None:
        self.conversation.hear(messages)

    def hello(self, *units: str, instance: str = "one", session: int = 1, seen: int = 0) -> None:
        self.say(
            Hello(
                version=PROTOCOL_VERSION,
                units=tuple(
                    UnitHello(unit=u, instance=instance, session=session, seen_revision=seen)
                    for u in units
                ),
            )
        )

    def claim(self, *claims: tuple[str, int | None]) -> None:
        self._ids += 1
        self.say(
            Claims(id=self._ids, claims=tuple(Claim(unit=unit, term=term) for unit, term in claims))
        )

    def verdicts(self) -> list[Any]:
        return [verdict for each in self.of(Verdicts) for verdict in each.verdicts]

    def hang_up(self) -> None:
        self.conversation.closed()


async def desk_with(*names: str, units: int = 2) -> tuple[Bench, Desk]:
    """A desk over a bench whose units are not connected."""
    bench = await Bench.with_applications(*names, units=units)
    bench.controller.leases.sessions.clear()
    return bench, Desk(bench.controller)


async def connected(bench: Bench, desk: Desk, *units: str, **hello: Any) -> Talk:
    talk = Talk(desk)
    talk.hello(*units, **hello)
    await bench.turn()
    assert [u.refused for u in talk.of(Welcome)[-1].units] == [None] * len(units)
    return talk


async def leader(bench: Bench, desk: Desk, unit: str) -> tuple[Talk, int]:
    talk = await connected(bench, desk, unit)
    talk.claim((unit, None))
    await bench.turn()
    return talk, talk.verdicts()[-1].term


# -- Hello


@in_virtual_time
async def test_hello_is_answered_with_what_the_unit_must_know() -> None:
    """L9, H3: the current revision, whenever it connects"""
    bench, desk = await desk_with("web")
    lead, term = await leader(bench, desk, "web/0")
    lead.say(WriteSettings(id=9, unit="web/0", term=term, changes={"a": "1", "b": "2"}))
    await bench.turn()
    talk = Talk(desk)
    talk.hello("web/1")
    await bench.turn()
    assert talk.heard == [
        Welcome(
            version=PROTOCOL_VERSION,
            units=(UnitWelcome(unit="web/1", revision=1, changed_keys=("a", "b")),),
        )
    ]


@in_virtual_time
async def test_another_version_of_the_protocol_is_refused_with_both_numbers() -> None:
    """F"""
    _, desk = await desk_with("web")
    talk = Talk(desk)
    talk.say(Hello(version=99, units=(UnitHello(unit="web/0", instance="one", session=1),)))
    assert talk.ended
    assert "version 99" in talk.of(Superseded)[0].reason


@in_virtual_time
@pytest.mark.parametrize("count", [0, 20_001])
async def test_a_conversation_speaks_for_some_units_and_not_for_too_many(count: int) -> None:
    """F"""
    _, desk = await desk_with("web")
    talk = Talk(desk)
    talk.hello(*(f"web/{n}" for n in range(count)))
    assert talk.ended and "1 to 20000" in talk.of(Superseded)[0].reason


@in_virtual_time
async def test_an_unknown_unit_and_a_wrong_name_are_refused_each_for_itself() -> None:
    """L9"""
    bench, desk = await desk_with("web")
    talk = Talk(desk)
    talk.hello("web/0", "web/7", "no such", "db/0")
    await bench.turn()
    welcome = talk.of(Welcome)[0]
    assert [u.refused_code for u in welcome.units] == ["", "not-found", "bad-name", "not-found"]
    talk.claim(("web/0", None))
    await bench.turn()
    assert isinstance(talk.verdicts()[0], Granted)


@in_virtual_time
async def test_a_connection_that_is_gone_before_its_hello_was_heard_leaves_no_ghost() -> None:
    """L9: nobody is connected who is not"""
    bench, desk = await desk_with("web")
    talk = Talk(desk)
    talk.hello("web/0")
    talk.hang_up()
    await bench.turn()
    assert bench.controller.leases.sessions == {}
    assert desk.roster.of("web/0").speaker is None


@in_virtual_time
async def test_a_revision_is_told_at_hello_only_once_it_is_durable() -> None:
    """L7, H3, G7"""
    bench, desk = await desk_with("web")
    lead, term = await leader(bench, desk, "web/0")
    bench.store.open.clear()
    bench.disk.faults = ["refused"]
    lead.say(WriteSettings(id=9, unit="web/0", term=term, changes={"a": "1"}))
    await bench.turn()
    talk = Talk(desk)
    talk.hello("web/1")
    await bench.turn()
    assert all(unit.revision == 0 for w in talk.of(Welcome) for unit in w.units)
    bench.store.open.set()
    await settle()
    again = talk if not talk.ended else Talk(desk)
    if again is not talk:
        talk.hang_up()
        again.hello("web/1", session=2)
        await bench.pass_time(0.5)
    assert again.of(Welcome)[-1].units[0].revision == 0
    lead.say(WriteSettings(id=10, unit="web/0", term=term, changes={"b": "1"}))
    await bench.pass_time(0.5)
    assert again.of(Revision) == [Revision(unit="web/1", revision=1, keys=("b",))]


@in_virtual_time
async def test_who_says_hello_during_a_commit_is_welcomed_after_it() -> None:
    """L7, H3"""
    bench, desk = await desk_with("web")
    lead, term = await leader(bench, desk, "web/0")
    bench.store.open.clear()
    lead.say(WriteSettings(id=9, unit="web/0", term=term, changes={"a": "1"}))
    await bench.turn()
    talk = Talk(desk)
    talk.hello("web/1")
    await bench.turn()
    bench.store.open.set()
    await settle()
    told = [u.revision for w in talk.of(Welcome) for u in w.units]
    assert told == [1]


# -- sessions


@in_virtual_time
async def test_a_newer_session_of_the_same_instance_takes_over_at_once() -> None:
    """L9"""
    bench, desk = await desk_with("web")
    older, term = await leader(bench, desk, "web/0")
    newer = await connected(bench, desk, "web/0", session=2)
    assert older.ended and "newer session" in older.of(Superseded)[0].reason
    newer.claim(("web/0", term))
    await bench.turn()
    assert newer.verdicts()[-1].term == term
    older.hang_up()
    assert desk.roster.of("web/0").speaker is newer.conversation
    assert "web/0" in bench.controller.leases.sessions


@in_virtual_time
async def test_what_an_older_session_had_under_way_is_discarded() -> None:
    """L9"""
    bench, desk = await desk_with("web")
    older, term = await leader(bench, desk, "web/0")
    newer = Talk(desk)
    newer.hello("web/0", session=2)
    older.say(
        WriteSettings(id=5, unit="web/0", term=term, changes={"late": "1"}),
        Release(id=6, unit="web/0", term=term),
        Report(unit="web/0", eligible=False),
    )
    older.claim(("web/0", term))
    await bench.turn()
    assert bench.lease("web").holder is not None
    assert bench.controller.leases.can_lead("web/0")
    seen = bench.read("web/0")
    await bench.turn()
    assert seen[0].settings == {}


@in_virtual_time
async def test_an_older_session_that_comes_late_is_refused() -> None:
    """L9"""
    bench, desk = await desk_with("web")
    newer = await connected(bench, desk, "web/0", session=2)
    older = Talk(desk)
    older.hello("web/0", session=1)
    await bench.turn()
    assert older.of(Welcome)[0].units[0].refused_code == "instance-refused"
    assert not newer.ended


@in_virtual_time
async def test_another_instance_is_refused_while_the_first_is_connected() -> None:
    """L9, O3: operators see it"""
    bench, desk = await desk_with("web")
    first = await connected(bench, desk, "web/0")
    stream = desk.subscribe()
    clone = Talk(desk)
    clone.hello("web/0", instance="two")
    await bench.turn()
    welcome = clone.of(Welcome)[0].units[0]
    assert welcome.refused_code == "instance-refused" and "connected" in welcome.refused
    assert not first.ended
    assert "connected" in str(desk.roster.of("web/0").refused)
    event = stream.get_nowait()
    assert event is not None and "refused" in event.text


@in_virtual_time
async def test_another_instance_is_refused_while_the_first_may_believe() -> None:
    """L9"""
    bench, desk = await desk_with("web")
    first, _ = await leader(bench, desk, "web/0")
    first.hang_up()
    clone = Talk(desk)
    clone.hello("web/0", instance="two")
    await bench.turn()
    assert "may believe" in clone.of(Welcome)[0].units[0].refused
    await bench.pass_time(60.5)
    clone.hang_up()
    later, term = Talk(desk), 0
    later.hello("web/0", instance="two")
    await bench.turn()
    assert later.of(Welcome)[0].units[0].refused is None
    later.claim(("web/0", None))
    await bench.turn()
    term = later.verdicts()[-1].term
    assert term == 2


@in_virtual_time
async def test_a_refused_instance_can_say_nothing_for_the_unit() -> None:
    """L9, G10"""
    bench, desk = await desk_with("web")
    await connected(bench, desk, "web/0")
    clone = Talk(desk)
    clone.hello("web/0", instance="two")
    await bench.turn()
    clone.claim(("web/0", None))
    await bench.turn()
    assert clone.ended and clone.verdicts() == []
    assert bench.lease("web").holder is None


# -- claims and requests


@in_virtual_time
async def test_one_message_renews_all_of_an_agents_leaders() -> None:
    """L1, L2"""
    names = [f"a{n}" for n in range(100)]
    bench, desk = await desk_with(*names, units=1)
    units = [f"{name}/0" for name in names]
    talk = await connected(bench, desk, *units)
    talk.claim(*((unit, None) for unit in units))
    await bench.turn()
    assert len(talk.of(Verdicts)) == 1 and len(talk.verdicts()) == 100
    before = len(talk.frames)
    talk.claim(*((unit, 1) for unit in units))
    await bench.turn(1.0)
    assert len(talk.frames) == before + 1
    assert all(v.term == 1 for v in talk.verdicts())


@in_virtual_time
async def test_a_slow_grant_does_not_hold_up_the_renewals_of_its_message() -> None:
    """L7, L1"""
    bench, desk = await desk_with("web", "db")
    talk = await connected(bench, desk, "web/0", "db/0")
    talk.claim(("db/0", None))
    await bench.turn()
    bench.store.open.clear()
    talk.claim(("db/0", 1), ("web/0", None))
    await bench.turn()
    last = talk.of(Verdicts)[-1]
    assert [v.unit for v in last.verdicts] == ["db/0"]
    bench.store.open.set()
    await settle()
    assert [v.unit for v in talk.of(Verdicts)[-1].verdicts] == ["web/0"]
    assert talk.of(Verdicts)[-1].id == last.id


@in_virtual_time
async def test_a_claim_whose_commit_failed_is_unsure_and_never_denied() -> None:
    """L8, G7"""
    bench, desk = await desk_with("web")
    talk = await connected(bench, desk, "web/0")
    bench.disk.faults = ["unsure-landed"]
    talk.claim(("web/0", None))
    await bench.turn()
    assert [type(v) for v in talk.verdicts()] == [ClaimUnsure]


@in_virtual_time
async def test_each_request_gets_exactly_one_answer_with_its_id() -> None:
    """G7, T4"""
    bench, desk = await desk_with("web")
    talk, term = await leader(bench, desk, "web/0")
    talk.frames.clear()
    talk.say(
        WriteSettings(id=11, unit="web/0", term=term, changes={"k": "v"}),
        WriteSettings(id=12, unit="web/0", term=term + 1, changes={"k": "w"}),
        ReadSettings(id=13, unit="web/0"),
        Gone(id=14, unit="web/0"),
        Release(id=15, unit="web/0", term=term),
    )
    await bench.turn()
    by_id = {message.id: message for message in talk.heard if hasattr(message, "id")}
    assert by_id[11] == Done(id=11, revision=1)
    assert by_id[12].code == "not-leader" and by_id[14].code == "refused"
    assert by_id[13] == Settings(id=13, revision=1, settings={"k": "v"})
    assert by_id[15] == Done(id=15)
    assert len([m for m in talk.heard if hasattr(m, "id")]) == 5


@in_virtual_time
async def test_a_write_says_what_is_known_when_its_commit_failed() -> None:
    """G7"""
    bench, desk = await desk_with("web")
    talk, term = await leader(bench, desk, "web/0")
    bench.disk.faults = ["refused", "unsure-landed"]
    talk.say(WriteSettings(id=21, unit="web/0", term=term, changes={"k": "v"}))
    await bench.turn()
    talk.say(WriteSettings(id=22, unit="web/0", term=term, changes={"k": "v"}))
    await bench.pass_time(0.5)
    assert [(f.id, f.code) for f in talk.of(Failed)] == [(21, "store-refused"), (22, "unsure")]


@in_virtual_time
async def test_a_write_that_is_too_large_is_refused_with_size_and_limit() -> None:
    """B6"""
    bench, desk = await desk_with("web")
    talk, term = await leader(bench, desk, "web/0")
    talk.say(WriteSettings(id=21, unit="web/0", term=term, changes={"k": "v" * 1024 * 1024}))
    await bench.turn()
    assert talk.of(Failed)[0].code == "bucket-full"
    assert "1048577" in talk.of(Failed)[0].message and "1048576" in talk.of(Failed)[0].message


@in_virtual_time
async def test_a_minion_cannot_write_and_a_stranger_cannot_read() -> None:
    """B2, G6"""
    bench, desk = await desk_with("web", "db")
    await leader(bench, desk, "web/0")
    minion = await connected(bench, desk, "web/1")
    minion.say(WriteSettings(id=1, unit="web/1", term=1, changes={"k": "v"}))
    await bench.turn()
    assert minion.of(Failed)[0].message == (
        'application "web": prerequisites failed: "web/1" is not leader of "web"'
    )
    stranger = await connected(bench, desk, "db/0")
    stranger.say(ReadSettings(id=2, unit="web/0"))
    assert stranger.ended and stranger.of(Settings) == []


# -- pushes


@in_virtual_time
async def test_minions_are_told_of_a_new_revision_and_the_writer_is_not() -> None:
    """B5, B4"""
    bench, desk = await desk_with("web", units=3)
    lead, term = await leader(bench, desk, "web/0")
    minions = [await connected(bench, desk, f"web/{n}") for n in (1, 2)]
    for _ in range(2):  # the second changes nothing and wakes nobody
        lead.say(WriteSettings(id=1, unit="web/0", term=term, changes={"k": "v"}))
        await bench.turn()
    assert lead.of(Revision) == []
    for n, minion in enumerate(minions, 1):
        assert minion.of(Revision) == [Revision(unit=f"web/{n}", revision=1, keys=("k",))]


@in_virtual_time
async def test_minions_learn_of_a_write_whose_outcome_was_unknown() -> None:
    """B5, H3, L8"""
    bench, desk = await desk_with("web")
    lead, term = await leader(bench, desk, "web/0")
    minion = await connected(bench, desk, "web/1")
    bench.disk.faults = ["unsure-landed"]
    lead.say(WriteSettings(id=1, unit="web/0", term=term, changes={"k": "v"}))
    await bench.turn()
    assert lead.of(Failed)[0].code == "unsure"
    await bench.pass_time(1.0)
    if minion.ended:  # it is made to say Hello again, and is told then
        minion.hang_up()
        minion = await connected(bench, desk, "web/1", session=2)
    told = [r.revision for r in minion.of(Revision)]
    told += [u.revision for w in minion.of(Welcome) for u in w.units]
    assert max(told) == 1


@in_virtual_time
async def test_who_waits_in_line_is_not_forgotten_when_a_release_was_unsure() -> None:
    """G11, L4, L8"""
    bench, desk = await desk_with("web")
    lead, term = await leader(bench, desk, "web/0")
    minion = await connected(bench, desk, "web/1")
    minion.claim(("web/1", None))
    await bench.turn()
    assert isinstance(minion.verdicts()[0], Denied)
    bench.disk.faults = ["unsure-landed"]
    lead.say(Release(id=1, unit="web/0", term=term))
    await bench.turn()
    await bench.pass_time(2.0)
    assert bench.lease("web").holder is None
    assert minion.ended or minion.of(Offer), "it sleeps on beside a free lease"


@in_virtual_time
async def test_an_unsure_removal_reaches_the_unit_if_it_landed() -> None:
    """U4, L8"""
    bench, desk = await desk_with("web")
    talk, _ = await leader(bench, desk, "web/0")
    bench.disk.faults = ["unsure-landed"]
    orders = bench.controller.orders
    bench.give("web", lambda now: orders.remove_unit(now, "web/0", force=False))
    await bench.turn()
    await bench.pass_time(1.0)
    assert talk.ended or talk.of(Remove), "it is never told"


@in_virtual_time
async def test_orders_reach_the_unit_they_are_for_and_no_other() -> None:
    """U4, L5, O2"""
    bench, desk = await desk_with("web")
    lead, term = await leader(bench, desk, "web/0")
    other = await connected(bench, desk, "web/1")
    orders = bench.controller.orders
    bench.give("web", lambda now: orders.step_down(now, "web"))
    await bench.turn()
    bench.give("web", lambda now: orders.remove_unit(now, "web/0", force=False))
    bench.give("web", lambda now: orders.revoke(now, "web"))
    await bench.turn()
    told = [m for m in lead.heard if isinstance(m, StepDown | Remove | Revoked)]
    assert told == [
        StepDown(unit="web/0"), Remove(unit="web/0"), Revoked(unit="web/0", term=term),
    ]  # fmt: skip
    assert not any(isinstance(m, StepDown | Remove | Revoked) for m in other.heard)


@in_virtual_time
async def test_who_was_asked_to_step_down_is_asked_again_when_it_is_back() -> None:
    """U4, O1"""
    bench, desk = await desk_with("web")
    lead, _ = await leader(bench, desk, "web/0")
    await connected(bench, desk, "web/1")
    bench.give("web", lambda now: bench.controller.orders.elect(now, "web/1"))
    await bench.turn()
    lead.hang_up()
    back = await connected(bench, desk, "web/0", session=2)
    await bench.turn()
    assert [type(m) for m in back.heard] == [Welcome, StepDown]


@in_virtual_time
async def test_a_unit_whose_goodbye_was_not_saved_can_say_it_again() -> None:
    """U4, G7"""
    bench, desk = await desk_with("web")
    talk = await connected(bench, desk, "web/0")
    bench.give("web", lambda now: bench.controller.orders.remove_unit(now, "web/0", force=False))
    await bench.turn()
    bench.disk.faults = ["refused"]
    talk.say(Gone(id=1, unit="web/0"))
    await bench.turn()
    assert talk.ended or talk.of(Failed)
    await bench.pass_time(0.5)
    if talk.ended:
        talk.hang_up()
        talk = await connected(bench, desk, "web/0", session=2)
    talk.say(Gone(id=2, unit="web/0"))
    await bench.turn()
    assert Done(id=2) in talk.heard
    assert "web/0" not in bench.disk.persisted().units


@in_virtual_time
async def test_a_unit_that_has_left_is_gone_for_good() -> None:
    """U4, H1"""
    bench, desk = await desk_with("web")
    talk = await connected(bench, desk, "web/0")
    bench.give("web", lambda now: bench.controller.orders.remove_unit(now, "web/0", force=False))
    await bench.turn()
    talk.say(Gone(id=1, unit="web/0"))
    await bench.turn()
    assert talk.of(Done) == [Done(id=1)]
    again = Talk(desk)
    again.hello("web/0", session=2)
    await bench.turn()
    assert again.of(Welcome)[0].units[0].refused_code == "not-found"


@in_virtual_time
async def test_a_lost_connection_takes_its_units_out_of_the_line() -> None:
    """L2, L4"""
    bench, desk = await desk_with("web", units=3)
    await leader(bench, desk, "web/0")
    talks: Sequence[Talk] = [await connected(bench, desk, f"web/{n}") for n in (1, 2)]
    for n, talk in enumerate(talks, 1):
        talk.claim((f"web/{n}", None))
        await bench.turn()
    assert bench.lease("web").line == ("web/1", "web/2")
    talks[0].hang_up()
    await bench.turn()
    assert bench.lease("web").line == ("web/2",)


@in_virtual_time
async def test_who_stops_is_not_offered_the_lease() -> None:
    """L4, U4"""
    bench, desk = await desk_with("web", units=3)
    lead, term = await leader(bench, desk, "web/0")
    talks = [await connected(bench, desk, f"web/{n}") for n in (1, 2)]
    for n, talk in enumerate(talks, 1):
        talk.claim((f"web/{n}", None))
        await bench.turn()
    talks[0].say(Report(unit="web/1", eligible=False))
    lead.say(Release(id=1, unit="web/0", term=term))
    await bench.turn()
    assert talks[0].of(Offer) == [] and talks[1].of(Offer) == [Offer(unit="web/2")]
