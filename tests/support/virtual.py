"""An event loop whose time is a number: an hour passes in milliseconds, the same each run.

When nothing is ready the clock jumps to the next timer. Threads and sockets do not exist in it; a
test in which everything waits for ever fails at once instead of hanging.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, cast

P = ParamSpec("P")

START = 1_000.0
"""Where virtual clocks begin, so that an instant is never mistaken for a span."""

PATIENCE = 600.0
"""Virtual seconds that a test waits for what must come."""


class VirtualLoop(asyncio.BaseEventLoop):
    """See the module. It is its own selector."""

    def __init__(self) -> None:
        super().__init__()
        self._virtual = START
        self._clock_resolution = 1e-9
        cast(Any, self)._selector = self

    def time(self) -> float:
        return self._virtual

    def select(self, timeout: float | None) -> list[Any]:
        """Nothing is ever readable; time passes."""
        if timeout is None:
            raise AssertionError("everything waits, and nothing will ever happen")
        self._virtual += timeout
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass


def in_virtual_time(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Run an async test in a `VirtualLoop` of its own."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def main() -> None:
            await test(*args, **kwargs)

        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(main())

    return run


class VirtualClock:
    """A machine's clock over the loop's time. `skip` is a pause that the loop's timers do not see:
    a suspended machine, a stopped process."""

    def __init__(self, offset: float = 0.0, rate: float = 1.0) -> None:
        self._loop = asyncio.get_running_loop()
        self._offset = offset
        self._rate = rate

    def now(self) -> float:
        return self._loop.time() * self._rate + self._offset

    def wall(self) -> float:
        return 1_700_000_000.0 + self.now()

    def skip(self, seconds: float) -> None:
        """Be later at once."""
        self._offset += seconds


class HandClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, at: float = START) -> None:
        self.at = at

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return 1_700_000_000.0 + self.at


async def settle(rounds: int = 50) -> None:
    """Let everything happen that needs no time."""
    for _ in range(rounds):
        await asyncio.sleep(0)


async def until(is_so: Callable[[], object], what: str, within: float = PATIENCE) -> float:
    """Wait for a condition, looking every 10 virtual ms; returns the seconds that it took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not is_so():
        assert loop.time() - began <= within, f"it did not come to pass within {within:g} s: {what}"
        await asyncio.sleep(0.01)
    return loop.time() - began
