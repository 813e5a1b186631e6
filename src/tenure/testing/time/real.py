"""Virtual time in which real processes, sockets and pipes take part.

What is real comes when it likes, and time is to be the same in each run. So:

- Whatever is real is looked at only when nothing in the loop is ready, and one event at a time, in
  the order in which the kernel saw them. (Who waits in the loop for what is real, turn after turn,
  is helped by a look every `MANY_TURNS`.)
- While `patience` says that something real is at work, time stands still, and the loop waits.
- Otherwise, when nothing is ready, `begin` may have something begin; and if it does not, time jumps
  to the next timer.

What would be done by a thread is done at once.
"""

from __future__ import annotations

import asyncio
import select
import selectors
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from tenure.testing.time.loop import Process, VirtualTime, owner_of

MANY_TURNS = 64


class OneByOne(selectors.BaseSelector):
    """Tells of one event at a time, the oldest first."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._keys: dict[int, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if number in self._keys:
            raise KeyError(f"{fileobj!r} is registered already")
        self._epoll.register(number, _mask(events))
        key = self._keys[number] = selectors.SelectorKey(fileobj, number, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = self.get_key(fileobj)
        del self._keys[key.fd]
        with suppress(OSError):  # because it may be closed by now
            self._epoll.unregister(key.fd)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self.get_key(fileobj)
        self._epoll.modify(key.fd, _mask(events))
        self._keys[key.fd] = changed = key._replace(events=events, data=data)
        return changed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        for number, seen in self._epoll.poll(timeout, 1):
            key = self._keys.get(number)
            if key is not None:
                write = selectors.EVENT_WRITE if seen & ~select.EPOLLIN else 0
                read = selectors.EVENT_READ if seen & ~select.EPOLLOUT else 0
                return [(key, (read | write) & key.events)]
        return []

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
        super().__init__(None, OneByOne())
        self.patience: Callable[[], float | None] = lambda: None
        """Real seconds for which what is at work is still waited for; None: nothing is."""
        self.begin: Callable[[], bool] = lambda: False
        """Nothing is ready, and nothing at work: whether something was begun, or made ready."""
        self.impatient: Callable[[], None] = lambda: None
        """It took longer than that; it raises."""
        self._turns = 0
        self._put_off: list[tuple[Any, int, Any]] = []
        """What is not looked at while the process that would hear of it does not run."""

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
            if self._look(0.0):
                return
            left = self.patience()
            if left is not None:
                if not self._look(left):
                    self.impatient()
            elif not self.begin():
                self._let_time_pass(heap)
                return

    def _look(self, timeout: float) -> bool:
        """Take in one real event; whether there was any."""
        self._turns = 0
        selector = self._any._selector
        while events := selector.select(timeout):
            [(key, mask)] = events
            process = _hears(key, mask)
            if process is None or not (process.dead or process.waits):
                self._any._process_events(events)
                return True
            selector.unregister(key.fileobj)
            if not process.dead:
                self._put_off.append((key.fileobj, key.events, key.data))
        return False

    def take_back(self, handles: list[asyncio.Handle]) -> None:
        put_off, self._put_off = self._put_off, []
        for each in put_off:
            with suppress(OSError, KeyError, ValueError):  # because it was closed meanwhile
                self._any._selector.register(*each)
        super().take_back(handles)


def _hears(key: selectors.SelectorKey, mask: int) -> Process | None:
    """The process that is to hear of an event; None for the world itself."""
    reader, writer = key.data
    handle = reader if mask & selectors.EVENT_READ and reader is not None else writer
    return None if handle is None else owner_of(handle)
