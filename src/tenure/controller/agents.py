"""Who is there: which agents are connected, what they last reported, and what they must be told.

All of it is in memory only. A push goes to the speaker for its unit, and what a turn of the loop
has to say is said at its end, in one frame for each connection. A session that is over for another
reason than its own connection's end is ended here, so that its agent says Hello again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import asdict, replace

from tenure.clock import Clock
from tenure.controller.events import Events
from tenure.controller.hearing import Hearing
from tenure.core.application import Application
from tenure.core.changes import UnitRecord
from tenure.core.effects import Push, Resolve
from tenure.core.model import Model
from tenure.core.status import ERROR, Said
from tenure.errors import InstanceRefused, Refused, TenureError
from tenure.names import application_of
from tenure.wire.messages import FromController, GoalUnit, Report

MAX_TEXT = 1000
"""Characters that are kept of each text in a report: it is shown to everybody who asks."""

MAX_TEXTS = 1000
"""Texts that are kept of a list in a report: of ports, say."""


class Speaker(Protocol):
    """Takes messages to agents: one connection, which may speak for several units."""

    def say(self, message: FromController) -> None:
        """Send this at the end of the turn."""
        ...

    def flush(self) -> None:
        """The turn is over: send what there is to say."""
        ...

    def drop(self, unit: str) -> None:
        """A newer session speaks for the unit (L9). Without units, the connection ends."""
        ...

    def end(self, reason: str) -> None:
        """Say why, and close."""
        ...


class Seen(Struct, kw_only=True):
    """One unit's agent as last seen. `refused`: the last refusal of another instance (L9).

    Instants are of the controller's clock. `running_since` is when the present session first
    reported the hook that runs now, if one does: it may have begun earlier. `status_since` is wall
    time, for people and charms: since when the status is as reported. `told` counts the news that
    the present session was told, and `in_touch` says that it has reported.
    """

    speaker: Speaker | None = None
    pid: int | None = None
    ever: bool = False
    report: Report | None = None
    reported_at: float = 0.0
    running_since: float | None = None
    status_since: float | None = None
    told: int = 0
    in_touch: bool = False
    refused: str | None = None
    silent_since: float | None = None
    """The instant of its last word: it is silent, or was when its connection ended."""


class Agents:
    """All units' agents. `store` is the file that no unit is told of."""

    def __init__(
        self, model: Model, clock: Clock, events: Events, store: Path | None = None
    ) -> None:
        self._model = model
        self._clock = clock
        self._events = events
        self._store = store
        self._seen: dict[str, Seen] = {}
        # a dict, not a set: what is said first is said first, also in a simulation
        self._flushing: dict[Speaker, None] = {}
        self._hearing: Hearing[Speaker] = Hearing()

    def of(self, unit: str) -> Seen:
        """What is known of a unit's agent; an empty record for one never seen."""
        return self._seen.get(unit) or Seen()

    def _record(self, unit: str) -> Seen:
        return self._seen.setdefault(unit, Seen())

    def for_units(self, text: str) -> str:
        """What a fault says, without where the store is: hooks may print it."""
        if self._store is None:
            return text
        text = text.replace(f" {self._store}", "").replace(str(self._store), "its file")
        return text.replace(str(self._store.parent), "its folder")

    # -- sessions

    def connected(self, speaker: Speaker, unit: str, pid: int | None) -> None:
        """A session was accepted; it supersedes an older one (L9)."""
        seen = self._record(unit)
        older = seen.speaker
        seen.speaker, seen.pid, seen.ever, seen.refused = speaker, pid, True, None
        seen.running_since, seen.told, seen.in_touch = None, 0, False
        seen.silent_since = None
        self._hearing.speaks_for(self._clock.now(), speaker, unit)
        if older is not None and older is not speaker:
            older.drop(unit)
        self._events.tell(unit, "agent", "connected")

    def refused(self, unit: str, refusal: TenureError) -> None:
        """A session was refused; operators see why (L9)."""
        if isinstance(refusal, InstanceRefused):
            self._record(unit).refused = str(refusal)
            self._events.tell(unit, "agent", f"refused: {refusal}")

    def closed(self, speaker: Speaker, sessions: Mapping[str, int]) -> None:
        """A connection is gone, and with it the places of its units in line."""
        now = self._clock.now()
        for unit, number in sessions.items():
            self._model.leases.disconnect(now, unit, number)
            seen = self.of(unit)
            if seen.speaker is speaker:  # because a superseded one's end means nothing
                seen.speaker = None
                if seen.silent_since is None:  # else its process may still be there
                    seen.pid = None
                self._events.tell(unit, "agent", "lost")
        self._flushing.pop(speaker, None)
        self._hearing.forget(speaker)

    def gone(self, unit: str) -> None:
        """The unit has run its last hook."""
        self._model.applications.gone(unit)
        self._seen.pop(unit, None)

    # -- whether they answer

    def heard(self, speaker: Speaker) -> bool:
        """Something came in. Whether the connection had counted as silent: see `listened`."""
        return self._hearing.heard(self._clock.now(), speaker)

    def look(self) -> list[Speaker]:
        """The connections that have just fallen silent; to be asked in each turn."""
        return self._hearing.look(self._clock.now())

    def listened(self, now: float, speaker: Speaker) -> None:
        """The connection has fallen silent, or was heard again: its units are offered nothing
        meanwhile (G11)."""
        since = self._hearing.silent_since(speaker)
        for unit in self._hearing.units_of(speaker):
            seen = self.of(unit)
            if seen.speaker is speaker and seen.silent_since != since:
                seen.silent_since = since
                self._model.leases.set_silent(now, unit, since)
                text = "answers again" if since is None else f"silent for {now - since:.0f} s"
                self._events.tell(unit, "agent", text)

    def silent_for(self, now: float, unit: str) -> float | None:
        """Seconds since the last word of a unit's agent that is silent, or was when its connection
        ended; None if it answers, or said that it ends."""
        since = self.of(unit).silent_since
        return None if since is None else now - since

    # -- what they report

    def reported(self, now: float, report: Report) -> None:
        """An agent says how its unit is. Kept shortened."""
        seen, report = self._record(report.unit), _shortened(report)
        before = seen.report or Report(unit=report.unit)
        if report.since is not None:
            # because a time that no calendar has would end whoever prints it
            seen.status_since = min(max(0.0, report.since), self._clock.wall())
        elif seen.report is None or _workload(report) != _workload(before):
            seen.status_since = self._clock.wall()
        seen.report, seen.reported_at, seen.in_touch = report, now, True
        if not report.running:
            seen.running_since = None
        elif report.running != before.running or seen.running_since is None:
            seen.running_since = now
        self._model.leases.set_eligible(now, report.unit, report.eligible)
        self._tell_difference(before, report)

    def _tell_difference(self, before: Report, report: Report) -> None:
        unit = report.unit
        if report.error and report.error != before.error:
            self._events.tell(unit, "hook", report.error)
        elif report.killed and (report.killed, report.kills) != (before.killed, before.kills):
            self._events.tell(unit, "hook", f"{report.killed} was killed ({report.killed_by})")
        elif before.running and report.running != before.running and not report.error:
            self._events.tell(unit, "hook", f"{before.running} ended")
        if report.running and report.running != before.running:
            self._events.tell(unit, "hook", f"{report.running} begins")
        if (report.current, report.message) != (before.current, before.message):
            text = f"{report.current}: {report.message}" if report.message else report.current
            self._events.tell(unit, "status", text)

    def said_of(self, unit: str) -> Said:
        """How a unit is: in error if its hook failed, whatever its charm says (P4)."""
        seen = self.of(unit)
        if seen.report is None:
            return Said()
        current, message = _workload(seen.report)
        return Said(current, message, seen.status_since)

    def is_queued(self, unit: str) -> bool:
        """Whether a hook is owed, or there is news that the agent has not taken up yet."""
        seen, report = self.of(unit), self.of(unit).report
        if report is None or not (seen.in_touch or seen.speaker is None):
            return True
        behind = report.heard is not None and report.heard < seen.told
        return not report.settled or (behind and seen.speaker is not None)

    def goal(self, unit: str) -> dict[str, GoalUnit]:
        """All units of the unit's application, and how they are, as `goal-state` tells it."""
        return {
            record.unit: self._goal_of(record) for record in self._model.applications.goal(unit)
        }

    def _goal_of(self, record: UnitRecord) -> GoalUnit:
        seen = self.of(record.unit)
        if record.removing:
            return GoalUnit(status="dying")
        if seen.report is None:
            return GoalUnit(status="waiting")
        said = self.said_of(record.unit)
        return GoalUnit(status=said.current, since=said.since)

    def resolve(self, unit: str, *, retry: bool) -> str:
        """Have the unit run its failed hook again, or skip it (H7). Raises NotFound, Refused."""
        application, report = self._answering(unit)
        if report is None or report.error is None:
            raise Refused(f"{unit} is not in error: there is nothing to resolve")
        self._model.push(application.name, Resolve(unit=unit, retry=retry))
        how = "is tried again now" if retry else "is skipped"
        return f"{unit}: {report.error}; it {how}"

    def kill_hook(self, unit: str) -> str:
        """Have the unit end what it runs, which has failed then (H7). Raises NotFound, Refused."""
        application, report = self._answering(unit)
        running = report.running if report else None
        if running is None:
            raise Refused(f"{unit} runs no hook: see `tenure status`")
        self._model.push(application.name, Resolve(unit=unit, retry=True, kill=running))
        return f"{unit} was told to end {running}, which has failed then: see `tenure status`"

    def _answering(self, unit: str) -> tuple[Application, Report | None]:
        """The unit's application, and what its agent said last. Raises NotFound; Refused if nobody
        would hear an order."""
        application = self._model.living_with(unit)
        seen = self.of(unit)
        if seen.speaker is None:
            raise Refused(f"the agent of {unit} is not connected: see `tenure why {unit}`")
        if (silent := self.silent_for(self._clock.now(), unit)) is not None:
            raise Refused(
                f"the agent of {unit} has been silent for {silent:.0f} s: see `tenure why {unit}`"
            )
        return application, seen.report

    # -- what they must be told

    def has_to_flush(self, speaker: Speaker) -> None:
        """The speaker has something to say at the end of this turn."""
        self._flushing[speaker] = None

    def flush(self) -> None:
        """The turn is over: everybody says what there is to say."""
        flushing, self._flushing = self._flushing, {}
        for speaker in flushing:
            speaker.flush()

    def push(self, push: Push) -> None:
        """Tell the unit, if it is connected."""
        seen = self.of(push.unit)
        if seen.speaker is not None:
            seen.told += 1
            seen.speaker.say(push)

    def reloaded(self, names: Iterable[str]) -> None:
        """What the units of these applications were not told is unknown: they say Hello again."""
        for unit in self._model.units_of(names):
            speaker = self.of(unit).speaker
            if speaker is not None:
                name = application_of(unit)
                speaker.end(f"the controller took up {name} anew from its store")

    def rolled_back(self, names: Iterable[str]) -> None:
        """A removal that never was has ended its units' sessions: they say Hello again (L9, G7)."""
        for unit in self._model.units_of(names):
            speaker = self.of(unit).speaker
            if speaker is not None and unit not in self._model.sessions:
                speaker.end(f"the removal of {unit} was rolled back")


def _workload(report: Report) -> tuple[str, str]:
    return (ERROR, report.error) if report.error else (report.current, report.message)


def _shortened(report: Report) -> Report:
    return replace(report, **{name: _short(value) for name, value in asdict(report).items()})


def _short(value: Any) -> Any:
    """The value, if it is a text, or the first texts in it, with at most MAX_TEXT characters."""
    if isinstance(value, tuple):
        return tuple(_short(part) for part in value[:MAX_TEXTS])
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return value[: MAX_TEXT - 1] + "…"
    return value
