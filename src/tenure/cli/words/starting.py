"""What becomes of units that were just started, for whoever started them and goes away."""

from __future__ import annotations

from collections.abc import Collection

import click

from tenure.cli.show.text import plain
from tenure.cli.words.durations import duration
from tenure.client.conditions import IDLE, failures, what_is_missing
from tenure.client.operator import Operator
from tenure.client.watching import NotInTime, until
from tenure.durations import format_duration
from tenure.errors import TenureError, Unreachable
from tenure.statefolder import StateFolder
from tenure.wire.operators import Status

MEANWHILE = 2.0
"""Seconds in which a hook that fails at once is told without being waited for."""

with_wait = click.option(
    "--wait", is_flag=True, help="Return once every unit is idle, or a hook has failed."
)
"""Adds `--wait`; the command gets `wait`."""

with_timeout = click.option(
    "--timeout", type=duration, help="With --wait: for how long [default: for ever]."
)
"""Adds `--timeout`; the command gets `timeout`."""


class HookFailed(TenureError):
    """A hook of a unit that was waited for has failed."""

    code = "hook-failed"


def check_words(wait: bool, timeout: float | None) -> None:
    """Raises UsageError for a timeout of nothing."""
    if timeout is not None and not wait:
        raise click.UsageError("--timeout is for --wait: say that, too")


class Start:
    """The first hooks of units: of these, or of all there are."""

    def __init__(
        self, folder: StateFolder, operator: Operator, units: Collection[str] | None
    ) -> None:
        self._folder = folder
        self._operator = operator
        self._named = units
        self._missing: list[str] = []
        self._failed: list[str] = []

    def glance(self) -> None:
        """Tell of hooks that fail in the first moments; no longer than until all had a hook."""
        until(self._folder.controller_socket, self._has_begun, MEANWHILE)
        for line in self._failed:
            click.echo(f"warning: {line}", err=True)

    def wait(self, timeout: float | None) -> None:
        """Wait until all units are idle. Raises HookFailed, NotInTime."""
        reached = until(self._folder.controller_socket, self._is_over, timeout)
        if self._failed:
            raise HookFailed("; ".join(self._failed))
        if not reached:
            missing = "; ".join(map(plain, self._missing))
            raise NotInTime(f"not idle after {format_duration(timeout or 0)}: {missing}")

    def _has_begun(self) -> bool:
        status = self._look()
        if status is None:
            return False
        units = self._units(status)
        found = {
            unit: each
            for application in status.applications.values()
            for unit, each in application.units.items()
        }
        hooks = [found[unit].hook for unit in units if unit in found]
        return all(hook.last is not None or hook.error is not None for hook in hooks)

    def _is_over(self) -> bool:
        status = self._look()
        if status is None:
            return False
        missing = [what_is_missing(status, unit, IDLE) for unit in self._units(status)]
        self._missing = [why for why in missing if why]
        return bool(self._failed) or not self._missing

    def _look(self) -> Status | None:
        try:
            status = self._operator.status()
        except Unreachable as fault:
            self._missing = [str(fault)]
            return None
        if status.unsure:
            self._missing = [f"it is not known now: {status.unsure}"]
            return None
        self._failed = [_told(*each) for each in failures(status, self._units(status))]
        return status

    def _units(self, status: Status) -> Collection[str]:
        if self._named is not None:
            return self._named
        return [unit for each in status.applications.values() for unit in each.units]


def _told(unit: str, error: str) -> str:
    return f"{unit}: {plain(error)}: see `tenure log {unit}`, and `tenure why {unit}`"
