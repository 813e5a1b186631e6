"""What a disk may hold after the power went, for every moment of what a process really did.

`recorder.c`, loaded into a process, writes down each write, sync and name below one folder, in
order. `Disk` does the same again on paper and knows what is surely on the disk: a file's content
when it was synced last, a folder's names when that was. All that came later is there or is not:
`remains` chooses, as a real disk would. Names land in the order in which they were given; of
writes any part may have landed, cut anywhere at 512 bytes. A sync that failed leaves what it should
have written to chance, and no later sync makes up for it: the kernel believes it clean.

So a whole history can be cut at every point, and what is left opened by the real program.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

SOURCE = Path(__file__).with_name("recorder.c")
SECTOR = 512


def environment(library: Path, below: Path, record: Path, failing: str = "") -> dict[str, str]:
    """What a process must have in its environment to be recorded; `failing` as in recorder.c."""
    return {
        "LD_PRELOAD": str(library),
        "TENURE_RECORD_BELOW": str(below),
        "TENURE_RECORD_TO": str(record),
        **({"TENURE_RECORD_FAIL": failing} if failing else {}),
    }


@dataclass(frozen=True)
class Entry:
    """One line of the record: what was done, its numbers, its bytes."""

    kind: str
    numbers: tuple[int, ...]
    data: bytes


def read(record: Path) -> list[Entry]:
    """The whole record, in order."""
    content, at, found = record.read_bytes(), 0, list[Entry]()
    while at < len(content):
        line = content.index(b"\n", at)
        kind, *words = content[at:line].decode().split()
        size = int(words[-1])
        found.append(Entry(kind, tuple(map(int, words)), content[line + 1 : line + 1 + size]))
        at = line + 1 + size
    return found


@dataclass
class _File:
    """What the disk has for certain, and what may have come after it."""

    certain: bytearray = field(default_factory=bytearray)
    later: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Where, and what; None: the file was cut there."""

    def sync(self) -> None:
        for change in self.later:
            _apply(self.certain, *change)
        self.later.clear()

    def fail(self, chance: random.Random) -> None:
        """A sync failed: whatever landed by chance is all that ever will."""
        self.certain = self.remains(chance)
        self.later.clear()

    def remains(self, chance: random.Random) -> bytearray:
        """One content that the disk may have, if the power goes now."""
        found = bytearray(self.certain)
        for at, data in self.later:
            for change in _parts(at, data):
                if chance.random() < 0.5:
                    _apply(found, *change)
        return found

    def newest(self) -> bytearray:
        """The content if all of it landed."""
        found = bytearray(self.certain)
        for change in self.later:
            _apply(found, *change)
        return found


def _apply(content: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        content[at:] = bytes(max(0, at - len(content)))
        return
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at : at + len(data)] = data


def _parts(at: int, data: bytes | None) -> Iterator[tuple[int, bytes | None]]:
    if data is None:
        yield at, None
        return
    first = SECTOR - at % SECTOR
    edges = [0, *range(first, len(data), SECTOR), len(data)]
    for start, end in pairwise(edges):
        yield at + start, data[start:end]


class Disk:
    """A disk to which a record is done again, entry by entry."""

    def __init__(self, below: Path, chance: random.Random) -> None:
        self._below = str(below)
        self._chance = chance
        self._files: dict[int, _File] = {}
        self._folders: dict[int, str] = {}
        self._names: dict[str, _File] = {}
        self._certain_names: dict[str, _File] = {}
        self._later_names: list[dict[str, _File]] = []

    def do(self, entry: Entry) -> None:
        """Do what was done."""
        getattr(self, f"_{entry.kind}")(entry)

    def _link(self, entry: Entry) -> None:
        made = self._files[entry.numbers[0]] = _File()
        self._named({**self._names, entry.data.decode(): made})

    def _folder(self, entry: Entry) -> None:
        self._folders[entry.numbers[0]] = entry.data.decode()

    def _write(self, entry: Entry) -> None:
        number, at, _ = entry.numbers
        self._files[number].later.append((at, entry.data))

    def _cut(self, entry: Entry) -> None:
        number, size, _ = entry.numbers
        self._files[number].later.append((size, None))

    def _sync(self, entry: Entry) -> None:
        number = entry.numbers[0]
        if number in self._folders:
            self._certain_names, self._later_names = self._names, []
        else:
            self._files[number].sync()

    def _nosync(self, entry: Entry) -> None:
        self._files[entry.numbers[0]].fail(self._chance)

    def _rename(self, entry: Entry) -> None:
        source, target = (
            part.decode()
            for part in (entry.data[: entry.numbers[0]], entry.data[entry.numbers[0] :])
        )
        names = dict(self._names)
        names[target] = names.pop(source)
        self._named(names)

    def _unlink(self, entry: Entry) -> None:
        self._named({k: v for k, v in self._names.items() if k != entry.data.decode()})

    def _named(self, names: dict[str, _File]) -> None:
        self._names = names
        self._later_names.append(names)

    def remains(self) -> Iterator[dict[str, bytes]]:
        """What the disk may hold if the power goes now: the least, the most, all names and of the
        content the least, and two by chance.

        Files by their path below the folder.
        """
        yield self._shown(self._certain_names, lambda file: file.certain)
        yield self._shown(self._names, _File.newest)
        yield self._shown(self._names, lambda file: file.certain)
        for _ in range(2):
            names = self._chance.choice([self._certain_names, *self._later_names])
            yield self._shown(names, lambda file: file.remains(self._chance))

    def _shown(
        self, names: dict[str, _File], content: Callable[[_File], bytearray]
    ) -> dict[str, bytes]:
        return {
            path.removeprefix(self._below + "/"): bytes(content(file))
            for path, file in names.items()
        }
