"""A world of one controller and a few agents, in true time, and what must hold in it.

It is no small copy of `tenure.simulation`, but another level: no event loop, no shells, no frames.
Only the core is in it, one lease long, so that a search for histories (Hypothesis) and the planted
bugs of the core look at thousands of them in a minute, after every single event. Clocks and what is
stored are those of `tenure.testing` and `tenure.stores`.

The network loses, delays, repeats and reorders. A connection keeps the order of its requests, as a
socket does, but an old connection's requests may arrive after a newer one was accepted; answers
and news take any time, news may come twice or never. Clocks differ by up to 1 % in rate.

After every event `watch` looks at the whole.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from functools import partial
from typing import Any

from tenure.core.application import Application, record_of
from tenure.core.changes import ApplicationPut, UnitPut, UnitRecord
from tenure.core.effects import ClaimUnsure, Offer, Revoked, StepDown, Verdict
from tenure.core.lease import Lease
from tenure.core.leases import Leases
from tenure.core.orders import Orders
from tenure.errors import NotLeader
from tenure.stores.memory import Tables
from tenure.testing.time.clock import MachineClock

from .actors import APP, Answer, Controller, connect, order
from .agents import Agent
from .watch import Watch

RATES = (0.995, 1.005, 1.0)


class World:
    """See the module. Agents are addressed by number; the last may be a clone of the first (L9)."""

    def __init__(
        self, *, duration: float = 2.0, guarantee: float = 1.0, units: int = 3,
        clone: bool = False, rates: tuple[float, ...] = RATES, controller_rate: float = 1.005,
    ) -> None:  # fmt: skip
        self.true = 0.0
        self.duration, self.guarantee = duration, guarantee
        self.offer_for = duration / 10
        self.contexts = 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._sent = 0
        self._arrived: dict[tuple[int, int], float] = {}
        names = [f"{APP}/{number}" for number in range(units)]
        lease = Lease(duration=duration, guarantee=guarantee, longest=duration)
        records = {name: UnitRecord(unit=name) for name in names}
        kept = Tables()
        application = Application(name=APP, lease=lease, units=records, next_unit=units)
        kept.apply([ApplicationPut(record_of(application)), *map(UnitPut, records.values())])
        clock = MachineClock(self, 1000.0, controller_rate)
        self.controller = Controller(self, clock, kept, grace=0.05)
        self.agents = [
            Agent(self, name, f"i{n}", MachineClock(self, 100.0 * n, rates[n % len(rates)]))
            for n, name in enumerate(names)
        ]
        if clone:
            self.agents.append(Agent(self, names[0], "clone", MachineClock(self, 7.0)))
        self.watch = Watch(self.controller, self.agents)
        self.advance(0.0)

    # -- time and the network

    def time(self) -> float:
        """The true time, in seconds."""
        return self.true

    def after(self, delay: float, do: Callable[[], None]) -> None:
        """Something will happen."""
        self._sent += 1
        heapq.heappush(self._events, (self.true + delay, self._sent, do))

    def advance(self, span: float) -> None:
        """Let `span` seconds of true time pass, event by event."""
        end = self.true + span
        while True:
            when, do = self._next()
            if when > end:
                break
            self.true = max(self.true, when)
            do()
            self.watch.check()
        self.true = end
        self.watch.check()

    def _next(self) -> tuple[float, Callable[[], None]]:
        candidates: list[tuple[float, Callable[[], None]]] = []
        if self._events:
            candidates.append((self._events[0][0], self._deliver))
        wake = self.controller.wake_at()
        if wake is not None:
            candidates.append((wake, lambda: self.controller.turn(lambda leases, now: [])))
        for agent in self.agents:
            wake = agent.wake_at()
            if wake is not None:
                candidates.append((wake, agent.step))
        return min(candidates, key=lambda c: c[0], default=(float("inf"), lambda: None))

    def _deliver(self) -> None:
        heapq.heappop(self._events)[2]()

    def _up(self, agent: Agent, session: int, do: Callable[[], None]) -> None:
        """A request: in order on its connection; lost while the agent is cut off."""
        key = (self.agents.index(agent), session)
        arrives = max(self.true + agent.delays[0], self._arrived.get(key, 0.0))
        self._arrived[key] = arrives
        losses = agent.losses

        def arrive() -> None:
            if agent.losses == losses:
                do()

        if not agent.partitioned:
            self.after(arrives - self.true, arrive)

    def _down(self, agent: Agent, do: Callable[[], None]) -> None:
        """An answer or news: lost while the agent is cut off, and late while it is stopped."""
        losses = agent.losses

        def arrive() -> None:
            if agent.partitioned or agent.losses != losses:
                return
            if self.true < agent.paused_until:
                self.after(agent.paused_until - self.true, arrive)
            else:
                do()

        if not agent.partitioned:
            self.after(agent.delays[1], arrive)

    # -- the conversation

    def connect(self, agent: Agent) -> None:
        """A new connection says hello."""
        agent.sessions += 1
        session = agent.session = agent.sessions
        agent.connected = False

        def hello(leases: Leases, now: float) -> list[Answer]:
            refused = connect(leases, now, agent.unit, agent.instance, session)
            return [(lambda said: self._down(agent, lambda: welcome(said)), refused, "unsure")]

        def welcome(refused: str | None) -> None:
            if agent.session != session or not agent.up:
                return
            if refused is not None:
                agent.disconnected()
                agent.connect_at = self.true + self.duration / 10
                return
            agent.connected = True
            agent.tracker.want_claim(agent.now())
            agent.step()

        self._up(agent, session, lambda: self.controller.turn(hello))
        self._time_out(agent, session, lambda: not agent.connected)

    def _time_out(self, agent: Agent, session: int, stuck: Callable[[], bool]) -> None:
        def look() -> None:
            if agent.session == session and agent.up and stuck():
                self.cut(agent, lose=False, noticed=True)

        self.after(self.duration / 2, look)

    def _is_current(self, leases: Leases, agent: Agent, session: int) -> bool:
        found = leases.sessions.get(agent.unit)
        return found is not None and (found.instance, found.number) == (agent.instance, session)

    def send_claim(self, agent: Agent, term: int | None) -> None:
        """A claim under way; the agent read its clock before this."""
        session, sent = agent.session, agent.tracker.in_flight
        assert session is not None
        seen = agent.tracker.seen_term

        def claim(leases: Leases, now: float) -> list[Answer]:
            if not self._is_current(leases, agent, session):
                return []
            return [(hear, leases.claim(now, agent.unit, term, seen), unsure)]

        def hear(verdict: Verdict) -> None:
            self.watch.check_verdict(agent, verdict)
            self._down(agent, lambda: agent.answered(session, verdict))

        unsure = ClaimUnsure(unit=agent.unit, cause="it cannot be said")
        fallback: list[Answer] = [(hear, unsure, unsure)]
        self._up(agent, session, lambda: self.controller.turn(claim, fallback))
        self._time_out(agent, session, lambda: agent.tracker.in_flight is sent)

    def send_release(self, agent: Agent, term: int) -> None:
        """The unit gives its lease up; it needs no answer."""
        session = agent.session

        def release(leases: Leases, now: float) -> list[Answer]:
            if session is not None and self._is_current(leases, agent, session):
                leases.release(now, agent.unit, term)
            return []

        if session is not None:
            self._up(agent, session, lambda: self.controller.turn(release))

    def push(self, push: Any) -> None:
        """News for a unit; None stands for news of what never happened."""
        if not isinstance(push, Offer | Revoked | StepDown):
            return
        self.watch.check_secrecy(push.unit, push)
        leases = self.controller.leases
        if isinstance(push, Offer) and leases is not None:
            leases.tell_offer(self.controller.now(), push.unit)
        for agent in self.agents:
            if agent.unit == push.unit and agent.up and agent.connected:
                for _ in range(2):
                    self._down(agent, partial(agent.told, push))

    # -- what happens to agents and the controller

    def cut(self, agent: Agent, *, lose: bool, noticed: bool) -> None:
        """Its connection breaks: what is under way is lost, or comes late."""
        session = agent.session
        if session is None:
            return
        agent.disconnected()
        agent.losses += lose
        if noticed:
            self._gone(agent, session)

    def _gone(self, agent: Agent, session: int) -> None:
        def bye(leases: Leases, now: float) -> list[Answer]:
            leases.disconnect(now, agent.unit, session)
            return []

        late = agent.delays[0] + self.duration / 100
        self.after(late, lambda: self.controller.turn(bye))

    def crash_agent(self, agent: Agent) -> None:
        """kill -9: the kernel closes its connection."""
        if agent.up:
            session = agent.session
            agent.crash()
            if session is not None:
                self._gone(agent, session)

    def crash_controller(self, *, landed: bool) -> None:
        """kill -9: every connection breaks, and all that was not durable is gone."""
        if self.controller.leases is None:
            return
        self.controller.crash(landed=landed)
        for agent in self.agents:
            if agent.session is not None:
                agent.disconnected()

    def start_controller(self) -> None:
        """It takes the seat and loads."""
        if self.controller.leases is None:
            self.controller.start()

    def stop(self, agent: Agent) -> None:
        """A clean stop: seek no more, step down; it may be started again after that."""
        session = agent.session
        agent.seeks = False
        agent.step_down()

        def leave(leases: Leases, now: float) -> list[Answer]:
            if session is not None and self._is_current(leases, agent, session):
                leases.set_eligible(now, agent.unit, False)
            return []

        if session is not None:
            self._up(agent, session, lambda: self.controller.turn(leave))

    def ask(self, agent: Agent) -> bool:
        """A hook asks; a promise is noted in true time."""
        self.contexts += 1
        context = f"context-{self.contexts}"
        if not agent.ask(context):
            return False
        term = agent.believes()
        assert term is not None
        until = agent.clock.when(agent.now() + agent.tracker.guarantee)
        self.watch.promised(agent, context, term, until)
        return True

    def write(self, agent: Agent, *, stale: bool) -> None:
        """A hook writes, under the term it holds or under the last it ever held."""
        term = agent.last_term if stale else agent.believes()
        session = agent.session
        if session is None or not term:
            return

        def write(leases: Leases, now: float) -> list[Answer]:
            if self._is_current(leases, agent, session):
                try:
                    leases.write(now, agent.unit, term, {"k": f"{agent.unit} {self.true}"})
                except NotLeader as refusal:
                    self.watch.check_secrecy(agent.unit, str(refusal))
                else:
                    self.watch.check_write(agent, term)
            return []

        self._up(agent, session, lambda: self.controller.turn(write))

    def operator(self, give: Callable[[Orders, float], object]) -> bool:
        """An operator's order. Refusals are fine."""
        taken = order(self.controller, give)
        self.advance(0.0)
        return taken

    def revoke(self) -> None:
        """The unsafe lever: the term it frees is exempt from now on (L5)."""
        if self.controller.leases is None:
            return
        term = self.controller.lease().term
        if order(self.controller, lambda orders, now: orders.revoke(now, APP)):
            self.watch.revoked.add(term)
        self.advance(0.0)

    def extended(self, agent: Agent) -> None:
        """An agent is told that its term goes on."""
        self.watch.check_unbroken(agent)

    def never_revoked(self, term: int) -> None:
        """The commit that revoked it never landed."""
        self.watch.revoked.discard(term)

    def heal(self) -> None:
        """All is well again: everybody runs, is connected and answers at once."""
        self.start_controller()
        self.controller.fate, self.controller.commit_takes = "ok", 0.0
        self.operator(lambda orders, now: orders.unpin(now, APP, "upgrade"))
        for agent in self.agents:
            agent.partitioned, agent.late, agent.delays = False, False, (0.0, 0.0)
            agent.paused_until = float("-inf")
            agent.contexts.clear()
            if not agent.seeks or not agent.up:
                self.crash_agent(agent)
                agent.start(remembering=False)

    def check_live(self) -> None:
        """G2, G11: once all is well, somebody leads after the longest lease and some offers."""
        self.heal()
        self.advance(4 * self.duration)
        assert any(agent.believes() for agent in self.agents), "G11: nobody leads in a sound world"
