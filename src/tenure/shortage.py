"""When no file descriptor is left: waited for in calm, and said in one line a minute.

A listener that cannot accept tries again a second later, and is whole as soon as descriptors are
free; asyncio sees to that. What it has to say about it is a traceback for each place in the
listener's backlog, every second: `install` gives the loop a handler that makes one line of it.
Whatever else reaches that handler is the loop's own affair, as ever.
"""

from __future__ import annotations

import asyncio
import errno
import resource
from collections.abc import Callable
from contextlib import suppress
from typing import Any

SAY_EVERY = 60.0
"""Seconds between two lines about a shortage that lasts."""

_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


def install(loop: asyncio.AbstractEventLoop, say: Callable[[str], None]) -> None:
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
