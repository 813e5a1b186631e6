"""What the action tools share: there must be an action."""

from __future__ import annotations

from tenure.agent.tools.base import Action, Context
from tenure.agent.tools.flags import Failed


def running_action(context: Context) -> Action:
    """The action that runs here. Raises Failed."""
    if context.action is None:
        raise Failed("not running an action")
    return context.action
