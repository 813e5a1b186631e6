"""Charms of machines in virtual time: folders with hooks that are never run as processes."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from pathlib import Path

from tenure.agent.charm.files import CharmFiles

ALL_HOOKS = (
    "install", "leader-elected", "leader-deposed", "leader-settings-changed", "config-changed",
    "start", "update-status", "stop", "remove",
)  # fmt: skip
"""Those of a charm without relations."""


class QuickFiles(CharmFiles):
    """Copies in the loop itself: virtual time knows no threads. With a `gate`, a copy takes until
    that is set, and fails with `fault` if there is one. The disk is full once the path `full_at` is
    there."""

    def __init__(
        self, folder: Path, log: Callable[[str, str], None] = lambda level, line: None
    ) -> None:
        super().__init__(folder, log)
        self.gate: asyncio.Event | None = None
        self.fault: Exception | None = None
        self.full_at: Path | None = None
        self.interrupted = False

    async def refresh(self, source: str) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        self.refresh_now(source)

    def _goes_on(self) -> bool:
        if self.full_at is not None and self.full_at.exists():
            raise OSError(errno.ENOSPC, "No space left on device", "charm")
        return True

    def interrupt(self) -> None:
        self.interrupted = True

    def open_gate(self) -> None:
        """What waits goes on."""
        assert self.gate is not None
        self.gate.set()


def make_charm(charm: Path, hooks: tuple[str, ...]) -> None:
    """A charm's folder that has these hooks."""
    (charm / "hooks").mkdir(parents=True, exist_ok=True)
    for hook in hooks:
        path = charm / "hooks" / hook
        path.touch()
        path.chmod(0o755)
