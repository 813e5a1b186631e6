"""Ending processes: asked first, killed when their time is over or when somebody is in a hurry."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from tenure.up.child import Child

AGENTS_GET = 11.5
"""Seconds that agents get: their hooks' 10, and some for themselves."""

CONTROLLER_GETS = 2.0


async def close_all(
    agents: Collection[Child], controller: Child | None, hurry: asyncio.Event
) -> None:
    """End the agents, then the controller; returns when all have ended.

    The agents go first, as they still have a word to say to the controller.
    """
    await _end(agents, AGENTS_GET, hurry)
    if controller is not None:
        await _end([controller], CONTROLLER_GETS, hurry)


async def _end(children: Collection[Child], within: float, hurry: asyncio.Event) -> None:
    running = [child for child in children if not child.ended.done()]
    if not running:
        return
    for child in running:
        child.ask_to_stop()
    everyone = asyncio.ensure_future(asyncio.wait([child.ended for child in running]))
    hurried = asyncio.ensure_future(hurry.wait())
    await asyncio.wait({everyone, hurried}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    hurried.cancel()
    for child in running:
        child.kill()
    await everyone
