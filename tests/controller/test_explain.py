"""`tenure why`: why a unit leads or does not, and what would change that (O5)."""

from __future__ import annotations

from tenure.controller.service import Service
from tenure.testing.time.waiting import in_virtual_time
from tenure.wire.messages import Report
from tests.support.bench import LoopBench
from tests.support.talk import ask, connected, leader, service_with


async def pinned_and_dead() -> tuple[LoopBench, Service]:
    """web/0 leads a pinned lease, its agent is gone, and the lease is over."""
    bench, service = await service_with("web")
    talk, _ = await leader(bench, service, "web/0")
    bench.controller.model.orders.pin(bench.clock.now(), "web", "upgrade", 3600)
    await bench.turn()
    talk.hang_up()
    await bench.pass_time(70)
    return bench, service


@in_virtual_time
async def test_why_says_of_a_dead_leader_that_the_pin_holds_its_lease() -> None:
    """O5, L6"""
    _, service = await pinned_and_dead()
    told = await ask(service, "/v1/applications/web/why")
    assert "its agent is not connected, and the pin keeps the lease from running out" in told.answer
    assert "unpin" in told.next


@in_virtual_time
async def test_why_promises_no_hand_over_of_who_is_not_there() -> None:
    """O5"""
    bench, service = await pinned_and_dead()
    await connected(bench, service, "web/1")
    bench.controller.model.applications.remove_unit(bench.clock.now(), "web/0", force=False)
    await bench.turn()
    told = await ask(service, "/v1/applications/web/why")
    assert "asked to step down" in told.answer
    assert "pin keeps the lease" in told.answer
    assert "gives the lease up" not in told.next
    assert "elect" not in (await ask(service, "/v1/units/web/1/why")).next


@in_virtual_time
async def test_why_names_the_hook_that_a_unit_runs_and_for_how_long_it_has() -> None:
    """O5: what is slow says why"""
    bench, service = await service_with("web")
    await leader(bench, service, "web/0")
    talk = await connected(bench, service, "web/1")
    talk.say(Report(unit="web/1", running="config-changed"))
    await bench.turn()
    await bench.pass_time(20)
    talk.say(Report(unit="web/1", running="config-changed", message="still at it"))
    await bench.turn()
    await bench.pass_time(20)
    told = (await ask(service, "/v1/units/web/1/why")).answer
    assert told.startswith("web/0 holds the lease; it is about to claim; its hook config-changed ")
    assert told.endswith(" has been running for at least 40 s")
    assert "hook" not in (await ask(service, "/v1/applications/web/why")).answer
    talk.hang_up()
    again = await connected(bench, service, "web/1")
    again.say(Report(unit="web/1", running="config-changed"))
    await bench.turn()
    assert (await ask(service, "/v1/units/web/1/why")).answer.endswith("for at least 0 s")
    again.say(Report(unit="web/1", last="config-changed"))
    await bench.turn()
    assert "hook" not in (await ask(service, "/v1/units/web/1/why")).answer


@in_virtual_time
async def test_why_says_which_hook_a_hand_over_waits_for() -> None:
    """O5, U4"""
    bench, service = await service_with("web")
    talk, _ = await leader(bench, service, "web/0")
    talk.say(Report(unit="web/0", running="update-status"))
    bench.controller.model.applications.remove_unit(bench.clock.now(), "web/0", force=False)
    await bench.turn()
    for path in ("/v1/applications/web/why", "/v1/units/web/0/why"):
        told = (await ask(service, path)).answer
        assert "asked to step down" in told
        assert told.count("its hook update-status has been running for at least 0 s") == 1
    talk.hang_up()
    assert "hook" not in (await ask(service, "/v1/units/web/0/why")).answer


FAILED = 'hook failed: "config-changed"'


@in_virtual_time
async def test_why_names_the_failed_hook_of_a_unit_when_it_runs_again_and_what_to_do() -> None:
    """O5, H7: of a minion, of a leader, and of one that is being removed"""
    bench, service = await service_with("web")
    talks = [(await leader(bench, service, "web/0"))[0], await connected(bench, service, "web/1")]
    for number, talk in enumerate(talks):
        talk.say(Report(unit=f"web/{number}", error=FAILED, retry_in=20))
    await bench.turn()
    await bench.pass_time(5)
    for unit in ("web/0", "web/1"):
        told = await ask(service, f"/v1/units/{unit}/why")
        assert told.answer.count(f"it is in error: {FAILED}, which runs again in 15 s") == 1
        assert told.next.startswith(f"see `tenure log {unit}` for what the hook wrote")
        assert f"`tenure resolve {unit}` runs it at once" in told.next
    bench.controller.model.applications.remove_unit(bench.clock.now(), "web/1", force=False)
    await bench.turn()
    told = await ask(service, "/v1/units/web/1/why")
    assert told.answer.startswith("it is being removed, so it cannot lead; it is in error: ")
    assert "`tenure resolve web/1`" in told.next and "--force" not in told.next
    talks[1].hang_up()
    told = await ask(service, "/v1/units/web/1/why")
    assert told.answer.endswith(f"; it was in error: {FAILED}")
    assert "--force" in told.next and "resolve" not in told.next


@in_virtual_time
async def test_why_promises_no_retry_of_a_failed_hook_that_runs() -> None:
    """O5, H7"""
    bench, service = await service_with("web")
    talk = await connected(bench, service, "web/0")
    talk.say(Report(unit="web/0", error=FAILED, retry_in=0))
    await bench.turn()
    assert "which runs again now" in (await ask(service, "/v1/units/web/0/why")).answer
    talk.say(Report(unit="web/0", error=FAILED, retry_in=0, running="config-changed"))
    await bench.turn()
    told = (await ask(service, "/v1/units/web/0/why")).answer
    assert told.endswith(
        "its hook config-changed has been running for at least 0 s; it is in error: " + FAILED
    )


@in_virtual_time
async def test_why_of_an_application_tells_which_units_are_in_error() -> None:
    """O5, H7: in order, and not all of very many"""
    bench, service = await service_with("web")
    talk, _ = await leader(bench, service, "web/0")
    assert "in error" not in (await ask(service, "/v1/applications/web/why")).answer
    talk.say(Report(unit="web/0", error=FAILED, retry_in=20))
    (await connected(bench, service, "web/1")).say(
        Report(unit="web/1", error='hook failed: "start"')
    )
    await bench.turn()
    told = await ask(service, "/v1/applications/web/why")
    assert told.answer.endswith(f'in error: web/0 ({FAILED}), web/1 (hook failed: "start")')
    assert told.next == "`tenure why web/0` says what to do about the hook"
    assert "web/1" not in (await ask(service, "/v1/units/web/0/why")).answer


@in_virtual_time
async def test_why_names_files_that_look_like_hooks_and_never_run() -> None:
    """O5: also while all seems well"""
    bench, service = await service_with("web")
    talk, _ = await leader(bench, service, "web/0")
    doubts = tuple(f"hooks/h{number} never runs: there is no such hook" for number in range(5))
    talk.say(Report(unit="web/0", doubts=doubts))
    await bench.turn()
    for path in ("/v1/applications/web/why", "/v1/units/web/0/why"):
        told = await ask(service, path)
        assert told.answer.endswith(f"; {'; '.join(doubts[:3])}; and 2 more")
        assert told.next.endswith("name the hook right in the charm, and `tenure refresh` it")
    talk.say(Report(unit="web/0"))
    await bench.turn()
    assert "never runs" not in (await ask(service, "/v1/applications/web/why")).answer
