"""One unit: its belief, its durable state, its hooks. Decides by the core, does by its helpers.

`step` looks at everything that is so now and does what is due; it is called whenever something
happened and whenever `next_wake` says. The order inside is the safety argument: belief that has run
out ends before anything else is looked at (U5), and what must be durable is saved before it is
acted on (H5). When saving fails, nothing is begun that needs it; ending a belief never waits.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tenure.agent.charm.copy import CopyInterrupted
from tenure.agent.charm.files import Charm, NoCharm
from tenure.agent.context.action import ActionDone, ActionRefused, ActionRun
from tenure.agent.context.hook import HookContext
from tenure.agent.hooks.environment import JUJU_VERSION, environment
from tenure.agent.hooks.process import HookCommand, HookProcess, HookResult, Log, Runner
from tenure.agent.host.address import SUBNET_OF_ONE, address_of
from tenure.agent.news import News
from tenure.agent.peers import Peers
from tenure.agent.tools.base import BagRefused, LeadershipUnknown, WorkloadStatus
from tenure.charms.folder import CharmError
from tenure.clock import Clock
from tenure.core import resolver
from tenure.core.effects import CharmChanged, Denied, Verdict
from tenure.core.relations import Relation
from tenure.core.resolver import (
    ACTIONS,
    ELECTED,
    START,
    UPDATE,
    UPGRADE,
    LocalState,
    RunHook,
    Snapshot,
    Surety,
)
from tenure.core.tracker import Grant, Loss, Standing, Tracker
from tenure.errors import NotFound, TenureError
from tenure.leadership.connection import Answer, Connection
from tenure.leadership.record import SAVE_AGAIN, Record
from tenure.leadership.statefile import StateFile
from tenure.wire.messages import (
    Claim,
    EnterPeers,
    FromAgent,
    Gone,
    LeavePeers,
    Release,
    Report,
    UnitHello,
    UnitWelcome,
)

FIRST_RETRY = 5.0
LAST_RETRY = 300.0
RELEASE_WITHIN = 5.0
STOP_GRACE = 10.0
"""Seconds that a running hook gets when its agent stops (H8)."""


MAX_REPORTED = 1000
"""Characters of each text that operators are told; the whole of it stays with the unit."""
MAX_PORTS = 200

COPY_FIRST = ("",)
"""What is found for `upgrade-charm`: whether the charm has one is known when its copy is new."""

Found = tuple[str, ...] | CharmError | None
"""What to run for a hook, why it cannot be run, or None: the charm has none."""

FindHook = Callable[[str], tuple[str, ...] | None]
"""Looks a hook up in the charm. Raises CharmError for one that is there and cannot be run."""


class UnitConfig(Struct, frozen=True, kw_only=True):
    """Where a unit lives: all its paths, and what its hooks are told of the world."""

    unit: str
    instance: str
    boot_id: str
    charm: Path
    tools: Path
    socket: Path
    model_name: str
    model_uuid: str
    inherited: Mapping[str, str]
    update_every: float = 300.0
    juju_version: str = JUJU_VERSION
    shims: Path | None = None
    allow_host_changes: bool = False
    """What holds before the controller was heard."""
    charm_revision: int = 0
    """The one of which the charm's folder was copied when the agent began; 0 if it is not known."""


