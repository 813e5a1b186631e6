"""Which hook of a peer relation runs next, and what it pays. Pure.

**The theory.** A unit's charm is told of its peers in steps, and what it was told is kept (`Told`,
durable). What is so now comes from the controller (`Relation`). The difference is owed:

| told | so now | owed |
|---|---|---|
| nothing | the relation is there | `-relation-created` |
| a member | it takes part no more | `-relation-departed` |
| the application's bag at `v` | it is at a later version | `-relation-changed`, of no unit |
| not a member | it takes part | `-relation-joined`, which tells of version 0 |
| a member's bag at `v` | it is at a later version | `-relation-changed` |

So whoever joined is followed by its first `changed`, since a bag's versions begin at 1. A unit that
leaves is told that each member departs, and that the relation is broken.

A hook pays for the version that was known when it began: what comes meanwhile is owed again, also
what it wrote itself into the application's bag (P2). A unit is not told of its own bag.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from tenure.names import split_unit

CREATED, JOINED, CHANGED, DEPARTED, BROKEN = "created", "joined", "changed", "departed", "broken"

_INFIX = "-relation-"


class Relation(Struct, frozen=True, kw_only=True):
    """A peer relation as it is: versions of the application's bag and of the others' bags."""

    number: int
    endpoint: str
    application: int = 0
    members: Mapping[str, int] = {}


class Told(Struct, frozen=True, kw_only=True):
    """What the unit's charm was told of one relation. `entered`: the unit takes part in it."""

    endpoint: str = ""
    entered: bool = False
    created: bool = False
    broken: bool = False
    application: int = 0
    members: Mapping[str, int] = {}


class RelationEvent(Struct, frozen=True, kw_only=True):
    """One hook of a relation. `remote` is the unit that it is about, or "" for none. `leaving`: it
    is the unit itself that departs, not the remote one."""

    number: int
    endpoint: str
    kind: str
    remote: str = ""
    version: int = 0
    leaving: bool = False

    @property
    def hook(self) -> str:
        """`peers-relation-changed`"""
        return f"{self.endpoint}{_INFIX}{self.kind}"


AllTold = Mapping[int, Told]

_NOTHING = Told()


def to_create(told: AllTold, relations: Iterable[Relation]) -> RelationEvent | None:
    """The next `created` that is owed."""
    for relation in relations:
        before = told.get(relation.number, _NOTHING)
        if before.entered and not before.created:
            return RelationEvent(number=relation.number, endpoint=relation.endpoint, kind=CREATED)
    return None


def next_event(told: AllTold, relations: Iterable[Relation]) -> RelationEvent | None:
    """What is owed of the relations that were created; the first by number, then by the table."""
    for relation in relations:
        before = told.get(relation.number, _NOTHING)
        if before.created:
            event = next(_owed(before, relation), None)
            if event is not None:
                return event
    return None


def _owed(told: Told, relation: Relation) -> Iterator[RelationEvent]:
    number, endpoint = relation.number, relation.endpoint
    for unit in in_order(told.members.keys() - relation.members.keys()):
        yield RelationEvent(number=number, endpoint=endpoint, kind=DEPARTED, remote=unit)
    if told.application < relation.application:
        yield RelationEvent(
            number=number, endpoint=endpoint, kind=CHANGED, version=relation.application
        )  # fmt: skip
    for unit in in_order(relation.members):
        version, known = relation.members[unit], told.members.get(unit)
        if known is None:
            yield RelationEvent(number=number, endpoint=endpoint, kind=JOINED, remote=unit)
        elif known < version:
            yield RelationEvent(
                number=number, endpoint=endpoint, kind=CHANGED, remote=unit, version=version
            )


def last_event(told: AllTold) -> RelationEvent | None:
    """What is owed to a charm whose unit leaves: it needs nobody else for that."""
    for number, before in sorted(told.items()):
        if not before.created or before.broken:
            continue
        for unit in in_order(before.members):
            return RelationEvent(
                number=number, endpoint=before.endpoint, kind=DEPARTED, remote=unit, leaving=True
            )  # fmt: skip
        return RelationEvent(number=number, endpoint=before.endpoint, kind=BROKEN, leaving=True)
    return None


def again(event: RelationEvent, relations: Iterable[Relation]) -> RelationEvent:
    """A failed hook as it is owed now: with the version that is known now."""
    relation = next((each for each in relations if each.number == event.number), None)
    if relation is None or event.kind != CHANGED:
        return event
    now = relation.members.get(event.remote, 0) if event.remote else relation.application
    return replace(event, version=max(now, event.version))


# -- what is written


def entered(told: AllTold, relations: Iterable[Relation]) -> AllTold:
    """The unit takes part in all of these."""
    now = dict(told)
    for relation in relations:
        before = now.get(relation.number, _NOTHING)
        now[relation.number] = replace(before, endpoint=relation.endpoint, entered=True)
    return now


def paid(told: AllTold, event: RelationEvent) -> AllTold:
    """The hook ended well, or was skipped."""
    before = told.get(event.number, _NOTHING)
    return {**told, event.number: replace(_paid(before, event), endpoint=event.endpoint)}


def _paid(told: Told, event: RelationEvent) -> Told:
    if event.kind == CREATED:
        return replace(told, created=True)
    if event.kind == BROKEN:
        return replace(told, broken=True, members={})
    if event.kind == DEPARTED:
        return replace(told, members=without(told.members, event.remote))
    if not event.remote:
        return replace(told, application=max(told.application, event.version))
    if event.kind == CHANGED and event.remote not in told.members:
        return told  # because a failed one may be tried again after its unit departed
    version = max(told.members.get(event.remote, 0), event.version)
    return replace(told, members={**told.members, event.remote: version})


def members_for(told: Told, event: RelationEvent | None) -> tuple[str, ...]:
    """The members that a hook sees: who joins is among them, who departs is not."""
    members = set(told.members)
    if event is not None and event.remote:
        if event.kind == DEPARTED:
            members.discard(event.remote)
        elif event.kind == JOINED:
            members.add(event.remote)
    return tuple(in_order(members))


def in_order(units: Iterable[str]) -> list[str]:
    """Units as people count."""
    return sorted(units, key=split_unit)


def without(members: Mapping[str, int], unit: str) -> dict[str, int]:
    """The mapping without one unit."""
    return {other: version for other, version in members.items() if other != unit}
