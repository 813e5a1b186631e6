"""What operators are told: `why`, `status`, and orders that have nothing to do (O2, O3, O5)."""

from __future__ import annotations

from typing import Any

import pytest

from tenure.controller.access import OPERATOR
from tenure.controller.api import Api
from tenure.controller.desk import Desk
from tenure.controller.roster import MAX_TEXT
from tenure.errors import Refused
from tenure.wire.messages import Claim, Claims, Report
from tests.support.bench import Bench
from tests.support.talk import Talk, connected, desk_with, leader
from tests.support.virtual import in_virtual_time


async def ask(desk: Desk, path: str, method: str = "GET") -> Any:
    return await Api(desk, "memory").call(OPERATOR, method, path, {}, b"")


async def pinned_and_dead() -> tuple[Bench, Desk]:
    """web/0 leads a pinned lease, its agent is gone, and the lease is over."""
    bench, desk = await desk_with("web")
    talk, _ = await leader(bench, desk, "web/0")
    bench.controller.orders.pin(bench.clock.now(), "web", "upgrade", 3600)
    await bench.turn()
    talk.hang_up()
    await bench.pass_time(70)
    return bench, desk


@in_virtual_time
async def test_why_says_of_a_dead_leader_that_the_pin_holds_its_lease() -> None:
    """O5, L6"""
    _, desk = await pinned_and_dead()
    told = await ask(desk, "/v1/applications/web/why")
    assert "its agent is not connected, and the pin keeps the lease from running out" in told.answer
    assert "unpin" in told.next


@in_virtual_time
async def test_why_promises_no_hand_over_of_who_is_not_there() -> None:
    """O5"""
    bench, desk = await pinned_and_dead()
    await connected(bench, desk, "web/1")
    bench.controller.orders.remove_unit(bench.clock.now(), "web/0", force=False)
    await bench.turn()
    told = await ask(desk, "/v1/applications/web/why")
    assert "asked to step down" in told.answer
    assert "pin keeps the lease" in told.answer
    assert "gives the lease up" not in told.next
    assert "elect" not in (await ask(desk, "/v1/units/web/1/why")).next


@in_virtual_time
async def test_why_names_the_hook_that_a_unit_runs_and_for_how_long_it_has() -> None:
    """O5: what is slow says why"""
    bench, desk = await desk_with("web")
    await leader(bench, desk, "web/0")
    talk = await connected(bench, desk, "web/1")
    talk.say(Report(unit="web/1", running="config-changed"))
    await bench.turn()
    await bench.pass_time(20)
    talk.say(Report(unit="web/1", running="config-changed", message="still at it"))
    await bench.turn()
    await bench.pass_time(20)
    told = (await ask(desk, "/v1/units/web/1/why")).answer
    assert told.startswith("web/0 holds the lease; it is about to claim; its hook config-changed ")
    assert told.endswith(" has been running for at least 40 s")
    assert "hook" not in (await ask(desk, "/v1/applications/web/why")).answer
    talk.hang_up()
    again = await connected(bench, desk, "web/1")
    again.say(Report(unit="web/1", running="config-changed"))
    await bench.turn()
    assert (await ask(desk, "/v1/units/web/1/why")).answer.endswith("for at least 0 s")
    again.say(Report(unit="web/1", last="config-changed"))
    await bench.turn()
    assert "hook" not in (await ask(desk, "/v1/units/web/1/why")).answer


@in_virtual_time
async def test_why_says_which_hook_a_hand_over_waits_for() -> None:
    """O5, U4"""
    bench, desk = await desk_with("web")
    talk, _ = await leader(bench, desk, "web/0")
    talk.say(Report(unit="web/0", running="update-status"))
    bench.controller.orders.remove_unit(bench.clock.now(), "web/0", force=False)
    await bench.turn()
    for path in ("/v1/applications/web/why", "/v1/units/web/0/why"):
        told = (await ask(desk, path)).answer
        assert "asked to step down" in told
        assert told.count("its hook update-status has been running for at least 0 s") == 1
    talk.hang_up()
    assert "hook" not in (await ask(desk, "/v1/units/web/0/why")).answer


@in_virtual_time
async def test_a_text_without_end_that_an_agent_reports_is_kept_and_told_in_part() -> None:
    """O3, O4"""
    bench, desk = await desk_with("web")
    talk = await connected(bench, desk, "web/0")
    events = desk.subscribe()
    endless, kept = "x" * 5_000_000, "x" * (MAX_TEXT - 1) + "…"
    talk.say(
        Report(
            unit="web/0", running=endless, error=endless, last=endless, current=endless,
            message=endless, application_status=(endless, endless),
        )
    )  # fmt: skip
    await bench.turn()
    unit = (await ask(desk, "/v1/status")).applications["web"].units["web/0"]
    told = {unit.hook.running, unit.hook.error, unit.hook.last, unit.status.current}
    assert told | {unit.status.message} == {kept}
    report = desk.roster.of("web/0").report
    assert report is not None and report.application_status == (kept, kept)
    texts = [event.text for event in (events.get_nowait() for _ in range(events.qsize())) if event]
    assert len(texts) == 3 and max(map(len, texts)) < 2 * MAX_TEXT + 10