class Unit:
    """The agent's side of one unit. `rng` also makes the context ids, by which tools are authorised
    (T9): a real agent hands in the system's."""

    def __init__(
        self,
        place: UnitConfig,
        *,
        clock: Clock,
        rng: random.Random,
        file: StateFile[LocalState],
        find_hook: FindHook,
        runner: Runner,
        log: Log,
        connection: Connection,
        wake: Callable[[], None],
        charm: Charm | None = None,
    ) -> None:
        self.unit = place.unit
        self.place = place
        self.model_uuid = place.model_uuid
        self.charm: Charm = charm or NoCharm()
        self.peers = Peers(place.unit)
        self.tracker = Tracker(place.unit)
        self.leaving = False
        self.stopping = False
        self.halting = False
        self.finished = False
        self.accepted = False
        self._clock = clock
        self._rng = rng
        self._find_hook = find_hook
        self._runner = runner
        self._log = log
        self._kept = Record(
            LocalState(unit=place.unit), file, clock.now, lambda fault: self.log("ERROR", fault)
        )
        self._connection = connection
        self._wake = wake
        self._attempt = 0
        self._news = News()
        self._context: HookContext | None = None
        self._running: HookProcess | None = None
        self._running_plan: RunHook | None = None
        self._task: asyncio.Task[None] | None = None  # because the loop keeps no reference of it
        self._asked: list[asyncio.Task[None]] = []
        self._asked_down = False
        self._waiters: list[asyncio.Future[None]] = []
        self._exec_waiters: list[tuple[asyncio.Future[HookContext], ActionRun | None]] = []
        self._entering = False
        self._peers_at = float("-inf")
        self._copying: asyncio.Task[None] | None = None
        self._half_copied = False
        """The agent's end interrupted a copy: no hook runs from it in this life."""
        self._copy_at = float("-inf")
        self._copies_failed = 0
        self._untold = ""
        self._retry_at = float("-inf")
        self._retry_now = False
        self._gone_at = float("-inf")
        self._update_at = float("inf")
        self._kills = 0
        self._given_back = 0
        self._hold_until = float("-inf")
        self._reported: Report | None = None
        self._refused = ""

    @property
    def state(self) -> LocalState:
        """What is recorded of the unit, saved or about to be."""
        return self._kept.state

    # -- beginning

    def load(self) -> None:
        """Take up what an earlier agent left: its hook's leftovers are ended, its belief is kept
        only within the same boot and before it ran out (H5, U1). Blocking; before the loop turns.

        Raises StateUnusable, StateNotSaved, LeftoverStuck.
        """
        state = self._kept.load() or LocalState(unit=self.unit)
        running = state.running
        if running is not None:
            if running.boot_id == self.place.boot_id:
                self._runner.end_leftovers(running.pid, running.context_id)
            if running.plan.is_action:
                self.log("WARNING", f"{running.plan.hook} was interrupted: it is not run again")
                state = resolver.cleared(state)
            elif resolver.is_skipped(state, running.plan):
                state = resolver.paid(state, running.plan)
            else:
                self.log("WARNING", f"{running.plan.hook} was interrupted: it is owed again")
                state = resolver.cleared(state)
        if state.boot_id != self.place.boot_id or self.now() >= state.sure_until:
            state = resolver.without_belief(state)
        if not state.installed:
            state = resolver.with_charm(state, self.place.charm_revision)
        state = replace(state, runs=state.runs + 1)
        self._kept.begin(state)
        self._news = News(state.seen_revision)
        self.tracker = Tracker(
            self.unit, remembered=state.term, sure_until=state.sure_until, seen_term=state.seen_term
        )
        self._arm_update()

    def hello(self) -> UnitHello:
        """What the unit says first in every conversation; its session rises (L9)."""
        self._attempt += 1
        return UnitHello(
            unit=self.unit,
            instance=self.place.instance,
            session=(self.state.runs << 32) + self._attempt,
            seen_revision=self.state.seen_revision,
        )

    # -- what the controller says

    def welcomed(self, welcome: UnitWelcome) -> None:
        """The conversation has begun, or was refused for this unit."""
        self.accepted = welcome.refused is None
        if welcome.refused is not None:
            if welcome.refused_code == NotFound.code and (self.leaving or self.state.removed):
                self.finished = True
            if welcome.refused != self._refused:
                self.log("ERROR", f"the controller refuses {self.unit}: {welcome.refused}")
            self._refused = welcome.refused
            return
        self._refused = ""
        self._reported = None
        self._news.begin(welcome.revision, welcome.changed_keys)
        self.peers.begin(welcome.peers, welcome.config, welcome.charm)
        takes_part = frozenset(view.relation for view in welcome.peers if view.entered)
        self._kept.remember(resolver.as_entered(self.state, takes_part))
        self._take_up_charm()
        if welcome.removing:
            self.leave()
        self.tracker.want_claim(self.now())
        self._belief_changed()

    def given_charm(self, charm: CharmChanged) -> None:
        """An operator handed in a charm."""
        self.peers.given(charm)
        self._copy_at, self._copies_failed = float("-inf"), 0
        self._take_up_charm()

    def _take_up_charm(self) -> None:
        """What was installed before its number was known is what is there."""
        if self.state.charm_revision == 0 and self.peers.charm_revision:
            self._kept.remember(resolver.with_charm(self.state, self.peers.charm_revision))

    def lost(self) -> None:
        """The connection is gone, and with it any claim under way."""
        self.accepted = False
        if self.tracker.in_flight is not None:
            self.tracker.claim_lost(self.now(), self.now())
        self._belief_changed()

    def heard(self, verdict: Verdict) -> None:
        """A claim was answered (L2, G4)."""
        now = self.now()
        outcome = self.tracker.consider(now, verdict, now + self._retry_claim_in())
        if isinstance(outcome, Grant):
            self._believe(outcome)
        elif isinstance(outcome, Loss):
            self._lose(outcome.cause)
        if isinstance(verdict, Denied):
            self._asked_down = False
        self._belief_changed()

    def _retry_claim_in(self) -> float:
        return min(1.0, self.tracker.duration / 20) * self._rng.uniform(0.5, 1.0)

    def _believe(self, grant: Grant) -> None:
        state = resolver.with_belief(self.state, grant.term, self.place.boot_id, grant.sure_until)
        if self.tracker.answered and grant.term == self.tracker.term:
            self._kept.remember(state, durable=False)
            self.tracker.extend(grant)
            return
        resumed = grant.term == self.state.term
        if not self._must_save(state):
            self._give_back(grant, resumed)
            return
        self._given_back = 0
        if self.now() >= grant.sure_until:
            self._lose("saving the grant took longer than it was good for")
            return
        self.tracker.become_leader(grant)
        self.log("INFO", f"leader, term {grant.term}" + (" as before" if resumed else ""))
        if self.leaving or self.stopping or (self._asked_down and resumed):
            self._step_down_if_leader("it was asked to before it took its term up again")
        self._asked_down = False

    def _give_back(self, grant: Grant, resumed: bool) -> None:
        """It cannot be saved, so it is not believed; another unit may have more luck (G11)."""
        now = self.now()
        self.tracker.claim_lost(now, now + SAVE_AGAIN * 2.0 ** min(self._given_back, 3))
        self._given_back += 1
        if not resumed:
            self._ask(lambda number: Release(id=number, unit=self.unit, term=grant.term))

    def _lose(self, cause: str) -> None:
        term = self.tracker.term
        self.tracker.lose(self.now())
        self._kept.remember(resolver.without_belief(self.state))
        if term is not None:
            self.log("INFO", f"no longer leader, term {term}: {cause}")
        self._belief_changed()

    def told_revision(self, revision: int, keys: tuple[str, ...]) -> None:
        """Another unit wrote (B5)."""
        self._news.told(revision, keys)

    def saw_revision(self, revision: int) -> None:
        """This unit's own write made the bucket this revision."""
        self._news.wrote(revision)

    def asked_to_step_down(self) -> None:
        """An operator wants another leader (U4)."""
        if not self._step_down_if_leader("an operator asked for it"):
            self._asked_down = True
            self.tracker.want_claim(self.now())

    def revoked(self, term: int) -> None:
        """An operator took the lease away (L5)."""
        if self.tracker.term == term:
            self._lose("an operator revoked the lease")

    def resolve(self, *, retry: bool) -> None:
        """An operator resolves the failed hook (H7)."""
        failure = self.state.failure
        if failure is None:
            return
        self._kept.remember(replace(self.state, failure=replace(failure, skip=not retry)))
        if retry:
            self._retry_now = True
        elif self._context is None:
            self._skip()  # else once what runs has ended

    def _skip(self) -> None:
        """Pay the failed hook as if it had run."""
        plan = resolver.failed_plan(self.state, self._known())
        self._pay(plan)
        self.log("WARNING", f"{plan.hook} skipped by an operator")

    # -- leaving, stopping, halting

    def leave(self) -> None:
        """The unit is to be removed: step down, run the last hooks, say Gone (U4)."""
        if not self.leaving:
            self.log("INFO", "being removed")
        self.leaving = True
        self._step_down_if_leader("the unit is being removed")

    def stop(self) -> None:
        """This one agent stops cleanly: hand over, let the running hook end (U4, H8)."""
        self.stopping = True
        self.charm.interrupt()
        self._step_down_if_leader("the agent is stopping")

    def halt(self) -> None:
        """The whole house stops: hand over to nobody, begin no hook."""
        self.halting = True
        self.charm.interrupt()

    def is_idle(self) -> bool:
        """Whether no hook runs and nothing is being handed over."""
        stepping = self.tracker.standing(self.now()) is Standing.STEPPING_DOWN
        busy = self._context is not None or self._copying is not None or bool(self._asked)
        return not busy and (self.halting or not stepping)

    def _may_copy(self, now: float, known: Snapshot) -> bool:
        """Whether a newer charm was handed in than the unit's copy, and may be copied now."""
        behind = 0 < self.state.charm_copied < self.peers.charm_revision
        held = self._is_ending() or known.standing is _STEPPING
        return behind and not held and now >= self._copy_at

    def _is_ending(self) -> bool:
        return self.stopping or self.halting

    def kill_hook(self) -> None:
        """End the running hook's group at once."""
        if self._running is not None:
            self._running.kill()
        elif self._context is not None:
            self._end_context(self._context)

    def _step_down_if_leader(self, why: str) -> bool:
        now = self.now()  # read once: a lease may end between two readings
        if self.tracker.standing(now) is not Standing.LEADER:
            return False
        self.tracker.step_down(now)
        self._kept.owe(resolver.without_belief(self.state))
        self.log("INFO", f"stepping down: {why}")
        self._belief_changed()
        return True

    def _release(self, now: float) -> None:
        """Forget durably first, then give the lease up (L5)."""
        if not self._kept.settle():
            return
        term = self.tracker.term
        assert term is not None
        self.tracker.lose(now)
        self.log("INFO", f"released the lease, term {term}")
        self._belief_changed()
        self._ask(lambda number: Release(id=number, unit=self.unit, term=term))

    def _ask(
        self, build: Callable[[int], FromAgent], then: Callable[[], None] = lambda: None
    ) -> None:
        """Ask the controller, before anything that is said later: a claim must not overtake a
        release. `then` is done after it said yes. Whatever else comes of it, time or the next
        conversation mends it."""
        try:
            asked = self._connection.ask(build)
        except TenureError as fault:
            self.log("WARNING", f"the controller was not told: {fault}")
            return

        async def asking() -> None:
            try:
                await self._connection.answer(asked, RELEASE_WITHIN)
            except TenureError as fault:
                if str(fault) != self._untold:
                    self.log("WARNING", f"the controller was not told: {fault}")
                self._untold = str(fault)
            else:
                self._untold = ""
                then()

        task = asyncio.get_running_loop().create_task(asking())
        self._asked.append(task)
        task.add_done_callback(self._asked_done)

    def _asked_done(self, task: asyncio.Task[None]) -> None:
        self._asked.remove(task)
        if self._entering:
            # counted from here, so that hooks go on in between: the store may be hanging (H2)
            self._entering = False
            self._peers_at = self.now() + SAVE_AGAIN
        self._wake()

    # -- the step

    def step(self) -> None:
        """Do what is due now."""
        now = self.now()
        if self._kept.save_at is not None and now >= self._kept.save_at:
            self._kept.settle()
        if self.tracker.has_run_out(now):
            self._lose("the lease ran out by this machine's clock")
        known = self._known()
        over = self._context is None and (
            self._half_copied or resolver.demotion_is_over(self.state, known)
        )
        if self.tracker.may_release(now, hooks_are_over=over):
            self._release(now)
        self._keep_peers(now)
        if self._context is None and self._copying is None and not self.halting:
            self._next(now)
        self._report()

    def _keep_peers(self, now: float) -> None:
        """Take part in the peer relations from `install` on, until their last hooks have run."""
        if not self.accepted or self._asked or now < self._peers_at:
            return
        if self.leaving:
            if resolver.to_leave(self.state):
                self._tell_peers(now, self._leave_peers, self._left)
        elif resolver.to_enter(self.state, self.peers.relations):
            # because others may be added before the answer: those it was not asked about
            self._tell_peers(now, self._enter, partial(self._entered, self.peers.relations))
            self._entering = bool(self._asked)

    def _tell_peers(
        self, now: float, build: Callable[[int], FromAgent], then: Callable[[], None]
    ) -> None:
        self._peers_at = now + SAVE_AGAIN
        self._ask(build, then)

    def _leave_peers(self, number: int) -> LeavePeers:
        return LeavePeers(id=number, unit=self.unit)

    def _enter(self, number: int) -> EnterPeers:
        address = address_of(self.unit)
        bag = {
            "egress-subnets": f"{address}{SUBNET_OF_ONE}",
            "ingress-address": address,
            "private-address": address,
        }
        return EnterPeers(id=number, unit=self.unit, settings=bag)

    def _entered(self, asked: tuple[Relation, ...]) -> None:
        self._kept.remember(resolver.with_peers(self.state, asked))

    def _left(self) -> None:
        self._kept.remember(resolver.without_peers(self.state))

    def _next(self, now: float) -> None:
        if self._half_copied:
            return  # because such a charm is neither the old one nor the new one
        if self.peers.heard and self.state.failure is not None and self.state.failure.skip:
            self._skip()
        known = self._known()
        if resolver.is_moot(self.state, known):
            self._kept.remember(replace(self.state, failure=None))
            self._retry_now = False
        if resolver.has_left(self.state, known):
            if not self._asked and self.accepted and now >= self._gone_at and not self.finished:
                self._gone_at = now + SAVE_AGAIN
                self._ask(lambda number: Gone(id=number, unit=self.unit), self._has_gone)
            return
        if self._open_exec(known) or now < self._hold_until:
            return
        if self.state.failure is not None and self._may_copy(now, known):
            self._copying = asyncio.get_running_loop().create_task(self._copy_and_retry())
            return
        plan, found = self._skip_missing(known)
        if plan is None and self._may_copy(now, known):
            # because an operator skipped its upgrade-charm, and the charm is to come all the same
            self._copying = asyncio.get_running_loop().create_task(self._copy_and_retry())
        if plan is not None and not (self.stopping and known.standing is not _STEPPING):
            self._begin(plan, found)

    def _has_gone(self) -> None:
        self.finished = True

    def _skip_missing(self, known: Snapshot) -> tuple[RunHook | None, Found]:
        """The next hook that the charm has; those before it are paid, in one write (H6)."""
        state = self.state
        plan = resolver.next_hook(state, known)
        while plan is not None and (found := self._look_up(plan.hook)) is None:
            self.log("DEBUG", f"{plan.hook} skipped: the charm has none")
            state = resolver.paid(state, plan)
            if plan.hook in (START, UPDATE):
                self._arm_update()
                known = replace(known, update_due=False)
            plan = resolver.next_hook(state, known)
        if state is not self.state:
            self._kept.owe(state)
            self._wake()
        return plan, found if plan is not None else None

    def _look_up(self, hook: str) -> Found:
        if hook == UPGRADE:
            return COPY_FIRST
        try:
            return self._find_hook(hook)
        except CharmError as fault:  # because it is there and fails
            return fault

    def _known(self) -> Snapshot:
        now = self.now()
        standing = self.tracker.standing(now)
        return Snapshot(
            standing=standing,
            term=self.tracker.term,
            surety=self._surety(now, standing),
            revision=self._news.revision,
            leaving=self.leaving,
            may_retry=self._retry_now or now >= self._retry_at,
            update_due=now >= self._update_at,
            heard=self.peers.heard,
            relations=self.peers.relations,
            entering=self._entering,
            config_revision=self.peers.config_revision,
            charm_revision=self.peers.charm_revision,
        )

    def _surety(self, now: float, standing: Standing) -> Surety:
        if standing is not Standing.LEADER or self.tracker.is_sure(now):
            return Surety.IN_HAND
        if self.state.elected_for != self.tracker.term:
            self.tracker.want_claim(now)
        return Surety.ASKING if self.accepted else Surety.UNKNOWN

    # -- hooks

    def _begin(self, plan: RunHook, argv: Found) -> None:
        self._retry_now = False
        if argv is COPY_FIRST:
            self._upgrade(plan)
            return
        if isinstance(argv, CharmError):
            self._end(plan, HookResult("failed", str(argv)))
            return
        assert argv is not None, "missing hooks were skipped"
        context_id = self._context_id(plan.hook)
        if not self._must_save(resolver.begun(self.state, plan, context_id, self.place.boot_id)):
            return
        if not self._may_still_run(plan, context_id):
            self._kept.remember(resolver.cleared(self.state))
            self.log("INFO", f"{plan.hook} skipped: leadership has gone")
            return
        self._start(plan, argv, context_id)

    def copied(self, revision: int) -> None:
        """The unit's copy of the charm is of this revision now."""
        self._kept.remember(resolver.with_copy(self.state, revision))

    def _upgrade(self, plan: RunHook) -> None:
        if self.state.charm_copied >= plan.charm_revision:
            self._begin_upgrade(plan)
        else:
            self._copying = asyncio.get_running_loop().create_task(self._copy_and_upgrade(plan))

    async def _copy_and_upgrade(self, plan: RunHook) -> None:
        given = self.peers.charm
        assert given is not None, "an upgrade is owed because a charm was handed in"
        result = await self._copy(given)
        if self.state.charm_revision >= given.revision:
            return  # an operator skipped it meanwhile
        if result.kind == "done":
            self._begin_upgrade(replace(plan, charm_revision=given.revision))
        elif result.kind == "failed":
            self._end(plan, result)

    async def _copy_and_retry(self) -> None:
        """A unit in error is given a new charm at once: it may mend what failed (H7)."""
        given = self.peers.charm
        assert given is not None, "it is behind a charm that was handed in"
        result = await self._copy(given)
        if result.kind == "done":
            self._retry_now = self.state.failure is not None
        elif result.kind == "failed":
            self.log("ERROR", f"the charm was not brought up to date: {result.detail}")

    async def _copy(self, given: CharmChanged) -> HookResult:
        """Bring the charm's copy up to date, beside the loop; what was "killed" goes on later."""
        result = HookResult("done", "")
        try:
            await self.charm.refresh(given.source)
            self.copied(given.revision)
            self._copies_failed = 0
        except CopyInterrupted as fault:
            self._half_copied = True
            result = HookResult("killed", str(fault))
        except TenureError as fault:
            result = HookResult("failed", str(fault))
        except Exception as fault:  # because a unit that waits for ever for its copy is worse
            result = HookResult("failed", f"internal fault while copying the charm: {fault!r}")
        finally:
            self._copying = None
            self._wake()
        if result.kind == "failed":
            self._copy_at = self.now() + min(FIRST_RETRY * 2.0**self._copies_failed, LAST_RETRY)
            self._copies_failed = min(self._copies_failed + 1, 10)
        return result

    def _begin_upgrade(self, plan: RunHook) -> None:
        try:
            argv: Found = self._find_hook(UPGRADE)
        except CharmError as fault:
            argv = fault
        if argv is not None and self._is_going():
            return  # and nobody is woken: the next turn would come here again, for ever
        if argv is None:
            self.log("DEBUG", f"{UPGRADE} skipped: the charm has none")
            self._pay(plan)
        else:
            self._begin(plan, argv)
        self._wake()

    def _is_going(self) -> bool:
        return self._is_ending() or self.leaving or self.tracker.standing(self.now()) is _STEPPING

    def _may_still_run(self, plan: RunHook, context_id: str) -> bool:
        """H2: looked at again just before running; its start is a promise (G3)."""
        if plan.hook != ELECTED:
            return True
        now = self.now()
        if self.tracker.term != plan.term or not self.tracker.is_sure(now):
            return False
        self.tracker.promise(context_id, now)
        return True

    def _start(self, plan: RunHook, argv: tuple[str, ...], context_id: str) -> None:
        context = HookContext(
            self, context_id, plan.hook, plan.target_revision, event=plan.event
        )  # fmt: skip
        self._context = context
        env = self._environment(plan.hook, context_id, plan)
        running = self._run(plan, argv, env, context_id)
        task = self._until_over(plan, running, context)
        self._task = asyncio.get_running_loop().create_task(task)

    def _run(
        self, plan: RunHook, argv: tuple[str, ...], env: dict[str, str], context_id: str
    ) -> HookProcess:
        self._running_plan = plan
        self._running = self._runner.start(
            HookCommand(
                hook=plan.hook,
                argv=argv,
                env=env,
                cwd=str(self.place.charm),
                context_id=context_id,
            )
        )
        recorded = self.state.running
        if recorded is not None:
            state = replace(self.state, running=replace(recorded, pid=self._running.pid))
            self._kept.remember(state, durable=False)
        return self._running

    async def _until_over(self, plan: RunHook, running: HookProcess, context: HookContext) -> None:
        result = await self._result_of(running, context)
        self._end_context(context)
        self._end(plan, result)

    async def _result_of(self, running: HookProcess, context: HookContext) -> HookResult:
        """How it ended; what it left pending is kept then, if it ended well."""
        result = await running.wait()
        self._running = None
        context.over.set()
        if result.kind == "done" and context.has_pending:
            result = await self.commit(context)
        self._running_plan = None
        return result

    async def commit(self, context: HookContext) -> HookResult:
        """Keep what a hook that ended well left pending; else it has failed."""
        try:
            await context.commit()
        except (BagRefused, TenureError) as fault:
            return HookResult("failed", str(fault))
        except Exception as fault:  # because its unit would wait for ever; it may hold values (T10)
            kind = type(fault).__name__
            return HookResult("failed", f"internal fault ({kind}) while keeping what it set")
        return HookResult("done", "")

    def _end_context(self, context: HookContext | None) -> None:
        if context is not None and context is self._context:
            self.tracker.context_ended(context.context_id)
            context.over.set()
            self._context = None
            self._wake()

    def _end(self, plan: RunHook, result: HookResult) -> None:
        if result.kind == "done":
            self._kills = 0
            self.log("INFO", f"{plan.hook} ended well")
            self._pay(plan)
        elif resolver.is_skipped(self.state, plan):
            self.log("WARNING", f"{plan.hook} skipped by an operator: {result.detail}")
            self._pay(plan)
        elif result.kind == "failed":
            self.log("ERROR", f'hook failed: "{plan.hook}": {result.detail}')
            self._kept.remember(
                resolver.failed(self.state, plan.hook, result.detail, plan.term, plan.event)
            )
            self._retry_at = self.now() + self._backoff()
        else:
            self.log("WARNING", f"{plan.hook} was killed ({result.detail}): it is owed again")
            self._kept.remember(resolver.cleared(self.state))
            self._hold_until = self.now() + (2.0 ** min(self._kills - 1, 8) if self._kills else 0.0)
            self._kills += 1
        if plan.hook in (START, UPDATE):
            self._arm_update()
        self._wake()  # because the next one may be due, also when this one was only skipped

    def _pay(self, plan: RunHook) -> None:
        seen = self._news.covered(plan.target_revision)
        self._kept.remember(resolver.paid(self.state, replace(plan, target_revision=seen)))
        self._news.forget(self.state.seen_revision)

    def _backoff(self) -> float:
        assert self.state.failure is not None
        delay = FIRST_RETRY * 2.0 ** min(self.state.failure.attempts - 1, 10)
        return min(delay, LAST_RETRY) * self._rng.uniform(0.8, 1.0)

    def _arm_update(self) -> None:
        given = self.peers.charm
        every = given.update_status_interval if given is not None else None
        self._update_at = self.now() + (every or self.place.update_every) * self._rng.uniform(
            0.8, 1.2
        )

    def _environment(
        self, hook: str, context_id: str, plan: RunHook | None, action: ActionRun | None = None
    ) -> dict[str, str]:
        place = self.place
        keys = None
        if plan is not None and plan.reason == "settings":
            keys = self._news.changed(self.state.seen_revision, plan.target_revision)
        return environment(
            self.unit,
            hook,
            charm_dir=place.charm,
            tools=place.tools,
            context_id=context_id,
            socket=place.socket,
            reason=(plan.reason or None) if plan else None,
            term=plan.term if plan else None,
            changed_keys=keys,
            model_name=place.model_name,
            model_uuid=place.model_uuid,
            inherited=place.inherited,
            juju_version=place.juju_version,
            shims=None if self._may_change_host() else place.shims,
            event=plan.event if plan else None,
            action=action.variables if action else None,
        )

    def _may_change_host(self) -> bool:
        given = self.peers.charm
        return self.place.allow_host_changes if given is None else given.allow_host_changes

    # -- exec and actions: contexts for an operator's commands

    async def open_context(
        self, action: ActionRun | None = None
    ) -> tuple[HookContext, dict[str, str]]:
        """A fresh hook context, as soon as no hook runs (H6); also while the unit is in error."""
        future: asyncio.Future[HookContext] = asyncio.get_running_loop().create_future()
        self._exec_waiters.append((future, action))
        self._wake()
        try:
            context = await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.close_context(future.result())
            raise
        return context, self._environment("", context.context_id, None, action)

    def close_context(self, context: HookContext) -> None:
        """The operator's command has ended."""
        self._end_context(context)

    def _open_exec(self, known: Snapshot) -> bool:
        while self._exec_waiters and known.standing is not _STEPPING and not self.stopping:
            waiter, action = self._exec_waiters.pop(0)
            if not waiter.done():
                what = "action" if action else "exec"
                self._context = HookContext(self, self._context_id(what), "", action=action)
                waiter.set_result(self._context)
                return True
        return False

    async def run_action(self, action: ActionRun, *, must_lead: bool) -> ActionDone:
        """Run an action when its turn comes. Raises ActionRefused or CharmError if it was not."""
        argv = self.charm.find_action(action.name)
        if argv is None:
            raise ActionRefused(f'the charm of {self.unit} has no file for "{action.name}"')
        context, env = await self.open_context(action)
        try:
            if must_lead and not await context.is_leader():
                raise ActionRefused(f"{self.unit} does not lead any more: try again")
            return await self._run_action(action, context, argv, env)
        except LeadershipUnknown as unknown:
            raise ActionRefused(f"leadership status unknown: {unknown}") from unknown
        finally:
            self._end_context(context)

    async def _run_action(
        self, action: ActionRun, context: HookContext, argv: tuple[str, ...], env: dict[str, str]
    ) -> ActionDone:
        plan = RunHook(hook=f"{ACTIONS}{action.name}")
        begun = resolver.begun(self.state, plan, context.context_id, self.place.boot_id)
        if not self._must_save(begun):
            raise ActionRefused(f"the state of {self.unit} cannot be saved: see its log")
        running = self._run(plan, argv, env, context.context_id)
        result = await self._result_of(running, context)
        self._kept.remember(resolver.cleared(self.state))
        return action.ended(result)

    def _context_id(self, hook: str) -> str:
        return f"{self.unit}-{hook}-{self._rng.getrandbits(64):016x}"

    def context(self, context_id: str) -> HookContext | None:
        """The live context of that id, if it is (T8)."""
        current = self._context
        if current is None or current.context_id != context_id or current.over.is_set():
            return None
        return current

    def _must_save(self, state: LocalState) -> bool:
        if self._kept.must_save(state):
            return True
        self._hold_until = self.now() + SAVE_AGAIN
        return False

    # -- claims

    def claim(self, now: float) -> Claim | None:
        """The claim that is due, if one is; it counts as sent at `now` (G4)."""
        if not self.accepted or not self.tracker.claim_due(now):
            return None
        ending = self.stopping or self.halting
        if ending and self.tracker.standing(now) is not Standing.LEADER:
            return None
        term = self.tracker.begin_claim(now)
        return Claim(unit=self.unit, term=term, seen_term=self.tracker.seen_term)

    def claim_overdue(self, now: float) -> bool:
        """Whether an answer is so late that the connection must be given up."""
        asked = self.tracker.in_flight
        return asked is not None and now > asked.at + self.claim_patience()

    def claim_patience(self) -> float:
        """Seconds to wait for the answer to a claim."""
        return max(0.5, min(5.0, self.tracker.duration / 4))

    # -- what contexts need (context.Home)

    def now(self) -> float:
        return self._clock.now()

    def want_claim(self) -> None:
        self.tracker.want_claim(self.now())
        self._wake()

    async def belief_changes(self, within: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(future)
        try:
            async with asyncio.timeout(max(0.0, within)):
                await future
        except TimeoutError:
            return
        finally:
            if future in self._waiters:
                self._waiters.remove(future)

    def _belief_changed(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._wake()

    def why_unreachable(self) -> str:
        if self._refused:
            return self._refused
        if not self._connection.ready:
            return self._connection.cause
        return "the controller did not answer in time"

    async def request(self, build: Callable[[int], FromAgent], within: float) -> Answer:
        return await self._connection.request(build, within)

    def log(self, level: str, message: str, source: str = "") -> None:
        self._log.log(level, message, source)

    def workload_status(self, *, application: bool) -> WorkloadStatus:
        kept = self.state.application_status if application else self.state.status
        return WorkloadStatus(*kept) if kept else WorkloadStatus()

    def keep_status(self, status: WorkloadStatus, *, application: bool) -> None:
        kept = (status.current, status.message)
        field = "application_status" if application else "status"
        self._kept.remember(replace(self.state, **{field: kept}), durable=False)
        self._wake()

    def keep_version(self, version: str) -> None:
        self._kept.remember(replace(self.state, workload_version=version), durable=False)
        self._wake()

    def keep_ports(self, ports: tuple[str, ...]) -> None:
        self._kept.owe(replace(self.state, ports=ports))

    def wrote_bags(self, bags: Mapping[int, int]) -> None:
        """A unit is not told of what it wrote itself."""
        self.peers.wrote(bags)
        event = self._running_plan.event if self._running_plan else None
        self._kept.owe(resolver.having_written(self.state, bags, event))

    # -- reporting and waking

    def _report(self) -> None:
        failure = self.state.failure
        retry_in = max(0.0, self._retry_at - self.now()) if failure else None
        report = Report(
            unit=self.unit,
            eligible=not (self.stopping or self.halting),
            running=self._running_plan.hook if self._running_plan else None,
            last=self.state.last_hook,
            error=f'hook failed: "{failure.hook}"' if failure else None,
            retry_in=round(retry_in) if retry_in is not None else None,
            current=self.state.status[0],
            message=_short(self.state.status[1]),
            application_status=_short_status(self.state.application_status),
            version=_short(self.state.workload_version),
            ports=self.state.ports[:MAX_PORTS],
            address=address_of(self.unit),
            charm_revision=self.state.charm_copied or self.state.charm_revision,
        )
        changed = self._reported is None or replace(report, retry_in=None) != replace(
            self._reported, retry_in=None
        )
        if self.accepted and changed and self._connection.say(report):
            self._reported = report

    def next_wake(self, now: float) -> float | None:
        """The next instant at which time alone makes something due, if any."""
        wakes = [self.tracker.next_wake(now)]
        if self.tracker.in_flight is not None:
            wakes.append(self.tracker.in_flight.at + self.claim_patience())
        wakes.append(self._kept.save_at)
        wakes.append(self._gone_at)
        wakes.append(self._peers_at)
        wakes.append(self._copy_at)
        if self._context is None and not self.halting:
            wakes.append(self._hold_until if self._hold_until > now else None)
            wakes.append(self._retry_at if self.state.failure else self._update_at)
        # because what is due already waits for something that will wake us: an answer, a hook's end
        return min((wake for wake in wakes if wake is not None and wake > now), default=None)


def _short(text: str) -> str:
    return text if len(text) <= MAX_REPORTED else f"{text[: MAX_REPORTED - 1]}…"


def _short_status(status: tuple[str, str] | None) -> tuple[str, str] | None:
    return (status[0], _short(status[1])) if status is not None else None


_STEPPING = Standing.STEPPING_DOWN
