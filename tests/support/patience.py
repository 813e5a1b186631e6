"""How long tests wait for processes: long, where nothing is measured, and never for ever."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import AnyStr

HANG = 300.0
"""Seconds after which what a test waits for counts as hung. It is no measure of anything: a machine
that is busy with other things may need long for what takes a moment."""


@contextmanager
def ending(process: subprocess.Popen[AnyStr]) -> Iterator[subprocess.Popen[AnyStr]]:
    """The process, which is gone when the block ends, however that ends.

    `with subprocess.Popen(...)` waits there without bound, also for a process that nobody ended.
    """
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
