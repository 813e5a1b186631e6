"""The agent's one loop: what came in, what time did, what is due - for all of its units.

Every turn steps each unit, and sends the claims that are due as one message. The instant that their
beliefs count from is read before anything is sent (G4). How it ends:

| what | then |
|---|---|
| `stop()` (SIGTERM) | each unit steps down by U4, its running hook gets 10 s, then it ends |
| `halt()` (the house stops) | nobody hands over, no hook begins, running hooks get 10 s |
| a unit was removed | it ran its last hooks and said Gone; without units, the agent ends |
| killed in any way | the wardens end the hooks (H8) |
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

from tenure.agent.unit import STOP_GRACE, Unit
from tenure.clock import Clock
from tenure.leadership.connection import Connection
from tenure.wire.channel import Dial
from tenure.wire.messages import (
    PROTOCOL_VERSION,
    BagChanged,
    CharmChanged,
    Configured,
    Hello,
    Offer,
    PeerLeft,
    Remove,
    Resolve,
    Revision,
    Revoked,
    StepDown,
    Verdicts,
    Welcome,
)

HELLO_AGAIN = 5.0
"""Seconds after which a unit that was refused says Hello again (L9)."""

HEARTBEAT = 1.0
"""Seconds. The loop turns at least this often: timers are late after a suspend."""


class Agent:
    """The loop. Units are added before `run`."""

    def __init__(self, clock: Clock, rng: random.Random, dial: Dial, pid: int | None) -> None:
        self._clock = clock
        self._pid = pid
        self._units: dict[str, Unit] = {}
        self._woken = asyncio.Event()
        self._claims: dict[int, set[str]] = {}
        self._kill_at: float | None = None
        self._hello_at: float | None = None
        self._dropping: asyncio.Task[None] | None = None
        self.connection = Connection(dial, self, rng)

    def add(self, unit: Unit) -> None:
        """A unit to look after."""
        self._units[unit.unit] = unit

    def wake(self) -> None:
        """Turn soon."""
        self._woken.set()

    @property
    def units(self) -> Sequence[Unit]:
        """All of them."""
        return tuple(self._units.values())

    # -- the conversation (connection.Listener)

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
        refused = any(not unit.accepted and not unit.finished for unit in self.units)
        self._hello_at = self._clock.now() + HELLO_AGAIN if refused else None
        self.wake()

    def lost(self, cause: str) -> None:
        self._claims.clear()
        for unit in self._units.values():
            unit.lost()
        self.wake()

    def answered(self, verdicts: Verdicts) -> None:
        waiting = self._claims.get(verdicts.id, set())
        for verdict in verdicts.verdicts:
            if verdict.unit in waiting:
                waiting.discard(verdict.unit)
                self._units[verdict.unit].heard(verdict)
        if not waiting:
            self._claims.pop(verdicts.id, None)
        self.wake()

    def pushed(self, push: object) -> None:
        handle = PUSHES.get(type(push))
        unit = self._units.get(getattr(push, "unit", ""))
        if handle is not None and unit is not None:
            handle(unit, push)
        self.wake()

    # -- the loop

    async def run(self) -> None:
        """Turn until every unit is finished, or stopped."""
        connecting = asyncio.get_running_loop().create_task(self.connection.run())
        connecting.add_done_callback(lambda task: self.wake())
        try:
            while not self._is_over():
                if connecting.done():
                    connecting.result()  # because an agent that never connects again is no use
                self.turn()
                if self._is_over():
                    break
                await self._sleep()
        finally:
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)

    def turn(self) -> None:
        """Step all units, then claim for all that are due."""
        for unit in self._units.values():
            unit.step()
        now = self._clock.now()
        if self._kill_at is not None and now >= self._kill_at:
            for unit in self._units.values():
                unit.kill_hook()
        if any(unit.claim_overdue(now) for unit in self._units.values()):
            self._drop("the controller did not answer a claim in time")
            return
        if self._hello_at is not None and now >= self._hello_at:
            self._drop("the controller refused a unit")
            return
        claims = tuple(c for unit in self._units.values() if (c := unit.claim(now)) is not None)
        if claims:
            number = self.connection.claim(claims)
            if number is None:
                for claim in claims:
                    self._units[claim.unit].lost()
            else:
                self._claims[number] = {claim.unit for claim in claims}

    def _drop(self, cause: str) -> None:
        self._hello_at = None
        self._claims.clear()
        for unit in self._units.values():
            unit.lost()
        if self._dropping is None or self._dropping.done():
            self._dropping = asyncio.get_running_loop().create_task(self.connection.drop(cause))

    async def _sleep(self) -> None:
        now = self._clock.now()
        wakes = [unit.next_wake(now) for unit in self._units.values()]
        wakes += [at for at in (self._kill_at, self._hello_at) if at is not None and at > now]
        at = min((wake for wake in wakes if wake is not None), default=now + HEARTBEAT)
        delay = max(0.0, min(at - now, HEARTBEAT))
        timer = asyncio.get_running_loop().call_later(delay, self._woken.set)
        await self._woken.wait()
        timer.cancel()
        self._woken.clear()

    # -- ending

    def stop(self) -> None:
        """Stop this one agent cleanly (U4)."""
        for unit in self._units.values():
            unit.stop()
        self._give_hooks(max((unit.tracker.guarantee for unit in self.units
                              if unit.tracker.stepping_down), default=0.0))  # fmt: skip

    def halt(self) -> None:
        """Stop with the whole house: hand over to nobody."""
        for unit in self._units.values():
            unit.halt()
        self._give_hooks(0.0)

    def _give_hooks(self, at_least: float) -> None:
        self._kill_at = self._clock.now() + max(STOP_GRACE, at_least)
        self.wake()

    def _is_over(self) -> bool:
        ending = self._kill_at is not None
        return all(unit.finished or (ending and unit.is_idle()) for unit in self._units.values())


PUSHES: dict[type, Callable[..., None]] = {
    Offer: lambda unit, push: unit.tracker.offered(unit.now()),
    Revision: lambda unit, push: unit.told_revision(push.revision, push.keys),
    StepDown: lambda unit, push: unit.asked_to_step_down(),
    Revoked: lambda unit, push: unit.revoked(push.term),
    Remove: lambda unit, push: unit.leave(),
    Resolve: lambda unit, push: unit.resolve(retry=push.retry),
    BagChanged: lambda unit, push: unit.peers.changed(push),
    PeerLeft: lambda unit, push: unit.peers.left(push),
    Configured: lambda unit, push: unit.peers.configured(push),
    CharmChanged: lambda unit, push: unit.given_charm(push),
}
"""What each push of the controller does."""
