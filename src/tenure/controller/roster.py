"""What is known of agents, in memory only: connected or not, what they last reported."""

from __future__ import annotations

from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import asdict, replace

from tenure.wire.messages import FromController, Report

MAX_TEXT = 1000
"""Characters that are kept of each text in a report: it is shown to everybody who asks."""

MAX_TEXTS = 1000
"""Texts that are kept of a list in a report: of ports, say."""


class Speaker(Protocol):
    """Something that takes messages to a unit's agent."""

    def say(self, message: FromController) -> None: ...


class Seen(Struct, kw_only=True):
    """One unit's agent as last seen. `refused`: the last refusal of another instance (L9).

    Instants are of the controller's clock. `running_since` is when the present session first
    reported the hook that runs now, if one does: it may have begun earlier. `status_since` is wall
    time, for people and charms: since when the workload status is as reported.
    """

    speaker: Speaker | None = None
    pid: int | None = None
    ever: bool = False
    report: Report | None = None
    reported_at: float = 0.0
    running_since: float | None = None
    status_since: float | None = None
    refused: str | None = None


class Roster:
    """All units' agents."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}

    def of(self, unit: str) -> Seen:
        """What is known of a unit's agent; an empty record for one never seen."""
        return self._seen.get(unit) or Seen()

    def record(self, unit: str) -> Seen:
        """The unit's record, to be changed."""
        return self._seen.setdefault(unit, Seen())

    def connected(self, unit: str, speaker: Speaker, pid: int | None) -> None:
        """The agent's session was accepted."""
        seen = self.record(unit)
        seen.speaker, seen.pid, seen.ever, seen.refused = speaker, pid, True, None
        seen.running_since = None

    def disconnected(self, unit: str, speaker: Speaker) -> bool:
        """The speaker is gone; a superseded one's end means nothing. True if it was the present."""
        seen = self._seen.get(unit)
        if seen is None or seen.speaker is not speaker:
            return False
        seen.speaker, seen.pid = None, None
        return True

    def reported(self, now: float, wall: float, report: Report) -> tuple[Report, Report]:
        """Keep what the agent reports, shortened. What it reported before, and what is kept."""
        seen, report = self.record(report.unit), _shortened(report)
        before = seen.report or Report(unit=report.unit)
        if seen.report is None or _workload(report) != _workload(before):
            seen.status_since = wall
        seen.report, seen.reported_at = report, now
        if not report.running:
            seen.running_since = None
        elif report.running != before.running or seen.running_since is None:
            seen.running_since = now
        return before, report

    def forget(self, unit: str) -> None:
        """The unit is no more."""
        self._seen.pop(unit, None)


def _workload(report: Report) -> tuple[str, str]:
    return report.current, report.message


def _shortened(report: Report) -> Report:
    return replace(report, **{name: _short(value) for name, value in asdict(report).items()})


def _short(value: Any) -> Any:
    """The value, if it is a text, or the first texts in it, with at most MAX_TEXT characters."""
    if isinstance(value, tuple):
        return tuple(_short(part) for part in value[:MAX_TEXTS])
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return value[: MAX_TEXT - 1] + "…"
    return value
