"""What operators see is durable: `status` and `why` (L8, O3, O5)."""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakSet

import pytest

from tenure.controller.access import OPERATOR
from tenure.controller.api import LOOK_WITHIN, Api
from tenure.controller.status import status_of
from tenure.core.charms import CharmSpec
from tenure.errors import Refused, TenureError, Unsure
from tenure.testing.time.waiting import in_virtual_time, settle
from tests.support.bench import LoopBench
from tests.support.talk import ask, leader, service_with

LOOKS = ("/v1/status", "/v1/applications/web/why", "/v1/units/web/0/why")


def asking(bench: LoopBench, path: str) -> asyncio.Task[Any]:
    """An operator looks, and waits."""
    return asyncio.get_running_loop().create_task(ask(bench.service, path))


def shows_a_leader(answer: Any) -> bool:
    if hasattr(answer, "applications"):
        return answer.applications["web"].leader is not None
    return "leads, term" in answer.answer


@pytest.mark.parametrize("path", LOOKS)
def test_a_look_shows_no_grant_before_it_is_durable(path: str) -> None:
    """L8, L7"""

    @in_virtual_time
    async def look() -> None:
        bench = await LoopBench.with_applications("web", units=1)
        bench.store.open.clear()
        bench.claim("web/0")
        await bench.turn()
        looking = asking(bench, path)
        await settle(20)
        assert not looking.done()
        bench.store.open.set()
        assert shows_a_leader(await looking)

    look()


@pytest.mark.parametrize("path", LOOKS)
def test_a_look_is_answered_though_the_store_hangs_and_says_so(path: str) -> None:
    """L8, O3, O5: and shows nothing that may never be"""

    @in_virtual_time
    async def look() -> None:
        bench = await LoopBench.with_applications("web", units=1)
        bench.store.open.clear()
        bench.claim("web/0")
        task = await bench.run()
        began = asyncio.get_running_loop().time()
        found = await call(bench, path)
        assert asyncio.get_running_loop().time() - began <= LOOK_WITHIN + 0.1
        assert not shows_a_leader(found)
        said = found.controller.unsure if path == "/v1/status" else found.answer
        assert "the store has not answered for 2 s" in said
        task.cancel()

    look()


async def call(bench: LoopBench, path: str) -> Any:
    """An operator looks at a controller that runs."""
    return await Api(bench.service, "memory").call(OPERATOR, "GET", path, {}, b"")


@in_virtual_time
async def test_a_look_at_other_applications_does_not_wait() -> None:
    """L8"""
    bench = await LoopBench.with_applications("web", "db", units=1)
    bench.store.open.clear()
    bench.claim("web/0")
    await bench.turn()
    told = await ask(bench.service, "/v1/applications/db/why")
    assert "nobody leads" in told.answer
    bench.store.open.set()


@in_virtual_time
async def test_no_lease_has_more_left_than_it_lasts_and_the_rest_is_grace() -> None:
    """O3, L8"""
    bench = await LoopBench.with_applications("web", units=1)
    bench.give("web", lambda now: bench.model.orders.set_lease(now, "web", 5.0, 2.0))
    await bench.turn()
    await bench.pass_time(61.0)
    await bench.granted("web/0")
    again = await bench.restarted()
    lease = (await ask(again.service, "/v1/status")).applications["web"].lease
    assert (lease.left, lease.grace) == (5.0, 10.0)
    told = await ask(again.service, "/v1/applications/web/why")
    assert "its lease has 5 s of 5 s left, and 10 s of grace" in told.answer


@in_virtual_time
async def test_an_application_that_never_had_a_leader_has_none_since_any_time() -> None:
    """O3"""
    bench, service = await service_with("web")
    assert (await ask(service, "/v1/status")).applications["web"].since is None
    await leader(bench, service, "web/0")
    assert (await ask(service, "/v1/status")).applications["web"].since is not None


@in_virtual_time
async def test_to_unpin_for_a_reason_that_pins_nothing_is_refused() -> None:
    """O2, L6: naming those that do"""
    bench, service = await service_with("web")
    unpin = "/v1/applications/web/unpin"
    with pytest.raises(Refused, match="not pinned for: upgrade; nothing pins it"):
        await ask(service, unpin, "POST", {"reason": "upgrade"})
    for reason in ("move", "backup"):
        bench.model.orders.pin(bench.clock.now(), "web", reason, 60.0)
    with pytest.raises(Refused, match="not pinned for: upgrade; it is pinned for: backup, move"):
        await ask(service, unpin, "POST", {"reason": "upgrade"})


@in_virtual_time
async def test_a_look_that_falls_is_answered_and_the_loop_goes_on() -> None:
    """O3"""
    bench = await LoopBench.with_applications("web", units=1)
    task = await bench.run()

    def fall(now: float) -> None:
        raise PermissionError(13, "Permission denied")

    with pytest.raises(TenureError, match="internal fault while looking: PermissionError"):
        await bench.controller.look(None, fall, LOOK_WITHIN)
    assert not task.done()
    assert (await call(bench, "/v1/status")).controller.unsure is None
    task.cancel()


@in_virtual_time
async def test_an_internal_fault_is_not_told_as_a_store_that_is_unsure() -> None:
    """O3"""
    bench = await LoopBench.with_applications("web", units=1)
    bench.give("web", lambda now: bench.model.applications.add_unit("web"))
    task = await bench.run()
    bench.controller.started = float("inf")  # no wall time
    with pytest.raises(TenureError, match="internal fault"):
        await call(bench, "/v1/status")
    task.cancel()


@in_virtual_time
async def test_files_are_not_looked_at_in_the_loops_step() -> None:
    """L8: a disk that is slow holds no renewals up"""
    bench = await LoopBench.with_applications()
    applications = bench.model.applications
    source = f"charms/{'0' * 32}"
    spec = CharmSpec(source=source)
    bench.give("web", lambda now: applications.create(now, "web", 60.0, 30.0, charm=spec, units=1))
    task = await bench.run()
    looked: list[str] = []

    def place(source: str) -> str:
        looked.append(source)
        return f"/s/{source}"

    bench.service.place = place
    status_of(bench.service, bench.clock.now(), "memory", bench.model.known())
    assert not looked
    charm = (await call(bench, "/v1/status")).applications["web"].charm
    assert charm.source == f"/s/{source}" and looked == [source]
    task.cancel()


@in_virtual_time
async def test_what_was_seen_for_somebody_who_is_gone_is_not_kept() -> None:
    """L8: a status can be large, and a store can hang for long"""
    bench = await LoopBench.with_applications("web", units=1)
    bench.store.open.clear()
    bench.claim("web/0")
    task = await bench.run()
    bench.give("web", lambda now: bench.model.applications.add_unit("web"))
    kept: WeakSet[Seen] = WeakSet()

    def see(now: float) -> Seen:
        seen = Seen()
        kept.add(seen)
        return seen

    for name in (None, "web"):
        with pytest.raises(Unsure):
            await bench.controller.look(name, see, LOOK_WITHIN)
    assert not kept
    task.cancel()


class Seen:
    """What a look saw."""
