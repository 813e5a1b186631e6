"""The order in which everything ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tenure.up.closing import close_all

from .conftest import STUBBORN, Start


async def test_agents_end_before_the_controller(start: Start, tmp_path: Path) -> None:
    tell = "print('ready', flush=True); input(); open({!r}, 'a').write({!r})"
    order = tmp_path / "order"
    controller = start(tell.format(str(order), "controller "))
    agents = [start(tell.format(str(order), "agent ")) for _ in range(2)]
    for child in (controller, *agents):
        assert await child.ready
    await close_all(agents, controller, asyncio.Event())
    assert order.read_text() == "agent agent controller "


async def test_who_is_in_a_hurry_does_not_wait(start: Start) -> None:
    child, controller = start(STUBBORN), start(STUBBORN)
    assert await child.ready and await controller.ready
    hurry = asyncio.Event()
    hurry.set()
    await asyncio.wait_for(close_all([child], controller, hurry), 5)
    assert (child.ended.result(), controller.ended.result()) == (-9, -9)
