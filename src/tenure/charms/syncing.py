"""Waiting until the disk has all that was written below one folder.

`os.sync()` waits for every file system of the machine, so for a slow USB stick or a lost NFS server
too. Linux can wait for one alone, but Python has no word for that.
"""

from __future__ import annotations

import os
from pathlib import Path


def sync_file_system(folder: Path) -> bool:
    """Wait for the file system that the folder is on; False if the system cannot do so.

    Errors of the disk are not told: whoever must know of them has to fsync each file, which takes
    next to no time after this. Raises OSError if there is no such folder.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _syncfs(handle)
    finally:
        os.close(handle)


def _syncfs(handle: int) -> bool:
    import ctypes  # costs some ms, and most agents never come here

    try:
        return bool(ctypes.CDLL(None).syncfs(handle) == 0)
    except (OSError, AttributeError):
        return False
