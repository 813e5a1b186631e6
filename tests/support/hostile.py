"""A caller who ignores and blocks signals, keeps files to itself, and leaves a descriptor open."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

IGNORED = "INT", "QUIT", "HUP", "USR1", "TSTP", "CHLD"
BLOCKED = "TERM", "USR2", "CHLD", "ALRM"

_CALLER = f"""
import os, signal, sys
for name in {IGNORED!r}:
    signal.signal(signal.Signals[f"SIG{{name}}"], signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.Signals[f"SIG{{name}}"] for name in {BLOCKED!r}])
os.umask(0o077)
os.dup2(os.open("/dev/null", os.O_RDONLY), 9)
os.execv(sys.argv[1], sys.argv[1:])
"""

_FILES = """
import os
print(*(n for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")))
"""

_LIBC = 0x180000000
"""Signals 32 and 33, the C library's own: a program can inherit that they are ignored, no more."""

TELL = (
    "{ grep -E '^(Umask|SigBlk):' /proc/self/status | tr -d '\\t'; "
    "ignored=$(grep '^SigIgn:' /proc/self/status | cut -f 2); "
    f"printf 'SigIgn:%016x\\n' $((0x$ignored & ~{_LIBC:#x})); "
    f"env -i {shlex.quote(sys.executable)} -IS -c {shlex.quote(_FILES)}; }}"
)
"""For a shell: prints what it found when it began."""

TOLD = "Umask:0022\nSigBlk:0000000000000000\nSigIgn:0000000000000000\n0 1 2\n"
"""What that prints of a program that began as it should."""


def hostile(argv: Sequence[str]) -> list[str]:
    """The same command, called by such a caller."""
    return [sys.executable, "-c", _CALLER, *argv]
