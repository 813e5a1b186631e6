"""Who watches a unit's leadership without taking part: simulations, and tests.

Every method does nothing here. Nothing that is told may be changed by hearing of it.
"""

from __future__ import annotations


class Observer:
    """Hears what happens, at the moment it does."""

    def turns(self) -> None:
        """The loop is about to turn."""

    def steps_down(self, term: int | None) -> None:
        """The unit is about to promise nothing any more (U4)."""
