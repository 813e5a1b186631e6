"""One unit of an agent: `agent/unit.py` in small, around the real claimant, record and resolver.

The order of a step is that of `Unit.step`, the order of a hook that of `agent/dispatcher.py`;
hooks end when a move says so. The loop is the real one, but that it drops its connection without
a task.
"""

from msgspec import Struct
from msgspec.structs import replace

from tenure.core import localstate, resolver
from tenure.core.effects import Revision, Verdict
from tenure.core.localstate import DEPOSED, ELECTED, RunHook
from tenure.core.operations import Operation, Snapshot, Surety
from tenure.core.remote import Revisions
from tenure.core.tracker import Standing
from tenure.leadership.claimant import Claimant, Identity
from tenure.leadership.loop import Loop
from tenure.leadership.observer import Observer
from tenure.leadership.record import Record
from tenure.wire.messages import (
    Claim,
    Done,
    Failed,
    Report,
    UnitHello,
    UnitWelcome,
)

from .still import NO_LUCK, STILL, nobody
from .wire import Asks, Wire

HOOK = "hook"
"""The context of whatever hook runs."""


class WalkedLoop(Loop["Walked"]):
    """The real loop, that drops its connection without a task."""

    def __init__(self) -> None:
        super().__init__(STILL, NO_LUCK, nobody, None)  # type: ignore[arg-type]
        self.wire = Wire(nobody, self, NO_LUCK, STILL.now)  # type: ignore[arg-type]
        self.connection = self.wire
        self.dropped = False

    def _drop(self, cause: str) -> None:
        self._hello_at = None
        self.dropped = True

    def settled(self, answer: Done | Failed) -> None:
        """A request was answered."""
        for unit in self.units:
            unit.settled(answer)

    @property
    def is_quiet(self) -> bool:
        """Whether no claim waits for its answer."""
        return not self._claims


class Promise(Struct, frozen=True):
    """`True` was said to the running hook: it leads until then (G3)."""

    term: int
    until: float


class Walked:
    """One unit: `agent/unit.py` in small (see the module)."""

    def __init__(self, name: str, instance: str, record: Record, loop: WalkedLoop) -> None:
        self.unit = name
        self.record = record
        self.wire = loop.wire
        self.asks = Asks(loop.wire)
        identity = Identity(unit=name, instance=instance, boot_id="boot")
        self.claimant = Claimant(
            identity, record, loop.wire, self.asks,
            clock=STILL, rng=NO_LUCK, say=nobody, wake=nobody, observer=Observer(),
        )  # fmt: skip
        self.revisions = Revisions(record.state.seen_revision)
        self.running: RunHook | None = None
        self.promised: Promise | None = None
        self.heard_once = False
        self.stopping = False
        self.told_eligible = True
        self.write_asked: int | None = None

    # -- leadership.loop.Participant

    @property
    def is_refused(self) -> bool:
        return not self.claimant.accepted

    @property
    def is_over(self) -> bool:
        stepping_down = self.standing is Standing.STEPPING_DOWN
        idle = self.running is None and not self.asks.busy
        return self.stopping and idle and not stepping_down

    def hello(self) -> UnitHello:
        return self.claimant.hello()

    def welcomed(self, welcome: UnitWelcome) -> None:
        if self.claimant.welcomed(welcome):
            self.told_eligible = True
            self.heard_once = True
            self.revisions.begin(welcome.revision, welcome.changed_keys)
            self.claimant.begin()

    def disconnected(self) -> None:
        self.asks.waiting.clear()
        self.write_asked = None
        self.claimant.disconnected()

    def heard(self, verdict: Verdict) -> None:
        self.claimant.heard(verdict)

    def pushed(self, push: object) -> None:
        if not self.claimant.pushed(push) and isinstance(push, Revision):
            self.revisions.told(push.revision, push.keys)

    def claim(self, now: float) -> Claim | None:
        return self.claimant.claim(now)

    def overdue(self, now: float) -> bool:
        return self.claimant.overdue(now)

    def doubts(self, now: float) -> bool:
        return self.claimant.doubts(now)

    def next_wake(self, now: float) -> float | None:
        return None

    def settled(self, answer: Done | Failed) -> None:
        """A request was answered."""
        if answer.id in self.asks.waiting:
            self.asks.waiting.remove(answer.id)
        if answer.id == self.write_asked:
            self.write_asked = None
            if isinstance(answer, Done):
                self.revisions.wrote(answer.revision)

    # -- the step, in the order of agent/unit.py

    def step(self) -> None:
        self.record.settle_if_due(0.0)
        self.claimant.end_if_run_out(0.0)
        self.claimant.release_if_due(0.0, hooks_over=self._demotion_is_over())
        tracker, state = self.claimant.tracker, self.record.state
        leads = self.standing is Standing.LEADER
        if leads and not tracker.is_sure(0.0) and state.elected_for != tracker.term:
            self.claimant.want_claim_this_turn()
        while (operation := self._next()) is not None and self._perform(operation):
            pass
        if self.claimant.accepted and self.told_eligible is self.stopping:
            self.told_eligible = not self.stopping
            self.wire.say(Report(unit=self.unit, eligible=not self.stopping))

    @property
    def standing(self) -> Standing:
        """Where it stands now."""
        return self.claimant.tracker.standing(0.0)

    def _demotion_is_over(self) -> bool:
        if self.running is not None:
            return False
        return resolver.demotion_is_over(self.record.state, self._snapshot())

    def _next(self) -> Operation | None:
        return resolver.next_operation(self.record.state, self._snapshot())

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            standing=self.standing, term=self.claimant.tracker.term, surety=self._surety(),
            revision=self.revisions.revision, heard=self.heard_once, ending=self.stopping,
            stopping=self.stopping, busy=self.running is not None,
            held=self.record.hold_until > 0.0,
        )  # fmt: skip

    def _surety(self) -> Surety:
        if self.standing is not Standing.LEADER or self.claimant.is_sure():
            return Surety.IN_HAND
        return Surety.ASKING if self.claimant.accepted else Surety.UNKNOWN

    def _perform(self, operation: Operation) -> bool:
        """Whether more may be begun in the same step: the order of `agent/dispatcher.py`."""
        assert isinstance(operation, RunHook), operation
        if operation.hook == DEPOSED:  # the charm has none
            self.record.owe(localstate.paid(self.record.state, operation))
            return True
        if self.stopping and self.standing is not Standing.STEPPING_DOWN:
            return False
        begun = localstate.begun(self.record.state, operation, HOOK, "boot")
        if not self.record.must_save(begun):
            return False
        if operation.hook == ELECTED and not self.claimant.promise(HOOK, operation.term):
            self.record.remember(localstate.cleared(self.record.state))
            return False
        self.running = operation
        if operation.hook == ELECTED:
            self.note_promise()
        return False

    def note_promise(self) -> None:
        """`True` was said just now, or as good as said (G3)."""
        tracker = self.claimant.tracker
        assert tracker.term is not None
        self.promised = Promise(tracker.term, tracker.guarantee)

    def hook_ends(self) -> None:
        """The hook that runs ends well."""
        hook = self.running
        assert hook is not None
        self.claimant.asker_ended(HOOK)
        self.running = self.promised = None
        seen = self.revisions.covered(hook.target_revision)
        paid = localstate.paid(self.record.state, replace(hook, target_revision=seen))
        self.record.remember(paid)
        self.revisions.forget(self.record.state.seen_revision)

    def stop(self) -> None:
        """The agent stops cleanly (U4)."""
        self.stopping = True
        self.claimant.seek_no_more()
        self.claimant.step_down("the agent is stopping", for_good=True)
