"""Folders that are made once and used from then on, each under the hash of what it was made of.

A folder is filled under another name and renamed when it is whole, so whoever finds one finds all
of it: also after a crash, since its content is on the disk before it has its name. Two who want the
same take turns.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tenure.files import sync_file_system, turn


class Cache:
    """The folders below one folder, which is made when it is needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str, fill: Callable[[Path], None]) -> tuple[Path, bool]:
        """The folder named `key`, and whether it had to be filled now.

        Raises what `fill` raises, and OSError; nothing is left then.
        """
        path = self._folder / key
        if path.is_dir():
            return path, False
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with turn(self._folder / ".lock"):
            if path.is_dir():
                return path, False
            self._fill(path, fill)
        return path, True

    def _fill(self, path: Path, fill: Callable[[Path], None]) -> None:
        new = self._folder / ".new"
        shutil.rmtree(new, ignore_errors=True)  # of one that was killed: it is our turn
        try:
            new.mkdir(mode=0o700)
            fill(new)
            if not sync_file_system(new):
                os.sync()
            new.rename(path)
        finally:
            shutil.rmtree(new, ignore_errors=True)
