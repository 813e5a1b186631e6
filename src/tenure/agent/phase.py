"""How a unit goes on: whether it leaves, and whether its agent ends."""

from __future__ import annotations

from enum import Flag, auto


class Phase(Flag):
    """Phases add up: the agent of a unit that leaves may be stopped, too."""

    RUNNING = 0
    LEAVING = auto()
    """It is being removed: step down, run the last hooks, say Gone (U4)."""
    STOPPING = auto()
    """Its agent stops: hand over, let the running hook end (U4, H8)."""
    HALTING = auto()
    """Everything on this machine stops: hand over to nobody, begin no hook."""


ENDING = Phase.STOPPING | Phase.HALTING
