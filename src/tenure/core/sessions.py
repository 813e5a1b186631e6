"""Who speaks for each unit now: its instance, and which connection of that. Pure.

A unit speaks through its *session*: its instance and a number that rises with every connection. A
newer session of the same instance supersedes the older. Another instance, of a cloned machine say,
is refused while the first is connected or may still believe to be leader: two of them would both be
that unit (L9).

A session may be *silent*: its connection is there, and nothing was heard on it for long. A stopped
process is like that, and so is a machine that is gone while its connection is not. Who is silent
is offered nothing, until its next word (G11).

Sessions are kept by no store. After a restart everybody says Hello again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from tenure.core import lease as rules
from tenure.core.lease import Lease
from tenure.errors import InstanceRefused


class Session(Struct, frozen=True, gc=False):
    """Who speaks for a unit now (L9). `eligible` is false once it seeks no leadership any more.

    `silent_since` is the instant of its last word, if that is too long ago for one that is well.
    """

    instance: str
    number: int
    eligible: bool = True
    silent_since: float | None = None


class Sessions(Mapping[str, Session]):
    """The sessions by unit."""

    def __init__(self) -> None:
        self._of: dict[str, Session] = {}

    def __getitem__(self, unit: str) -> Session:
        return self._of[unit]

    def __contains__(self, unit: object) -> bool:
        return unit in self._of

    def __iter__(self) -> Iterator[str]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._of)

    def begin(self, now: float, unit: str, instance: str, number: int, lease: Lease) -> None:
        """The session supersedes the one before. `lease` is that of the unit's application.

        Raises InstanceRefused.
        """
        self._check_newest(unit, instance, number)
        _check_alone(now, unit, instance, lease)
        self._of[unit] = Session(instance, number)

    def _check_newest(self, unit: str, instance: str, number: int) -> None:
        current = self._of.get(unit)
        if current is not None and current.instance != instance:
            raise InstanceRefused(
                f"another instance of {unit} is connected: stop that one, or add a unit"
            )
        if current is not None and number <= current.number:
            raise InstanceRefused(f"a newer session of {unit} is connected")

    def end(self, unit: str, number: int) -> bool:
        """The session is over; a superseded one's end means nothing. True if it was the present."""
        session = self._of.get(unit)
        if session is None or session.number != number:
            return False
        del self._of[unit]
        return True

    def set_eligible(self, unit: str, eligible: bool) -> bool:
        """Whether the unit seeks leadership. True if that is new."""
        session = self._of[unit]
        if session.eligible == eligible:
            return False
        self._of[unit] = replace(session, eligible=eligible)
        return True

    def set_silent(self, unit: str, since: float | None) -> bool:
        """Since when nothing was heard of the unit; None: it was heard. True if that is new."""
        session = self._of.get(unit)
        if session is None or session.silent_since == since:
            return False
        self._of[unit] = replace(session, silent_since=since)
        return True

    def forget(self, unit: str) -> None:
        """The unit is no more, and nobody speaks for it."""
        self._of.pop(unit, None)


def _check_alone(now: float, unit: str, instance: str, lease: Lease) -> None:
    holder = lease.holder
    if holder is None or holder.unit != unit or holder.instance == instance:
        return
    left = rules.ends_at(lease) - now
    if left >= 0:
        raise InstanceRefused(
            f"another instance of {unit} may believe to be leader for {left:.0f} s more: "
            "try again then, or add a unit"
        )
