"""What a world is like, drawn from its seed before anything happens in it.

How long leases are, how many applications there are, what clocks and what store, how hooks behave,
and which faults are known. The order of the draws is part of every seed's story.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

from tenure.simulation.disk import ModelDisk
from tenure.simulation.peer_charm import PeerCharm
from tenure.simulation.simhooks import Temper
from tenure.stores.memory import MemoryDisk
from tenure.testing.time.clock import MachineClock
from tenure.testing.time.loop import VirtualLoop

LEASES = ((2.0, 1.0), (2.0, 0.8), (4.0, 2.0), (4.0, 2.0), (10.0, 5.0), (10.0, 4.0), (60.0, 30.0))
"""Duration and guarantee, in seconds."""

SPANS = (0.002, 0.02, 0.1, 0.3, 0.6, 0.97, 1.05, 1.5)
"""How long things last, in leases: often just below or above one."""

SOUND_RATES = (0.9955, 1.0, 1.0045)
WILD_RATES = (0.95, 0.98, 1.0, 1.02, 1.05)
TIMES = ("sound clocks",) * 8 + ("wild clocks", "unseen pauses")
"""What a world may know of time. Nothing is promised of clocks that differ by more than the margin
(G4), or of pauses that no clock shows: but what is fenced stays fenced."""

SLACK = {"sound clocks": 0.0, "wild clocks": 0.18, "unseen pauses": 20.0}
"""How many leases two beliefs may then overlap."""


class Nature(Struct, frozen=True):
    """See the module. Spans are in seconds."""

    peer_charm: PeerCharm | None
    duration: float
    guarantee: float
    update_every: float
    time: str
    temper: Temper
    applications: tuple[str, ...]

    @property
    def rates(self) -> tuple[float, ...]:
        """Those that a clock of it may have."""
        return WILD_RATES if self.time == "wild clocks" else SOUND_RATES

    @property
    def slack(self) -> float:
        """Seconds that two beliefs may overlap."""
        return SLACK[self.time] * self.duration

    @property
    def has_unseen_pauses(self) -> bool:
        """Whether machines are held while no clock of theirs tells."""
        return self.time == "unseen pauses"


def drawn_nature(rng: random.Random, peer_charm: PeerCharm | None) -> Nature:
    """All that is drawn first."""
    duration, guarantee = rng.choice(LEASES)
    return Nature(
        peer_charm=peer_charm,
        duration=duration,
        guarantee=guarantee,
        update_every=max(0.5, duration * rng.choice((0.1, 0.4, 1.0))),
        time=rng.choice(TIMES),
        temper=_drawn_temper(rng, guarantee),
        applications=("web", "db")[: rng.choice((1, 1, 1, 2))],
    )


def _drawn_temper(rng: random.Random, guarantee: float) -> Temper:
    choice = rng.choice
    return Temper(
        steps=choice((2, 4, 8)),
        fails=choice((0.0, 0.05, 0.2)),
        hangs=choice((0.0, 0.0, 0.03)),
        leaves_child=choice((0.0, 0.05)),
        spans=choice(((0.0, 0.02), (0.0, 0.1 * guarantee), (0.02, guarantee, 2 * guarantee))),
    )


def drawn_disk(rng: random.Random) -> MemoryDisk | ModelDisk:
    """The controller's: one that loses nothing, or one that loses what was not synced."""
    return MemoryDisk() if rng.random() < 0.4 else ModelDisk(rng)


def drawn_loading(seed: int, duration: float) -> float:
    """Seconds that it takes the controller of this world to make applications of what it loads; in
    most worlds none."""
    rng = random.Random(f"loading {seed}")
    return min(45.0, duration * rng.choice((0.5, 1.2, 2.0))) if rng.random() < 0.1 else 0.0


def drawn_clock(loop: VirtualLoop, rng: random.Random, nature: Nature) -> MachineClock:
    """One machine's."""
    return MachineClock(loop, rng.uniform(0, 1e5), rng.choice(nature.rates))


class Known(Protocol):
    """What is asked of a fault, to say whether a world can know it."""

    @property
    def name(self) -> str: ...

    @property
    def hardware(self) -> bool: ...

    @property
    def of_peers(self) -> bool: ...

    @property
    def apart(self) -> bool: ...


F = TypeVar("F", bound=Known)


def drawn_climate(
    rng: random.Random, nature: Nature, faults: Sequence[F], *, hardware: bool
) -> list[F]:
    """The faults that strike here. Each world knows only some, so that rare ones meet."""
    possible = [
        fault
        for fault in faults
        if not fault.apart
        and (hardware or not fault.hardware)
        and (nature.peer_charm is not None or not fault.of_peers)
        and (nature.has_unseen_pauses or fault.name != "hypervisor-pause")
    ]
    return [fault for fault in possible if rng.random() < 0.55] or possible


def drawn_apart(seed: int, faults: Sequence[F]) -> list[F]:
    """The faults beyond its climate that strike in this world."""
    apart = [fault for fault in faults if fault.apart]
    return [f for f in apart if random.Random(f"{f.name} {seed}").random() < 0.2]
