"""A unit's conversation with the controller: Hello, claims and requests (L7, G7)."""

from __future__ import annotations

from typing import Any

import pytest

from tenure.core.effects import ClaimUnsure, Configured, Granted, Revision
from tenure.testing.time.waiting import in_virtual_time, settle
from tenure.wire.messages import (
    PROTOCOL_VERSION,
    Done,
    Failed,
    Gone,
    Hello,
    ReadSettings,
    Release,
    Settings,
    Superseded,
    UnitHello,
    UnitWelcome,
    Verdicts,
    Welcome,
    WriteSettings,
)
from tests.support.talk import Talk, connected, leader, service_with

# -- Hello


@in_virtual_time
async def test_hello_is_answered_with_what_the_unit_must_know() -> None:
    """L9, H3: the current revision, whenever it connects"""
    bench, service = await service_with("web")
    lead, term = await leader(bench, service, "web/0")
    lead.say(WriteSettings(id=9, unit="web/0", term=term, changes={"a": "1", "b": "2"}))
    await bench.turn()
    talk = Talk(service)
    talk.hello("web/1")
    await bench.turn()
    assert talk.heard == [
        Welcome(
            version=PROTOCOL_VERSION,
            units=(
                UnitWelcome(
                    unit="web/1",
                    revision=1,
                    changed_keys=("a", "b"),
                    config=Configured(unit="web/1", revision=0, values={}),
                    address="127.1.0.2",
                ),
            ),
        )
    ]


@in_virtual_time
async def test_another_version_of_the_protocol_is_refused_with_both_numbers() -> None:
    """F"""
    _, service = await service_with("web")
    talk = Talk(service)
    talk.say(Hello(version=99, units=(UnitHello(unit="web/0", instance="one", session=1),)))
    assert talk.ended
    assert "version 99" in talk.of(Superseded)[0].reason


@in_virtual_time
@pytest.mark.parametrize("count", [0, 20_001])
async def test_a_conversation_speaks_for_some_units_and_not_for_too_many(count: int) -> None:
    """F"""
    _, service = await service_with("web")
    talk = Talk(service)
    talk.hello(*(f"web/{n}" for n in range(count)))
    assert talk.ended and "1 to 20000" in talk.of(Superseded)[0].reason


@in_virtual_time
async def test_an_unknown_unit_and_a_wrong_name_are_refused_each_for_itself() -> None:
    """L9"""
    bench, service = await service_with("web")
    talk = Talk(service)
    talk.hello("web/0", "web/7", "no such", "db/0")
    await bench.turn()
    welcome = talk.of(Welcome)[0]
    assert [u.refused_code for u in welcome.units] == ["", "not-found", "bad-name", "not-found"]
    talk.claim(("web/0", None))
    await bench.turn()
    assert isinstance(talk.verdicts()[0], Granted)


@in_virtual_time
async def test_an_instance_id_of_any_length_is_not_kept() -> None:
    """L9"""
    bench, service = await service_with("web")
    for instance in ("", "x" * 129):
        talk = Talk(service)
        talk.hello("web/0", instance=instance)
        await bench.turn()
        [answer] = talk.of(Welcome)[0].units
        assert answer.refused == "an instance's id has 1 to 128 characters"


@in_virtual_time
async def test_a_connection_that_is_gone_before_its_hello_was_heard_leaves_no_ghost() -> None:
    """L9: nobody is connected who is not"""
    bench, service = await service_with("web")
    talk = Talk(service)
    talk.hello("web/0")
    talk.hang_up()
    await bench.turn()
    assert bench.controller.model.sessions == {}
    assert service.agents.of("web/0").speaker is None


@in_virtual_time
async def test_a_revision_is_told_at_hello_only_once_it_is_durable() -> None:
    """L7, H3, G7"""
    bench, service = await service_with("web")
    lead, term = await leader(bench, service, "web/0")
    bench.store.open.clear()
    bench.disk.faults = ["refused"]
    lead.say(WriteSettings(id=9, unit="web/0", term=term, changes={"a": "1"}))
    await bench.turn()
    talk = Talk(service)
    talk.hello("web/1")
    await bench.turn()
    assert all(unit.revision == 0 for w in talk.of(Welcome) for unit in w.units)
    bench.store.open.set()
    await settle()
    again = talk if not talk.ended else Talk(service)
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
    bench, service = await service_with("web")
    lead, term = await leader(bench, service, "web/0")
    bench.store.open.clear()
    lead.say(WriteSettings(id=9, unit="web/0", term=term, changes={"a": "1"}))
    await bench.turn()
    talk = Talk(service)
    talk.hello("web/1")
    await bench.turn()
    bench.store.open.set()
    await settle()
    told = [u.revision for w in talk.of(Welcome) for u in w.units]
    assert told == [1]


