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
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

Settings = Mapping[str, str]
Setting = tuple[str, str]

BUDGET = 500_000
"""Situations that are looked at before the search gives up."""

NEVER = float("inf")

_UNSEEN = "\0 a value that nobody saw"


class Write(Struct, frozen=True):
    """A write under way from `began` to `ended`; None if nobody knows whether it took effect.

    `clears`: what was there before is gone first, as when an application is removed.
    """

    name: str
    began: int
    ended: int | None
    changes: Settings
    clears: bool = False


class Read(Struct, frozen=True):
    """A read of everything."""

    name: str
    began: int
    ended: int
    settings: Settings


Operation = Write | Read


class Misfit(Struct, frozen=True):
    """Up to the end of `operation` there is an order no more. `possible`: what the bucket can have
    held when it ended, as far as the values were ever seen."""

    operation: Operation
    possible: tuple[Settings, ...]


class SearchTooLarge(Exception):
    """The search was given up: nothing is known."""


def misfit(operations: Iterable[Operation], budget: int = BUDGET) -> Misfit | None:
    """Where these operations fit no order any more; None if there is one.

    The instants of beginnings and ends are numbers that are all different, but for an operation
    that begins when it ends. Raises SearchTooLarge.
    """
    everything = list(operations)
    reads = [each for each in everything if isinstance(each, Read)]
    writes = [each for each in everything if isinstance(each, Write)]
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


class _Situation(Struct, frozen=True):
    """What may be so at an instant. The numbers are those of the search's operations."""

    state: int
    applied: frozenset[int] = frozenset()
    """The writes under way, to be ended, that took effect."""
    served: frozenset[int] = frozenset()
    """The reads under way that took effect."""
    used: frozenset[int] = frozenset()
    """The unknown writes that took effect."""


