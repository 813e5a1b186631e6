"""One unit of an agent: its leadership, its hooks, and what it owes, brought together.

`step` looks at everything that is so now and does what is due; it is called whenever something
happened and whenever `next_wake` says. The order inside is the safety argument: belief that has run
out ends before anything is decided (U5), and what must be durable is saved before it is acted on
(H5). When saving fails, nothing is begun that needs it; ending a belief never waits.

What is done next is decided by `core/resolver.py`, and done by one performer for each kind of
operation (`PERFORMERS`).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from tenure.agent.actions import Actions
from tenure.agent.charm.files import Charm, NoCharm
from tenure.agent.config import UnitConfig
from tenure.agent.contexts import Contexts
from tenure.agent.dispatcher import Dispatcher, FindHook
from tenure.agent.hooks.process import Log, Runner
from tenure.agent.membership import Membership
from tenure.agent.observer import Observer
from tenure.agent.parts import assembled
from tenure.agent.phase import ENDING, Phase
from tenure.agent.reporter import Reporter
from tenure.agent.situation import Situation
from tenure.agent.upgrade import CharmUpgrade
from tenure.clock import Clock
from tenure.core import localstate, resolver
from tenure.core.effects import (
    BagChanged,
    CharmChanged,
    Configured,
    PeerLeft,
    Remove,
    Revision,
    Verdict,
)
from tenure.core.localstate import LocalState, RunHook
from tenure.core.operations import (
    CopyCharm,
    DropFailed,
    EnterRelations,
    GiveContext,
    LeaveRelations,
    Operation,
    PayFailed,
    SayGone,
    Snapshot,
)
from tenure.core.schedule import Schedule
from tenure.core.tracker import Standing
from tenure.errors import NotFound
from tenure.leadership.claimant import Claimant
from tenure.leadership.connection import Connection
from tenure.leadership.record import Record
from tenure.wire.messages import Claim, Resolve, UnitHello, UnitWelcome

STOP_GRACE = 10.0
"""Seconds that a running hook gets when its agent stops (H8)."""


class Unit:
    """The agent's side of one unit. `record` holds what an earlier agent left, taken up already
    (`beginning.take_up`); `rng` also makes context ids (T9): a real agent hands in the system's."""

    def __init__(
        self,
        config: UnitConfig,
        record: Record,
        *,
        clock: Clock,
        rng: random.Random,
        find_hook: FindHook,
        runner: Runner,
        log: Log,
        connection: Connection,
        wake: Callable[[], None],
        charm: Charm | None = None,
        observer: Observer | None = None,
    ) -> None:
        observer = observer or Observer()
        self.parts = assembled(
            config, record, clock=clock, rng=rng, log=log, connection=connection, wake=wake,
            charm=charm or NoCharm(), observer=observer,
        )  # fmt: skip
        self.phase = Phase.RUNNING
        self.schedule = Schedule()
        self.contexts = Contexts(self.parts, rng)
        self.dispatcher = Dispatcher(
            self.parts, self.contexts, self.schedule,
            find_hook=find_hook, runner=runner, rng=rng, observer=observer,
        )  # fmt: skip
        self.actions = Actions(self.parts, self.contexts, self.dispatcher)
        self.upgrade = CharmUpgrade(
            self.parts, self.dispatcher, self.schedule, self._may_run_upgrade
        )
        self.membership = Membership(self.parts)
        self._situation = Situation(
            self.parts, self.schedule, self.contexts, self.upgrade, self.membership
        )
        self._reporter = Reporter(self.parts, self.dispatcher, self.schedule, self.contexts)
        self._kill_at: float | None = None
        self.dispatcher.arm_update()

    @property
    def unit(self) -> str:
        """The unit's name."""
        return self.parts.unit

    @property
    def state(self) -> LocalState:
        """What is recorded of the unit, saved or about to be."""
        return self.parts.record.state

    @property
    def claimant(self) -> Claimant:
        """Its leadership."""
        return self.parts.claimant

    # -- the step

    def step(self) -> None:
        """Do what is due now."""
        now = self.parts.clock.now()
        self.parts.record.settle_if_due(now)
        self.claimant.end_if_run_out(now)
        self.claimant.release_if_due(now, hooks_over=self._demotion_is_over())
        self._renew_for_elected()
        while (operation := self._next(now)) is not None:
            if not PERFORMERS[type(operation)](self, operation, now):
                break
        self._reporter.report(self.snapshot(), eligible=not self.phase & ENDING)
        self._kill_if_due(now)
        self.dispatcher.end_if_hung(now)

    def _renew_for_elected(self) -> None:
        """A `leader-elected` that is owed needs the guarantee in hand (H2)."""
        now, tracker = self.parts.clock.now(), self.claimant.tracker
        leads = tracker.standing(now) is Standing.LEADER
        if leads and not tracker.is_sure(now) and self.state.elected_for != tracker.term:
            self.claimant.want_claim_this_turn()

    def _demotion_is_over(self) -> bool:
        """Whether nothing of a deposition's hooks runs, or is still to be run (U4)."""
        if self.contexts.is_open:
            return False
        if self.upgrade.half_copied or self.upgrade.lost:
            return True
        return resolver.demotion_is_over(self.state, self.snapshot())

    def _next(self, now: float) -> Operation | None:
        return resolver.next_operation(self.state, self.snapshot(now))

    def snapshot(self, stepped_at: float | None = None) -> Snapshot:
        """What is so now; to look changes nothing."""
        return self._situation.snapshot(self.phase, stepped_at)

    def _drop_failed(self) -> bool:
        self.parts.record.remember(replace(self.state, failure=None))
        self.schedule.forget_retry()
        return True

    def _may_run(self) -> bool:
        """Whether hooks may begin: those of a deposition also while the agent stops (U4)."""
        return Phase.STOPPING not in self.phase or self._situation.is_stepping_down()

    def _may_run_upgrade(self) -> bool:
        return not self.phase and not self._situation.is_stepping_down()

    # -- what the controller says (leadership.loop.Participant)

    @property
    def is_refused(self) -> bool:
        return not self.claimant.accepted and not self.membership.gone

    def hello(self) -> UnitHello:
        return self.claimant.hello()

    def welcomed(self, welcome: UnitWelcome) -> None:
        if not self.claimant.welcomed(welcome):
            leaves = Phase.LEAVING in self.phase or self.state.removed
            if welcome.refused_code == NotFound.code and leaves:
                self.membership.forget()
            return
        record, remote = self.parts.record, self.parts.remote
        self._reporter.begin()
        remote.revisions.begin(welcome.revision, welcome.changed_keys)
        remote.begin(welcome.peers, welcome.config, welcome.charm)
        takes_part = frozenset(view.relation for view in welcome.peers if view.entered)
        entered = localstate.as_entered(self.state, takes_part)
        record.remember(replace(entered, address=welcome.address))
        self._take_up_charm()
        if welcome.removing:
            self.leave()
        self.claimant.begin()

    def disconnected(self) -> None:
        self.claimant.disconnected()

    def heard(self, verdict: Verdict) -> None:
        self.claimant.heard(verdict)

    def pushed(self, push: object) -> None:
        self._reporter.heard()
        if not self.claimant.pushed(push) and type(push) in PUSHES:
            PUSHES[type(push)](self, push)

    def charm_changed(self, charm: CharmChanged) -> None:
        """An operator handed in a charm."""
        self.parts.remote.charm_changed(charm)
        self.upgrade.charm_changed()
        self._take_up_charm()

    def _take_up_charm(self) -> None:
        """What was installed before its number was known is what is there."""
        revision = self.parts.remote.charm_revision
        if self.state.charm_revision == 0 and revision:
            self.parts.record.remember(localstate.with_charm(self.state, revision))

    def resolve(self, *, retry: bool, kill: str = "") -> None:
        """An operator resolves the failed hook, or ends one that runs (H7)."""
        if kill:
            self.dispatcher.fail(kill, "ended by an operator")
            return
        failure = self.state.failure
        if failure is None:
            return
        skipped = replace(self.state, failure=replace(failure, skip=not retry))
        self.parts.record.remember(skipped)
        if retry:
            self.schedule.retry_now()
        elif not self.contexts.is_open:  # else once what runs has ended
            self.dispatcher.skip(resolver.failed_hook(self.state, self.snapshot()))

    # -- leaving, stopping, halting

    def leave(self) -> None:
        """The unit is to be removed (U4)."""
        if Phase.LEAVING not in self.phase:
            self.parts.log.log("INFO", "being removed")
        self.phase |= Phase.LEAVING
        self.claimant.step_down("the unit is being removed", for_good=True)

    def stop(self) -> None:
        """This one agent stops cleanly (U4, H8)."""
        self._end(Phase.STOPPING)
        self.claimant.step_down("the agent is stopping", for_good=True)
        tracker = self.claimant.tracker
        promised = tracker.guarantee if tracker.stepping_down else 0.0
        self._kill_at = self.parts.clock.now() + max(STOP_GRACE, promised)

    def halt(self) -> None:
        """Everything on this machine stops (H8)."""
        self._end(Phase.HALTING)
        self._kill_at = self.parts.clock.now() + STOP_GRACE

    def _end(self, phase: Phase) -> None:
        self.phase |= phase
        self.upgrade.interrupt()
        self.claimant.seek_no_more()

    def _kill_if_due(self, now: float) -> None:
        if self._kill_at is not None and now >= self._kill_at:
            self.dispatcher.kill()

    @property
    def is_over(self) -> bool:
        """The unit has left for ever; or its agent ends, no hook runs, nothing is handed over."""
        if self.membership.gone:
            return True
        handing_over = Phase.HALTING not in self.phase and self._situation.is_stepping_down()
        idle = not self._situation.is_busy() and not self.parts.requests.busy and not handing_over
        return bool(self.phase & ENDING) and idle

    # -- claims and time

    def claim(self, now: float) -> Claim | None:
        return self.claimant.claim(now)

    def overdue(self, now: float) -> bool:
        return self.claimant.overdue(now)

    def doubts(self, now: float) -> bool:
        return self.claimant.doubts(now)

    def next_wake(self, now: float) -> float | None:
        wakes = [*self.claimant.next_wake(now), *self.membership.next_wake(), self.upgrade.copy_at]
        ends = (self.parts.record.save_at, self._kill_at, self.dispatcher.ends_at)
        wakes += [at for at in ends if at is not None]
        if not self.contexts.is_open and Phase.HALTING not in self.phase:
            failing = self.state.failure is not None
            wakes += self.schedule.next_wake(now, failing=failing)
            wakes.append(self.parts.record.hold_until)
        # because what is due already waits for something that will wake us: an answer, a hook's end
        return min((wake for wake in wakes if wake > now), default=None)


