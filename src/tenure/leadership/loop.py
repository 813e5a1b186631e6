"""The one loop of whoever seeks leadership: what came in, what time did, what is due.

Every turn steps each participant, and sends the claims that are due as one message. The instant
that their beliefs count from is read before anything is sent (G4). A participant is an agent's
unit, or anything else that leads: the loop knows of no hook.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

from tenure.clock import Clock
from tenure.core.effects import Verdict
from tenure.leadership.connection import Connection
from tenure.leadership.observer import Observer
from tenure.wire.channel import Dial
from tenure.wire.messages import (
    PROTOCOL_VERSION,
    SIGN_EVERY,
    Claim,
    Hello,
    UnitHello,
    UnitWelcome,
    Verdicts,
    Welcome,
)

HELLO_AGAIN = 5.0
"""Seconds after which a unit that was refused says Hello again (L9)."""

HEARTBEAT = 1.0
"""Seconds. The loop turns at least this often: timers are late after a suspend."""


class Participant(Protocol):
    """One unit, as the loop sees it."""

    @property
    def unit(self) -> str: ...

    @property
    def is_refused(self) -> bool:
        """The controller does not accept it now, and it is not done yet."""
        ...

    @property
    def is_over(self) -> bool:
        """Nothing is left to be done for it."""
        ...

    def hello(self) -> UnitHello: ...

    def welcomed(self, welcome: UnitWelcome) -> None: ...

    def disconnected(self) -> None:
        """The connection is gone: no claim under way will be answered."""
        ...

    def heard(self, verdict: Verdict) -> None: ...

    def pushed(self, push: object) -> None: ...

    def step(self) -> None:
        """Do what is due now."""
        ...

    def claim(self, now: float) -> Claim | None:
        """The claim that is due, if one is; it counts as sent at `now` (G4)."""
        ...

    def overdue(self, now: float) -> bool:
        """Whether an answer to its claim is so late that the connection must be given up."""
        ...

    def doubts(self, now: float) -> bool:
        """Whether an answer to its claim is late, so that the controller must say that it lives."""
        ...

    def next_wake(self, now: float) -> float | None:
        """The next instant after `now` at which time alone makes something due, if any."""
        ...


P = TypeVar("P", bound=Participant)


class Loop(Generic[P]):
    """Participants are added before `run`. `pid` is told to operators."""

    def __init__(
        self,
        clock: Clock,
        rng: random.Random,
        dial: Dial,
        pid: int | None,
        observer: Observer | None = None,
    ) -> None:
        self._clock = clock
        self._pid = pid
        self._observer = observer or Observer()
        self._units: dict[str, P] = {}
        self._woken = asyncio.Event()
        self._claims: dict[int, set[str]] = {}
        self._hello_at: float | None = None
        self._sign_at = float("-inf")
        self._dropping: asyncio.Task[None] | None = None
        self._turned_at = clock.now()
        self.connection = Connection(dial, self, rng, clock.now)

    def add(self, unit: P) -> None:
        """A unit to look after."""
        self._units[unit.unit] = unit

    def wake(self) -> None:
        """Turn soon."""
        self._woken.set()

    @property
    def units(self) -> Sequence[P]:
        """All of them."""
        return tuple(self._units.values())

    # -- the conversation (connection.ConnectionListener)

    def hello(self) -> Hello:
        return Hello(
            version=PROTOCOL_VERSION,
            units=tuple(unit.hello() for unit in self._units.values()),
            pid=self._pid,
        )

    def welcomed(self, welcome: Welcome) -> None:
        for each in welcome.units:
            if each.unit in self._units:
                self._units[each.unit].welcomed(each)
        refused = any(unit.is_refused for unit in self._units.values())
        self._hello_at = self._clock.now() + HELLO_AGAIN if refused else None
        self.wake()

    def disconnected(self, cause: str) -> None:
        self._disconnect()
        self.wake()

    def _disconnect(self) -> None:
        self._claims.clear()
        for unit in self._units.values():
            unit.disconnected()

    def answered(self, verdicts: Verdicts) -> None:
        waiting = self._claims.get(verdicts.id, set())
        for verdict in verdicts.verdicts:
            if verdict.unit in waiting:
                waiting.discard(verdict.unit)
                self._units[verdict.unit].heard(verdict)
        if not waiting:
            self._claims.pop(verdicts.id, None)
        self.wake()

    def pushed(self, push: Any) -> None:
        unit = self._units.get(getattr(push, "unit", ""))
        if unit is not None:
            unit.pushed(push)
        self.wake()

    # -- the loop

    async def run(self) -> None:
        """Turn until every unit is over."""
        connecting = asyncio.get_running_loop().create_task(self.connection.run())
        connecting.add_done_callback(lambda task: self.wake())
        try:
            while not self._is_over():
                if connecting.done():
                    connecting.result()  # because a loop that never connects again is no use
                self.turn()
                if self._is_over():
                    break
                await self._sleep()
        finally:
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)

    def turn(self) -> None:
        """Step all units, then claim for all that are due."""
        self._observer.turns()
        self._turned_at = self._clock.now()
        for unit in self._units.values():
            unit.step()
        now = self._clock.now()
        if any(unit.overdue(now) for unit in self._units.values()):
            self._drop("the controller did not answer a claim in time")
        elif self._hello_at is not None and now >= self._hello_at:
            self._drop("the controller refused a unit")
        else:
            self._claim(now)
            if any(unit.doubts(now) for unit in self._units.values()):
                self.connection.doubt()
            self._sign(now)

    def _sign(self, now: float) -> None:
        """Here, at the end of a turn, because a loop that hangs must fall silent."""
        if now >= self._sign_at:
            self._sign_at = now + SIGN_EVERY
            self.connection.sign()

    def _claim(self, now: float) -> None:
        claims = tuple(c for unit in self._units.values() if (c := unit.claim(now)) is not None)
        if not claims:
            return
        number = self.connection.claim(claims)
        if number is not None:
            self._claims[number] = {claim.unit for claim in claims}
            return
        for claim in claims:
            self._units[claim.unit].disconnected()

    def _drop(self, cause: str) -> None:
        self._hello_at = None
        self._disconnect()
        if self._dropping is None or self._dropping.done():
            self._dropping = asyncio.get_running_loop().create_task(self.connection.drop(cause))

    async def _sleep(self) -> None:
        # before the clock: who loses its turn between the two wakes too soon then, and not too late
        read_at = asyncio.get_running_loop().time()
        # because what fell due while a step was busy, saving say, was not looked at by that step
        since, now = self._turned_at, self._clock.now()
        wakes = [unit.next_wake(since) for unit in self._units.values()]
        if self._hello_at is not None and self._hello_at > since:
            wakes.append(self._hello_at)
        at = min((wake for wake in wakes if wake is not None), default=now + HEARTBEAT)
        delay = max(0.0, min(at - now, HEARTBEAT))
        timer = self._timer(read_at, delay)
        await self._woken.wait()
        timer.cancel()
        self._woken.clear()

    def _timer(self, read_at: float, delay: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_at(read_at + delay, self._woken.set)

    def _is_over(self) -> bool:
        return all(unit.is_over for unit in self._units.values())
