"""Who watches a unit of an agent without taking part: simulations, and tests."""

from __future__ import annotations

from tenure.agent.hooks.process import HookResult
from tenure.core.localstate import RunHook
from tenure.leadership.observer import Observer as LeadershipObserver


class Observer(LeadershipObserver):
    """Hears what happens, at the moment it does; every method does nothing here."""

    def hook_ended(self, hook: RunHook, result: HookResult) -> None:
        """A hook has ended, or could not begin, and nothing was concluded from it yet."""
