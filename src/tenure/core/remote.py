"""What a unit knows from the controller: revisions, configuration, charm, peer relations. Pure.

In memory only: an agent is told all of it whenever it connects, and each change after that. Nothing
is known before the first conversation; hooks that need it wait (`heard`).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from tenure.core.effects import BagChanged, CharmChanged, Configured, PeerLeft, PeerView
from tenure.core.relations import Relation, without
from tenure.names import application_of

Keys = tuple[str, ...]

REMEMBERED = 64
"""Writes whose key names are remembered; those before are not known any more (H10)."""


class Revisions:
    """`revision` is the highest that another unit wrote, as far as is known: a unit is not told of
    its own writes (B5). Key names are a hint: None stands for a push that was missed (H10)."""

    def __init__(self, revision: int = 0) -> None:
        self.revision = revision
        self._newest = revision
        self._told: list[tuple[int, Keys | None]] = []
        self._own: tuple[int, int] | None = None

    def begin(self, revision: int, keys: Keys | None) -> None:
        """A conversation has begun: what changed since the unit's hooks last looked."""
        if self._own is None or revision != self._own[1]:
            self.revision = revision
        self._newest = revision
        self._told = [(revision, keys)]

    def told(self, revision: int, keys: Keys) -> None:
        """Another unit wrote."""
        if revision <= self._newest:
            return
        self._told.append((revision, keys if revision == self._newest + 1 else None))
        self.revision = self._newest = revision
        if len(self._told) > REMEMBERED:
            self._told = [(self._told[1][0], None), *self._told[2:]]

    def wrote(self, revision: int) -> None:
        """This unit wrote: the newest unbroken run of its own revisions is kept."""
        if revision <= self._newest:
            return
        goes_on = self._own is not None and self._own[1] == self._newest == revision - 1
        begun = self._own[0] if goes_on and self._own is not None else revision
        if revision > self._newest + 1:
            self._told.append((revision, None))
            self.revision = revision - 1
        self._own = (begun, revision)
        self._newest = revision

    def covered(self, seen: int) -> int:
        """Who has seen revision `seen` has seen this one too: the rest is its own writing."""
        if self._own is not None and self._own[0] <= seen + 1 <= self._own[1]:
            return self._own[1]
        return seen

    def changed(self, since: int, target: int) -> Keys | None:
        """The names that changed after `since` and up to `target`; None if one is not known."""
        names: set[str] = set()
        for revision, keys in self._told:
            if since < revision <= target:
                if keys is None:
                    return None
                names.update(keys)
        return tuple(sorted(names))

    def forget(self, seen: int) -> None:
        """The unit's hooks have seen this revision."""
        self._told = [(revision, keys) for revision, keys in self._told if revision > seen]


class Remote:
    """All of it. `relations` are in the order of their numbers; `seen` is the revision that the
    unit's hooks have seen."""

    def __init__(self, unit: str, seen: int = 0) -> None:
        self._unit = unit
        self.revisions = Revisions(seen)
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
        """A conversation has begun; of the bucket's revision `revisions` is told."""
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
            self.charm_changed(charm)

    def configured(self, config: Configured | None) -> None:
        """The configuration is this."""
        if config is not None and config.revision >= self.config_revision:
            self.config = config

    def charm_changed(self, charm: CharmChanged) -> None:
        """The charm is this one; its peer endpoints may be others than before."""
        self.charm = charm
        wanted = {number: endpoint for endpoint, number in charm.peers.items()}
        for number in self._relations.keys() - wanted.keys():
            del self._relations[number]
        for number, endpoint in wanted.items():
            self._relations.setdefault(number, Relation(number=number, endpoint=endpoint))

    def bag_changed(self, push: BagChanged) -> None:
        """The application's bag, or that of another unit, is at this version."""
        relation = self._relations.get(push.relation)
        if relation is None or push.owner == self._unit:
            return
        if push.owner == application_of(self._unit):
            relation = replace(relation, application=max(push.version, relation.application))
        else:
            relation = replace(relation, members={**relation.members, push.owner: push.version})
        self._relations[push.relation] = relation

    def peer_left(self, push: PeerLeft) -> None:
        """Another unit takes part no more."""
        relation = self._relations.get(push.relation)
        if relation is not None:
            members = without(relation.members, push.owner)
            self._relations[push.relation] = replace(relation, members=members)
