"""Libraries in C that are loaded into a process in the place of the system's own calls."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

COMPILERS = ("cc", "gcc", "clang")


def compiler() -> str | None:
    """The C compiler of this machine, if it has one."""
    return next(filter(None, map(shutil.which, COMPILERS)), None)


def build(source: Path, library: Path) -> bool:
    """Make a library to be loaded by LD_PRELOAD. False if this machine cannot."""
    found = compiler()
    if found is None:
        return False
    argv = [found, "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"]
    return subprocess.run(argv, capture_output=True, timeout=60, check=False).returncode == 0
