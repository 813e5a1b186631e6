"""Runs the actions that operators ask for, each when its turn comes, between hooks (H6)."""

from __future__ import annotations

from tenure.agent.context.action import ActionRefused, ActionRun
from tenure.agent.contexts import Contexts
from tenure.agent.dispatcher import Dispatcher
from tenure.agent.parts import UnitParts
from tenure.core.localstate import ACTIONS, RunHook
from tenure.leadership.claimant import LeadershipUnknown
from tenure.names import application_of
from tenure.wire.exec import ActionDone


def copied_again(unit: str) -> str:
    """The next step for an operator who meets a copy of a charm that is not whole."""
    return f"`tenure refresh {application_of(unit)}` copies it again"


class Actions:
    """The actions of one unit's charm."""

    def __init__(self, parts: UnitParts, contexts: Contexts, dispatcher: Dispatcher) -> None:
        self._parts = parts
        self._contexts = contexts
        self._dispatcher = dispatcher

    async def run(self, action: ActionRun, *, must_lead: bool) -> ActionDone:
        """Run an action to its end. Raises ActionRefused or CharmError if it was not run."""
        unit = self._parts.unit
        if damage := self._parts.charm.damage():
            raise ActionRefused(f"{damage}: {copied_again(unit)}")
        argv = self._parts.charm.find_action(action.name)
        if argv is None:
            raise ActionRefused(f'the charm of {unit} has no file for "{action.name}"')
        context, env = await self._contexts.open(action)
        try:
            if must_lead and not await context.is_leader():
                raise ActionRefused(f"{unit} does not lead any more: try again")
            hook = RunHook(hook=f"{ACTIONS}{action.name}")
            result = await self._dispatcher.run(hook, argv, env, context)
        except LeadershipUnknown as unknown:
            raise ActionRefused(f"leadership status unknown: {unknown}") from unknown
        finally:
            self._contexts.close(context)
        if result is None:
            raise ActionRefused(f"the state of {unit} cannot be saved: see its log")
        return action.ended(result)
