"""One session speaks for a unit: what becomes of older ones, and of other instances."""

from __future__ import annotations

from tenure.core.effects import ClaimUnsure
from tenure.testing.time.waiting import in_virtual_time
from tenure.wire.messages import (
    Claim,
    Claims,
    Release,
    Report,
    Superseded,
    Welcome,
    WriteSettings,
)
from tests.support.talk import Talk, connected, leader, service_with


@in_virtual_time
async def test_a_newer_session_of_the_same_instance_takes_over_at_once() -> None:
    """L9"""
    bench, service = await service_with("web")
    older, term = await leader(bench, service, "web/0")
    newer = await connected(bench, service, "web/0", session=2)
    assert older.ended and "newer session" in older.of(Superseded)[0].reason
    newer.claim(("web/0", term))
    await bench.turn()
    assert newer.verdicts()[-1].term == term
    older.hang_up()
    assert service.agents.of("web/0").speaker is newer.conversation
    assert "web/0" in bench.controller.model.sessions


@in_virtual_time
async def test_what_an_older_session_had_under_way_is_discarded() -> None:
    """L9"""
    bench, service = await service_with("web")
    older, term = await leader(bench, service, "web/0")
    newer = Talk(service)
    newer.hello("web/0", session=2)
    older.say(
        WriteSettings(id=5, unit="web/0", term=term, changes={"late": "1"}),
        Release(id=6, unit="web/0", term=term),
        Report(unit="web/0", eligible=False),
    )
    older.claim(("web/0", term))
    await bench.turn()
    assert bench.lease("web").holder is not None
    assert bench.controller.model.leases.can_lead("web/0")
    seen = bench.read("web/0")
    await bench.turn()
    assert seen[0].settings == {}


@in_virtual_time
async def test_an_older_session_that_comes_late_is_refused() -> None:
    """L9"""
    bench, service = await service_with("web")
    newer = await connected(bench, service, "web/0", session=2)
    older = Talk(service)
    older.hello("web/0", session=1)
    await bench.turn()
    assert older.of(Welcome)[0].units[0].refused_code == "instance-refused"
    assert not newer.ended


@in_virtual_time
async def test_another_instance_is_refused_while_the_first_is_connected() -> None:
    """L9, O3: operators see it"""
    bench, service = await service_with("web")
    first = await connected(bench, service, "web/0")
    stream = service.events.subscribe()
    clone = Talk(service)
    clone.hello("web/0", instance="two")
    await bench.turn()
    welcome = clone.of(Welcome)[0].units[0]
    assert welcome.refused_code == "instance-refused" and "connected" in welcome.refused
    assert not first.ended
    assert "connected" in str(service.agents.of("web/0").refused)
    event = stream.get_nowait()
    assert event is not None and "refused" in event.text


@in_virtual_time
async def test_another_instance_is_refused_while_the_first_may_believe() -> None:
    """L9"""
    bench, service = await service_with("web")
    first, _ = await leader(bench, service, "web/0")
    first.hang_up()
    clone = Talk(service)
    clone.hello("web/0", instance="two")
    await bench.turn()
    assert "may believe" in clone.of(Welcome)[0].units[0].refused
    await bench.pass_time(60.5)
    clone.hang_up()
    later, term = Talk(service), 0
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
    bench, service = await service_with("web")
    await connected(bench, service, "web/0")
    clone = Talk(service)
    clone.hello("web/0", instance="two")
    await bench.turn()
    clone.claim(("web/0", None))
    await bench.turn()
    assert clone.ended and clone.verdicts() == []
    assert bench.lease("web").holder is None


@in_virtual_time
async def test_who_claims_under_a_session_that_is_over_is_told_so() -> None:
    """L9"""
    bench, service = await service_with("web")
    talk = await connected(bench, service, "web/1")
    bench.model.leases.sessions.forget("web/1")
    talk.claim(("web/1", None))
    await bench.turn()
    assert isinstance(talk.verdicts()[-1], ClaimUnsure)
    assert talk.ended


@in_virtual_time
async def test_claims_that_a_superseded_session_had_under_way_are_discarded() -> None:
    """L9"""
    bench, service = await service_with("web")
    older = await connected(bench, service, "web/0")
    newer = Talk(service)
    newer.hello("web/0", session=2)
    older.say(Claims(id=7, claims=(Claim(unit="web/0"),)))
    await bench.turn()
    assert bench.lease("web").holder is None
    assert not [v for v in older.verdicts() if type(v).__name__ == "Granted"]
