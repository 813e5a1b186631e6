"""What ended is started again, unless it should not be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tenure.clock import SystemClock
from tenure.up.child import Child
from tenure.up.restarter import Restarter

from .conftest import Start


def restarter(
    start: Callable[[], Child], say: Callable[[str], None], *, restart: bool, wanted: bool
) -> Restarter:
    async def is_wanted() -> bool:
        return wanted

    return Restarter(
        "agent of web/0",
        start,
        say=say,
        clock=SystemClock(),
        restart=restart,
        is_wanted=is_wanted,
    )


async def test_a_process_of_a_unit_that_is_gone_is_not_started_again(start: Start) -> None:
    said: list[str] = []
    await restarter(lambda: start("pass"), said.append, restart=True, wanted=False).keep()
    assert said == ["agent of web/0 is gone, as its unit is"]


async def test_without_restart_what_ended_stays_ended(start: Start) -> None:
    said: list[str] = []
    kept = restarter(lambda: start("raise SystemExit(4)"), said.append, restart=False, wanted=True)
    await kept.keep()
    assert said == ["agent of web/0 ended (exit status 4); it is not restarted"]
    assert await kept.started == "exit status 4"


async def test_what_ended_is_started_again_until_it_is_dismissed(start: Start) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    kept = restarter(
        lambda: start("raise SystemExit(4)"), said.put_nowait, restart=True, wanted=True
    )
    keeping = asyncio.create_task(kept.keep())
    assert await said.get() == "agent of web/0 ended (exit status 4); restarting in 1 s"
    assert await said.get() == "agent of web/0 ended (exit status 4); restarting in 2 s"
    kept.dismiss()
    await keeping
    assert said.empty()