class _Search:
    """See the module. States of the bucket are numbered as they are met."""

    def __init__(self, writes: Sequence[Write], reads: Sequence[Read], budget: int) -> None:
        self._operations: list[Operation] = [*writes, *reads]
        self._left = budget
        self._states: list[dict[str, str]] = []
        self._numbers: dict[frozenset[Setting], int] = {}
        self._results: dict[tuple[int, int], int] = {}
        self._wanted = {
            number: self._number_of(dict(operation.settings))
            for number, operation in enumerate(self._operations)
            if isinstance(operation, Read)
        }
        self._writing: set[int] = set()
        self._reading: set[int] = set()
        self._unknown: dict[tuple[frozenset[Setting], bool], list[int]] = {}

    def run(self) -> Misfit | None:
        """Follow time from the beginning."""
        situations = {_Situation(self._number_of({}))}
        for _, is_end, number in self._events():
            if not is_end:
                situations = self._begin(number, situations)
                continue
            reached = self._least(self._reach(number, situations))
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

    def _begin(self, number: int, situations: set[_Situation]) -> set[_Situation]:
        operation = self._operations[number]
        if isinstance(operation, Read):
            self._reading.add(number)
            return {self._serve(situation) for situation in situations}
        if operation.ended is None:
            alike = frozenset(operation.changes.items()), operation.clears
            self._unknown.setdefault(alike, []).append(number)
        else:
            self._writing.add(number)
        return situations

    def _ended(self, number: int, situations: set[_Situation]) -> set[_Situation]:
        self._writing.discard(number)
        self._reading.discard(number)
        gone = frozenset((number,))
        return {
            _Situation(each.state, each.applied - gone, each.served - gone, each.used)
            for each in situations
        }

    def _possible(self, situations: set[_Situation]) -> tuple[Settings, ...]:
        states = {situation.state for situation in situations}
        return tuple(
            {key: "?" if value == _UNSEEN else value for key, value in self._states[state].items()}
            for state in sorted(states)
        )

    # -- from one situation to the next

    def _reach(self, number: int, situations: set[_Situation]) -> set[_Situation]:
        """The situations right after this operation took effect, or where it has already."""
        reached, seen, todo = set(), set(situations), list(situations)
        while todo:
            situation = todo.pop()
            if number in situation.applied or number in situation.served:
                reached.add(situation)
                continue
            self._left -= 1
            if self._left < 0:
                raise SearchTooLarge(
                    "the search for an order was given up: too much happened at once"
                )
            fresh = {after for after in self._steps(situation) if after not in seen}
            seen |= fresh
            todo += fresh
        return reached

    def _steps(self, situation: _Situation) -> Iterator[_Situation]:
        """What may take effect next."""
        waiting = self._writing - situation.applied
        for number in waiting:
            after = self._apply(situation.state, number)
            yield self._serve(replace(situation, state=after, applied=situation.applied | {number}))
        unknown = self._available(situation.used)
        for number in self._reading - situation.served:
            wanted = self._wanted[number]
            for used in self._bursts(situation.state, wanted, unknown):
                yield self._serve(replace(situation, state=wanted, used=situation.used | used))
        for number in unknown if waiting else ():
            if len(self._write(number).changes) > 1:
                after = self._apply(situation.state, number)
                yield self._serve(replace(situation, state=after, used=situation.used | {number}))

    def _serve(self, situation: _Situation) -> _Situation:
        """All reads under way for which the bucket is right take effect."""
        right = [n for n in self._reading if self._wanted[n] == situation.state]
        if not right or situation.served.issuperset(right):
            return situation
        return replace(situation, served=situation.served.union(right))

    def _available(self, used: frozenset[int]) -> list[int]:
        """The oldest unused of each kind of unknown writes."""
        return [
            number
            for alike in self._unknown.values()
            if (number := next((n for n in alike if n not in used), None)) is not None
        ]

    def _bursts(self, state: int, wanted: int, unknown: Sequence[int]) -> Iterator[frozenset[int]]:
        """The sets of unknown writes that can make the wanted state of this one, in some order.

        Found from the last of them backwards: what a later one sets, an earlier one may set wrong.
        """
        target = self._states[wanted]
        wrong = _wrong_keys(self._states[state], target)
        todo: list[tuple[frozenset[int], frozenset[str]]] = [(frozenset(), frozenset())]
        seen = set(todo)
        while todo:
            burst, hidden = todo.pop()
            if wrong <= hidden:
                yield burst
                continue
            for number in unknown:  # one of a kind: the same again would be hidden by it
                changes = self._write(number).changes
                helps = any(key in wrong and key not in hidden for key in changes)
                if helps and _agrees(changes, target, hidden):
                    longer = burst | {number}, hidden.union(changes)
                    if longer not in seen:
                        seen.add(longer)
                        todo.append(longer)

    # -- states

    def _write(self, number: int) -> Write:
        operation = self._operations[number]
        assert isinstance(operation, Write)
        return operation

    def _apply(self, state: int, number: int) -> int:
        after = self._results.get((state, number))
        if after is None:
            write = self._write(number)
            settings = {**({} if write.clears else self._states[state]), **write.changes}
            after = self._number_of({key: value for key, value in settings.items() if value})
            self._results[state, number] = after
        return after

    def _number_of(self, settings: dict[str, str]) -> int:
        key = frozenset(settings.items())
        if key not in self._numbers:
            self._numbers[key] = len(self._states)
            self._states.append(settings)
        return self._numbers[key]

    def _least(self, situations: set[_Situation]) -> set[_Situation]:
        """Without those that another one makes needless."""
        groups: dict[tuple[int, frozenset[int]], list[_Situation]] = {}
        for situation in sorted(situations, key=lambda each: (len(each.used), -len(each.served))):
            group = groups.setdefault((situation.state, situation.applied), [])
            if not any(
                other.served >= situation.served and other.used <= situation.used for other in group
            ):
                group.append(situation)
        return {situation for group in groups.values() for situation in group}


def _wrong_keys(state: Settings, target: Settings) -> set[str]:
    keys = state.keys() | target.keys()
    return {key for key in keys if state.get(key, "") != target.get(key, "")}


def _agrees(changes: Settings, target: Settings, hidden: frozenset[str]) -> bool:
    return all(key in hidden or target.get(key, "") == value for key, value in changes.items())
