"""An application's peer relations: who takes part, and what stands in their bags. Pure.

Units enter and leave the peer relations of their application, read bags, and commit what a hook
that ended well leaves in them: all of it or nothing. A unit writes its own bag because it is that
unit; the application's bag is fenced exactly like the bucket, by lease and term (`Leases.fence`).

Of a change of the application's bag every unit that is connected is told, the leader that wrote it
too; of a change of a unit's bag all but that unit (P2). All are told alike, in an order that does
not depend on who wrote, so that nobody learns from it who leads (G10).

Like `orders.py` this steps `Leases`, and everything is refused before anything changed. How bags
change is in `bags.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from tenure.core import bags
from tenure.core.application import Application, peers_of
from tenure.core.bags import BagStep
from tenure.core.changes import BagPut, BagRecord, Change
from tenure.core.effects import BagChanged, PeerLeft, PeerView, Push
from tenure.core.leases import Leases
from tenure.errors import BadRequest, NotFound, Refused


class BagWrite(Struct, frozen=True, kw_only=True):
    """One part of a commit: the unit's own bag, or the application's; "" removes a key."""

    relation: int
    application: bool
    changes: Mapping[str, str]


class Peers:
    """What units ask about their peer relations, over a controller's leases."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases

    def enter(self, unit: str, settings: Mapping[str, str]) -> None:
        """The unit takes part in all peer relations of its charm. Raises NotFound, BucketFull."""
        application = self._leases.application_with(unit)
        check_keys(settings)
        relations = peers_of(application).values()
        steps = bags.entering(application.bags, application.name, relations, unit, settings)
        self._step(application, steps)

    def leave(self, unit: str) -> None:
        """The unit takes part in none any more; its bags stay for a while. Raises NotFound."""
        application = self._leases.application_with(unit)
        self._step(application, bags.leaving(application.bags, unit))

    def leaving(self, application: Application, unit: str) -> tuple[Application, Sequence[Change]]:
        """The application once the unit has left its relations, which others are told of, and what
        is to be kept: for whoever drops the unit in the same step."""
        steps = bags.leaving(application.bags, unit)
        self._tell(application, steps)
        return replace(application, bags=bags.after(application.bags, steps)), steps

    def commit(self, now: float, unit: str, writes: Sequence[BagWrite], term: int | None) -> None:
        """All of it or nothing: what a hook that ended well leaves in bags.

        Raises NotLeader, NotFound, Refused, BadRequest, BucketFull.
        """
        application = self._leases.application_with(unit)
        if any(write.application for write in writes):
            self._leases.fence(now, application, unit, term)
        self._step(application, written(application, unit, writes))

    def read_bag(self, unit: str, relation: int, owner: str) -> BagRecord:
        """A bag of the unit's application, also of a unit that left not long ago; the application's
        has version 0 until it is written. Raises NotFound."""
        application = self._leases.application_with(unit)
        check_relation(application, relation)
        bag = bags.found(application.bags, application.name, relation, owner)
        if bag.version == 0 and owner != application.name:
            raise NotFound("permission denied")
        return bag

    # -- where every change of a bag goes through

    def _step(self, application: Application, steps: Sequence[BagStep]) -> None:
        if not steps:
            return
        new = replace(application, bags=bags.after(application.bags, steps))
        self._leases.keep(new, *steps)
        self._tell(application, steps)

    def _tell(self, application: Application, steps: Sequence[BagStep]) -> None:
        for unit in self._leases.connected(application):
            self._leases.pushes.extend(
                (application.name, _news(unit, step.record))
                for step in steps
                if isinstance(step, BagPut) and step.record.owner != unit
            )


def _news(unit: str, bag: BagRecord) -> Push:
    if not bag.present:
        return PeerLeft(unit=unit, relation=bag.relation, owner=bag.owner)
    return BagChanged(unit=unit, relation=bag.relation, owner=bag.owner, version=bag.version)


def views(application: Application, unit: str) -> tuple[PeerView, ...]:
    """All its peer relations, as this unit may see them."""
    return tuple(
        _view(application, endpoint, relation, unit)
        for endpoint, relation in peers_of(application).items()
    )


def _view(application: Application, endpoint: str, relation: int, unit: str) -> PeerView:
    name = application.name
    own = bags.found(application.bags, name, relation, unit)
    return PeerView(
        relation=relation,
        endpoint=endpoint,
        application=bags.found(application.bags, name, relation, name).version,
        members=bags.others(application.bags, name, relation, unit),
        entered=own.version > 0 and own.present,
    )


def written(application: Application, unit: str, writes: Sequence[BagWrite]) -> list[BagPut]:
    """What changes with these writes, by relation and owner.

    Raises NotFound, Refused, BadRequest, BucketFull.
    """
    gathered: dict[tuple[int, str], dict[str, str]] = {}
    for write in writes:
        check_relation(application, write.relation)
        check_keys(write.changes)
        owner = application.name if write.application else unit
        gathered.setdefault((write.relation, owner), {}).update(write.changes)
    steps = []
    for (relation, owner), changes in sorted(gathered.items()):
        before = bags.found(application.bags, application.name, relation, owner)
        if owner == unit and not (before.version and before.present):
            raise Refused(f"{unit} takes no part in relation {relation}, so it cannot write there")
        bag = bags.merged(before, changes)
        if bag is not before:
            steps.append(BagPut(bag))
    return steps


def check_relation(application: Application, relation: int) -> None:
    """Raises NotFound unless the application has that peer relation."""
    if relation not in peers_of(application).values():
        raise NotFound(f"relation {relation} not found")


def check_keys(settings: Mapping[str, str]) -> None:
    """Raises BadRequest for a key that no bag can have."""
    if "" in settings:
        raise BadRequest("a setting's key must not be empty")
