"""Who is there: what units are told that asked for nothing, and what their agents report."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from tenure.controller.agents import MAX_TEXT
from tenure.controller.events import iso
from tenure.core.effects import Denied, Offer, Revision, Revoked, StepDown
from tenure.errors import Refused, StoreRefused
from tenure.testing.time.waiting import in_virtual_time
from tenure.wire.messages import (
    Configured,
    Done,
    Failed,
    Goal,
    GoalUnit,
    Gone,
    ReadGoal,
    ReadStatus,
    Release,
    Remove,
    Report,
    Resolve,
    SetStatus,
    Statuses,
    Welcome,
    WriteSettings,
)
from tests.support.charmed import charmed
from tests.support.talk import Talk, ask, asked, connected, leader, service_with

# -- pushes


@in_virtual_time
async def test_minions_are_told_of_a_new_revision_and_the_writer_is_not() -> None:
    """B5, B4"""
    bench, service = await service_with("web", units=3)
    lead, term = await leader(bench, service, "web/0")
    minions = [await connected(bench, service, f"web/{n}") for n in (1, 2)]
    for _ in range(2):  # the second changes nothing and wakes nobody
        lead.say(WriteSettings(id=1, unit="web/0", term=term, changes={"k": "v"}))
        await bench.turn()
    assert lead.of(Revision) == []
    for n, minion in enumerate(minions, 1):
        assert minion.of(Revision) == [Revision(unit=f"web/{n}", revision=1, keys=("k",))]


@in_virtual_time
async def test_minions_learn_of_a_write_whose_outcome_was_unknown() -> None:
    """B5, H3, L8"""
    bench, service = await service_with("web")
    lead, term = await leader(bench, service, "web/0")
    minion = await connected(bench, service, "web/1")
    bench.disk.faults = ["unsure-landed"]
    lead.say(WriteSettings(id=1, unit="web/0", term=term, changes={"k": "v"}))
    await bench.turn()
    assert lead.of(Failed)[0].code == "unsure"
    await bench.pass_time(1.0)
    if minion.ended:  # it is made to say Hello again, and is told then
        minion.hang_up()
        minion = await connected(bench, service, "web/1", session=2)
    told = [r.revision for r in minion.of(Revision)]
    told += [u.revision for w in minion.of(Welcome) for u in w.units]
    assert max(told) == 1


@in_virtual_time
async def test_who_waits_in_line_is_not_forgotten_when_a_release_was_unsure() -> None:
    """G11, L4, L8"""
    bench, service = await service_with("web")
    lead, term = await leader(bench, service, "web/0")
    minion = await connected(bench, service, "web/1")
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
    bench, service = await service_with("web")
    talk, _ = await leader(bench, service, "web/0")
    bench.disk.faults = ["unsure-landed"]
    applications = bench.controller.model.applications
    bench.give("web", lambda now: applications.remove_unit(now, "web/0", force=False))
    await bench.turn()
    await bench.pass_time(1.0)
    assert talk.ended or talk.of(Remove), "it is never told"


@in_virtual_time
async def test_orders_reach_the_unit_they_are_for_and_no_other() -> None:
    """U4, L5, O2"""
    bench, service = await service_with("web")
    lead, term = await leader(bench, service, "web/0")
    other = await connected(bench, service, "web/1")
    model = bench.controller.model
    bench.give("web", lambda now: model.orders.step_down(now, "web"))
    await bench.turn()
    bench.give("web", lambda now: model.applications.remove_unit(now, "web/0", force=False))
    bench.give("web", lambda now: model.orders.revoke(now, "web"))
    await bench.turn()
    told = [m for m in lead.heard if isinstance(m, StepDown | Remove | Revoked)]
    assert told == [
        StepDown(unit="web/0"), Remove(unit="web/0"), Revoked(unit="web/0", term=term),
    ]  # fmt: skip
    assert not any(isinstance(m, StepDown | Remove | Revoked) for m in other.heard)


@in_virtual_time
async def test_who_was_asked_to_step_down_is_asked_again_when_it_is_back() -> None:
    """U4, O1"""
    bench, service = await service_with("web")
    lead, _ = await leader(bench, service, "web/0")
    await connected(bench, service, "web/1")
    bench.give("web", lambda now: bench.controller.model.orders.elect(now, "web/1"))
    await bench.turn()
    lead.hang_up()
    back = await connected(bench, service, "web/0", session=2)
    await bench.turn()
    assert [type(m) for m in back.heard] == [Welcome, StepDown]


@in_virtual_time
async def test_a_unit_whose_goodbye_was_not_saved_can_say_it_again() -> None:
    """U4, G7"""
    bench, service = await service_with("web")
    talk = await connected(bench, service, "web/0")
    bench.give(
        "web",
        lambda now: bench.controller.model.applications.remove_unit(now, "web/0", force=False),
    )
    await bench.turn()
    bench.disk.faults = ["refused"]
    talk.say(Gone(id=1, unit="web/0"))
    await bench.turn()
    assert talk.ended or talk.of(Failed)
    await bench.pass_time(0.5)
    if talk.ended:
        talk.hang_up()
        talk = await connected(bench, service, "web/0", session=2)
    talk.say(Gone(id=2, unit="web/0"))
    await bench.turn()
    assert Done(id=2) in talk.heard
    assert "web/0" not in bench.disk.persisted().units


@in_virtual_time
async def test_a_unit_that_has_left_is_gone_for_good() -> None:
    """U4, H1"""
    bench, service = await service_with("web")
    talk = await connected(bench, service, "web/0")
    bench.give(
        "web",
        lambda now: bench.controller.model.applications.remove_unit(now, "web/0", force=False),
    )
    await bench.turn()
    talk.say(Gone(id=1, unit="web/0"))
    await bench.turn()
    assert talk.of(Done) == [Done(id=1)]
    again = Talk(service)
    again.hello("web/0", session=2)
    await bench.turn()
    assert again.of(Welcome)[0].units[0].refused_code == "not-found"


@in_virtual_time
async def test_a_lost_connection_takes_its_units_out_of_the_line() -> None:
    """L2, L4"""
    bench, service = await service_with("web", units=3)
    await leader(bench, service, "web/0")
    talks: Sequence[Talk] = [await connected(bench, service, f"web/{n}") for n in (1, 2)]
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
    bench, service = await service_with("web", units=3)
    lead, term = await leader(bench, service, "web/0")
    talks = [await connected(bench, service, f"web/{n}") for n in (1, 2)]
    for n, talk in enumerate(talks, 1):
        talk.claim((f"web/{n}", None))
        await bench.turn()
    talks[0].say(Report(unit="web/1", eligible=False))
    lead.say(Release(id=1, unit="web/0", term=term))
    await bench.turn()
    assert talks[0].of(Offer) == [] and talks[1].of(Offer) == [Offer(unit="web/2")]


@in_virtual_time
async def test_a_text_without_end_that_an_agent_reports_is_kept_and_told_in_part() -> None:
    """O3, O4"""
    bench, service = await service_with("web")
    talk = await connected(bench, service, "web/0")
    events = service.events.subscribe()
    endless, kept = "x" * 5_000_000, "x" * (MAX_TEXT - 1) + "…"
    talk.say(
        Report(
            unit="web/0", running=endless, error=endless, last=endless, current=endless,
            message=endless, owed=endless,
        )
    )  # fmt: skip
    await bench.turn()
    unit = (await ask(service, "/v1/status")).applications["web"].units["web/0"]
    told = {unit.hook.running, unit.hook.error, unit.hook.last, unit.status.current}
    assert unit.status.current == "error"
    assert (told - {"error"}) | {unit.status.message, unit.hook.owed} == {kept}
    texts = [event.text for event in (events.get_nowait() for _ in range(events.qsize())) if event]
    assert len(texts) == 3 and max(map(len, texts)) < 2 * MAX_TEXT + 10


@in_virtual_time
async def test_the_time_to_the_next_try_runs_down_by_itself() -> None:
    """O3, H7"""
    bench, service = await service_with("web")
    talk = await connected(bench, service, "web/0")
    talk.say(Report(unit="web/0", error='hook failed: "start"', retry_in=10))
    await bench.turn()
    await bench.pass_time(4)
    hook = (await ask(service, "/v1/status")).applications["web"].units["web/0"].hook
    assert hook.retry_in == pytest.approx(6, abs=0.5)


@in_virtual_time
async def test_a_unit_that_is_not_in_error_has_nothing_to_resolve() -> None:
    """O2, H7"""
    bench, service = await service_with("web")
    await connected(bench, service, "web/0")
    with pytest.raises(Refused, match="is not in error: there is nothing to resolve"):
        await asked(bench, "/v1/units/web/0/resolve", "POST")


@in_virtual_time
async def test_the_hook_that_is_to_be_ended_is_named_and_where_none_runs_that_is_refused() -> None:
    """O2, H7: the one that runs by then may be another"""
    bench, service = await service_with("web")
    with pytest.raises(Refused, match="not connected: see `tenure why web/0`"):
        await asked(bench, "/v1/units/web/0/kill-hook", "POST")
    talk = await connected(bench, service, "web/0")
    with pytest.raises(Refused, match="web/0 runs no hook"):
        await asked(bench, "/v1/units/web/0/kill-hook", "POST")
    talk.say(Report(unit="web/0", running="start"))
    await bench.turn()
    answer = await asked(bench, "/v1/units/web/0/kill-hook", "POST")
    assert answer.note == "web/0 was told to end start, which has failed then: see `tenure status`"
    assert talk.of(Resolve) == [Resolve(unit="web/0", retry=True, kill="start")]


@in_virtual_time
async def test_a_report_s_texts_are_kept_in_part() -> None:
    """O3"""
    bench, service = await charmed()
    talk = await connected(bench, service, "web/0")
    endless = "x" * 1_000_000
    talk.say(Report(unit="web/0", version=endless, ports=(endless,) * 5000))
    await bench.turn()
    report = service.agents.of("web/0").report
    assert report is not None and len(report.ports) == 1000
    assert {len(text) for text in (report.version, *report.ports)} == {1000}


@in_virtual_time
async def test_the_goal_tells_how_each_unit_is_and_since_when() -> None:
    """H1: what goal-state needs"""
    bench, service = await charmed(4)
    talks = [await connected(bench, service, f"web/{n}") for n in range(3)]
    talks[1].say(Report(unit="web/1", current="active", message="ready"))
    await bench.turn()
    since = bench.clock.wall()
    await bench.pass_time(5.0)
    talks[1].say(Report(unit="web/1", current="active", message="ready", running="update-status"))
    bench.controller.model.applications.remove_unit(bench.clock.now(), "web/2", force=False)
    talks[0].say(ReadGoal(id=1, unit="web/0"))
    await bench.turn()
    assert talks[0].of(Goal) == [
        Goal(
            id=1,
            units={
                "web/0": GoalUnit(status="waiting"),
                "web/1": GoalUnit(status="active", since=since),
                "web/2": GoalUnit(status="dying"),
                "web/3": GoalUnit(status="waiting"),
            },
        )
    ]
    assert list(talks[0].of(Goal)[0].units) == [f"web/{n}" for n in range(4)]


@in_virtual_time
async def test_a_status_that_changes_begins_anew() -> None:
    """Its message counts, too."""
    bench, service = await charmed()
    talk = await connected(bench, service, "web/0")
    seen = []
    for message in ("a", "a", "b"):
        talk.say(Report(unit="web/0", current="active", message=message))
        await bench.turn()
        seen.append(service.agents.of("web/0").status_since)
        await bench.pass_time(3.0)
    assert seen[0] == seen[1] is not None and seen[2] is not None and seen[2] > seen[1]


@in_virtual_time
async def test_a_failed_hook_is_an_error_whatever_the_charm_says_and_what_it_said_comes_back() -> (
    None
):
    """P4: for operators, and for goal-state, which says no more than the word (G10)"""
    bench, service = await charmed()
    talk = await connected(bench, service, "web/0")
    well = Report(unit="web/0", current="active", message="ready", since=1000.0)
    failed = replace(well, error='hook failed: "start"', since=2000.0)
    seen = []
    for report in (well, failed, well):
        talk.say(report)
        await bench.turn()
        unit = (await ask(service, "/v1/status")).applications["web"].units["web/0"]
        seen.append((unit.status.current, unit.status.message, unit.status.since))
        talk.say(ReadGoal(id=1, unit="web/0"))
        await bench.turn()
        assert talk.of(Goal)[-1].units["web/0"].status == unit.status.current
    before, error, after = seen
    assert before == after == ("active", "ready", iso(1000.0))
    assert error == ("error", 'hook failed: "start"', iso(2000.0))


@in_virtual_time
@pytest.mark.parametrize("since", [-1e300, 1e300])
async def test_a_time_that_no_calendar_has_ends_nobody(since: float) -> None:
    """O3"""
    bench, service = await charmed()
    talk = await connected(bench, service, "web/0")
    talk.say(Report(unit="web/0", since=since))
    await bench.turn()
    unit = (await ask(service, "/v1/status")).applications["web"].units["web/0"]
    assert unit.status.since is not None and unit.status.since <= iso(bench.clock.wall())


@in_virtual_time
async def test_a_unit_is_queued_until_it_has_taken_up_what_it_was_told() -> None:
    """O3: from the moment on at which an operator is answered"""
    bench, service = await charmed()
    talk = await connected(bench, service, "web/0")

    async def queued() -> bool:
        return (await ask(service, "/v1/status")).applications["web"].units["web/0"].hook.queued

    assert await queued(), "nothing is known of it yet"
    for report, is_queued in (
        (Report(unit="web/0", owed="start", settled=False, heard=0), True),
        (Report(unit="web/0", heard=0), False),
    ):
        talk.say(report)
        await bench.turn()
        assert await queued() is is_queued
    service.agents.push(Configured(unit="web/0", revision=1, values={}))
    assert await queued()
    talk.say(Report(unit="web/0", heard=1))
    await bench.turn()
    assert not await queued()


@in_virtual_time
async def test_an_application_is_as_its_leader_said_or_else_as_its_worst_unit() -> None:
    """P4: and as the leader said also when another leads, and after a restart"""
    bench, service = await charmed()
    lead, term = await leader(bench, service, "web/0")
    other = await connected(bench, service, "web/1")
    for talk, unit, current in ((lead, "web/0", "active"), (other, "web/1", "waiting")):
        talk.say(Report(unit=unit, current=current, message=f"of {unit}"))
    await bench.turn()

    async def shown() -> tuple[str, str]:
        status = (await ask(service, "/v1/status")).applications["web"].status
        return status.current, status.message

    assert await shown() == ("waiting", "of web/1")
    lead.say(SetStatus(id=7, unit="web/0", term=term, current="active", message="all"))
    await bench.turn()
    assert Done(id=7) in lead.heard and await shown() == ("active", "all")
    other.say(SetStatus(id=8, unit="web/1", term=term, current="blocked"))
    other.say(ReadStatus(id=9, unit="web/1", term=term))
    lead.say(ReadStatus(id=10, unit="web/0", term=term))
    await bench.turn()
    assert [failed.code for failed in other.of(Failed)] == ["not-leader"] * 2
    [told] = lead.of(Statuses)
    assert told.application is not None and told.application.message == "all"
    assert {unit: said.current for unit, said in told.units.items()} == {
        "web/0": "active", "web/1": "waiting",
    }  # fmt: skip
    lead.say(Release(id=11, unit="web/0", term=term))
    await bench.turn()
    assert await shown() == ("active", "all")
    assert bench.disk.persisted().statuses["web"].message == "all"


@in_virtual_time
async def test_who_resolves_is_answered_in_the_turn_in_which_the_unit_is_told() -> None:
    """H7"""
    bench, service = await service_with("web")
    talk = await connected(bench, service, "web/0")
    talk.say(Report(unit="web/0", error='hook failed: "install"'))
    await bench.turn()
    answer = await asked(bench, "/v1/units/web/0/resolve", "POST", {"retry": True})
    assert answer.note == 'web/0: hook failed: "install"; it is tried again now'
    assert talk.of(Resolve) == [Resolve(unit="web/0", retry=True)]


@in_virtual_time
async def test_a_resolve_behind_a_commit_that_is_refused_reaches_nobody() -> None:
    """G7: who is refused may conclude that nothing happened"""
    bench, service = await service_with("web")
    talk = await connected(bench, service, "web/0")
    talk.say(Report(unit="web/0", error='hook failed: "install"'))
    await bench.turn()
    bench.disk.faults = ["refused"]
    bench.give("web", lambda now: bench.model.applications.add_unit("web"))
    with pytest.raises(StoreRefused):
        await asked(bench, "/v1/units/web/0/resolve", "POST", {"retry": False})
    assert talk.of(Resolve) == []
