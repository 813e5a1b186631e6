"""Drills in several processes."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process, util

from tenure.testing.drill.runner import Failure, Result, Task, run_task
from tenure.testing.kit import charms


class _Worker:
    """One of the processes. They are forked when all is parsed, since a line's functions cannot be
    sent to them."""

    def __init__(self) -> None:
        self.tasks: Sequence[Task] = ()
        self._runs = False
        self._interrupted = False

    def begin(self, tasks: Sequence[Task]) -> None:
        """In the new process."""
        self.tasks = tasks
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._interrupt)
        threading.Thread(target=_follow_parent, daemon=True).start()
        charms.session_folder.cache_clear()
        util.Finalize(None, _forget_charms, exitpriority=1)

    def run(self, number: int) -> Result:
        """Raises KeyboardInterrupt, also when it came before."""
        self._runs = True
        try:
            if self._interrupted:
                raise KeyboardInterrupt
            return run_task(self.tasks[number])
        finally:
            self._runs = False

    def _interrupt(self, number: int, frame: object) -> None:
        self._interrupted = True
        if self._runs:  # because whoever waits for work would say it with a traceback
            raise KeyboardInterrupt


_worker = _Worker()


def _begin(tasks: Sequence[Task]) -> None:
    _worker.begin(tasks)


def _run(number: int) -> Result:
    return _worker.run(number)


def _follow_parent() -> None:
    """Its death is this process's: the warden ends the hooks."""
    if (parent := parent_process()) is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)


def _forget_charms() -> None:
    """What a process forked by multiprocessing must do itself: it runs nothing of `atexit`."""
    shutil.rmtree(charms.session_folder(), ignore_errors=True)


def run_tasks(tasks: Sequence[Task], jobs: int) -> Iterator[Result]:
    """How each goes, in order."""
    pool = ProcessPoolExecutor(jobs, get_context("fork"), _begin, (tasks,))
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
