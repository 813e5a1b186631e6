"""Who waits until something durable is so of an application: operators, for a hand-over (O1)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec import Struct


class Watch(Struct, frozen=True):
    """Somebody waits until `seen` returns something of the application, and is told that."""

    application: str
    seen: Callable[[float], Any]
    done: asyncio.Future[Any]


class Watches:
    """All that wait."""

    def __init__(self) -> None:
        self._waiting: list[Watch] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def begin(self, application: str, seen: Callable[[float], Any]) -> Watch:
        """Somebody waits from now on, until `done` is done."""
        watch = Watch(application, seen, asyncio.get_running_loop().create_future())
        self._waiting.append(watch)
        return watch

    def look(self, now: float, is_dirty: Callable[[str], bool]) -> None:
        """Tell those who see what they wait for; never of what is not durable yet (L8)."""
        self._waiting = [each for each in self._waiting if not _is_over(each, now, is_dirty)]


def _is_over(watch: Watch, now: float, is_dirty: Callable[[str], bool]) -> bool:
    if watch.done.done():
        return True
    seen = None if is_dirty(watch.application) else watch.seen(now)
    if seen is not None:
        watch.done.set_result(seen)
    return seen is not None
