"""Planted bugs of what charms need beyond leadership: bags, peers, configuration; and of pins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from tenure.agent.context.charm import CharmSide
from tenure.agent.context.hook import HookContext
from tenure.agent.hooks.process import HookProcess, HookResult
from tenure.agent.peers import Peers
from tenure.agent.unit import Unit
from tenure.controller import conversation
from tenure.core import bags, lease, relations, resolver
from tenure.core.application import Application
from tenure.core.changes import BagRecord
from tenure.core.charms import BagWrite, Charms
from tenure.core.effects import CharmChanged, Configured
from tenure.core.lease import Lease
from tenure.core.relations import AllTold, RelationEvent
from tenure.core.resolver import CONFIG, LocalState, RunHook
from tenure.wire.messages import BagChange, PeerView
from tests.simulation.planting import Patch, found_by

# -- what a hook leaves


@found_by("HookLeavesAllOrNothing", of_peers=True)
def committed_although_the_hook_failed(patch: Patch) -> None:
    real = Unit._until_over

    async def until_over(
        self: Unit, plan: RunHook, running: HookProcess, context: HookContext
    ) -> None:
        result = await running.wait()
        if result.kind == "failed" and context.has_pending:
            await self.commit(context)
        await real(self, plan, running, context)

    patch.setattr(Unit, "_until_over", until_over)


@found_by("HookLeavesAllOrNothing", of_peers=True)
def refused_commit_counted_as_done(patch: Patch) -> None:
    real = Unit.commit

    async def commit(self: Unit, context: HookContext) -> HookResult:
        await real(self, context)
        return HookResult("done", "")

    patch.setattr(Unit, "commit", commit)


@found_by("HookLeavesAllOrNothing", of_peers=True)
def bags_committed_one_by_one(patch: Patch) -> None:
    real = CharmSide._commit_bags

    async def commit(self: CharmSide, changes: tuple[BagChange, ...]) -> None:
        for each in changes:
            await real(self, (each,))

    patch.setattr(CharmSide, "_commit_bags", commit)


@found_by("ApplicationBagFenced", of_peers=True)
def application_bag_not_fenced(patch: Patch) -> None:
    real = Charms.commit

    def commit(
        self: Charms, now: float, unit: str, writes: Sequence[BagWrite], term: int | None
    ) -> dict[int, int]:
        with Patch.context() as unfenced:
            unfenced.setattr(self._leases, "fence", lambda *asked: None)
            return real(self, now, unit, writes, term)

    patch.setattr(Charms, "commit", commit)


@found_by("BagVersionsRise", "PeersToldInTheEnd", of_peers=True)
def version_not_raised(patch: Patch) -> None:
    real = bags.merged

    def merged(bag: BagRecord, changes: Mapping[str, str]) -> BagRecord:
        return replace(real(bag, changes), version=max(1, bag.version))

    patch.setattr(bags, "merged", merged)


# -- what hooks read


@found_by("BagsReadDurable", of_peers=True)
def bags_read_from_an_older_context(patch: Patch) -> None:
    real = CharmSide._read_bag
    seen: dict[tuple[int, int, str], Mapping[str, str]] = {}

    async def read(self: CharmSide, relation: int, owner: str) -> Mapping[str, str]:
        bag = id(self._charm_home), relation, owner
        if bag not in seen:
            seen[bag] = await real(self, relation, owner)
        return seen[bag]

    patch.setattr(CharmSide, "_read_bag", read)


@found_by("ConfigReadNew", of_peers=True)
def configuration_read_before_it_was_heard(patch: Patch) -> None:
    seen: dict[int, Mapping[str, str]] = {}

    async def values(self: CharmSide) -> Mapping[str, str]:
        known = self._charm_home.peers.config
        return seen.setdefault(id(self._charm_home), known.values if known else {})

    patch.setattr(CharmSide, "_config_values", values)


# -- what is told, and what that pays


@found_by("PaidForVersion", of_peers=True)
def version_known_at_the_end_paid(patch: Patch) -> None:
    real = Unit._pay

    def pay(self: Unit, plan: RunHook) -> None:
        event = plan.event
        if event is not None:
            plan = replace(plan, event=relations.again(event, self.peers.relations))
        real(self, plan)

    patch.setattr(Unit, "_pay", pay)


@found_by("PaidForVersion", of_peers=True)
def newest_configuration_paid_at_the_end(patch: Patch) -> None:
    real = Unit._pay

    def pay(self: Unit, plan: RunHook) -> None:
        if plan.hook == CONFIG:
            plan = replace(plan, config_revision=self.peers.config_revision)
        real(self, plan)

    patch.setattr(Unit, "_pay", pay)


@found_by("PaidForVersion", of_peers=True)
def interrupted_event_counted_as_told(patch: Patch) -> None:
    real = resolver.cleared

    def cleared(state: LocalState) -> LocalState:
        running = state.running
        told = running is not None and running.plan.event is not None
        return resolver.paid(state, running.plan) if told and running else real(state)

    patch.setattr(resolver, "cleared", cleared)


@found_by("WriterNotToldOfBag", of_peers=True)
def own_writing_not_recorded(patch: Patch) -> None:
    def wrote(self: Unit, versions: Mapping[int, int]) -> None:
        self.peers.wrote(versions)

    patch.setattr(Unit, "wrote_bags", wrote)


@found_by("WriterNotToldOfBag", of_peers=True)
def own_writing_compared_with_what_was_told_before_the_hook(patch: Patch) -> None:
    real = relations.wrote

    def wrote(
        told: AllTold, versions: Mapping[int, int], event: RelationEvent | None = None
    ) -> AllTold:
        return real(told, versions)

    patch.setattr(relations, "wrote", wrote)


@found_by("PeersNotToldTwice", of_peers=True)
def members_forgotten_on_restart(patch: Patch) -> None:
    real = Unit.load

    def load(self: Unit) -> None:
        real(self)
        told = {number: replace(each, members={}) for number, each in self.state.relations.items()}
        self._kept.state = replace(self.state, relations=told)

    patch.setattr(Unit, "load", load)


@found_by("PeersNotToldTwice", of_peers=True)
def configuration_forgotten_on_restart(patch: Patch) -> None:
    real = Unit.load

    def load(self: Unit) -> None:
        real(self)
        self._kept.state = replace(self.state, config_seen=0)

    patch.setattr(Unit, "load", load)


@found_by("EnteredBeforeCreated", of_peers=True)
def created_before_it_entered(patch: Patch) -> None:
    real = Unit._keep_peers

    def keep(self: Unit, now: float) -> None:
        real(self, now)
        if self._entering:
            self._entering = False
            self._entered(self.peers.relations)

    patch.setattr(Unit, "_keep_peers", keep)


@found_by("PeersToldInTheEnd", of_peers=True)
def nobody_told_of_who_left(patch: Patch) -> None:
    def tell(self: Charms, application: Application, unit: str, steps: Any) -> None:
        real(self, application, unit, [s for s in steps if getattr(s.record, "present", True)])

    real = Charms._tell_others
    patch.setattr(Charms, "_tell_others", tell)


@found_by("PeersToldInTheEnd", of_peers=True)
def configuration_not_told_on_connecting(patch: Patch) -> None:
    real = Peers.begin

    def begin(
        self: Peers,
        views: Iterable[PeerView],
        config: Configured | None,
        charm: CharmChanged | None,
    ) -> None:
        real(self, views, None, charm)

    patch.setattr(Peers, "begin", begin)


@found_by("NobodyLearns")
def configuration_names_the_leader(patch: Patch) -> None:
    real = conversation.configured

    def configured(application: Application, unit: str) -> Configured:
        told, holder = real(application, unit), application.lease.holder
        return replace(told, values={**told.values, "by": holder.unit if holder else ""})

    patch.setattr(conversation, "configured", configured)


# -- pins


@found_by("PinsHold", of_peers=True)
def pins_ignored(patch: Patch) -> None:
    def ends_at(held: Lease) -> float:
        return held.expires_at

    patch.setattr(lease, "ends_at", ends_at)
