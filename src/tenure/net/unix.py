"""A UNIX socket that is its owner's alone from the moment it exists."""

from __future__ import annotations

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

Identity = tuple[int, int]
"""Which file a path leads to."""


def identity(path: Path) -> Identity | None:
    """What is at a path now, no link followed; None if nothing is, or nobody may say."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def bind_private(path: Path) -> socket.socket:
    """A bound socket with mode 0600, in place of one that was left behind. Raises OSError.

    Only a socket is ever removed: whatever else has the name stays, and binding fails.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # because bind() gives the file the mode of the socket, there is no moment with another
        os.fchmod(listener.fileno(), 0o600)
        with suppress(FileNotFoundError):
            if stat.S_ISSOCK(path.lstat().st_mode):
                path.unlink()
        listener.bind(str(path))
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
