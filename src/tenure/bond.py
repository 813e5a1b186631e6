"""What binds a controller or an agent to the `up` that started it: a pipe on stdin.

The line `stop` asks for a clean end with the whole house. The pipe's end means that `up` is gone,
by whatever signal, and that nothing of the house may stay behind. A terminal or /dev/null on stdin
is no bond: the process was started by hand and lives on its own.
"""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import Callable

from tenure.errors import TenureError


def follow_bond(*, on_stop: Callable[[], None], on_end: Callable[[], None]) -> None:
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
