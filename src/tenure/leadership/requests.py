"""What a unit asks of the controller for its own sake: a release, peer relations, its end.

Whatever comes of such a request, time or the next conversation mends it: so a fault is only a line
in the unit's log. What a hook's tools ask has somebody who waits, and goes by
`Connection.request`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tenure.errors import TenureError
from tenure.leadership.connection import Connection, PendingAnswer
from tenure.wire.messages import FromAgent

ANSWER_WITHIN = 5.0
"""Seconds to wait for the answer to a request."""

Build = Callable[[int], FromAgent]


def _nothing() -> None:
    """Nothing is done after that."""


class Requests:
    """The requests under way of one unit."""

    def __init__(
        self, connection: Connection, complain: Callable[[str], None], wake: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._complain = complain
        self._wake = wake
        self._under_way: list[asyncio.Task[None]] = []
        self._last_complaint = ""

    @property
    def busy(self) -> bool:
        """Whether an answer is waited for."""
        return bool(self._under_way)

    def ask(
        self,
        build: Build,
        then: Callable[[], None] = _nothing,
        *,
        over: Callable[[], None] = _nothing,
    ) -> bool:
        """Ask the controller, before anything that is said later: a claim must not overtake a
        release. `then` is done after it said yes, `over` when it is known or given up, whatever
        came of it. Returns whether it was asked."""
        try:
            asked = self._connection.ask(build)
        except TenureError as fault:
            self._complain(f"the controller was not told: {fault}")
            return False

        def done(task: asyncio.Task[None]) -> None:
            self._under_way.remove(task)
            over()
            self._wake()

        task = asyncio.get_running_loop().create_task(self._answered(asked, then))
        self._under_way.append(task)
        task.add_done_callback(done)
        return True

    async def _answered(self, asked: PendingAnswer, then: Callable[[], None]) -> None:
        try:
            await self._connection.answer(asked, ANSWER_WITHIN)
        except TenureError as fault:
            if str(fault) != self._last_complaint:
                self._complain(f"the controller was not told: {fault}")
            self._last_complaint = str(fault)
        else:
            self._last_complaint = ""
            then()
