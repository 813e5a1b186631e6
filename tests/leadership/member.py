"""A member: something that leads and is no charm, built from `tenure.leadership` alone."""

from __future__ import annotations

import random

from tenure.clock import Clock
from tenure.core.effects import Verdict
from tenure.core.localstate import LocalState
from tenure.leadership.claimant import Claimant, Identity
from tenure.leadership.connection import Connection
from tenure.leadership.loop import Loop
from tenure.leadership.observer import Observer
from tenure.leadership.record import Record
from tenure.leadership.requests import Requests
from tenure.leadership.statefile import StateFile
from tenure.wire.channel import Dial
from tenure.wire.messages import Claim, UnitHello, UnitWelcome


class Member:
    """One participant of a loop. It runs nothing: a deposition owes nothing."""

    def __init__(
        self, unit: str, record: Record, clock: Clock, connection: Connection, loop: Loop[Member]
    ) -> None:
        self.unit = unit
        self.record = record
        self.said: list[str] = []
        identity = Identity(unit=unit, instance=f"instance-of-{unit}", boot_id="boot-1")
        requests = Requests(connection, self.said.append, loop.wake)
        self.claimant = Claimant(
            identity, record, connection, requests, clock=clock, rng=random.Random(unit),
            say=lambda level, line: self.said.append(line), wake=loop.wake, observer=Observer(),
        )  # fmt: skip
        self._clock = clock

    @property
    def leads(self) -> bool:
        return self.claimant.tracker.believes(self._clock.now())

    @property
    def is_refused(self) -> bool:
        return not self.claimant.accepted

    @property
    def is_over(self) -> bool:
        return False

    def hello(self) -> UnitHello:
        return self.claimant.hello()

    def welcomed(self, welcome: UnitWelcome) -> None:
        if self.claimant.welcomed(welcome):
            self.claimant.begin()

    def disconnected(self) -> None:
        self.claimant.disconnected()

    def heard(self, verdict: Verdict) -> None:
        self.claimant.heard(verdict)

    def pushed(self, push: object) -> None:
        self.claimant.pushed(push)

    def step(self) -> None:
        now = self._clock.now()
        self.record.settle_if_due(now)
        self.claimant.end_if_run_out(now)
        self.claimant.release_if_due(now, hooks_over=True)

    def claim(self, now: float) -> Claim | None:
        return self.claimant.claim(now)

    def overdue(self, now: float) -> bool:
        return self.claimant.overdue(now)

    def doubts(self, now: float) -> bool:
        return self.claimant.doubts(now)

    def next_wake(self, now: float) -> float | None:
        save_at = self.record.save_at
        wakes = (*self.claimant.next_wake(now), *((save_at,) if save_at is not None else ()))
        return min((wake for wake in wakes if wake > now), default=None)


def member(
    unit: str, file: StateFile[LocalState], clock: Clock, dial: Dial
) -> tuple[Member, Loop[Member]]:
    """A member over what its file holds, and the loop that is to be run for it."""
    state = file.load() or LocalState(unit=unit)
    loop: Loop[Member] = Loop(clock, random.Random(unit), dial, None)
    record = Record(state, file, clock.now, lambda fault: None)
    made = Member(unit, record, clock, loop.connection, loop)
    loop.add(made)
    return made, loop
