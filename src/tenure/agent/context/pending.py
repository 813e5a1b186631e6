"""What a hook has written so far and nobody else knows of: kept when it ended well, else dropped.

A bag's change is for the controller, ports and the charm's own state are for this machine's disk.
"""

from __future__ import annotations

from collections.abc import Mapping

from tenure.agent.context.ports import PortChange
from tenure.wire.messages import BagChange


class Pending:
    """`size` is in bytes, and never too small: what was written over is still counted."""

    def __init__(self) -> None:
        self.size = 0
        self.bags: dict[tuple[int, bool], dict[str, str]] = {}
        """(relation, whether the application's) -> changes."""
        self.ports: list[PortChange] = []
        self.values: dict[str, str | None] = {}

    def changes(self) -> tuple[BagChange, ...]:
        """The bags' changes, for the controller."""
        return tuple(
            BagChange(relation=number, application=application, changes=dict(changes))
            for (number, application), changes in sorted(self.bags.items())
            if changes
        )

    def __bool__(self) -> bool:
        """Whether anything waits for the hook to end well."""
        return bool(self.changes() or self.ports or self.values)

    def with_values(self, kept: Mapping[str, str]) -> dict[str, str]:
        """What the charm keeps, with what is pending."""
        values = {**kept, **self.values}
        return {key: value for key, value in values.items() if value is not None}
