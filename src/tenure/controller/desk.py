"""Where the controller's loop meets the people and programs that talk to it.

The desk joins the loop, the roster of agents and those who watch: it hands pushes to the agents
they are for, lets every conversation that has something to say say it once a turn, and tells
operators' streams what happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from tenure.controller.conversation import Conversation
from tenure.controller.loop import Controller
from tenure.controller.roster import Roster
from tenure.core.changes import HistoryAdded, UnitRecord
from tenure.core.effects import Push
from tenure.errors import InstanceRefused, TenureError, Unsure
from tenure.names import application_of
from tenure.wire.messages import GoalUnit, Report
from tenure.wire.operators import Event

MAX_BACKLOG = 10_000
"""Events that a slow stream may lag behind before it is cut off."""


class Desk:
    """Everything around one controller's loop that is not a socket."""

    def __init__(self, controller: Controller, store: Path | None = None) -> None:
        self.controller = controller
        self.roster = Roster()
        self.started = controller.clock.wall()
        self._store = store
        # dicts, not sets: what is said first is said first, also in a simulation
        self._flushing: dict[Conversation, None] = {}
        self._streams: dict[asyncio.Queue[Event | None], None] = {}
        self._watches: list[Callable[[float], bool]] = []
        controller.on_push = self._push
        controller.on_turn = self._turned
        controller.on_history = self._happened
        controller.on_reload = self._reloaded
        controller.on_roll_back = self._rolled_back

    def for_units(self, text: str) -> str:
        """What a fault says, without where the store is: hooks may print it."""
        if self._store is None:
            return text
        text = text.replace(f" {self._store}", "").replace(str(self._store), "its file")
        return text.replace(str(self._store.parent), "its folder")

    # -- agents

    def has_to_flush(self, conversation: Conversation) -> None:
        """The conversation has something to say at the end of this turn."""
        self._flushing[conversation] = None

    def connected(self, conversation: Conversation, unit: str, pid: int | None) -> None:
        """A session was accepted; it supersedes an older one (L9)."""
        older = self.roster.of(unit).speaker
        self.roster.connected(unit, conversation, pid)
        if isinstance(older, Conversation) and older is not conversation:
            older.sessions.pop(unit, None)
            if not older.sessions:
                older.end(f"a newer session of {unit} took over")
        self._tell(unit, "agent", "connected")

    def refused(self, unit: str, refusal: TenureError) -> None:
        """A session was refused; operators see why (L9)."""
        if isinstance(refusal, InstanceRefused):
            self.roster.record(unit).refused = str(refusal)
            self._tell(unit, "agent", f"refused: {refusal}")

    def closed(self, conversation: Conversation) -> None:
        """A connection is gone, and with it the places of its units in line."""
        now = self.controller.clock.now()
        for unit, number in conversation.sessions.items():
            self.controller.leases.disconnect(now, unit, number)
            if self.roster.disconnected(unit, conversation):
                self._tell(unit, "agent", "lost")
        conversation.sessions.clear()
        self._flushing.pop(conversation, None)
        self.controller.wake()

    def reported(self, now: float, report: Report) -> None:
        """An agent says how its unit is."""
        before, known = self.roster.reported(now, self.controller.clock.wall(), report)
        self.controller.leases.set_eligible(now, report.unit, report.eligible)
        self._tell_difference(before, known)

    def _tell_difference(self, before: Report, report: Report) -> None:
        unit = report.unit
        if report.error and report.error != before.error:
            self._tell(unit, "hook", report.error)
        elif before.running and report.running != before.running and not report.error:
            self._tell(unit, "hook", f"{before.running} ended")
        if report.running and report.running != before.running:
            self._tell(unit, "hook", f"{report.running} begins")
        if (report.current, report.message) != (before.current, before.message):
            text = f"{report.current}: {report.message}" if report.message else report.current
            self._tell(unit, "status", text)

    def goal(self, unit: str) -> dict[str, GoalUnit]:
        """All units of the unit's application, and how they are, as `goal-state` tells it."""
        return {record.unit: self._goal_of(record) for record in self.controller.charms.goal(unit)}

    def _goal_of(self, record: UnitRecord) -> GoalUnit:
        seen = self.roster.of(record.unit)
        if record.removing:
            return GoalUnit(status="dying")
        if seen.report is None:
            return GoalUnit(status="waiting")
        return GoalUnit(status=seen.report.current, since=seen.status_since)

    def gone(self, unit: str) -> None:
        """The unit has run its last hook."""
        self.controller.orders.gone(unit)
        self.roster.forget(unit)

    def _push(self, push: Push) -> None:
        speaker = self.roster.of(push.unit).speaker
        if speaker is not None:
            speaker.say(push)

    def _reloaded(self, names: Iterable[str]) -> None:
        """What the units of these applications were not told is unknown: they say Hello again."""
        for unit in self._units_of(names):
            speaker = self.roster.of(unit).speaker
            if isinstance(speaker, Conversation):
                name = application_of(unit)
                speaker.end(f"the controller took up {name} anew from its store")

    def _rolled_back(self, names: Iterable[str]) -> None:
        """A removal that never was has ended its units' sessions: they say Hello again (L9, G7)."""
        for unit in self._units_of(names):
            speaker = self.roster.of(unit).speaker
            has_session = unit in self.controller.leases.sessions
            if isinstance(speaker, Conversation) and not has_session:
                speaker.end(f"the removal of {unit} was rolled back")

    def _units_of(self, names: Iterable[str]) -> list[str]:
        applications = self.controller.leases.ledger.applications
        return [unit for name in names if name in applications for unit in applications[name].units]

    # -- operators

    async def until(
        self, application: str, is_so: Callable[[float], bool], patience: float
    ) -> None:
        """Wait until something committed is so. Raises Unsure after `patience` seconds."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def look(now: float) -> bool:
            if done.done():
                return True
            if self.controller.is_dirty(application) or not is_so(now):
                return False
            done.set_result(None)
            return True

        self._watches.append(look)
        self.controller.wake()
        try:
            await asyncio.wait_for(done, patience)
        except TimeoutError:
            why = self.controller.cannot_write()
            because = f" ({why})" if why else ""
            raise Unsure(
                f"it did not come to pass within {patience:.0f} s{because}, and still may: "
                f"see `tenure why {application}`"
            ) from None
        finally:
            if not done.done():
                done.cancel()

    def subscribe(self) -> asyncio.Queue[Event | None]:
        """A stream of what happens from now on; None ends it."""
        stream: asyncio.Queue[Event | None] = asyncio.Queue(MAX_BACKLOG + 1)
        self._streams[stream] = None
        return stream

    def unsubscribe(self, stream: asyncio.Queue[Event | None]) -> None:
        """The listener is gone."""
        self._streams.pop(stream, None)

    # -- what the loop calls

    def _turned(self) -> None:
        flushing, self._flushing = self._flushing, {}
        for conversation in flushing:
            conversation.flush()
        if self._watches:
            now = self.controller.clock.now()
            self._watches = [look for look in self._watches if not look(now)]

    def _happened(self, entry: HistoryAdded) -> None:
        if not self._streams:
            return
        text = entry.cause + (f" ({entry.detail})" if entry.detail else "")
        if entry.kind == "granted":
            text = f"{entry.unit_to} leads, term {entry.term}: {text}"
        self._emit(
            Event(
                at=iso(entry.at), application=entry.application, kind=entry.kind, text=text,
                unit=entry.unit_to or entry.unit_from,
            )
        )  # fmt: skip

    def _tell(self, unit: str, kind: str, text: str) -> None:
        if not self._streams:
            return
        at = iso(self.controller.clock.wall())
        self._emit(Event(at=at, application=application_of(unit), kind=kind, text=text, unit=unit))

    def _emit(self, event: Event) -> None:
        for stream in list(self._streams):
            if stream.qsize() >= MAX_BACKLOG:
                stream.put_nowait(None)
                self._streams.pop(stream, None)
            else:
                stream.put_nowait(event)


def iso(wall: float) -> str:
    """Wall time for people, in UTC."""
    moment = datetime.fromtimestamp(wall, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
