"""A process namespace of one's own, as in a container: pids begin at 1 there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from functools import cache

import pytest

_UNSHARE = ("unshare", "-pf" if os.getuid() == 0 else "-Urpf", "--mount-proc", "--kill-child")


def as_process_1(argv: Sequence[str]) -> list[str]:
    """The same command, begun as process 1; its session is one that nobody in there can see (0)."""
    return [*_UNSHARE, *argv]


@cache
def _is_allowed() -> bool:
    return subprocess.run(as_process_1(["true"]), capture_output=True, check=False).returncode == 0


def skip_unless_allowed() -> None:
    """Skip the test where the kernel lets nobody have processes of its own."""
    if not _is_allowed():
        pytest.skip("this kernel lets nobody have processes of its own")
