"""What the controller tells units that asked for nothing, and what faults do to it (B5, U4, L8)."""

from __future__ import annotations

from collections.abc import Sequence

from tenure.core.effects import Denied, Offer, Revision, Revoked, StepDown
from tenure.wire.messages import (
    Done,
    Failed,
    Gone,
    Release,
    Remove,
    Report,
    Welcome,
    WriteSettings,
)
from tests.support.talk import Talk, connected, desk_with, leader
from tests.support.virtual import in_virtual_time

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
