"""The agent: the loop of its units, and how it ends.

| what | then |
|---|---|
| `stop()` (SIGTERM) | each unit steps down by U4, its running hook gets 10 s, then it ends |
| `halt()` (all of a machine stops) | nobody hands over, no hook begins, a running one gets 10 s |
| a unit was removed | it ran its last hooks and said Gone; without units, the agent ends |
| killed in any way | the wardens end the hooks (H8) |
"""

from __future__ import annotations

from tenure.agent.unit import Unit
from tenure.leadership.loop import Loop


class Agent(Loop[Unit]):
    """The loop of the units of one process."""

    def stop(self) -> None:
        """Stop this one agent cleanly (U4)."""
        for unit in self.units:
            unit.stop()
        self.wake()

    def halt(self) -> None:
        """Stop with everything on this machine: hand over to nobody."""
        for unit in self.units:
            unit.halt()
        self.wake()
