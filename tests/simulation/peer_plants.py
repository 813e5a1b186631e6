"""Planted bugs of what charms need beyond leadership: bags, peers, configuration; and of pins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from tenure.agent.beginning import take_up
from tenure.agent.context.charm import CharmContext
from tenure.agent.context.hook import HookContext
from tenure.agent.contexts import Contexts
from tenure.agent.dispatcher import Dispatcher
from tenure.agent.hooks.process import HookResult
from tenure.agent.membership import Membership
from tenure.agent.upgrade import CharmUpgrade
from tenure.controller import conversation
from tenure.core import bags, lease, localstate, relations
from tenure.core.application import Application
from tenure.core.changes import BagRecord
from tenure.core.effects import CharmChanged, Configured
from tenure.core.lease import Lease
from tenure.core.localstate import CONFIG, LocalState, RunHook
from tenure.core.operations import CopyCharm
from tenure.core.peers import BagWrite, Peers
from tenure.core.relations import AllTold, Relation, RelationEvent
from tenure.core.remote import Remote
from tenure.leadership.record import Record
from tenure.simulation.peer_charm import BY_A_HOOK, CopiedCharm
from tenure.wire.messages import BagChange, PeerView
from tests.simulation.planting import Patch, found_by

# -- what a hook runs from


@found_by("CharmWhole", of_peers=True)
def files_that_a_hook_changed_kept_at_a_refresh(patch: Patch) -> None:
    real = CopiedCharm._put

    def put(self: CopiedCharm, name: str, source: str) -> None:
        if not self._disk.files.get(name, "").endswith(BY_A_HOOK):
            real(self, name, source)

    patch.setattr(CopiedCharm, "_put", put)


@found_by("CharmWhole", of_peers=True)
def hooks_run_from_a_half_copied_charm(patch: Patch) -> None:
    patch.setattr(CharmUpgrade, "look", lambda self: None)
    patch.setattr(CopiedCharm, "damage", lambda self: "")


@found_by("CharmWhole", of_peers=True)
def upgrade_told_before_the_copy(patch: Patch) -> None:
    def begin(self: CharmUpgrade, operation: CopyCharm) -> bool:
        if operation.then is not None:
            self._dispatcher.begin_upgrade(operation.then, may_run=self._may_run)
        return False

    patch.setattr(CharmUpgrade, "begin", begin)


@found_by("CharmWhole", of_peers=True)
def copy_recorded_although_it_failed(patch: Patch) -> None:
    real = CharmUpgrade._copy_one

    async def copy(self: CharmUpgrade, given: CharmChanged) -> HookResult:
        await real(self, given)
        self._dispatcher.copy_lost = False
        self.copied(given.revision)
        return HookResult("done", "")

    patch.setattr(CharmUpgrade, "_copy_one", copy)
    patch.setattr(CopiedCharm, "damage", lambda self: "")


# -- what a hook leaves


@found_by("HookLeavesAllOrNothing", of_peers=True)
def committed_although_the_hook_failed(patch: Patch) -> None:
    real = Contexts.conclude

    async def conclude(self: Contexts, context: HookContext, result: HookResult) -> HookResult:
        if result.kind == "failed" and context.has_pending:
            await self._commit(context)
        return await real(self, context, result)

    patch.setattr(Contexts, "conclude", conclude)


@found_by("HookLeavesAllOrNothing", of_peers=True)
def refused_commit_counted_as_done(patch: Patch) -> None:
    real = Contexts._commit

    async def commit(self: Contexts, context: HookContext) -> HookResult:
        await real(self, context)
        return HookResult("done", "")

    patch.setattr(Contexts, "_commit", commit)


@found_by("HookLeavesAllOrNothing", of_peers=True)
def bags_committed_one_by_one(patch: Patch) -> None:
    real = CharmContext._commit_bags

    async def commit(self: CharmContext, changes: tuple[BagChange, ...]) -> None:
        for each in changes:
            await real(self, (each,))

    patch.setattr(CharmContext, "_commit_bags", commit)


@found_by("ApplicationBagFenced", of_peers=True)
def application_bag_not_fenced(patch: Patch) -> None:
    real = Peers.commit

    def commit(
        self: Peers, now: float, unit: str, writes: Sequence[BagWrite], term: int | None
    ) -> dict[int, int]:
        with Patch.context() as unfenced:
            unfenced.setattr(self._leases, "fence", lambda *asked: None)
            return real(self, now, unit, writes, term)

    patch.setattr(Peers, "commit", commit)


@found_by("BagVersionsRise", "PeersToldInTheEnd", of_peers=True)
def version_not_raised(patch: Patch) -> None:
    real = bags.merged

    def merged(bag: BagRecord, changes: Mapping[str, str]) -> BagRecord:
        return replace(real(bag, changes), version=max(1, bag.version))

    patch.setattr(bags, "merged", merged)


# -- what hooks read


@found_by("BagsReadDurable", of_peers=True)
def bags_read_from_an_older_context(patch: Patch) -> None:
    real = CharmContext._read_bag
    seen: dict[tuple[int, int, str], Mapping[str, str]] = {}

    async def read(self: CharmContext, relation: int, owner: str) -> Mapping[str, str]:
        bag = id(self._parts), relation, owner
        if bag not in seen:
            seen[bag] = await real(self, relation, owner)
        return seen[bag]

    patch.setattr(CharmContext, "_read_bag", read)


@found_by("ConfigReadNew", of_peers=True)
def configuration_read_before_it_was_heard(patch: Patch) -> None:
    seen: dict[int, Mapping[str, str]] = {}

    async def values(self: CharmContext) -> Mapping[str, str]:
        known = self._parts.remote.config
        return seen.setdefault(id(self._parts), known.values if known else {})

    patch.setattr(CharmContext, "_config_values", values)


# -- what is told, and what that pays


@found_by("PaidForVersion", of_peers=True)
def version_known_at_the_end_paid(patch: Patch) -> None:
    real = Dispatcher.pay

    def pay(self: Dispatcher, plan: RunHook) -> None:
        event = plan.event
        if event is not None:
            plan = replace(plan, event=relations.again(event, self._parts.remote.relations))
        real(self, plan)

    patch.setattr(Dispatcher, "pay", pay)


@found_by("PaidForVersion", of_peers=True)
def newest_configuration_paid_at_the_end(patch: Patch) -> None:
    real = Dispatcher.pay

    def pay(self: Dispatcher, plan: RunHook) -> None:
        if plan.hook == CONFIG:
            plan = replace(plan, config_revision=self._parts.remote.config_revision)
        real(self, plan)

    patch.setattr(Dispatcher, "pay", pay)


@found_by("PaidForVersion", of_peers=True)
def interrupted_event_counted_as_told(patch: Patch) -> None:
    real = localstate.cleared

    def cleared(state: LocalState) -> LocalState:
        running = state.running
        told = running is not None and running.plan.event is not None
        return localstate.paid(state, running.plan) if told and running else real(state)

    patch.setattr(localstate, "cleared", cleared)


@found_by("WriterNotToldOfBag", of_peers=True)
def own_writing_not_recorded(patch: Patch) -> None:
    def wrote(self: CharmContext, versions: Mapping[int, int]) -> None:
        self._parts.remote.wrote_bags(versions)

    patch.setattr(CharmContext, "_wrote", wrote)


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
    def forget(*args: Any, **kwargs: Any) -> Record:
        record = take_up(*args, **kwargs)
        known = record.state.relations
        told = {number: replace(each, members={}) for number, each in known.items()}
        record.state = replace(record.state, relations=told)
        return record

    patch.setattr("tenure.testing.machine.take_up", forget)


@found_by("PeersNotToldTwice", of_peers=True)
def configuration_forgotten_on_restart(patch: Patch) -> None:
    def forget(*args: Any, **kwargs: Any) -> Record:
        record = take_up(*args, **kwargs)
        record.state = replace(record.state, config_seen=0)
        return record

    patch.setattr("tenure.testing.machine.take_up", forget)


@found_by("EnteredBeforeCreated", of_peers=True)
def created_before_it_entered(patch: Patch) -> None:
    real = Membership.enter

    def enter(self: Membership, now: float, known: tuple[Relation, ...]) -> None:
        real(self, now, known)
        if self.entering:
            self.entering = False
            self._entered(known)

    patch.setattr(Membership, "enter", enter)


@found_by("PeersToldInTheEnd", of_peers=True)
def nobody_told_of_who_left(patch: Patch) -> None:
    def tell(self: Peers, application: Application, unit: str, steps: Any) -> None:
        real(self, application, unit, [s for s in steps if getattr(s.record, "present", True)])

    real = Peers._tell_others
    patch.setattr(Peers, "_tell_others", tell)


@found_by("PeersToldInTheEnd", of_peers=True)
def configuration_not_told_on_connecting(patch: Patch) -> None:
    real = Remote.begin

    def begin(
        self: Remote,
        views: Iterable[PeerView],
        config: Configured | None,
        charm: CharmChanged | None,
    ) -> None:
        real(self, views, None, charm)

    patch.setattr(Remote, "begin", begin)


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
