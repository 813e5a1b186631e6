"""What happens, told to operators' streams: history as it becomes durable, and how agents fare."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from tenure.clock import Clock
from tenure.core.changes import HistoryAdded
from tenure.names import application_of
from tenure.wire.operators import Event

MAX_BACKLOG = 10_000
"""Events that a slow stream may lag behind before it is cut off."""


class Events:
    """All streams. Who does not listen costs nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # a dict, not a set: who came first is told first, also in a simulation
        self._streams: dict[asyncio.Queue[Event | None], None] = {}

    def subscribe(self) -> asyncio.Queue[Event | None]:
        """A stream of what happens from now on; None ends it."""
        stream: asyncio.Queue[Event | None] = asyncio.Queue(MAX_BACKLOG + 1)
        self._streams[stream] = None
        return stream

    def unsubscribe(self, stream: asyncio.Queue[Event | None]) -> None:
        """The listener is gone."""
        self._streams.pop(stream, None)

    def happened(self, entry: HistoryAdded) -> None:
        """A line of history is durable."""
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

    def tell(self, unit: str, kind: str, text: str) -> None:
        """Something was seen of a unit's agent just now."""
        if not self._streams:
            return
        at = iso(self._clock.wall())
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
