"""The bucket as its users see it: does all that was read fit what was written, in some order?"""

from __future__ import annotations

from typing import ClassVar

from tenure.names import application_of
from tenure.simulation.checkers.common import Hears
from tenure.simulation.checkers.reads import ReadsChecker
from tenure.simulation.facts import (
    BucketAtEnd,
    HookBegan,
    HookEnded,
    ReadBegan,
    ReadEnded,
    WriteBegan,
    WriteEnded,
    Wrote,
)
from tenure.simulation.judge import Checker
from tenure.simulation.linear import Operation, Read, Write, misfit


class BucketLinear(ReadsChecker):
    """There is an order of all writes and fresh reads in which each read returns what was written.

    A write that was done took effect between its beginning and its end; one whose outcome is
    unknown at any time since, or never; a refused one never (G7). What is there at the end is the
    last read. It keeps the whole history and looks when it is over; `close` raises SearchTooLarge
    if too much happened at once to tell.
    """

    clause = "G6, G8"

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._at: dict[int, float] = {}
        self._writes: dict[str, tuple[WriteBegan, int]] = {}
        self._operations: dict[str, list[Operation]] = {}

    def _next(self, at: float) -> int:
        self._count += 1
        self._at[self._count] = at
        return self._count

    def _add(self, application: str, operation: Operation) -> None:
        self._operations.setdefault(application, []).append(operation)

    def _read_began(self, fact: ReadBegan) -> None:
        self._reads.began(fact, self._next(fact.at))

    def _read_ended(self, fact: ReadEnded) -> None:
        found = self._reads.ended(fact)
        if found is not None and found[1] and fact.settings is not None:
            read = Read(
                f"{fact.call} of {fact.unit}", found[0].began, self._next(fact.at), fact.settings
            )
            self._add(application_of(fact.unit), read)

    def _write_began(self, fact: WriteBegan) -> None:
        super()._write_began(fact)
        self._writes[fact.call] = fact, self._next(fact.at)

    def _write_ended(self, fact: WriteEnded) -> None:
        super()._write_ended(fact)
        began = self._writes.pop(fact.call, None)
        if began is not None and fact.outcome != "refused":
            ended = self._next(fact.at) if fact.outcome == "done" else None
            self._add_write(*began, ended)

    def _add_write(self, fact: WriteBegan, began: int, ended: int | None) -> None:
        write = Write(f"{fact.call} of {fact.unit}", began, ended, fact.changes)
        self._add(application_of(fact.unit), write)

    def _wrote(self, fact: Wrote) -> None:
        if fact.removed:
            at = self._next(fact.at)
            self._add(fact.application, Write("its removal", at, at, {}, clears=True))

    def _at_end(self, fact: BucketAtEnd) -> None:
        at = self._next(fact.at)
        self._add(fact.application, Read("the end", at, at, fact.settings))

    def close(self) -> None:
        """Look for the order."""
        for fact, began in self._writes.values():
            self._add_write(fact, began, None)
        self._writes.clear()
        for application, operations in self._operations.items():
            found = misfit(operations)
            if found is not None:
                what = found.operation
                ended = what.ended if what.ended is not None else what.began
                self.broken(
                    self._at[ended],
                    f"{_words(what)}: the bucket of {application} can have been "
                    + " or ".join(str(dict(settings)) for settings in found.possible),
                )

    hears: ClassVar[Hears] = {
        **ReadsChecker.hears,
        ReadBegan: _read_began,
        ReadEnded: _read_ended,
        WriteBegan: _write_began,
        WriteEnded: _write_ended,
        Wrote: _wrote,
        BucketAtEnd: _at_end,
    }


def _words(operation: Operation) -> str:
    if isinstance(operation, Read):
        return f"{operation.name} read {dict(operation.settings)}"
    return f"{operation.name} wrote {dict(operation.changes)}"


class HookSeesTarget(Checker):
    """What a hook reads is its target revision or a later one.

    Settings are taken for the latest revision that was just so.
    """

    clause = "H5"

    def __init__(self) -> None:
        super().__init__()
        self._targets: dict[str, int] = {}
        self._latest: dict[str, dict[frozenset[tuple[str, str]], int]] = {}

    def _wrote(self, fact: Wrote) -> None:
        latest = self._latest.setdefault(fact.application, {})
        latest[frozenset(fact.settings.items())] = fact.revision

    def _hook_began(self, fact: HookBegan) -> None:
        if fact.target:
            self._targets[fact.context] = fact.target

    def _hook_ended(self, fact: HookEnded) -> None:
        self._targets.pop(fact.context, None)

    def _read(self, fact: ReadEnded) -> None:
        target = self._targets.get(fact.context)
        if target is None or fact.settings is None:
            return
        latest = self._latest.get(application_of(fact.unit), {})
        shown = latest.get(frozenset(fact.settings.items()), 0)
        if shown < target:
            self.broken(
                fact.at, f"{fact.context} was to see revision {target}, and read revision {shown}"
            )

    hears: ClassVar[Hears] = {
        Wrote: _wrote,
        HookBegan: _hook_began,
        HookEnded: _hook_ended,
        ReadEnded: _read,
    }
