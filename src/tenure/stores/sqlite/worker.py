"""One daemon thread that does a store's blocking work, job by job, in order.

Why not `ThreadPoolExecutor`: the interpreter joins its threads at exit, so one fsync that hangs on
a dying disk would keep a stopped controller from ever ending. This thread is a daemon: nobody waits
for it but who chooses to, for as long as they choose.

A job that was cancelled before its turn never begins; one that has begun runs to its end, whatever
becomes of those who await it. So there is no half-done commit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Job = Callable[[], None]


class Worker(Executor):
    """An executor of one daemon thread, started by the first job."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Queue one job. Call it from one thread only: the loop's."""
        future: Future[T] = Future()
        self._jobs.put(lambda: _run(future, lambda: fn(*args, **kwargs)))
        if self._thread is None:
            self._thread = threading.Thread(
                target=_work, args=(self._jobs,), name=self._name, daemon=True
            )
            self._thread.start()
        return future

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = False) -> None:
        """Let the thread end after the jobs already queued; it is never waited for."""
        self._jobs.put(None)


def _work(jobs: SimpleQueue[Job | None]) -> None:
    while (job := jobs.get()) is not None:
        job()


def _run(future: Future[Any], job: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = job()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
