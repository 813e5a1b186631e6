"""Bugs planted into the whole of Tenure, and the checkers that must find them.

Each plant takes one guard away, as a person might who does not know why it is there. `found_by` are
the checkers of which one must be the first to find it; `python -m tests.simulation.plants` lives
the worlds and prints which one did, and in which world.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from tenure.agent.beginning import take_up
from tenure.agent.context.hook import HookContext
from tenure.agent.dispatcher import Dispatcher
from tenure.controller.agents import Agents
from tenure.controller.conversation import Conversation
from tenure.controller.inputs import Answer
from tenure.controller.loop import Controller
from tenure.controller.pending import Pending
from tenure.core import application, lease, localstate, resolver
from tenure.core.application import Application, extended_from
from tenure.core.applications import Applications
from tenure.core.changes import Cause, Holder, SettingsMerged
from tenure.core.effects import Offer, Revision
from tenure.core.lease import Ask, Lease, LineOffer, Outcome, Stand
from tenure.core.leases import Leases
from tenure.core.localstate import LocalState, RunHook
from tenure.core.operations import Snapshot
from tenure.core.tracker import Grant, Standing, Tracker
from tenure.leadership import claimant
from tenure.leadership.claimant import Claimant
from tenure.leadership.loop import Loop
from tenure.leadership.record import Record
from tenure.names import application_of
from tenure.simulation.disk import ModelDisk
from tenure.simulation.machine import _Runner
from tenure.stores.memory import MemoryStore, Tables
from tests.core import plants as core_plants
from tests.core import unit_plants
from tests.simulation import peer_plants
from tests.simulation.planting import PLANTS, Patch, Plant, found, found_by, worlds

__all__ = ["PLANTS", "Plant", "found", "peer_plants", "worlds"]


# -- bugs of the core that whole worlds show too

found_by("OneBeliever", "PromiseKept")(unit_plants.promise_counted_from_the_reply)
found_by("OneBeliever")(unit_plants.clock_margin_skipped)
found_by("TermsRise", "OneBeliever", "LeaderNotTold")(unit_plants.epoch_ignored)
found_by("PromiseKept", "OneBeliever")(unit_plants.released_before_promises_lapse)
found_by("PromiseKept", "OneBeliever", "OnePromise")(unit_plants.promises_while_stepping_down)
found_by("WritesFenced")(core_plants.write_not_fenced)
found_by("BucketLinear", "WritesFenced", "RefusedChangedNothing", "TermsRise")(
    core_plants.roll_back_forgotten
)
found_by("OneBeliever")(core_plants.longest_lowered_at_once)
found_by("NobodyLearns")(core_plants.refusal_names_the_leader)
found_by("OneInstance")(core_plants.other_instance_accepted)


# -- the unit's belief


@found_by("OneBeliever", "PromiseKept")
def belief_half_a_lease_too_long(patch: Patch) -> None:
    real = Tracker._hold

    def hold(self: Tracker, grant: Grant) -> None:
        real(self, replace(grant, sure_until=grant.sure_until + grant.duration / 2))

    patch.setattr(Tracker, "_hold", hold)


@found_by("OneBeliever", "TermsRise", "PromiseKept", "ElectedOncePerTerm")
def pushed_offer_trusted(patch: Patch) -> None:
    def lead(unit: Claimant, push: Offer) -> None:
        now, held = unit._clock.now(), unit.tracker
        if held.standing(now) is Standing.MINION and held.in_flight is None:
            term = held.seen_term + 1
            held.seen_term = term
            unit._believe(Grant(term=term, asked_at=now, sure_until=now + held.duration * 0.99,
                                duration=held.duration, guarantee=held.guarantee))  # fmt: skip

    patch.setitem(claimant.PUSHES, Offer, lead)


@found_by("PromiseKept")
def true_without_the_guarantee(patch: Patch) -> None:
    patch.setattr(Tracker, "is_sure", lambda self, now: self.standing(now) is Standing.LEADER)


# -- the controller


@found_by(
    "BucketLinear", "WritesFenced", "TermsRise", "OneBeliever", "RefusedChangedNothing",
    "EnteredBeforeCreated",
)  # fmt: skip
def answered_before_the_commit(patch: Patch) -> None:
    def answer(self: Pending, names: object, answer: Answer, result: Any) -> None:
        answer(result)

    patch.setattr(Pending, "answer", answer)


@found_by("OneBeliever", "PromiseKept")
def not_extended_on_restart(patch: Patch) -> None:
    def extended(found: Application, now: float, grace: float) -> Application:
        found = extended_from(found, now, grace)
        return replace(found, lease=replace(found.lease, expires_at=now))

    patch.setattr("tenure.controller.loop.extended_from", extended)


@found_by("LeasesOutliveLoading", of_peers=True)
def leases_count_from_before_they_were_loaded(patch: Patch) -> None:
    real = application.restored
    read_at: dict[int, float] = {}

    def restored(*args: Any) -> dict[str, Application]:
        read_at[0] = asyncio.get_running_loop().time()
        return real(*args)

    def extended(found: Application, now: float, grace: float) -> Application:
        return extended_from(found, now - asyncio.get_running_loop().time() + read_at[0], grace)

    patch.setattr("tenure.controller.loop.restored", restored)
    patch.setattr("tenure.controller.loop.extended_from", extended)


@found_by("TermsRise")
def term_kept_on_a_regrant(patch: Patch) -> None:
    real = lease.granted

    def granted(old: Lease, now: float, holder: Holder, wall: float) -> tuple[Lease, Cause]:
        new, cause = real(old, now, holder, wall)
        again = old.last_leader == holder.unit and old.term > 0
        return (replace(new, term=old.term) if again else new), cause

    patch.setattr(lease, "granted", granted)


@found_by("WriterNotTold")
def writer_told(patch: Patch) -> None:
    real = Leases.write

    def write(self: Leases, now: float, unit: str, term: int, changes: Mapping[str, str]) -> int:
        revision = real(self, now, unit, term, changes)
        self.pushes.append(
            (application_of(unit), Revision(unit=unit, revision=revision, keys=("k",)))
        )
        return revision

    patch.setattr(Leases, "write", write)


@found_by("OneOffer")
def offered_to_all(patch: Patch) -> None:
    real = Leases.settle

    def settle(self: Leases, now: float, found: Application, new: Lease, *changes: Any) -> Lease:
        offered = new.offer
        settled = real(self, now, found, new, *changes)
        if settled.offer is not None and settled.offer != offered:
            self.pushes.extend((found.name, Offer(unit=u)) for u in settled.line[1:])
        return settled

    patch.setattr(Leases, "settle", settle)
    tell = Leases.tell_offer
    patch.setattr(Leases, "tell_offer", lambda self, now, unit: tell(self, now, unit) or True)


@found_by("OneOffer")
def offer_told_before_its_turn_is_over(patch: Patch) -> None:
    real = Controller._push

    def push(self: Controller, given: Any) -> None:
        real(self, given)
        self._tell_offers()

    patch.setattr(Controller, "_push", push)


@found_by("OneOffer")
def reservation_ignored(patch: Patch) -> None:
    table: Any = lease.VERDICTS
    for ask in (Ask.CLAIM, Ask.RENEW):
        patch.setitem(table, (Stand.OFFERED_TO_OTHER, ask), Outcome.GRANT)


@found_by(
    "WritesFenced", "TermsRise", "OneBeliever", "PromiseKept", "BucketLinear", "HookSeesTarget"
)
def not_reloaded_after_doubt(patch: Patch) -> None:
    def reload(self: Leases, names: Iterable[str], loaded: Mapping[str, Application]) -> None:
        for name in names:
            self.unsure.pop(name, None)

    patch.setattr(Leases, "reload", reload)


@found_by("LeaderComes")
def offers_never_lapse(patch: Patch) -> None:
    def settled(old: Lease, now: float, offer_for: float, can_take: Any) -> Lease:
        if old.holder is not None or not old.line:
            return old
        first = old.offer.unit if old.offer is not None else old.line[0]
        return replace(old, offer=LineOffer(first, now + 1e9))

    patch.setattr(lease, "with_offer_settled", settled)


@found_by("TermsRise")
def tombstone_forgotten(patch: Patch) -> None:
    real = Applications.remove_application

    def remove(self: Applications, name: str) -> str:
        told = real(self, name)
        gone = self._leases.staging.applications[name]
        self._leases.keep(replace(gone, lease=replace(gone.lease, term=0, holder=None)))
        return told

    patch.setattr(Applications, "remove_application", remove)


@found_by("OneOffer")
def offer_begins_when_it_is_decided(patch: Patch) -> None:
    real = Leases.settle

    def settle(self: Leases, now: float, found: Application, new: Lease, *changes: Any) -> Lease:
        settled = real(self, now, found, new, *changes)
        if settled.offer is not None:
            tell(self, now, settled.offer.unit)
        return self.staging.applications[found.name].lease

    tell = Leases.tell_offer
    patch.setattr(Leases, "settle", settle)
    patch.setattr(Leases, "tell_offer", lambda self, now, unit: True)


@found_by("ToldMinions", "LeaderComes", "ElectedOncePerTerm", "OneInstance")
def session_lost_with_a_rolled_back_removal(patch: Patch) -> None:
    patch.setattr(Conversation, "_end_if_over", lambda self, unit: None)
    patch.setattr(Agents, "rolled_back", lambda self, names: None)


@found_by("TermNamed")
def writes_fenced_by_the_unit_alone(patch: Patch) -> None:
    real = lease.judge

    def judge(
        old: Lease, now: float, unit: str, instance: str, ask: Ask, term: int | None
    ) -> Outcome:
        return real(old, now, unit, instance, ask, old.term if ask is Ask.WRITE else term)

    patch.setattr(lease, "judge", judge)


# -- the store


@found_by(
    "BucketLinear", "WritesFenced", "TermsRise", "OneBeliever", "RefusedChangedNothing",
    "EnteredBeforeCreated",
)  # fmt: skip
def seat_ignored(patch: Patch) -> None:
    patch.setattr(ModelDisk, "_compare_seat", lambda self, seat: None)
    patch.setattr(MemoryStore, "_compare", lambda self, seat: None)


@found_by("BucketLinear", "WritesFenced", "TermsRise", "OneBeliever")
def answered_before_the_sync(patch: Patch) -> None:
    patch.setattr(ModelDisk, "_sync", lambda self: asyncio.sleep(0))


@found_by("BucketLinear", "WritesFenced", "TermsRise", "OneBeliever", "PromiseKept")
def cache_trusted_after_a_failed_sync(patch: Patch) -> None:
    patch.setattr(ModelDisk, "_rewrite", lambda self: asyncio.sleep(0))


@found_by("BucketLinear", "WritesFenced")
def half_a_write_kept(patch: Patch) -> None:
    real = Tables._merge

    def merge(self: Tables, change: SettingsMerged) -> None:
        real(self, replace(change, put=dict(list(change.put.items())[:1])))

    patch.setattr(Tables, "_merge", merge)


# -- hooks and tools


@found_by("ElectedOncePerTerm", "PromiseKept")
def not_looked_at_again_before_leader_elected(patch: Patch) -> None:
    patch.setattr(Claimant, "promise", lambda self, asker, term: True)


@found_by("PaidForTarget")
def paid_for_what_is_known_at_the_end(patch: Patch) -> None:
    real = Dispatcher.pay

    def pay(self: Dispatcher, hook: RunHook) -> None:
        revision = self._parts.remote.revisions.revision
        real(self, replace(hook, target_revision=revision))

    patch.setattr(Dispatcher, "pay", pay)


@found_by("GivesUpInTime")
def timer_counted_from_after_the_clock_was_read(patch: Patch) -> None:
    def timer(self: Loop[Any], read_at: float, delay: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(delay, self._woken.set)

    patch.setattr(Loop, "_timer", timer)


@found_by("ToldMinions", "ElectedOncePerTerm", "PaidForTarget", "PaidForVersion")
def interrupted_hook_counted_as_run(patch: Patch) -> None:
    patch.setattr(
        localstate,
        "cleared",
        lambda state: localstate.paid(state, state.running.plan) if state.running else state,
    )


@found_by("OneHookAtATime")
def ghosts_not_ended(patch: Patch) -> None:
    patch.setattr(_Runner, "end_leftovers", lambda self, pid, context: None)


@found_by("NothingTwice")
def counter_kept_in_memory(patch: Patch) -> None:
    def forget(*args: Any, **kwargs: Any) -> Record:
        record = take_up(*args, **kwargs)
        record.state = replace(record.state, elected_for=0)
        return record

    patch.setattr("tenure.testing.bare.take_up", forget)


@found_by("ToldMinions", "LeaderNotTold")
def belief_not_recorded(patch: Patch) -> None:
    patch.setattr(localstate, "with_belief", lambda state, term, boot_id, sure_until: state)


@found_by("LeaderNotTold")
def leader_told_of_settings(patch: Patch) -> None:
    real = resolver._leadership

    def leadership(state: LocalState, known: Snapshot) -> RunHook | None:
        if known.standing is Standing.LEADER and state.seen_revision < known.revision:
            return resolver._settings(state, known)
        return real(state, known)

    patch.setattr(resolver, "_leadership", leadership)


@found_by("BucketLinear")
def settings_read_from_an_older_context(patch: Patch) -> None:
    real = HookContext.settings
    seen: dict[int, Mapping[str, str]] = {}

    async def settings(self: HookContext) -> Mapping[str, str]:
        home = id(self._parts)
        if home not in seen:
            seen[home] = await real(self)
        return seen[home]

    patch.setattr(HookContext, "settings", settings)


def main() -> None:
    """Which world finds each bug, and which checker."""
    for plant, expected in PLANTS.items():
        with pytest.MonkeyPatch.context() as patch:
            plant(patch)
            what = found(worlds(plant))
        if what is None:
            print(f"{plant.__name__:<42} NOT FOUND, expected {' or '.join(expected)}", flush=True)
            continue
        seed, violations = what
        first = violations[0]
        verdict = "" if first.checker in expected else f"   EXPECTED {' or '.join(expected)}"
        print(f"{plant.__name__:<42} world {seed:>3}  {first.checker}{verdict}", flush=True)


if __name__ == "__main__":
    main()
