"""Many leases: renewals a second on one core, and 10,000 holders that vanish together.

Both run the real loop, the real SQLite store and the real codec; only the socket is left out, and
the agent's side is one conversation that answers at once.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from tenure.clock import SystemClock
from tenure.controller.__main__ import spare_the_collector
from tenure.controller.access import AGENT
from tenure.controller.conversation import Conversation
from tenure.controller.loop import Controller
from tenure.controller.service import Service
from tenure.stores.open import open_store
from tenure.wire.codec import decode_from_agent, decode_from_controller, encode
from tenure.wire.messages import (
    PROTOCOL_VERSION,
    Claim,
    Claims,
    FromController,
    Granted,
    Hello,
    Offer,
    UnitHello,
    Verdicts,
    Welcome,
)

LEASES = 10_000
ROUNDS = 20


class Agent:
    """An agent of many units, as far as the controller can tell: it speaks in frames."""

    def __init__(self, service: Service, instance: str, units: list[str]) -> None:
        self.conversation = Conversation(service, AGENT, self._hear, lambda: None)
        self.units = units
        self.terms: dict[str, int] = {}
        self.answered = asyncio.Event()
        self.welcome = asyncio.Event()
        self.granted_at = 0.0
        self._claims = 0
        hello = tuple(UnitHello(unit=unit, instance=instance, session=1) for unit in units)
        self._say(Hello(version=PROTOCOL_VERSION, units=hello))

    def _say(self, message: Hello | Claims) -> None:
        self.conversation.hear(decode_from_agent(encode([message])))

    def claim(self, units: list[str] | None = None) -> None:
        """Claim for all, naming the terms believed in."""
        self._claims += 1
        claims = tuple(Claim(unit=unit, term=self.terms.get(unit)) for unit in units or self.units)
        self._say(Claims(id=self._claims, claims=claims))

    def _hear(self, messages: list[FromController]) -> None:
        offered = []
        for message in decode_from_controller(encode(messages)):
            if isinstance(message, Verdicts):
                for verdict in message.verdicts:
                    if isinstance(verdict, Granted):
                        self.terms[verdict.unit] = verdict.term
                self.granted_at = time.perf_counter()
                self.answered.set()
            elif isinstance(message, Welcome):
                self.welcome.set()
            elif isinstance(message, Offer):
                offered.append(message.unit)
        if offered:
            self.claim(offered)


async def _measure(folder: Path) -> dict[str, float]:
    service = Service(open_store(folder / "controller.db", create=True), SystemClock())
    controller = service.controller
    await controller.start()
    running = asyncio.ensure_future(controller.run())
    names = [f"app{number}x" for number in range(LEASES)]

    def create(now: float) -> None:
        for name in names:
            controller.model.applications.create(now, name, 60.0, 30.0)
            controller.model.applications.add_unit(name)
            controller.model.applications.add_unit(name)

    await controller.ask(names[0], create)
    holder = Agent(service, "a", [f"{name}/0" for name in names])
    await holder.welcome.wait()
    holder.claim()
    await holder.answered.wait()
    figures = {"renewals a second, batched": await _renew(holder)}
    waiter = Agent(service, "b", [f"{name}/1" for name in names])
    await waiter.welcome.wait()
    waiter.claim()
    await waiter.answered.wait()
    spare_the_collector()
    figures["10,000 leases gone together: until the last is re-granted, s"] = await _expire(
        controller, holder, waiter
    )
    running.cancel()
    await controller.store.close()
    return figures


async def _renew(holder: Agent) -> float:
    began = time.perf_counter()
    for _ in range(ROUNDS):
        holder.answered.clear()
        holder.claim()
        await holder.answered.wait()
    return ROUNDS * LEASES / (time.perf_counter() - began)


async def _expire(controller: Controller, holder: Agent, waiter: Agent) -> float:
    """The holder vanishes and all its leases run out at one instant."""
    holder.conversation.closed()
    waiter.answered.clear()
    controller.model.leases.lengthen(-61.0)  # because nobody wants to wait a minute for the figure
    for application in controller.model.known():
        controller.model.leases.schedule(application)
    began = time.perf_counter()
    controller.wake()
    while len(waiter.terms) < LEASES:
        await waiter.answered.wait()
        waiter.answered.clear()
    return waiter.granted_at - began


def measure() -> dict[str, float]:
    """The two figures."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder)))


if __name__ == "__main__":
    for name, figure in measure().items():
        print(f"{name}: {figure:,.3f}")
