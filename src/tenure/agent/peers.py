"""What a unit knows of its charm, its configuration and its peer relations, from the controller.

In memory only: an agent is told all of it whenever it connects, and each change after that. Nothing
is known before the first conversation; hooks that need it wait (`heard`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tenure.core.relations import Relation, without
from tenure.names import application_of

if TYPE_CHECKING:
    from tenure.wire.messages import BagChanged, CharmChanged, Configured, PeerLeft, PeerView


class Peers:
    """`relations` in the order of their numbers."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._relations: dict[int, Relation] = {}
        self.config: Configured | None = None
        self.charm: CharmChanged | None = None
        self.heard = False

    @property
    def relations(self) -> tuple[Relation, ...]:
        """All of them."""
        return tuple(self._relations[number] for number in sorted(self._relations))

    @property
    def config_revision(self) -> int:
        """Of the configuration that is known; 0 before anything was ever set."""
        return self.config.revision if self.config is not None else 0

    @property
    def charm_revision(self) -> int:
        """Of the charm that was handed in last; 0 if none is known."""
        return self.charm.revision if self.charm is not None else 0

    def begin(
        self, views: Iterable[PeerView], config: Configured | None, charm: CharmChanged | None
    ) -> None:
        """A conversation has begun."""
        self.heard = True
        self._relations = {
            view.relation: Relation(
                number=view.relation, endpoint=view.endpoint, application=view.application,
                members=view.members,
            )
            for view in views
        }  # fmt: skip
        self.configured(config)
        if charm is not None:
            self.given(charm)

    def configured(self, config: Configured | None) -> None:
        """The configuration is this."""
        if config is not None and config.revision >= self.config_revision:
            self.config = config

    def given(self, charm: CharmChanged) -> None:
        """The charm is this one; its peer endpoints may be others than before."""
        self.charm = charm
        wanted = {number: endpoint for endpoint, number in charm.peers.items()}
        for number in self._relations.keys() - wanted.keys():
            del self._relations[number]
        for number, endpoint in wanted.items():
            self._relations.setdefault(number, Relation(number=number, endpoint=endpoint))

    def changed(self, push: BagChanged) -> None:
        """A bag of somebody else is at this version."""
        relation = self._relations.get(push.relation)
        if relation is None or push.owner == self._unit:
            return
        if push.owner == application_of(self._unit):
            relation = replace(relation, application=max(push.version, relation.application))
        else:
            relation = replace(relation, members={**relation.members, push.owner: push.version})
        self._relations[push.relation] = relation

    def left(self, push: PeerLeft) -> None:
        """Another unit takes part no more."""
        relation = self._relations.get(push.relation)
        if relation is not None:
            members = without(relation.members, push.owner)
            self._relations[push.relation] = replace(relation, members=members)

    def wrote(self, bags: Mapping[int, int]) -> None:
        """This unit brought the application's bags to these versions."""
        for number, version in bags.items():
            relation = self._relations.get(number)
            if relation is not None:
                newest = max(version, relation.application)
                self._relations[number] = replace(relation, application=newest)
