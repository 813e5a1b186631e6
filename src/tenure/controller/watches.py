"""Who waits until something durable is so of an application: operators, for a hand-over (O1)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tenure.controller.inputs import Answer
from tenure.errors import TenureError

Seen = Callable[[float], Any]
"""What is seen of the application at an instant; None if it is not so yet."""

Still = Callable[[Any, float], bool]
"""Whether what was seen is so yet when it has become durable: a commit may take long."""


class Watch:
    """Somebody waits until something is seen, and durable, and told through `done`."""

    def __init__(
        self, application: str, seen: Seen, still: Still, now: Callable[[], float]
    ) -> None:
        self.application = application
        self.done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._seen = seen
        self._still = still
        self._now = now
        self._is_due = False

    def look(self, answer: Callable[[tuple[str, ...], Answer, Any], None]) -> None:
        """What is seen is an answer to be given when it is durable; one at a time."""
        if not self._is_due and (seen := self._seen(self._now())) is not None:
            self._is_due = True
            answer((self.application,), self._hear, seen)

    def _hear(self, result: Any) -> None:
        self._is_due = False
        is_so = not isinstance(result, TenureError) and self._still(result, self._now())
        if is_so and not self.done.done():
            self.done.set_result(result)


class Watches:
    """All that wait."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._waiting: list[Watch] = []

    def begin(self, application: str, seen: Seen, still: Still) -> Watch:
        """Somebody waits from now on, until `done` is done."""
        watch = Watch(application, seen, still, self._now)
        self._waiting.append(watch)
        return watch

    def look(
        self,
        answer: Callable[[tuple[str, ...], Answer, Any], None],
        is_unsure: Callable[[str], bool],
    ) -> None:
        """Tell those who see what they wait for: with the commit that makes it durable (L8), and
        again later if that fails."""
        self._waiting = [each for each in self._waiting if not each.done.done()]
        for each in self._waiting:
            if not is_unsure(each.application):
                each.look(answer)
