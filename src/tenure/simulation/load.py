"""How busy an agent's machine is with other things, so that the agent must wait for its turn."""

from __future__ import annotations

import random

STARVED = "starved"
"""Why a process does not run that waits for its turn."""

WAITS = (0.2, 2.0)
"""Seconds until a starved process has its turn again, between."""


class Load:
    """While it is `heavy`, a process may lose its turn in each system call, too: a message that it
    sends, a save, the start of a hook, a look at the clock. Time then passes in the middle of a
    step."""

    def __init__(self, rng: random.Random) -> None:
        self.heavy = False
        self._rng = rng

    def takes(self, chance: float = 0.5) -> float:
        """Seconds that the next system call takes, if the process loses its turn in it."""
        return self.wait() if self.heavy and self._rng.random() < chance else 0.0

    def wait(self) -> float:
        """Seconds that a process which lost its turn waits for the next."""
        return self._rng.uniform(*WAITS)
