"""What the action tools share: there must be an action."""

from __future__ import annotations

from tenure.agent.tools.base import Action, Context
from tenure.agent.tools.flags import ToolFailed


def running_action(context: Context) -> Action:
    """The action that runs here. Raises ToolFailed."""
    if context.action is None:
        raise ToolFailed("not running an action")
    return context.action
