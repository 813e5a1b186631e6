"""What is known of agents, in memory only: connected or not, what they last reported."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from tenure.wire.messages import FromController, Report


class Speaker(Protocol):
    """Something that takes messages to a unit's agent."""

    def say(self, message: FromController) -> None: ...


class Seen(Struct, kw_only=True):
    """One unit's agent as last seen. `refused`: the last refusal of another instance (L9)."""

    speaker: Speaker | None = None
    pid: int | None = None
    ever: bool = False
    report: Report | None = None
    reported_at: float = 0.0
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

    def disconnected(self, unit: str, speaker: Speaker) -> bool:
        """The speaker is gone; a superseded one's end means nothing. True if it was the present."""
        seen = self._seen.get(unit)
        if seen is None or seen.speaker is not speaker:
            return False
        seen.speaker, seen.pid = None, None
        return True

    def forget(self, unit: str) -> None:
        """The unit is no more."""
        self._seen.pop(unit, None)