# -- claims and requests


@in_virtual_time
async def test_one_message_renews_all_of_an_agents_leaders() -> None:
    """L1, L2"""
    names = [f"a{n}" for n in range(100)]
    bench, service = await service_with(*names, units=1)
    units = [f"{name}/0" for name in names]
    talk = await connected(bench, service, *units)
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
    bench, service = await service_with("web", "db")
    talk = await connected(bench, service, "web/0", "db/0")
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
    bench, service = await service_with("web")
    talk = await connected(bench, service, "web/0")
    bench.disk.faults = ["unsure-landed"]
    talk.claim(("web/0", None))
    await bench.turn()
    assert [type(v) for v in talk.verdicts()] == [ClaimUnsure]


@in_virtual_time
async def test_each_request_gets_exactly_one_answer_with_its_id() -> None:
    """G7, T4"""
    bench, service = await service_with("web")
    talk, term = await leader(bench, service, "web/0")
    talk.frames.clear()
    talk.say(
        WriteSettings(id=11, unit="web/0", term=term, changes={"k": "v"}),
        WriteSettings(id=12, unit="web/0", term=term + 1, changes={"k": "w"}),
        ReadSettings(id=13, unit="web/0"),
        Gone(id=14, unit="web/0"),
        Release(id=15, unit="web/0", term=term),
    )
    await bench.turn()
    by_id: dict[int, Any] = {m.id: m for m in talk.heard if hasattr(m, "id")}
    assert by_id[11] == Done(id=11, revision=1)
    assert by_id[12].code == "not-leader" and by_id[14].code == "refused"
    assert by_id[13] == Settings(id=13, revision=1, settings={"k": "v"})
    assert by_id[15] == Done(id=15)
    assert len([m for m in talk.heard if hasattr(m, "id")]) == 5


@in_virtual_time
async def test_a_write_says_what_is_known_when_its_commit_failed() -> None:
    """G7"""
    bench, service = await service_with("web")
    talk, term = await leader(bench, service, "web/0")
    bench.disk.faults = ["refused", "unsure-landed"]
    talk.say(WriteSettings(id=21, unit="web/0", term=term, changes={"k": "v"}))
    await bench.turn()
    talk.say(WriteSettings(id=22, unit="web/0", term=term, changes={"k": "v"}))
    await bench.pass_time(0.5)
    assert [(f.id, f.code) for f in talk.of(Failed)] == [(21, "store-refused"), (22, "unsure")]


@in_virtual_time
async def test_a_write_that_is_too_large_is_refused_with_size_and_limit() -> None:
    """B6"""
    bench, service = await service_with("web")
    talk, term = await leader(bench, service, "web/0")
    talk.say(WriteSettings(id=21, unit="web/0", term=term, changes={"k": "v" * 1024 * 1024}))
    await bench.turn()
    assert talk.of(Failed)[0].code == "bucket-full"
    assert "1048577" in talk.of(Failed)[0].message and "1048576" in talk.of(Failed)[0].message


@in_virtual_time
async def test_a_minion_cannot_write_and_a_stranger_cannot_read() -> None:
    """B2, G6"""
    bench, service = await service_with("web", "db")
    await leader(bench, service, "web/0")
    minion = await connected(bench, service, "web/1")
    minion.say(WriteSettings(id=1, unit="web/1", term=1, changes={"k": "v"}))
    await bench.turn()
    assert minion.of(Failed)[0].message == (
        'application "web": prerequisites failed: "web/1" is not leader of "web"'
    )
    stranger = await connected(bench, service, "db/0")
    stranger.say(ReadSettings(id=2, unit="web/0"))
    assert stranger.ended and stranger.of(Settings) == []


@in_virtual_time
async def test_a_unit_whose_removal_was_rolled_back_says_hello_anew() -> None:
    """G7, G11, H3, L9: its session went with the decision, and comes back before any clone's"""
    bench, service = await service_with("web")
    talk = await connected(bench, service, "web/1")
    applications = bench.controller.model.applications
    bench.disk.faults[:] = ["refused"]
    bench.give("web", lambda now: applications.remove_application("web"))
    await bench.turn()
    assert talk.ended
    assert "rolled back" in talk.of(Superseded)[-1].reason
    talk.hang_up()
    again = await connected(bench, service, "web/1", session=2)
    again.claim(("web/1", None))
    await bench.turn(1.0)
    assert isinstance(again.verdicts()[-1], Granted)


@in_virtual_time
async def test_a_conversation_that_begins_with_nothing_is_ended() -> None:
    """F"""
    _, service = await service_with("web")
    talk = Talk(service)
    talk.say()
    assert talk.ended
