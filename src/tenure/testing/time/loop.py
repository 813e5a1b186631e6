"""An event loop whose time is a number, and the processes that live in it.

When nothing is ready, the clock jumps to the next timer: an hour of leases passes in milliseconds.
There are no threads and no sockets in it, and nothing in it reads a real clock. When everything
waits for ever, or goes on and on while no time passes, it says so at once (`Stuck`).

Several *processes* share one loop. Which process a step belongs to is told by a context variable,
which tasks and callbacks inherit. So a process can be treated as a kernel treats one:

- `kill`: no step of it ever runs again, no `finally`, no farewell.
- `stop` and `go_on`: its steps and timers wait, in order, as with SIGSTOP.
- `stall`: it is busy for a while in the middle of a step, as with a slow fsync: its clock is ahead
  of the world's until the step is over, and what it sends leaves only then.

What one process does keeps its order, as asyncio promises. In what order several of them are
served at one instant is drawn from the seed, and so is how late a wake-up is.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from functools import partial
from typing import Any, cast

START = 1_000.0
"""Where the world's time begins, so that an instant is never mistaken for a span."""

MANY_TASKS = 64

ENDLESS = 20_000
"""Rounds at one instant after which nothing will come of it any more."""


class Process:
    """A simulated process. `name` is for people."""

    def __init__(self, loop: VirtualTime, name: str) -> None:
        self.name = name
        self.dead = False
        self.ahead = 0.0
        """Seconds by which it is ahead of the world while it is stalled in a step."""
        self.pauses: list[tuple[float, float]] = []
        """From when to when it was stopped or stalled, pauses that are over."""
        self.delayed_at = float("-inf")
        """When its timers last went on, after its machine had been suspended."""
        self.interruptions = 0
        """How often it was stopped or stalled."""
        self.on_stall: Callable[[], None] = lambda: None
        self._loop = loop
        self._away_since: float | None = None
        self._reasons: dict[str, None] = {}
        self._parked: list[asyncio.Handle] = []
        self._deferred: list[Callable[[], None]] = []
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._faults: list[BaseException] = []
        self.context: Context = copy_context()
        self.context.run(_PROCESS.set, self)

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine as part of the process."""
        return self._loop.create_task(coroutine, context=self.context)

    def kill(self) -> None:
        """kill -9. Whoever is stuck in the kernel dies when it comes back from there."""
        if self.ahead:
            self._deferred.append(self.kill)
            return
        self.dead = True

    def stop(self, why: str = "SIGSTOP") -> None:
        """SIGSTOP, or another reason not to run: it runs again when none is left."""
        if self.ahead:
            self._deferred.append(partial(self.stop, why))
            return
        self.interruptions += 1
        self._reasons[why] = None
        self._goes_away()

    def go_on(self, why: str = "SIGSTOP") -> None:
        """SIGCONT, or the end of another reason."""
        if self.ahead:
            self._deferred.append(partial(self.go_on, why))
        elif self._reasons.pop(why, "none") is None and not self._reasons:
            self._wake()

    @property
    def stopped(self) -> bool:
        """Whether there is a reason not to run."""
        return bool(self._reasons)

    def is_stopped_by(self, why: str) -> bool:
        """Whether it does not run for this reason, among others."""
        return why in self._reasons

    def _goes_away(self) -> None:
        if self._away_since is None:
            self._away_since = self._loop.world_time

    def away(self, since: float, until: float) -> float:
        """Seconds of this time in which none of its steps could run."""
        pauses = [*self.pauses, *([] if self._away_since is None else [(self._away_since, until)])]
        return sum(max(0.0, min(until, end) - max(since, begin)) for begin, end in pauses)

    def _wake(self) -> None:
        if self._away_since is not None:
            self.pauses.append((self._away_since, self._loop.world_time))
            self._away_since = None
        parked, self._parked = self._parked, []
        self._loop.take_back(parked)

    def stall(self, seconds: float) -> None:
        """Be stuck for so long in the middle of the present step."""
        if self.dead or seconds <= 0:
            return
        self.interruptions += 1
        if not self.ahead:
            self.on_stall()
            self._goes_away()
        self.ahead += seconds
        over = self._loop.world_time + self.ahead
        self._loop.call_at(over, self._unstall, self.ahead, context=Context())

    def _unstall(self, ahead: float) -> None:
        if ahead != self.ahead:
            return  # because it was stalled again in the same step, for longer
        self.ahead = 0.0
        self._loop.ran[self] = None
        deferred, self._deferred = self._deferred, []
        for do in deferred:
            do()
        if not self.stopped and not self.dead:
            self._wake()

    @property
    def waits(self) -> bool:
        """Whether none of its steps may run now."""
        return self.stopped or self.ahead > 0.0

    def park(self, handle: asyncio.Handle) -> None:
        """Keep a step until it may run; a dead process' until its world is over."""
        self._parked.append(handle)

    def own(self, task: asyncio.Task[Any]) -> None:
        """Keep a reference, so that a dead process' coroutines are not finalised under way."""
        self._tasks[task] = None
        if len(self._tasks) > MANY_TASKS:
            self._note_faults()
            self._tasks = {task: None for task in self._tasks if not task.done()}

    def _note_faults(self) -> None:
        for task in self._tasks:
            if task.done() and not task.cancelled() and (fault := task.exception()) is not None:
                self._faults.append(fault)

    def faults(self) -> list[BaseException]:
        """The exceptions that ended its tasks, foreseen ones too."""
        self._note_faults()
        return self._faults

    def bury(self) -> list[asyncio.Task[Any]]:
        """The world is over: what is left of it may end; the tasks that still have to."""
        self.dead = False
        self._reasons.clear()
        self.ahead = 0.0
        self._wake()
        left = [task for task in self._tasks if not task.done()]
        for task in left:
            task.cancel()
        return left


_PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


def process_now() -> Process | None:
    """The process whose step runs now; None for the world's own."""
    return _PROCESS.get()


class Stuck(Exception):
    """Nothing will ever happen any more, or only the same."""


class VirtualTime(asyncio.BaseEventLoop):
    """The part of an event loop that serves processes in virtual time. `rng` draws in what order
    processes are served. `late` is the chance that the machine is busy when a timer is due, and
    `latest` how many seconds too late it is then at most. After `endless` rounds in which no time
    passes it is `Stuck`. `more` is the loop's own.
    """

    def __init__(
        self,
        rng: random.Random | None = None,
        *more: Any,
        late: float = 0.0,
        latest: float = 0.05,
        endless: int = ENDLESS,
    ) -> None:
        super().__init__(*more)
        self._rng = rng or random.Random(0)
        self._late = late
        self._latest = latest
        self._endless = endless
        self._virtual = START
        self._clock_resolution = 1e-9
        self._at_once = 0
        self.processes: list[Process] = []
        self.ran: dict[Process, None] = {}
        """The processes that took a step since this was last cleared."""
        self.after: Callable[[], None] = lambda: None
        """Called after each round of steps."""
        self._any = cast(Any, self)  # because typeshed hides what a loop is made of

    def time(self) -> float:
        """The world's true time, in seconds; a stalled process is ahead of it."""
        process = _PROCESS.get()
        return self._virtual if process is None else self._virtual + process.ahead

    @property
    def world_time(self) -> float:
        """The world's true time, whoever asks."""
        return self._virtual

    def process(self, name: str) -> Process:
        """A new process."""
        process = Process(self, name)
        self.processes.append(process)
        return process

    def create_task(
        self, coro: Any, *, name: object = None, context: Context | None = None
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = super().create_task(coro, name=name, context=context)
        process = context.get(_PROCESS) if context is not None else _PROCESS.get()
        if process is not None:
            process.own(task)
        return task

    def take_back(self, handles: list[asyncio.Handle]) -> None:
        """These may run now."""
        self._any._ready.extend(handles)

    def delay_timers(self, processes: set[Process], seconds: float) -> None:
        """These processes' timers did not count this time: their machine was suspended."""
        heap = self._any._scheduled
        for process in processes:
            process.delayed_at = self._virtual
        for handle in heap:
            if handle._context.get(_PROCESS) in processes:
                handle._when += seconds
        heapq.heapify(heap)

    # -- one round

    def _run_once(self) -> None:
        ready, heap = self._any._ready, self._any._scheduled
        if not ready:
            self._wait(heap)
            self._at_once = 0
        self._at_once += 1
        if self._at_once > self._endless:
            raise Stuck("something goes on and on while no time passes")
        while heap and heap[0]._when <= self._virtual:
            timer = heapq.heappop(heap)
            timer._scheduled = False
            ready.append(timer)
        batch = list(ready)
        ready.clear()
        steps = iter(self._mixed(batch) if len(batch) > 1 else batch)
        try:
            for handle in steps:
                self._serve(handle)
        except BaseException:
            ready.extendleft(reversed(list(steps)))  # because who is interrupted may go on
            raise
        self.after()

    def _wait(self, heap: list[Any]) -> None:
        """Nothing is ready: have something come, or a timer be due."""
        self._let_time_pass(heap)

    def _let_time_pass(self, heap: list[Any]) -> None:
        while heap and heap[0]._cancelled:
            timer = heapq.heappop(heap)
            timer._scheduled = False
            self._any._timer_cancelled_count -= 1
        if not heap:
            if not self._any._stopping:
                raise Stuck("everything waits, and nothing will ever happen")
            return
        self._virtual = max(self._virtual, heap[0]._when)
        if self._rng.random() < self._late:
            self._virtual += self._rng.random() * self._latest

    def _mixed(self, batch: list[asyncio.Handle]) -> list[asyncio.Handle]:
        """What is ready, in a drawn order that keeps each process' own."""
        queues: dict[Process | None, list[asyncio.Handle]] = {}
        for handle in batch:
            queues.setdefault(owner_of(handle), []).append(handle)
        if len(queues) == 1:
            return batch
        turns = [owner for owner, queue in queues.items() for _ in queue]
        self._rng.shuffle(turns)
        for queue in queues.values():
            queue.reverse()
        return [queues[owner].pop() for owner in turns]

    def _serve(self, handle: asyncio.Handle) -> None:
        if handle.cancelled():
            return
        process = owner_of(handle)
        if process is not None:
            if process.dead or process.waits:
                process.park(handle)
                return
            self.ran[process] = None
        handle._run()

    def bury(self) -> None:
        """End what is left of all processes, dead ones too; nothing is looked at any more."""
        self.after = lambda: None
        self.set_exception_handler(lambda loop, context: None)
        self._at_once = 0  # because a world that went on and on must end as well
        for _ in range(100):
            left = [task for process in self.processes for task in process.bury()]
            if not left:
                return
            self.run_until_complete(asyncio.wait(left, timeout=1.0))


class VirtualLoop(VirtualTime):
    """See the module. Nothing in it is real."""

    def _write_to_self(self) -> None:
        """Nobody waits in a system call that would have to be woken."""


def new_process(name: str) -> Process:
    """A process in the loop that runs now. In a loop of real time it can be no more than killed,
    and its tasks are to be cancelled then."""
    loop = asyncio.get_running_loop()
    return loop.process(name) if isinstance(loop, VirtualTime) else Process(cast(Any, loop), name)


def running_loop() -> VirtualTime:
    """The virtual loop that runs now."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTime), "it needs virtual time: `in_virtual_time`"
    return loop


def owner_of(handle: asyncio.Handle) -> Process | None:
    """The process whose step it is; None for the world's own."""
    context: Context = cast(Any, handle)._context
    return context.get(_PROCESS)