PUSHES: dict[type, Callable[[Unit, Any], None]] = {
    Revision: lambda unit, push: unit.parts.remote.revisions.told(push.revision, push.keys),
    Remove: lambda unit, push: unit.leave(),
    Resolve: lambda unit, push: unit.resolve(retry=push.retry, kill=push.kill),
    BagChanged: lambda unit, push: unit.parts.remote.bag_changed(push),
    PeerLeft: lambda unit, push: unit.parts.remote.peer_left(push),
    Configured: lambda unit, push: unit.parts.remote.configured(push),
    CharmChanged: lambda unit, push: unit.charm_changed(push),
}
"""What each push of the controller does, but for those about leadership (`claimant.PUSHES`)."""

PERFORMERS: dict[type, Callable[[Unit, Any, float], bool]] = {
    EnterRelations: lambda unit, todo, now: unit.membership.enter(now, todo.relations),
    LeaveRelations: lambda unit, todo, now: unit.membership.leave(now),
    PayFailed: lambda unit, todo, now: unit.dispatcher.skip(todo.hook),
    DropFailed: lambda unit, todo, now: unit._drop_failed(),
    SayGone: lambda unit, todo, now: unit.membership.say_gone(now),
    GiveContext: lambda unit, todo, now: not unit.contexts.open_next(),
    CopyCharm: lambda unit, todo, now: unit.upgrade.begin(todo),
    RunHook: lambda unit, todo, now: unit.dispatcher.begin(todo, may_run=unit._may_run()),
}
"""What does each operation; it returns whether more may be begun in the same step."""
