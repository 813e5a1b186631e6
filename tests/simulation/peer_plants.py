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
from tenure.controller import welcome
from tenure.core import bags, lease, localstate, relations
from tenure.core.application import Application
from tenure.core.bags import Bags, BagStep
from tenure.core.changes import BagRecord, Cause
from tenure.core.effects import CharmChanged, Configured
from tenure.core.lease import Lease
from tenure.core.leases import Leases
from tenure.core.localstate import CONFIG, LocalState, RunHook
from tenure.core.operations import CopyCharm
from tenure.core.peers import BagWrite, Peers
from tenure.core.relations import Relation
from tenure.core.remote import Remote
from tenure.leadership.record import Record
from tenure.simulation.peer_charm import BY_A_HOOK, CopiedCharm
from tenure.stores.memory import Tables
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
            await self._commit(context, result)
        return await real(self, context, result)

    patch.setattr(Contexts, "conclude", conclude)


@found_by("HookLeavesAllOrNothing", of_peers=True)
def refused_commit_counted_as_done(patch: Patch) -> None:
    real = Contexts._commit

    async def commit(self: Contexts, context: HookContext, result: HookResult) -> HookResult:
        await real(self, context, result)
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
    ) -> None:
        with Patch.context() as unfenced:
            unfenced.setattr(self._leases, "fence", lambda *asked: None)
            real(self, now, unit, writes, term)

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


@found_by("PeersToldInTheEnd", of_peers=True)
def leader_not_told_of_what_it_wrote(patch: Patch) -> None:
    real = Peers._tell

    def tell(self: Peers, application: Application, steps: Sequence[BagStep]) -> None:
        holder = application.lease.holder
        with Patch.context() as silent:
            connected = self._leases.connected(application, but=holder.unit if holder else None)
            silent.setattr(self._leases, "connected", lambda application: connected)
            real(self, application, steps)

    patch.setattr(Peers, "_tell", tell)


@found_by("PaidForVersion", of_peers=True)
def own_writing_counted_as_told(patch: Patch) -> None:
    real = CharmContext._commit_bags

    async def commit(self: CharmContext, changes: tuple[BagChange, ...]) -> None:
        await real(self, changes)
        record = self._parts.record
        told = dict(record.state.relations)
        for number in {each.relation for each in changes if each.application} & told.keys():
            now = told[number].application + 1
            told[number] = replace(told[number], application=now)
        record.owe(replace(record.state, relations=told))

    patch.setattr(CharmContext, "_commit_bags", commit)


@found_by("NotToldOfOwnBag", of_peers=True)
def unit_told_of_its_own_bag(patch: Patch) -> None:
    def others(known: Bags, application: str, relation: int, unit: str) -> dict[str, int]:
        return real(known, application, relation, "")

    real = bags.others
    patch.setattr(bags, "others", others)


@found_by("PeersNotToldTwice", of_peers=True)
def application_s_bag_told_again_after_a_restart(patch: Patch) -> None:
    def forget(*args: Any, **kwargs: Any) -> Record:
        record = take_up(*args, **kwargs)
        known = record.state.relations
        told = {number: replace(each, application=0) for number, each in known.items()}
        record.state = replace(record.state, relations=told)
        return record

    patch.setattr("tenure.testing.bare.take_up", forget)


@found_by("PeersNotToldTwice", of_peers=True)
def members_forgotten_on_restart(patch: Patch) -> None:
    def forget(*args: Any, **kwargs: Any) -> Record:
        record = take_up(*args, **kwargs)
        known = record.state.relations
        told = {number: replace(each, members={}) for number, each in known.items()}
        record.state = replace(record.state, relations=told)
        return record

    patch.setattr("tenure.testing.bare.take_up", forget)


@found_by("PeersNotToldTwice", of_peers=True)
def configuration_forgotten_on_restart(patch: Patch) -> None:
    def forget(*args: Any, **kwargs: Any) -> Record:
        record = take_up(*args, **kwargs)
        record.state = replace(record.state, config_seen=0)
        return record

    patch.setattr("tenure.testing.bare.take_up", forget)


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
    def tell(self: Peers, application: Application, steps: Any) -> None:
        real(self, application, [s for s in steps if getattr(s.record, "present", True)])

    real = Peers._tell
    patch.setattr(Peers, "_tell", tell)


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
    real = welcome.configured

    def configured(application: Application, unit: str) -> Configured:
        told, holder = real(application, unit), application.lease.holder
        return replace(told, values={**told.values, "by": holder.unit if holder else ""})

    patch.setattr(welcome, "configured", configured)


# -- statuses


@found_by("StatusKept", of_peers=True)
def status_lost_when_leadership_moves(patch: Patch) -> None:
    real = Leases._free

    def free(self: Leases, now: float, application: Application, cause: Cause) -> Lease:
        return real(self, now, replace(application, status=None), cause)

    patch.setattr(Leases, "_free", free)


@found_by("StatusKept", of_peers=True)
def status_lost_with_the_controller(patch: Patch) -> None:
    real = Tables.persisted
    patch.setattr(Tables, "persisted", lambda self: replace(real(self), statuses={}))


# -- pins


@found_by("PinsHold", of_peers=True)
def pins_ignored(patch: Patch) -> None:
    def ends_at(held: Lease) -> float:
        return held.expires_at

    patch.setattr(lease, "ends_at", ends_at)
