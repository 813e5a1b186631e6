"""What the controller's loop tells whoever stands around it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from tenure.core.changes import HistoryAdded
from tenure.core.effects import Push


class Audience(Protocol):
    """Who hears what the loop has to tell: in its turn, and never before it is durable."""

    def pushed(self, push: Push) -> None:
        """News for a unit."""
        ...

    def turned(self) -> None:
        """The turn, or what followed a commit, is over."""
        ...

    def happened(self, entry: HistoryAdded) -> None:
        """A line of history is durable."""
        ...

    def reloaded(self, names: Iterable[str]) -> None:
        """These applications are as the store has them: nobody knows what was told of them."""
        ...

    def rolled_back(self, names: Iterable[str]) -> None:
        """What was decided about these applications surely never happened."""
        ...
