"""What `up` shows, as the supervisor sees it. How it looks is the commands' business."""

from __future__ import annotations

from typing import Protocol

from tenure.statefolder import StateFolder
from tenure.wire.operators import Event, Status


class Screen(Protocol):
    """Where `up` shows what happens."""

    every: float | None
    """Seconds between two looks at the status that this screen wants; None for no more than
    what the supervisor needs itself."""

    def begin(self, folder: StateFolder, status: Status) -> None:
        """All is up: the state folder and the leases."""
        ...

    def say(self, text: str) -> None:
        """Something happened to a process."""
        ...

    def event(self, event: Event) -> None:
        """Something happened, says the controller."""
        ...

    def status(self, status: Status) -> None:
        """This is so now."""
        ...

    def close(self) -> None:
        """Nothing more will be shown."""
        ...
