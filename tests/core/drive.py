"""One number is a whole history: a seeded, aggressive driver of a `World`.

It is what the planted bugs are caught with: `histories` raises AssertionError if any of some worlds
breaks a promise.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from .actors import APP
from .agents import Agent
from .world import World

SPANS = (0.01, 0.05, 0.1, 0.26, 0.5, 0.97, 1.05)
DELAYS = (0.0, 0.0, 0.001, 0.02, 0.3, 0.8)
LEASES = ((2.0, 1.0), (10.0, 5.0), (60.0, 30.0))
FATES = ("ok", "refused", "landed", "lost")


class Driver:
    """Draws what happens next from one random source."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        duration, guarantee = self.chance.choice(LEASES)
        units = self.chance.choice((2, 3, 4))
        self.world = World(
            duration=duration, guarantee=guarantee, units=units, clone=self.chance.random() < 0.3,
            rates=tuple(self.chance.choice((0.995, 1.0, 1.005)) for _ in range(units)),
            controller_rate=self.chance.choice((0.995, 1.005)),
        )  # fmt: skip
        self.acts: list[tuple[Callable[[], None], int]] = [
            (self.pass_time, 30), (self.ask, 12), (self.end_contexts, 6), (self.write, 8),
            (self.cut, 8), (self.partition, 6), (self.weather, 10), (self.pause, 4),
            (self.restart, 6), (self.stop, 2), (self.controller, 4), (self.disk, 6),
            (self.elect, 5), (self.step_down, 2), (self.pin, 3), (self.revoke, 2),
            (self.change_lease, 2),
        ]  # fmt: skip

    def run(self, acts: int) -> None:
        """So many things happen."""
        todo, weights = [act for act, _ in self.acts], [weight for _, weight in self.acts]
        for act in self.chance.choices(todo, weights, k=acts):
            act()
            self.world.advance(0.0)

    @property
    def agent(self) -> Agent:
        """Any of them."""
        return self.chance.choice(self.world.agents)

    def pass_time(self) -> None:
        self.world.advance(self.chance.choice(SPANS) * self.world.duration)

    def ask(self) -> None:
        for agent in self.world.agents:
            self.world.ask(agent)

    def end_contexts(self) -> None:
        agent = self.agent
        for context in list(agent.contexts):
            agent.end_context(context)
        agent.step()

    def write(self) -> None:
        self.world.write(self.agent, stale=self.chance.random() < 0.5)

    def cut(self) -> None:
        self.world.cut(
            self.agent, lose=self.chance.random() < 0.5, noticed=self.chance.random() < 0.7
        )

    def partition(self) -> None:
        agent = self.agent
        agent.partitioned = not agent.partitioned

    def weather(self) -> None:
        agent, chance = self.agent, self.chance
        agent.delays = (
            chance.choice(DELAYS) * self.world.duration, chance.choice(DELAYS) * self.world.duration
        )  # fmt: skip
        agent.late = chance.random() < 0.3

    def pause(self) -> None:
        self.agent.paused_until = self.world.true + self.chance.choice(SPANS) * self.world.duration

    def restart(self) -> None:
        agent = self.agent
        self.world.crash_agent(agent)
        if self.chance.random() < 0.5:
            self.world.advance(self.chance.choice(SPANS) * self.world.duration)
        agent.start(remembering=self.chance.random() < 0.7)

    def stop(self) -> None:
        self.world.stop(self.agent)

    def controller(self) -> None:
        self.world.crash_controller(landed=self.chance.random() < 0.5)
        if self.chance.random() < 0.7:
            self.world.advance(self.chance.choice(SPANS) * self.world.duration)
        self.world.start_controller()

    def disk(self) -> None:
        self.world.controller.fate = self.chance.choice(FATES)
        self.world.controller.commit_takes = self.chance.choice((0.0, 0.05)) * self.world.duration

    def elect(self) -> None:
        unit = self.agent.unit
        self.world.operator(lambda orders, now: orders.elect(now, unit))

    def step_down(self) -> None:
        self.world.operator(lambda orders, now: orders.step_down(now, APP))

    def pin(self) -> None:
        span = self.chance.choice(SPANS) * self.world.duration
        if self.chance.random() < 0.5:
            self.world.operator(lambda orders, now: orders.pin(now, APP, "upgrade", span))
        else:
            self.world.operator(lambda orders, now: orders.unpin(now, APP, "upgrade"))

    def revoke(self) -> None:
        self.world.revoke()

    def change_lease(self) -> None:
        factor = self.chance.choice((0.5, 1.0, 1.5))
        duration, guarantee = self.world.duration * factor, self.world.guarantee * factor
        self.world.operator(lambda orders, now: orders.set_lease(now, APP, duration, guarantee))


def history(seed: int, acts: int = 250) -> World:
    """One world, driven."""
    driver = Driver(seed)
    driver.run(acts)
    driver.world.check_live()
    return driver.world


def histories(seeds: range, acts: int = 250) -> None:
    """Raises AssertionError, naming the seed, if one of these worlds breaks a promise."""
    for seed in seeds:
        try:
            history(seed, acts)
        except AssertionError as broken:
            raise AssertionError(f"history({seed}, {acts}): {broken}") from broken
