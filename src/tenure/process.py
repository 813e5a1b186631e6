"""What every process of Tenure has: a parent that it follows, and descriptors that may run short.

**The parent.** A pipe on stdin ties a controller or an agent to the `up` that started it. The line
`stop` asks for a clean end with everything else; the pipe's end means that `up` is gone, by
whatever signal, and that nothing may stay behind. A terminal or /dev/null on stdin ties nothing:
the process was started by hand and lives on its own.

**Descriptors.** A listener that cannot accept tries again a second later, and is whole as soon as
descriptors are free; asyncio sees to that. What it has to say about it is a traceback for each
place in the listener's backlog, every second: `tell_of_shortage` gives the loop a handler that
makes one line of it. Whatever else reaches that handler is the loop's own affair, as ever.
"""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tenure.errors import TenureError

SAY_EVERY = 60.0
"""Seconds between two lines about a shortage that lasts."""

_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


def follow_parent(*, on_stop: Callable[[], None], on_end: Callable[[], None]) -> None:
    """Watch stdin from the running loop, if it is a pipe or a socket."""
    mode = os.fstat(0).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return
    os.set_blocking(0, False)
    loop = asyncio.get_running_loop()

    def read() -> None:
        try:
            given = os.read(0, 4096)
        except BlockingIOError:
            return
        except OSError:
            given = b""
        if not given:
            loop.remove_reader(0)
            on_end()
        elif b"stop" in given:
            on_stop()

    loop.add_reader(0, read)


def report_fault(fault: TenureError) -> int:
    """Say an error on stderr as one line; its exit code."""
    print(f"ERROR {fault}", file=sys.stderr, flush=True)
    return fault.exit_code


def tell_of_shortage(loop: asyncio.AbstractEventLoop, say: Callable[[str], None]) -> None:
    """Tell `say` of a shortage in one line, at most every `SAY_EVERY` seconds."""
    silent_until = float("-inf")

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal silent_until
        fault = context.get("exception")
        if _is_late(context):
            return
        if not _is_shortage(fault, context):
            loop.default_exception_handler(context)
        elif loop.time() >= silent_until:
            silent_until = loop.time() + SAY_EVERY
            reason = (getattr(fault, "strerror", None) or str(fault)).lower()
            say(f"no connection can be taken now: {reason}: it goes on once some are closed")

    loop.set_exception_handler(handle)


def _is_shortage(fault: object, context: dict[str, Any]) -> bool:
    """Whether a listener could not accept; a task that fell for want of descriptors is none."""
    return "socket" in context and isinstance(fault, OSError) and fault.errno in _SHORTAGES


def _is_late(context: dict[str, Any]) -> bool:
    """Whether a listener that waited to try again was closed meanwhile."""
    again = "_start_serving" in str(context.get("message"))
    return again and isinstance(context.get("exception"), ValueError)


def allow_all_files() -> None:
    """Raise this process's limit of open files as far as it may. Not for what starts hooks:
    they would inherit it, and some programs go wrong when it is beyond 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # because the limit that was there serves as well
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
