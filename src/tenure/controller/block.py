"""Which block of addresses a state folder's units have, and that nobody else has it meanwhile.

Units keep their addresses, so their blocks are kept with them. A folder without any takes a free
block; it looks for one from a place that follows from its path, so that most often it is the same.
A folder whose block another one has, a copy for instance, is refused: two units that listen on one
address would be worse.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from tenure.core.addresses import BLOCKS, block_name
from tenure.errors import Refused
from tenure.net.claim import Claim, claim, who_has


class Blocks:
    """Blocks that are this process's until `close`."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._claims: list[Claim] = []

    def keep(self, blocks: Sequence[int]) -> None:
        """These are ours. Raises Refused, naming who else has one, and us."""
        for block in blocks:
            if not self._take(block):
                raise Refused(
                    f"the units of {self._state} have addresses of {block_name(block)}, and so has "
                    f"{_who(block)}: stop that one, or begin with `tenure up --new-addresses`"
                )

    def find(self, but: Sequence[int] = ()) -> int:
        """One that is free becomes ours. Raises Refused."""
        first = int.from_bytes(hashlib.sha256(os.fsencode(self._state)).digest()[:4])
        for offset in range(len(BLOCKS)):
            block = BLOCKS[(first + offset) % len(BLOCKS)]
            if block not in but and self._take(block):
                return block
        raise Refused(f"no addresses are free: {len(BLOCKS)} state folders have them all")

    def _take(self, block: int) -> bool:
        try:
            ours = claim(_name(block))
        except OSError as fault:
            raise Refused(
                f"cannot claim the addresses {block_name(block)}: {fault.strerror or fault}"
            ) from fault
        if ours is not None:
            self._claims.append(ours)
        return ours is not None

    async def tell(self) -> None:
        """From now on, who is refused can learn whose they are."""
        for ours in self._claims:
            await ours.tell(os.fsencode(self._state))

    def close(self) -> None:
        """Others may have them."""
        for ours in self._claims:
            ours.close()


def _name(block: int) -> str:
    return f"tenure {block_name(block)}"


def _who(block: int) -> str:
    told, pid = who_has(_name(block))
    whose = told.decode("utf-8", "backslashreplace") if told else "another Tenure"
    return whose if pid is None else f"{whose} (its controller runs as {pid})"
