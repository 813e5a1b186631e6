"""The one thread of a store: `stores/sqlite/worker.py`."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tenure.stores.sqlite.worker import Worker
from tests.support.patience import HANG


def test_all_jobs_run_on_one_thread_in_order_and_their_ends_are_told() -> None:
    """G7, G9: a daemon with a name, so that who looks at a process knows it"""
    worker = Worker("a-name")
    threads = [worker.submit(threading.current_thread) for _ in range(2)]
    words = worker.submit("{} {more}".format, "a", more="b")
    fails = worker.submit(int, "x")
    worker.shutdown()
    first, second = (future.result(HANG) for future in threads)
    assert (first.name, first.daemon, second) == ("a-name", True, first)
    assert words.result(HANG) == "a b"
    with pytest.raises(ValueError, match="invalid literal"):
        fails.result(HANG)
    first.join(HANG)
    assert not first.is_alive()


def test_an_end_of_the_interpreter_within_a_job_is_told_to_who_awaits_it() -> None:
    """G9: and the thread goes on"""
    worker = Worker("a-name")

    def ends() -> None:
        raise SystemExit(3)

    ended, next_one = worker.submit(ends), worker.submit(str, 1)
    worker.shutdown()
    with pytest.raises(SystemExit):
        ended.result(HANG)
    assert next_one.result(HANG) == "1"


async def test_a_job_that_was_cancelled_before_its_turn_never_begins() -> None:
    """G7"""
    worker, gate = Worker("test"), threading.Event()
    ran: list[str] = []
    worker.submit(gate.wait)
    second = worker.submit(ran.append, "second")
    third = worker.submit(ran.append, "third")
    assert second.cancel()
    gate.set()
    await asyncio.wrap_future(third)
    worker.shutdown()
    assert ran == ["third"]
