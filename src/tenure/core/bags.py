"""The bags of an application's peer relations: a unit's own, and the application's. Pure.

A bag is merged like the bucket: an empty value removes its key, and only a real change raises its
version. A unit's bag is there from when it enters the relation. When the unit leaves, the bag is
kept for a while, not `present` any more, because the others may still read it when they are told.

What is decided comes back as changes; `after` makes them so. Who may write which bag is not decided
here, but in `charms.py`, in the same step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from msgspec.structs import replace

from tenure.core.bucket import size_of
from tenure.core.changes import BagDropped, BagPut, BagRecord
from tenure.defaults import MOST_BAG
from tenure.errors import BucketFull

MAX_BAG = MOST_BAG.value
"""Bytes of all keys and values of one bag, in UTF-8."""

LEFT_KEPT = 64
"""Bags of units that left which are kept in each relation."""

Bags: TypeAlias = Mapping[tuple[int, str], BagRecord]
"""One application's bags by relation and owner. Those of units that left stand in their order."""

BagStep: TypeAlias = "BagPut | BagDropped"


def after(bags: Bags, changes: Iterable[BagStep]) -> Bags:
    """The bags once these changes are made."""
    new = dict(bags)
    for change in changes:
        if isinstance(change, BagDropped):
            new.pop((change.relation, change.owner), None)
            continue
        place = change.record.relation, change.record.owner
        if not change.record.present:
            new.pop(place, None)  # because who left last stands at the end
        new[place] = change.record
    return new


def merged(bag: BagRecord, changes: Mapping[str, str]) -> BagRecord:
    """The bag after a write: the same object if nothing really changes.

    Raises BucketFull, naming the size and the limit.
    """
    settings = {key: value for key, value in {**bag.settings, **changes}.items() if value}
    if settings == bag.settings:
        return bag
    _check_size(bag, settings)
    return replace(bag, version=bag.version + 1, settings=settings)


def _check_size(bag: BagRecord, settings: Mapping[str, str]) -> None:
    size = size_of(settings)
    if size > MAX_BAG:
        raise BucketFull(
            f"relation settings of {bag.owner} would take {size} bytes, more than the limit of "
            f"{MAX_BAG}: remove keys or keep large values elsewhere"
        )


def found(bags: Bags, application: str, relation: int, owner: str) -> BagRecord:
    """The bag, or where there is none an empty one of version 0."""
    empty = BagRecord(application=application, relation=relation, owner=owner, version=0)
    return bags.get((relation, owner)) or empty


def entering(
    bags: Bags, application: str, relations: Iterable[int], unit: str, settings: Mapping[str, str]
) -> list[BagStep]:
    """What changes when the unit enters these relations; nothing in those where it takes part.

    Its bags begin with `settings`, also if it was there before. Raises BucketFull.
    """
    begun = {key: value for key, value in settings.items() if value}
    changes: list[BagStep] = []
    for relation in relations:
        before = bags.get((relation, unit))
        if before is None or not before.present:
            bag = found(bags, application, relation, unit)
            _check_size(bag, begun)
            version = bag.version + 1
            changes.append(BagPut(replace(bag, version=version, present=True, settings=begun)))
    return changes


def leaving(bags: Bags, unit: str) -> list[BagStep]:
    """What changes when the unit leaves all relations: its bags stay for a while, and others, of
    units that left before, have stayed long enough."""
    changes: list[BagStep] = []
    for bag in bags.values():
        if bag.owner == unit and bag.present:
            changes.append(BagPut(replace(bag, present=False)))
            changes.extend(_dropped(_left(bags, bag.relation)[: -(LEFT_KEPT - 1)]))
    return changes


def without(bags: Bags, relations: Iterable[int]) -> list[BagStep]:
    """What changes when these relations are no more."""
    gone = set(relations)
    return _dropped([bag for bag in bags.values() if bag.relation in gone])


def _left(bags: Bags, relation: int) -> list[BagRecord]:
    return [bag for bag in bags.values() if bag.relation == relation and not bag.present]


def _dropped(gone: Sequence[BagRecord]) -> list[BagStep]:
    return [BagDropped(bag.application, bag.relation, bag.owner) for bag in gone]


def has_members(bags: Bags, application: str, relation: int) -> bool:
    """Whether any unit takes part in the relation."""
    return any(
        bag.relation == relation and bag.present and bag.owner != application
        for bag in bags.values()
    )  # fmt: skip


def others(bags: Bags, application: str, relation: int, unit: str) -> dict[str, int]:
    """The other units that take part, with the versions of their bags."""
    return {
        bag.owner: bag.version
        for bag in bags.values()
        if bag.relation == relation and bag.present and bag.owner not in (application, unit)
    }
