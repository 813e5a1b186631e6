"""Simulated time, lines and machines: what tests stand on, Tenure's own first.

A `Machine` is one unit's: a real agent in virtual time, over a `Line` to a real controller, whose
hooks end when a test says or play a script. `in_virtual_time` runs an async test: an hour of leases
passes in milliseconds, the same each run.

The worlds in which everything goes wrong are built of it: `tenure.simulation`.
"""

from __future__ import annotations

from tenure.testing.charm import make_charm
from tenure.testing.hooks import HookPlayer, PlayedHook, Ran, Script
from tenure.testing.lines import Line
from tenure.testing.machine import Machine
from tenure.testing.statedisk import Died, StateDisk
from tenure.testing.time.clock import HandClock, MachineClock
from tenure.testing.time.loop import Process, Stuck, VirtualLoop, new_process
from tenure.testing.time.waiting import in_virtual_time, settle, until

__all__ = [
    "Died",
    "HandClock",
    "HookPlayer",
    "Line",
    "Machine",
    "MachineClock",
    "PlayedHook",
    "Process",
    "Ran",
    "Script",
    "StateDisk",
    "Stuck",
    "VirtualLoop",
    "in_virtual_time",
    "make_charm",
    "new_process",
    "settle",
    "until",
]
