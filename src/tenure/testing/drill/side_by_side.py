"""Drills in several processes."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, util

from tenure.testing.drill.runner import Failure, Result, Task, run_task
from tenure.testing.kit import charms

_tasks: Sequence[Task] = ()
"""Of the workers: they are forked when all is parsed, and a line's functions cannot be sent."""


def run_tasks(tasks: Sequence[Task], jobs: int) -> Iterator[Result]:
    """How each goes, in order."""
    pool = ProcessPoolExecutor(jobs, get_context("fork"), _worker_begins, (tasks,))
    try:
        futures = [pool.submit(_run, number) for number in range(len(tasks))]
        for task, future in zip(tasks, futures, strict=True):
            yield _result_of(future.result, task)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _result_of(result: Callable[[], Result], task: Task) -> Result:
    try:
        return result()
    except BrokenProcessPool:
        said = "the process that ran it, or one beside it, was killed"
        return Result(task.name, Failure(0, "", said, ""), 0.0)


def _run(number: int) -> Result:
    return run_task(_tasks[number])


def _worker_begins(tasks: Sequence[Task]) -> None:
    global _tasks
    _tasks = tasks
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    charms.session_folder.cache_clear()
    util.Finalize(None, _forget_charms, exitpriority=1)


def _forget_charms() -> None:
    """What a process forked by multiprocessing must do itself: it runs nothing of `atexit`."""
    shutil.rmtree(charms.session_folder(), ignore_errors=True)
