"""Coroutines in virtual time, and how they wait for what they want to see."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec

from tenure.testing.time.loop import VirtualLoop

P = ParamSpec("P")

PATIENCE = 600.0
"""Virtual seconds that are waited for what must come."""

MANY_ROUNDS = 1_000_000
"""Rounds that a test may take while no time passes: it may `settle` often."""


def in_virtual_time(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Decorates an async test: it runs in a `VirtualLoop` of its own."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def main() -> None:
            await test(*args, **kwargs)

        with asyncio.Runner(loop_factory=_loop) as runner:
            try:
                runner.run(main())
            finally:
                loop = runner.get_loop()
                assert isinstance(loop, VirtualLoop)
                loop.bury()

    return run


def _loop() -> VirtualLoop:
    return VirtualLoop(endless=MANY_ROUNDS)


async def settle(rounds: int = 50) -> None:
    """Let everything happen that needs no time."""
    for _ in range(rounds):
        await asyncio.sleep(0)


async def until(is_so: Callable[[], object], what: str, within: float = PATIENCE) -> float:
    """Wait for a condition, looking every 10 ms; the seconds that it took.

    Raises AssertionError after `within` seconds.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not is_so():
        assert loop.time() - began <= within, f"it did not come to pass within {within:g} s: {what}"
        await asyncio.sleep(0.01)
    return loop.time() - began
