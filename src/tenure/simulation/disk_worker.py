"""The model of a store's thread (`stores/worker.py`), as tasks of the loop it is used in.

Jobs run one at a time, in the order asked. One whose caller stops waiting runs to its end, or never
begins. Only the death of the process ends a job in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from tenure.errors import Unsure

T = TypeVar("T")


class ModelWorker:
    """Does the jobs of one process's store."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._jobs: list[asyncio.Task[Any]] = []  # because their order decides who wakes first

    async def run(self, work: Callable[[], Awaitable[T]], within: float | None = None) -> T:
        """What the job returns or raises. Raises Unsure if it did not end: its process was killed,
        or it takes longer than `within` seconds."""
        begun = asyncio.Event()

        async def in_turn() -> T:
            async with self._turn:
                begun.set()
                return await work()

        job = asyncio.get_running_loop().create_task(in_turn())
        self._jobs.append(job)
        job.add_done_callback(self._end)
        try:
            await asyncio.wait([job], timeout=within)
        except asyncio.CancelledError:
            if not begun.is_set():
                job.cancel()
            raise
        if not job.done() or job.cancelled():
            raise Unsure("the model store did not answer")
        return job.result()

    def die(self) -> None:
        """The process was killed."""
        for job in self._jobs:
            job.cancel()

    def _end(self, job: asyncio.Task[Any]) -> None:
        self._jobs.remove(job)
        if not job.cancelled():
            job.exception()  # because nobody may be left who asks
