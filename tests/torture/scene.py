"""What a fault has to work with: Tenure, chance, and the figures that it counts in."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from tenure.client.operator import Operator
from tenure.client.transport import UnixHttp
from tenure.errors import TenureError
from tests.torture.figures import Figures
from tests.torture.running import APPLICATION, Torn
from tests.torture.watch import Life

TELLS_WITHIN = 0.5
"""Seconds in which a process that was woken says what it has to say."""


@dataclass
class Scene:
    """What a fault has to work with."""

    tenure: Torn
    rng: random.Random
    figures: Figures

    def leader(self) -> str:
        """Who leads now; waits for one."""
        self.tenure.wait(self.tenure.leader, "a leader")
        return self.tenure.leader() or self.rng.choice(self.tenure.units)

    def minion(self) -> str:
        """Somebody who does not."""
        leader = self.tenure.leader()
        return self.rng.choice([unit for unit in self.tenure.units if unit != leader])

    def anyone(self) -> str:
        """The leader as often as all others together."""
        return self.leader() if self.rng.random() < 0.5 else self.minion()

    def kill(self, life: Life, what: str) -> None:
        """kill -9, counted; it is gone on return."""
        if life.kill():
            self.figures.kills[what] += 1
            self.tenure.wait(lambda: not self.tenure.is_there(life), f"{what} to be gone")

    def moment(self, longest: float) -> None:
        """Let a part of that many seconds pass."""
        self.tenure.rest(self.rng.uniform(0, longest))

    @contextmanager
    def pauses(self, *lives: Life) -> Iterator[None]:
        """These are stopped meanwhile, one after the other, and woken in any order."""
        with ExitStack() as stack:
            for life in self.rng.sample(lives, len(lives)):
                stack.enter_context(life.stopped())
            yield
        # because what a sleeper says as it wakes is what counts, and long hooks are ended next
        self.tenure.rest(TELLS_WITHIN)


def meddle(scene: Scene) -> None:
    """One order of an operator, whatever becomes of it."""
    operator = Operator(UnixHttp(scene.tenure.paths.controller_socket))
    unit = scene.rng.choice(scene.tenure.units)
    orders: list[Callable[[], object]] = [
        lambda: operator.elect(unit),
        lambda: operator.elect(unit),
        lambda: operator.step_down(APPLICATION),
        lambda: operator.pin(APPLICATION, "torture", scene.rng.uniform(0.5, 8)),
        lambda: operator.unpin(APPLICATION, "torture"),
    ]
    with suppress(TenureError):
        scene.rng.choice(orders)()
