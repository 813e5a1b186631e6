"""Walk all worlds, the nearest first: so the first story of a broken promise is the shortest."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from .promises import broken
from .world import Move, Nature, Setting, World


class Outcome(Struct, frozen=True, kw_only=True):
    """What a walk came to. `ended`: it saw every world that there is within its bounds."""

    worlds: int
    sides: int
    depth: int
    ended: bool
    wrong: str = ""
    story: tuple[Move, ...] = ()


def walk(
    setting: Setting, *, most: int = 10_000_000, told: Callable[[int, int], None] | None = None
) -> Outcome:
    """All worlds of a setting, `most` at most, or until a promise is broken. `told` hears how many
    there are and how deep, every ten thousand."""
    nature = Nature(setting)
    first = nature.first()
    came: dict[World, tuple[World, Move] | None] = {first: None}
    queue = deque([(first, 0)])
    depth = 0
    gc.collect()
    gc.freeze()
    try:
        if wrong := broken(nature, first):
            return _outcome(nature, came, 0, True, wrong, first)
        while queue:
            world, depth = queue.popleft()
            for move, after in nature.moves(world):
                if after in came:
                    continue
                came[after] = world, move
                if wrong := broken(nature, after):
                    return _outcome(nature, came, depth + 1, False, wrong, after)
                queue.append((after, depth + 1))
                if told is not None and len(came) % 10_000 == 0:
                    told(len(came), depth)
            if len(came) >= most:
                return _outcome(nature, came, depth, False)
        return _outcome(nature, came, depth, True)
    finally:
        gc.unfreeze()


def _outcome(
    nature: Nature,
    came: dict[World, tuple[World, Move] | None],
    depth: int,
    ended: bool,
    wrong: str = "",
    last: World | None = None,
) -> Outcome:
    story: list[Move] = []
    step = came[last] if last is not None else None
    while step is not None:
        story.append(step[1])
        step = came[step[0]]
    return Outcome(
        worlds=len(came), sides=nature.pool.size, depth=depth, ended=ended, wrong=wrong,
        story=tuple(reversed(story)),
    )  # fmt: skip
