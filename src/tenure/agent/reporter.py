"""Tells the controller how a unit is, for operators: whenever that has changed."""

from __future__ import annotations

from msgspec.structs import replace

from tenure.agent.contexts import Contexts
from tenure.agent.dispatcher import Dispatcher
from tenure.agent.parts import UnitParts
from tenure.core import outlook
from tenure.core.operations import Snapshot
from tenure.core.schedule import Schedule
from tenure.core.status import shortened
from tenure.wire.messages import Report

MAX_PORTS = 200
MAX_DOUBTS = 20


class Reporter:
    """Keeps the last report of a conversation."""

    def __init__(
        self, parts: UnitParts, dispatcher: Dispatcher, schedule: Schedule, contexts: Contexts
    ) -> None:
        self._parts = parts
        self._dispatcher = dispatcher
        self._schedule = schedule
        self._contexts = contexts
        self._last: Report | None = None
        self._heard = 0

    def begin(self) -> None:
        """A new conversation: nothing was reported in it, and no news heard."""
        self._last, self._heard = None, 0

    def heard(self) -> None:
        """The unit has taken up one more of the controller's news."""
        self._heard += 1

    def report(self, known: Snapshot, *, eligible: bool) -> None:
        """Say what is so now, unless it was said. `eligible`: the unit may be made leader."""
        if not self._parts.claimant.accepted:
            return
        report = self._report(known, eligible)
        last = self._last
        if last is not None and replace(report, retry_in=None) == replace(last, retry_in=None):
            return
        if self._parts.connection.say(report):
            self._last = report

    def _report(self, known: Snapshot, eligible: bool) -> Report:
        state = self._parts.record.state
        failure, running = state.failure, self._dispatcher.running
        kill, refusal = self._schedule.last_kill, self._contexts.last_refusal
        again_at = self._schedule.retry_at if failure else self._schedule.hold_until
        waits = failure is not None or kill is not None
        retry_in = max(0.0, again_at - self._parts.clock.now()) if waits else None
        return Report(
            unit=self._parts.unit,
            eligible=eligible,
            running=running.hook if running else None,
            last=state.last_hook,
            error=f'hook failed: "{failure.hook}"' if failure else None,
            retry_in=round(retry_in) if retry_in is not None else None,
            current=state.status[0],
            message=shortened(state.status[1]),
            since=failure.since if failure else state.status_since,
            owed=outlook.owed(state, known),
            settled=outlook.is_settled(state, known),
            heard=self._heard,
            version=shortened(state.workload_version),
            ports=state.ports[:MAX_PORTS],
            charm_revision=state.charm_copied or state.charm_revision,
            detail=shortened(failure.detail) if failure else "",
            killed=kill.hook if kill else None,
            kills=kill.times if kill else 0,
            killed_by=kill.detail if kill else "",
            refused_tool=refusal.said if refusal else "",
            charm_fault=shortened(self._dispatcher.copy_fault),
            doubts=tuple(map(shortened, self._parts.charm.doubts()[:MAX_DOUBTS])),
        )
