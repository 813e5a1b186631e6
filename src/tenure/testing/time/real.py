"""Virtual time in which real processes, sockets and pipes take part.

What is real comes when it likes, and time is to be the same in each run. So:

- Whatever is real is looked at only when nothing in the loop is ready, and one event at a time:
  pipes first, since who wrote to one did so before it asked for anything, then in the order in
  which the kernel saw them. (Who waits in the loop for what is real, turn after turn, is helped by
  a look every `MANY_TURNS`.)
- While `patience` says that something real is at work, time stands still, and the loop waits.
- Otherwise, when nothing is ready, `begin` may have something begin; and if it does not, time jumps
  to the next timer. Whoever is not at work and goes on and on makes nobody wait (`MANY_EVENTS`).
- What is ready at one instant is served in the order in which it became so. Nothing is drawn.

What would be done by a thread is done at once.
"""

from __future__ import annotations

import asyncio
import os
import select
import selectors
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from tenure.testing.time.loop import Process, VirtualTime, owner_of

MANY_TURNS = 64

MANY_EVENTS = 64
"""Real events in a row, while nobody is at work, after which time passes all the same."""

MANY_READS = 40
"""Of pipes, while something else waits; all that two of them hold is read by then."""

AT_ONCE = 64
"""Of what the kernel has seen, how many are looked at to choose one."""


class OneByOne(selectors.BaseSelector):
    """Tells of one event at a time: of pipes first, of whose was told longest ago, the oldest."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._keys: dict[int, selectors.SelectorKey] = {}
        self._pipes: set[int] = set()
        self._pipes_first = 0
        self._looks = 0
        self._seen: dict[int, int] = {}
        self._put_off: set[int] = set()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if number in self._keys:
            raise KeyError(f"{fileobj!r} is registered already")
        self._epoll.register(number, _mask(events))
        key = self._keys[number] = selectors.SelectorKey(fileobj, number, events, data)
        self._seen[number] = 0
        if stat.S_ISFIFO(os.fstat(number).st_mode):
            self._pipes.add(number)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = self.get_key(fileobj)
        del self._keys[key.fd]
        self._pipes.discard(key.fd)
        if key.fd in self._put_off:
            self._put_off.remove(key.fd)
            return key
        with suppress(OSError):  # because it may be closed by now
            self._epoll.unregister(key.fd)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self.get_key(fileobj)
        if key.fd not in self._put_off:
            self._epoll.modify(key.fd, _mask(events))
        self._keys[key.fd] = changed = key._replace(events=events, data=data)
        return changed

    def put_off(self, key: selectors.SelectorKey) -> None:
        """Do not look at it until `take_back`: the kernel would tell of it again and again."""
        self._put_off.add(key.fd)
        with suppress(OSError):
            self._epoll.unregister(key.fd)

    def take_back(self) -> None:
        """Look at all again."""
        for number in sorted(self._put_off):
            with suppress(OSError):
                self._epoll.register(number, _mask(self._keys[number].events))
        self._put_off.clear()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = [
            (number, seen)
            for number, seen in self._epoll.poll(timeout, AT_ONCE)
            if number in self._keys
        ]
        if not found:
            return []
        number, seen = self._first(found)
        self._looks += 1
        self._seen[number] = self._looks
        key = self._keys[number]
        write = selectors.EVENT_WRITE if seen & ~select.EPOLLIN else 0
        read = selectors.EVENT_READ if seen & ~select.EPOLLOUT else 0
        return [(key, (read | write) & key.events)]

    def _first(self, found: list[tuple[int, int]]) -> tuple[int, int]:
        found.sort(key=lambda each: self._seen[each[0]])  # because one of them may never be done
        pipes = [each for each in found if each[0] in self._pipes]
        others = [each for each in found if each[0] not in self._pipes]
        if not pipes or (others and self._pipes_first >= MANY_READS):
            self._pipes_first = 0
            return others[0]
        self._pipes_first += 1 if others else 0
        return pipes[0]

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if number < 0:  # because it is closed, and nobody but its key knows the number
            number = next((fd for fd, key in self._keys.items() if key.fileobj is fileobj), number)
        return self._keys[number]

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return _ByFile(self)

    def close(self) -> None:
        self._keys.clear()
        self._epoll.close()

    @property
    def keys(self) -> Mapping[int, selectors.SelectorKey]:
        """By descriptor."""
        return self._keys


class _ByFile(Mapping[Any, selectors.SelectorKey]):
    """What is registered, by file or descriptor."""

    def __init__(self, selector: OneByOne) -> None:
        self._selector = selector

    def __getitem__(self, fileobj: Any) -> selectors.SelectorKey:
        return self._selector.get_key(fileobj)

    def __len__(self) -> int:
        return len(self._selector.keys)

    def __iter__(self) -> Any:
        return iter(self._selector.keys)


def _mask(events: int) -> int:
    read = select.EPOLLIN if events & selectors.EVENT_READ else 0
    write = select.EPOLLOUT if events & selectors.EVENT_WRITE else 0
    return read | write


class RealLoop(VirtualTime, asyncio.SelectorEventLoop):
    """See the module."""

    def __init__(self) -> None:
        self._real = OneByOne()
        super().__init__(None, self._real)
        self.patience: Callable[[], float | None] = lambda: None
        """Real seconds for which what is at work is still waited for; None: nothing is."""
        self.idle: Callable[[], bool] = lambda: False
        """Nothing is ready, and nothing real was looked at yet: whether something is ready now."""
        self.begin: Callable[[], bool] = lambda: False
        """Nothing is ready, and nothing at work: whether something was begun, or made ready."""
        self.impatient: Callable[[], None] = lambda: None
        """It took longer than that; it raises."""
        self._turns = 0
        self._in_a_row = 0
        self._late = 0

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as fault:
            future.set_exception(fault)
        return future

    def _run_once(self) -> None:
        self._turns += 1
        if self._turns > MANY_TURNS:
            self._look(0.0)
        super()._run_once()

    def _wait(self, heap: list[Any]) -> None:
        while not self._any._ready:
            if self.idle():
                return
            left = self.patience()
            if left is None:
                if self._in_a_row < MANY_EVENTS:
                    if self._look(0.0):
                        return
                    self._in_a_row = 0
                else:
                    self._in_a_row -= 1  # because it may well talk on and on
                if not self.begin():
                    self._let_time_pass(heap)
                    return
                continue
            self._in_a_row = 0
            self._late = self._late + 1 if left <= 0 else 0
            # because the whole test may have slept, and what it waited for has come meanwhile
            if self._late > MANY_EVENTS or not self._look(left):
                self.impatient()

    def _look(self, timeout: float) -> bool:
        """Take in one real event; whether there was any."""
        self._turns = 0
        while events := self._real.select(timeout):
            [(key, mask)] = events
            process = _hears(key, mask)
            if process is None or not (process.dead or process.waits):
                self._in_a_row += 1
                self._any._process_events(events)
                return True
            if process.dead:
                self._real.unregister(key.fileobj)
            else:
                self._real.put_off(key)
        return False

    def _mixed(self, batch: list[asyncio.Handle]) -> list[asyncio.Handle]:
        return batch

    def take_back(self, handles: list[asyncio.Handle]) -> None:
        self._real.take_back()
        super().take_back(handles)


def _hears(key: selectors.SelectorKey, mask: int) -> Process | None:
    """The process that is to hear of an event; None for the world itself."""
    reader, writer = key.data
    handle = reader if mask & selectors.EVENT_READ and reader is not None else writer
    return None if handle is None else owner_of(handle)