@in_virtual_time
async def test_the_time_to_the_next_try_runs_down_by_itself() -> None:
    """O3, H7"""
    bench, desk = await desk_with("web")
    talk = await connected(bench, desk, "web/0")
    talk.say(Report(unit="web/0", error='hook failed: "start"', retry_in=10))
    await bench.turn()
    await bench.pass_time(4)
    hook = (await ask(desk, "/v1/status")).applications["web"].units["web/0"].hook
    assert hook.retry_in == pytest.approx(6, abs=0.5)


@in_virtual_time
async def test_a_unit_that_is_not_in_error_has_nothing_to_resolve() -> None:
    """O2, H7"""
    bench, desk = await desk_with("web")
    await connected(bench, desk, "web/0")
    with pytest.raises(Refused, match="is not in error: there is nothing to resolve"):
        await ask(desk, "/v1/units/web/0/resolve", "POST")


@in_virtual_time
async def test_claims_that_a_superseded_session_had_under_way_are_discarded() -> None:
    """L9"""
    bench, desk = await desk_with("web")
    older = await connected(bench, desk, "web/0")
    newer = Talk(desk)
    newer.hello("web/0", session=2)
    older.say(Claims(id=7, claims=(Claim(unit="web/0"),)))
    await bench.turn()
    assert bench.lease("web").holder is None
    assert not [v for v in older.verdicts() if type(v).__name__ == "Granted"]


@in_virtual_time
async def test_a_conversation_that_begins_with_nothing_is_ended() -> None:
    """F"""
    _, desk = await desk_with("web")
    talk = Talk(desk)
    talk.say()
    assert talk.ended


FAILED = 'hook failed: "config-changed"'


@in_virtual_time
async def test_why_names_the_failed_hook_of_a_unit_when_it_runs_again_and_what_to_do() -> None:
    """O5, H7: of a minion, of a leader, and of one that is being removed"""
    bench, desk = await desk_with("web")
    talks = [(await leader(bench, desk, "web/0"))[0], await connected(bench, desk, "web/1")]
    for number, talk in enumerate(talks):
        talk.say(Report(unit=f"web/{number}", error=FAILED, retry_in=20))
    await bench.turn()
    await bench.pass_time(5)
    for unit in ("web/0", "web/1"):
        told = await ask(desk, f"/v1/units/{unit}/why")
        assert told.answer.count(f"it is in error: {FAILED}, which runs again in 15 s") == 1
        assert told.next.startswith(f"see `tenure log {unit}` for what the hook wrote")
        assert f"`tenure resolve {unit}` runs it at once" in told.next
    bench.controller.orders.remove_unit(bench.clock.now(), "web/1", force=False)
    await bench.turn()
    told = await ask(desk, "/v1/units/web/1/why")
    assert told.answer.startswith("it is being removed, so it cannot lead; it is in error: ")
    assert "`tenure resolve web/1`" in told.next and "--force" not in told.next
    talks[1].hang_up()
    told = await ask(desk, "/v1/units/web/1/why")
    assert told.answer.endswith(f"; it was in error: {FAILED}")
    assert "--force" in told.next and "resolve" not in told.next


@in_virtual_time
async def test_why_promises_no_retry_of_a_failed_hook_that_runs() -> None:
    """O5, H7"""
    bench, desk = await desk_with("web")
    talk = await connected(bench, desk, "web/0")
    talk.say(Report(unit="web/0", error=FAILED, retry_in=0))
    await bench.turn()
    assert "which runs again now" in (await ask(desk, "/v1/units/web/0/why")).answer
    talk.say(Report(unit="web/0", error=FAILED, retry_in=0, running="config-changed"))
    await bench.turn()
    told = (await ask(desk, "/v1/units/web/0/why")).answer
    assert told.endswith(
        "its hook config-changed has been running for at least 0 s; it is in error: " + FAILED
    )


@in_virtual_time
async def test_why_of_an_application_tells_which_units_are_in_error() -> None:
    """O5, H7: in order, and not all of very many"""
    bench, desk = await desk_with("web")
    talk, _ = await leader(bench, desk, "web/0")
    assert "in error" not in (await ask(desk, "/v1/applications/web/why")).answer
    talk.say(Report(unit="web/0", error=FAILED, retry_in=20))
    (await connected(bench, desk, "web/1")).say(Report(unit="web/1", error='hook failed: "start"'))
    await bench.turn()
    told = await ask(desk, "/v1/applications/web/why")
    assert told.answer.endswith(f'in error: web/0 ({FAILED}), web/1 (hook failed: "start")')
    assert told.next == "`tenure why web/0` says what to do about the hook"
    assert "web/1" not in (await ask(desk, "/v1/units/web/0/why")).answer
