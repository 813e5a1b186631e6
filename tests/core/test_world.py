"""The core in a hostile world: Hypothesis looks for a history that breaks a promise.

The rules are what can happen to a controller and its agents; what must hold is in `world.World`,
which looks after every single event.
"""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from . import drive
from .actors import APP
from .agents import Agent
from .world import World

AGENTS = st.integers(0, 3)
SPANS = st.sampled_from(drive.SPANS)
DELAYS = st.sampled_from(drive.DELAYS)
CLOCK_RATES = st.sampled_from((0.995, 1.0, 1.005))


class HostileWorld(RuleBasedStateMachine):
    """One application, two to four units, and maybe a clone of one of them."""

    @initialize(
        lease=st.sampled_from(drive.LEASES), units=st.integers(2, 4), clone=st.booleans(),
        rates=st.tuples(CLOCK_RATES, CLOCK_RATES, CLOCK_RATES, CLOCK_RATES), own=CLOCK_RATES,
    )  # fmt: skip
    def begin(
        self, lease: tuple[float, float], units: int, clone: bool, rates: tuple[float, ...],
        own: float,
    ) -> None:  # fmt: skip
        duration, guarantee = lease
        self.world = World(
            duration=duration, guarantee=guarantee, units=units, clone=clone, rates=rates,
            controller_rate=own,
        )  # fmt: skip

    def agent(self, number: int) -> Agent:
        return self.world.agents[number % len(self.world.agents)]

    @rule(span=SPANS)
    def time_passes(self, span: float) -> None:
        self.world.advance(span * self.world.duration)

    @rule()
    def every_hook_asks(self) -> None:
        for agent in self.world.agents:
            self.world.ask(agent)
        self.world.advance(0.0)

    @rule(number=AGENTS)
    def hooks_end(self, number: int) -> None:
        agent = self.agent(number)
        for context in list(agent.contexts):
            agent.end_context(context)
        agent.step()
        self.world.advance(0.0)

    @rule(number=AGENTS, stale=st.booleans())
    def a_hook_writes(self, number: int, stale: bool) -> None:
        self.world.write(self.agent(number), stale=stale)
        self.world.advance(0.0)

    @rule(number=AGENTS, lose=st.booleans(), noticed=st.booleans())
    def a_connection_breaks(self, number: int, lose: bool, noticed: bool) -> None:
        self.world.cut(self.agent(number), lose=lose, noticed=noticed)
        self.world.advance(0.0)

    @rule(number=AGENTS, partitioned=st.booleans())
    def the_network_parts_or_heals(self, number: int, partitioned: bool) -> None:
        self.agent(number).partitioned = partitioned

    @rule(number=AGENTS, up=DELAYS, down=DELAYS, late=st.booleans())
    def the_weather_changes(self, number: int, up: float, down: float, late: bool) -> None:
        agent, duration = self.agent(number), self.world.duration
        agent.delays, agent.late = (up * duration, down * duration), late

    @rule(number=AGENTS, span=SPANS)
    def an_agent_is_stopped_for_a_while(self, number: int, span: float) -> None:
        self.agent(number).paused_until = self.world.true + span * self.world.duration

    @rule(number=AGENTS, span=SPANS, remembering=st.booleans())
    def an_agent_is_killed_and_starts_again(
        self, number: int, span: float, remembering: bool
    ) -> None:
        agent = self.agent(number)
        self.world.crash_agent(agent)
        self.world.advance(span * self.world.duration)
        agent.start(remembering=remembering)
        self.world.advance(0.0)

    @rule(number=AGENTS)
    def an_agent_stops_cleanly(self, number: int) -> None:
        self.world.stop(self.agent(number))
        self.world.advance(0.0)

    @rule(landed=st.booleans(), span=SPANS)
    def the_controller_is_killed_and_starts_again(self, landed: bool, span: float) -> None:
        self.world.crash_controller(landed=landed)
        self.world.advance(span * self.world.duration)
        self.world.start_controller()
        self.world.advance(0.0)

    @rule(fate=st.sampled_from(drive.FATES), takes=st.sampled_from((0.0, 0.05)))
    def the_disk_misbehaves(self, fate: str, takes: float) -> None:
        self.world.controller.fate = fate
        self.world.controller.commit_takes = takes * self.world.duration

    @rule(number=AGENTS)
    def an_operator_elects(self, number: int) -> None:
        unit = self.agent(number).unit
        self.world.operator(lambda orders, now: orders.elect(now, unit))

    @rule()
    def an_operator_has_the_leader_step_down(self) -> None:
        self.world.operator(lambda orders, now: orders.step_down(now, APP))

    @rule(span=SPANS)
    def an_operator_pins(self, span: float) -> None:
        seconds = span * self.world.duration
        self.world.operator(lambda orders, now: orders.pin(now, APP, "upgrade", seconds))

    @rule()
    def an_operator_unpins(self) -> None:
        self.world.operator(lambda orders, now: orders.unpin(now, APP, "upgrade"))

    @rule()
    def an_operator_revokes(self) -> None:
        self.world.revoke()

    @rule(factor=st.sampled_from((0.5, 1.0, 1.5)))
    def an_operator_changes_the_lease(self, factor: float) -> None:
        duration, guarantee = self.world.duration * factor, self.world.guarantee * factor
        self.world.operator(lambda orders, now: orders.set_lease(now, APP, duration, guarantee))

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.check_live()


class TestHostileWorld(HostileWorld.TestCase):  # type: ignore[misc,valid-type]
    """G1, G2, G3, G4, G5, G6, G8, G9, G10, G11, L2, L5, L8, L9, U1, U4, U5: in any history"""

    settings = settings(
        derandomize=True, database=None, deadline=None, max_examples=200, stateful_step_count=50,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


def test_no_history_of_these_seeds_breaks_a_promise() -> None:
    """G1, G3, G5, G6, G8, G10, G11"""
    drive.histories(range(150))


def test_the_same_seed_is_the_same_history() -> None:
    """G1: a failure can be replayed from one line"""
    one, other = drive.history(7), drive.history(7)
    assert (one.true, one.watch.owners) == (other.true, other.watch.owners)
    assert one.watch.revoked == other.watch.revoked


def test_worlds_are_eventful() -> None:
    """G1: clients are aggressive enough that terms change hands and promises are given"""
    worlds = [drive.history(seed) for seed in range(20)]
    assert sum(len(world.watch.owners) for world in worlds) > 100
    assert sum(bool(world.watch.revoked) for world in worlds) > 5
