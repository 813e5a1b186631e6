"""Tells the controller how a unit is, for operators: whenever that has changed."""

from __future__ import annotations

from msgspec.structs import replace

from tenure.agent.dispatcher import Dispatcher
from tenure.agent.host.address import address_of
from tenure.agent.parts import UnitParts
from tenure.core.schedule import Schedule
from tenure.wire.messages import Report

MAX_REPORTED = 1000
"""Characters of each text that operators are told; the whole of it stays with the unit."""

MAX_PORTS = 200


class Reporter:
    """Keeps the last report of a conversation."""

    def __init__(self, parts: UnitParts, dispatcher: Dispatcher, schedule: Schedule) -> None:
        self._parts = parts
        self._dispatcher = dispatcher
        self._schedule = schedule
        self._last: Report | None = None

    def begin(self) -> None:
        """A new conversation: nothing was reported in it."""
        self._last = None

    def report(self, *, eligible: bool) -> None:
        """Say what is so now, unless it was said. `eligible`: the unit may be made leader."""
        if not self._parts.claimant.accepted:
            return
        report = self._report(eligible)
        last = self._last
        if last is not None and replace(report, retry_in=None) == replace(last, retry_in=None):
            return
        if self._parts.connection.say(report):
            self._last = report

    def _report(self, eligible: bool) -> Report:
        state = self._parts.record.state
        failure, running = state.failure, self._dispatcher.running
        retry_in = max(0.0, self._schedule.retry_at - self._parts.clock.now()) if failure else None
        return Report(
            unit=self._parts.unit,
            eligible=eligible,
            running=running.hook if running else None,
            last=state.last_hook,
            error=f'hook failed: "{failure.hook}"' if failure else None,
            retry_in=round(retry_in) if retry_in is not None else None,
            current=state.status[0],
            message=_short(state.status[1]),
            application_status=_short_status(state.application_status),
            version=_short(state.workload_version),
            ports=state.ports[:MAX_PORTS],
            address=address_of(self._parts.unit),
            charm_revision=state.charm_copied or state.charm_revision,
            charm_fault=_short(self._dispatcher.copy_fault),
        )


def _short(text: str) -> str:
    return text if len(text) <= MAX_REPORTED else f"{text[: MAX_REPORTED - 1]}…"


def _short_status(status: tuple[str, str] | None) -> tuple[str, str] | None:
    return (status[0], _short(status[1])) if status is not None else None
