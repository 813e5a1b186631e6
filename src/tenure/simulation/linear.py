"""Is there an order in which all that was done to a bucket makes sense? (G6)

**The question.** Operations overlap in time. Each took effect at one instant between its beginning
and its end; a write whose outcome is unknown at any instant after its beginning, or never. `misfit`
looks for an order of such instants in which every read returns what the writes before it made.

**The search** is Wing's and Gong's, made lazy as Lowe's: it follows time from one beginning or end
to the next and keeps every *situation* that is possible there: what the bucket holds, and which of
the operations under way have taken effect. A write is only tried when something ends that needs it.

**What keeps it small**, none of which changes the answer:
- A value that no read could have seen any more when it was written is as good as any other such.
- An unknown write of which no read could have seen anything need not be looked at: without it all
  reads would be the same. One that alone can have made what a read saw has taken effect before that
  read ended, and is treated like any other write from then on.
- Of the other unknown writes, those that change the same are interchangeable, so the oldest goes
  first. One is tried only just before a read that it makes right, or, if it sets several keys,
  before a write that would hide only some of them: anywhere else it could come later, or never.
- A read takes effect as soon as the bucket is right for it.
- A situation in which fewer unknown writes were used, for the same, makes the others needless.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from heapq import heapify, heappop, heappush

from msgspec import Struct
from msgspec.structs import replace

from tenure.simulation.linear_situations import (
    Bucket,
    Operation,
    Read,
    Setting,
    Settings,
    Situation,
    Situations,
    Write,
)

__all__ = ["Misfit", "Operation", "Read", "SearchTooLarge", "Settings", "Write", "misfit"]

BUDGET = 500_000
"""Situations that are looked at before the search gives up, and EACH more for each operation."""

EACH = 500

NEVER = float("inf")

_UNSEEN = "\0 a value that nobody saw"


class Misfit(Struct, frozen=True):
    """Up to the end of `operation` there is an order no more. `possible`: what the bucket can have
    held when it ended, as far as the values were ever seen."""

    operation: Operation
    possible: tuple[Settings, ...]


class SearchTooLarge(Exception):
    """The search was given up: nothing is known."""


def misfit(operations: Iterable[Operation], budget: int | None = None) -> Misfit | None:
    """Where these operations fit no order any more; None if there is one.

    The instants of beginnings and ends are numbers that are all different, but for an operation
    that begins when it ends. Raises SearchTooLarge after `budget` situations.
    """
    everything = list(operations)
    budget = BUDGET + EACH * len(everything) if budget is None else budget
    reads = [each for each in everything if isinstance(each, Read)]
    writes = [each for each in everything if isinstance(each, Write)]
    assert all(write.ended is not None for write in writes if write.clears)
    return _Search(_Sight(reads).simplified(writes), reads, budget).run()


class _Sight:
    """What reads saw, and until when."""

    def __init__(self, reads: Sequence[Read]) -> None:
        self._reads = sorted(reads, key=lambda read: read.ended)
        self._ends: dict[Setting, list[int]] = {}
        self._last_without: dict[str, int] = {}
        for read in self._reads:
            for setting in read.settings.items():
                self._ends.setdefault(setting, []).append(read.ended)

    def first_end(self, setting: Setting, after: int) -> float:
        """When the first read ended that can have seen it, if it was set at `after` or later."""
        ends = self._ends.get(setting, [])
        index = bisect_right(ends, after)
        return ends[index] if index < len(ends) else NEVER

    def _missed(self, key: str, after: int) -> bool:
        """Whether a read that ended later than `after` did not find the key."""
        if key not in self._last_without:
            ends = (read.ended for read in reversed(self._reads) if key not in read.settings)
            self._last_without[key] = next(ends, -1)
        return self._last_without[key] > after

    def _is_seen(self, write: Write, setting: Setting) -> bool:
        key, value = setting
        if not value:
            return self._missed(key, write.began)
        return self.first_end(setting, write.began) < NEVER

    def simplified(self, writes: Sequence[Write]) -> list[Write]:
        """The writes that matter, with what matters of them."""
        beginnings: dict[Setting, list[int]] = {}
        for write in writes:
            for setting in write.changes.items():
                beginnings.setdefault(setting, []).append(write.began)
        found = []
        for write in writes:
            if write.ended is None:
                if not any(self._is_seen(write, setting) for setting in write.changes.items()):
                    continue
                write = self._bounded(write, beginnings)
            found.append(self._without_unseen(write))
        return found

    def _bounded(self, write: Write, beginnings: Mapping[Setting, list[int]]) -> Write:
        """It has ended by the time at which something was read that only it can have written."""
        ends = [
            end
            for setting in write.changes.items()
            if setting[1]
            and (end := self.first_end(setting, write.began)) < NEVER
            and sum(began < end for began in beginnings[setting]) == 1
        ]
        ended = int(min(ends)) if ends else None
        return replace(write, ended=ended)

    def _without_unseen(self, write: Write) -> Write:
        changes = {
            key: value if not value or self._is_seen(write, (key, value)) else _UNSEEN
            for key, value in write.changes.items()
        }
        return replace(write, changes=changes)


class _Search:
    """See the module. `self._kinds` are the unknown writes that differ, each with how many of them
    have begun by now."""

    def __init__(self, writes: Sequence[Write], reads: Sequence[Read], budget: int) -> None:
        self._operations: list[Operation] = [*writes, *reads]
        self._left = budget
        self._bucket = Bucket()
        self._wanted = {
            number: self._bucket.number_of(read.settings)
            for number, read in enumerate(reads, start=len(writes))
        }
        self._writing: set[int] = set()
        self._reading: set[int] = set()
        self._kinds: list[int] = []
        self._begun: list[int] = []
        self._kind_of: dict[int, int] = {}
        self._find_kinds(writes)

    def _find_kinds(self, writes: Sequence[Write]) -> None:
        kinds: dict[frozenset[Setting], int] = {}
        for number, write in enumerate(writes):
            if write.ended is None:
                alike = frozenset(write.changes.items())
                if alike not in kinds:
                    kinds[alike] = len(self._kinds)
                    self._kinds.append(number)
                    self._begun.append(0)
                self._kind_of[number] = kinds[alike]

    def run(self) -> Misfit | None:
        """Follow time from the beginning."""
        situations = [Situation(self._bucket.number_of({}), (0,) * len(self._kinds))]
        for _, is_end, number in self._events():
            if not is_end:
                situations = self._begin(number, situations)
                continue
            reached = self._reach(number, situations)
            if not reached:
                return Misfit(self._operations[number], self._possible(situations))
            situations = self._ended(number, reached)
        return None

    def _events(self) -> list[tuple[int, bool, int]]:
        """Beginnings and ends, as (instant, is an end, operation). Of ends at one instant, a
        read's comes first, so that a misfit names what was read."""
        events = []
        for number, operation in enumerate(self._operations):
            events.append((operation.began, False, number))
            if operation.ended is not None:
                events.append((operation.ended, True, number))
        return sorted(events, key=lambda event: (event[0], event[1], -event[2]))

    def _begin(self, number: int, situations: list[Situation]) -> list[Situation]:
        if number in self._wanted:
            self._reading.add(number)
            return [self._serve(situation) for situation in situations]
        if number in self._kind_of:
            self._begun[self._kind_of[number]] += 1
        else:
            self._writing.add(number)
        return situations

    def _ended(self, number: int, situations: list[Situation]) -> list[Situation]:
        self._writing.discard(number)
        self._reading.discard(number)
        gone = frozenset((number,))
        least = Situations()
        for each in situations:
            least.add(replace(each, applied=each.applied - gone, served=each.served - gone))
        return list(least)

    def _possible(self, situations: list[Situation]) -> tuple[Settings, ...]:
        held = (self._bucket.settings(state) for state in sorted({s.state for s in situations}))
        return tuple({k: "?" if v == _UNSEEN else v for k, v in each.items()} for each in held)

    # -- from one situation to the next

    def _reach(self, number: int, situations: list[Situation]) -> list[Situation]:
        """The situations right after this operation took effect, or where it has already."""
        known, todo = Situations(), [(sum(s.used), n, s) for n, s in enumerate(situations)]
        heapify(todo)
        reached, count = Situations(), len(todo)
        while todo:
            _, _, situation = heappop(todo)  # those first that can make the others needless
            if number in situation.applied or number in situation.served:
                reached.add(situation)
                continue
            self._spend()
            for after in self._steps(situation):
                if known.add(after):
                    count += 1
                    heappush(todo, (sum(after.used), count, after))
        return list(reached)

    def _spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise SearchTooLarge("the search for an order was given up: too much happened at once")

    def _steps(self, situation: Situation) -> Iterator[Situation]:
        """What may take effect next."""
        waiting = self._writing - situation.applied
        for number in waiting:
            after = self._after(situation.state, number)
            yield self._serve(replace(situation, state=after, applied=situation.applied | {number}))
        left = [k for k, used in enumerate(situation.used) if used < self._begun[k]]
        for number in self._reading - situation.served:
            wanted = self._wanted[number]
            for burst in self._bursts(situation.state, wanted, left):
                yield self._use(situation, burst, wanted)
        for kind in self._half_hidden(left, waiting):
            after = self._after(situation.state, self._kinds[kind])
            if after != situation.state:
                yield self._use(situation, (kind,), after)

    def _half_hidden(self, left: list[int], waiting: Set[int]) -> list[int]:
        """The kinds that may have to come before a write that hides some of them, or before
        another such kind."""
        several = [kind for kind in left if len(self._write(self._kinds[kind]).changes) > 1]
        hiding = [self._write(number).changes.keys() for number in waiting]
        hidden = [self._write(self._kinds[kind]).changes.keys() for kind in several]
        return several if any(h & w and h - w for h in hidden for w in hiding) else []

    def _use(self, situation: Situation, kinds: Collection[int], state: int) -> Situation:
        used = tuple(count + (kind in kinds) for kind, count in enumerate(situation.used))
        return self._serve(replace(situation, state=state, used=used))

    def _serve(self, situation: Situation) -> Situation:
        """All reads under way for which the bucket is right take effect."""
        right = [n for n in self._reading if self._wanted[n] == situation.state]
        if not right or situation.served.issuperset(right):
            return situation
        return replace(situation, served=situation.served.union(right))

    def _bursts(self, state: int, wanted: int, left: Sequence[int]) -> Iterator[frozenset[int]]:
        """The kinds of unknown writes that can make the wanted state of this one, in some order.

        Found from the last of them backwards: what a later one sets, an earlier one may set wrong.
        One of a kind is enough: the same again would be hidden by it.
        """
        target = self._bucket.settings(wanted)
        wrong = _wrong_keys(self._bucket.settings(state), target)
        changes = {kind: self._write(self._kinds[kind]).changes for kind in left}
        spoils = {
            kind: {key for key, value in each.items() if target.get(key, "") != value}
            for kind, each in changes.items()
        }
        useful = wrong.union(*spoils.values())
        todo: list[tuple[frozenset[int], frozenset[str]]] = [(frozenset(), frozenset())]
        seen = set(todo)
        while todo:
            burst, hidden = todo.pop()
            if wrong <= hidden:
                yield burst
                continue
            self._spend()
            for kind in left:
                longer = burst | {kind}, hidden.union(changes[kind])
                helps = spoils[kind] <= hidden and useful & (longer[1] - hidden)
                if helps and longer not in seen:
                    seen.add(longer)
                    todo.append(longer)

    def _write(self, number: int) -> Write:
        operation = self._operations[number]
        assert isinstance(operation, Write)
        return operation

    def _after(self, state: int, number: int) -> int:
        return self._bucket.after(state, number, self._write(number))


def _wrong_keys(state: Settings, target: Settings) -> set[str]:
    keys = state.keys() | target.keys()
    return {key for key in keys if state.get(key, "") != target.get(key, "")}
