"""Which address each unit has. Pure.

All units are on one machine. Still each has an address of its own, so that charms can tell their
peers apart and may all listen on the same port: Linux answers on every address that begins with
127. An address is allotted when its unit is added, kept with the unit, and given to nobody else
while the unit is there.

A *block* is a row of 4,064 places. The units of one state folder have theirs from one block, and
those of a very large one from further blocks, too. A controller claims the blocks of its units
before it serves anybody, and a further one before it is used (`controller/block.py`): so two state
folders of one machine never share an address while both run. 127.0 and 127.255 are left alone,
because other programs use them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec.structs import replace

from tenure.core.bags import Bags
from tenure.core.changes import BagPut
from tenure.errors import Refused
from tenure.names import split_unit

INTERFACE = "lo"
SUBNET = "127.0.0.0/8"

_IN_A_ROW = 254
"""None ends in 0 or 255, which some programs take for a whole network's."""
_ROWS = 16

PLACES = _ROWS * _IN_A_ROW
"""Addresses of one block."""

BLOCKS = range(254 * 256 // _ROWS)


def address_at(place: int) -> str:
    """The address of a place; those of one block lie beside each other."""
    row, last = divmod(place, _IN_A_ROW)
    return f"127.{1 + row // 256}.{row % 256}.{1 + last}"


def place_of(address: str) -> int:
    """The place of an address that `address_at` made."""
    _, high, low, last = map(int, address.split("."))
    return ((high - 1) * 256 + low) * _IN_A_ROW + last - 1


def block_name(block: int) -> str:
    """All addresses of a block, for people."""
    return f"{address_at(block * PLACES).rpartition('.')[0]}.0/20"


def former_address(unit: str) -> str:
    """What a unit had before addresses were kept: it followed from the name, and two applications
    could have the same. Raises BadName."""
    application, number = split_unit(unit)
    row, seat = divmod(number, 250)
    return f"127.{1 + zlib.crc32(application.encode()) % 254}.{row % 256}.{1 + seat}"


def in_bag(address: str) -> Mapping[str, str]:
    """What a unit's bag begins with, as Juju's does."""
    return {
        "egress-subnets": f"{address}/32",
        "ingress-address": address,
        "private-address": address,
    }


def moved(owned: Bags, unit: str, before: str, after: str) -> list[BagPut]:
    """What changes in a unit's bags when it gets another address: what still says the old one, and
    not what its charm put there instead."""
    was, will_be = in_bag(before), in_bag(after)
    steps = []
    for bag in owned.values():
        if bag.owner == unit and bag.present:
            changes = {k: will_be[k] for k, v in was.items() if bag.settings.get(k) == v}
            if changes:
                settings = {**bag.settings, **changes}
                steps.append(BagPut(replace(bag, version=bag.version + 1, settings=settings)))
    return steps


def places_of(block: int) -> range:
    """All places of a block."""
    return range(block * PLACES, (block + 1) * PLACES)


def following(blocks: Sequence[int]) -> int:
    """The block after the last of these, where nobody else takes any. Raises Refused."""
    block = blocks[-1] + 1
    if block not in BLOCKS:
        raise Refused("all addresses are taken: remove some units first")
    return block


class Addresses:
    """Gives out places one after the other; when its blocks are used up, those that are free again,
    and when there are too few, those of one more block."""

    def __init__(self) -> None:
        self.blocks = [BLOCKS[0]]
        self.kept: tuple[int, ...] = ()
        """The blocks of the units that were loaded."""
        self.another: Callable[[Sequence[int]], int] = following
        """Where one more block comes from, which is none of these and nobody else's. Raises
        Refused."""
        self._fresh = places_of(BLOCKS[0])
        """The places of the newest block that were never given out."""
        self._last = -1

    def begin(self, kept: Iterable[str]) -> None:
        """These are taken; what is given out comes after them."""
        places = [place_of(address) for address in kept if address]
        if places:
            self.kept = tuple(sorted({place // PLACES for place in places}))
            self.blocks = list(self.kept)
            self._fresh = range(max(places) + 1, places_of(self.blocks[-1]).stop)

    def use(self, block: int) -> None:
        """Give out the addresses of this block from now on."""
        self.blocks, self._fresh = [block], places_of(block)

    def allot(self, taken: Callable[[], Iterable[str]], count: int = 1) -> list[str]:
        """So many addresses that nobody has; `taken` is asked seldom, and must then know of all
        that were allotted before. Raises Refused if there are too few."""
        if count > len(self._fresh):
            places = self._looked_up(set(taken()), count)
        else:
            places, self._fresh = self._fresh[:count], self._fresh[count:]
        return [address_at(place) for place in places]

    def _looked_up(self, held: set[str], count: int) -> Sequence[int]:
        # looked up each time, since a roll back may give back what was free a moment ago
        self._fresh = range(0)
        every = (place for block in self.blocks for place in places_of(block))
        free = [place for place in every if address_at(place) not in held]
        free.sort(key=lambda place: place <= self._last)  # what was freed last is used last
        while (lacking := count - len(free)) > 0:
            self.blocks.append(self.another(self.blocks))
            block = places_of(self.blocks[-1])
            free += block[:lacking]
            self._fresh = block[lacking:]
        self._last = free[count - 1]
        return free[:count]
