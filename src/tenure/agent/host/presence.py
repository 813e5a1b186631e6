"""What of a running agent lies where somebody may sweep, looked at now and then, and made again.

Those are the folders that stand first on a hook's PATH, and the sockets. Without its shims a hook
would reach the machine's own `apt-get`, and without tools `is-leader` could never say `True`: so
the folders are looked at before each hook, too.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from tenure.agent.host.shims import NAMES, make_shims
from tenure.agent.host.toolfolder import make_tools_folder
from tenure.agent.tools import TOOLS
from tenure.errors import TenureError

EVERY = 3.0
"""Seconds between two looks."""


class Listener(Protocol):
    """A server on a socket that has a path."""

    async def renew(self) -> bool:
        """Listen anew if the path is not its own any more; whether it was so. Raises TenureError.

        Whoever is connected stays so.
        """
        ...


class Presence:
    """`tools` and `shims` are folders of one unit; `log` takes lines for people."""

    def __init__(self, tools: Path, shims: Path, log: Callable[[str, str], None]) -> None:
        self._folders = ((tools, tuple(TOOLS), make_tools_folder), (shims, NAMES, make_shims))
        self._log = log
        self._said = ""

    def make_folders(self) -> None:
        """Make them, whatever is there. Raises TenureError."""
        for folder, _, make in self._folders:
            make(folder)

    def look(self) -> None:
        """Make a folder again that lacks something; what cannot be made is said once."""
        for folder, names, make in self._folders:
            if not all(os.access(folder / name, os.X_OK) for name in names):
                self._renew(folder, make)

    def _renew(self, folder: Path, make: Callable[[Path], None]) -> None:
        try:
            make(folder)
            self._say("WARNING", f"{folder} lacked something: it was made again")
            self._said = ""
        except TenureError as fault:
            self._say("ERROR", str(fault))

    def _say(self, level: str, text: str) -> None:
        if text != self._said:
            self._log(level, text)
        self._said = text

    async def keep(self, listeners: Iterable[Listener], make_room: Callable[[], None]) -> None:
        """Look again and again, until cancelled. `make_room` makes the sockets' folder; it raises
        TenureError."""
        while True:
            await asyncio.sleep(EVERY)
            self.look()
            try:
                make_room()
                for listener in listeners:
                    if await listener.renew():
                        self._log("WARNING", "a socket was gone: it listens again")
            except TenureError as fault:
                self._say("ERROR", str(fault))
