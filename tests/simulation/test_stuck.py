"""What goes on and on while no time passes is named, and its world ends."""

from __future__ import annotations

import asyncio

import pytest

from tenure.agent.unit import Unit
from tenure.simulation.judge import Violation
from tenure.simulation.life import Fault, Life
from tenure.simulation.world import World


def lived(fault: Fault) -> list[Violation]:
    """What is found in a world that knows this fault alone."""
    return list(Life(World(0), [fault]).run().violations)


def test_a_world_in_which_somebody_goes_on_and_on_stands_still() -> None:
    async def spin() -> None:
        while True:  # noqa: ASYNC110 (it is the point)
            await asyncio.sleep(0)

    found = lived(Fault("spin", 1, lambda world: world.spawn(spin())))
    stuck = "the world stood still: something goes on and on while no time passes"
    assert [violation.text for violation in found] == [stuck]


def test_an_agent_that_turns_on_and_on_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It never waits for its loop then, so the loop cannot tell."""
    real = Unit.step

    def step(self: Unit) -> None:
        real(self)
        self.parts.wake()

    monkeypatch.setattr(Unit, "step", step)
    monkeypatch.setattr("tenure.simulation.machine.ENDLESS", 100)
    found = lived(Fault("nothing", 1, lambda world: None))
    assert "web-0 turns on and on while no time passes" in str(found[0].text)
