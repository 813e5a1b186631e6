"""An agent with one unit: the real loop, claimant, tracker and record, over a disk of its own.

What stands in for `agent/unit.py` is `Walked`: the same order of a step, with the real resolver, over a
charm whose hooks end when a move says so. What stands in for sockets is `Wire`.

Each public method of `Agent` is a move. `said` is what it tells the controller, `wrong` the first
promise that this side alone sees broken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tenure.agent.beginning import take_up
from tenure.agent.config import UnitConfig
from tenure.core import localstate, resolver
from tenure.core.effects import Revision, Verdict
from tenure.core.localstate import DEPOSED, ELECTED, LocalState, RunHook
from tenure.core.operations import Operation, Snapshot, Surety
from tenure.core.remote import Revisions
from tenure.core.tracker import Standing
from tenure.errors import ProtocolError, TenureError, Unreachable
from tenure.leadership.claimant import Claimant, Identity, LeadershipUnknown
from tenure.leadership.connection import Connection
from tenure.leadership.loop import Loop
from tenure.leadership.observer import Observer
from tenure.leadership.record import Record
from tenure.leadership.requests import Requests
from tenure.leadership.statefile import StateFile, StateNotSaved
from tenure.wire.messages import (
    Claim,
    Done,
    Failed,
    FromAgent,
    FromController,
    Release,
    Report,
    UnitHello,
    UnitWelcome,
    WriteSettings,
)

from .graph import drive, let_pass
from .still import NO_LUCK, STILL, nobody

HOOK = "hook"
"""The context of whatever hook runs."""


class UnitDisk:
    """What survives the agent. `beside` is being saved, and may be lost with it."""

    def __init__(self, state: LocalState) -> None:
        self.kept = state
        self.beside: LocalState | None = None
        self.full = False

    def write(self, state: LocalState) -> None:
        """Durable on return. Raises StateNotSaved."""
        if self.full:
            raise StateNotSaved("no space left")
        self.kept, self.beside = state, None


class DiskFile(StateFile[LocalState]):
    """A handle on it."""

    def __init__(self, disk: UnitDisk) -> None:
        super().__init__(Path("state.json"), LocalState)
        self.disk = disk
        self.not_saved = False

    def load(self) -> LocalState | None:
        return self.disk.kept

    def save(self, value: LocalState) -> None:
        self.disk.write(value)

    def save_soon(self, value: LocalState) -> None:
        self.disk.write(value)

    def save_beside(self, value: LocalState) -> None:
        self.not_saved = self.disk.full
        self.disk.beside = None if self.disk.full else value

    def fault(self) -> StateNotSaved | None:
        found, self.not_saved = self.not_saved, False
        return StateNotSaved("no space left") if found else None


class Wire(Connection):
    """The agent's end of its connection: the real one, carried by hand."""

    def dialled(self) -> FromAgent:
        """There is a connection; what is said first on it."""
        return self._listener.hello()

    def arrives(self, messages: list[FromController]) -> None:
        """A frame."""
        if not self.ready:
            self._welcome(messages)
            return
        for message in messages:
            self._hear(message)

    def hung_up(self) -> None:
        """The connection is gone."""
        self.ready = False
        self._out.clear()
        self._listener.disconnected(self.cause)

    def taken(self) -> tuple[FromAgent, ...]:
        """What there is to send; ids begin anew when nothing is waited for."""
        out, self._out = self._out, []
        return tuple(out)

    def ask(self, build: Any) -> Any:
        self._ids += 1
        if not self.say(build(self._ids)):
            raise Unreachable(self.cause)
        return self._ids

    def rest(self) -> None:
        """Nothing is under way: ids may begin anew."""
        self._ids = 0

    def _hear(self, message: FromController) -> None:
        if isinstance(message, Done | Failed):
            self._listener.settled(message)  # type: ignore[attr-defined]
        else:
            super()._hear(message)


class Asks(Requests):
    """The unit's requests, without tasks."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire, nobody, nobody)
        self.waiting: list[int] = []

    @property
    def busy(self) -> bool:
        return bool(self.waiting)

    def ask(self, build: Any, then: Any = nobody, *, over: Any = nobody) -> bool:
        try:
            self.waiting.append(self._connection.ask(build))  # type: ignore[arg-type]
        except TenureError:
            return False
        return True


class WalkedLoop(Loop["Walked"]):
    """The real loop, that drops its connection without a task."""

    def __init__(self) -> None:
        super().__init__(STILL, NO_LUCK, nobody, None)  # type: ignore[arg-type]
        self.wire = Wire(nobody, self, NO_LUCK)  # type: ignore[arg-type]
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


class _Nothing:
    """No process is left of an earlier agent, and nobody reads the log."""

    def start(self, command: object) -> Any:
        raise NotImplementedError

    def end_leftovers(self, pid: int | None, context_id: str) -> None:
        return

    def log(self, level: str, message: str) -> None:
        return


NOTHING = _Nothing()


class AgentView(Struct, frozen=True):
    """What the world must know of this side."""

    up: bool = False
    connected: bool = False
    believes: int | None = None
    promised: int | None = None
    """The term in which something is promised now to a hook that runs."""
    leads: bool = False
    running: str | None = None
    waits: bool = False
    full: bool = False
    beside: bool = False
    ends_now: bool = False
    stopping: bool = False


class Agent:
    """See the module."""

    def __init__(self, name: str, instance: str) -> None:
        state = LocalState(
            unit=name, installed=True, configured=True, started=True, told_once=True,
            charm_revision=1, charm_copied=1, last_hook=None,
        )  # fmt: skip
        self.name, self.instance = name, instance
        self.disk = UnitDisk(state)
        self.loop: WalkedLoop | None = None
        self.file: DiskFile | None = None
        self.believed: int | None = None
        self.over = 0
        """The highest term in which this unit's belief has ended."""
        self.down_by: float | None = None
        self.wrong = ""
        self.said: list[tuple[FromAgent, ...]] = []
        self.hung_up = False
        """It gave its connection up in this move."""
        self.begin()

    # -- its process

    def begin(self) -> None:
        """It starts, and takes up what is on its disk. The disk is not full."""
        nowhere = Path("nowhere")
        config = UnitConfig(
            unit=self.name, instance=self.instance, boot_id="boot", charm=nowhere, tools=nowhere,
            socket=nowhere, model_name="", model_uuid="", inherited={}, charm_revision=1,
        )  # fmt: skip
        self.file = DiskFile(self.disk)
        record = take_up(config, self.file, runner=NOTHING, clock=STILL, log=NOTHING)
        self.loop = WalkedLoop()
        self.loop.add(Walked(self.name, self.instance, record, self.loop))
        self._look()

    def crash(self, landed: bool) -> None:
        """kill -9; what was being saved beside the loop landed, or did not."""
        if landed and self.disk.beside is not None:
            self.disk.kept = self.disk.beside
        self.disk.beside = None
        self._end()
        self._look()

    def stop(self) -> None:
        """It is told to stop (U4)."""
        self._unit.stop()
        self.turn()

    def _end(self) -> None:
        self.loop, self.file, self.down_by, self.hung_up = None, None, None, True

    # -- its connection

    def dial(self) -> None:
        """A new connection."""
        self.said.append((self._loop.wire.dialled(),))

    def hear(self, messages: Sequence[FromController]) -> None:
        """A frame arrives, and the loop turns."""
        try:
            self._loop.wire.arrives(list(messages))
        except ProtocolError:
            self._hang_up()
        self.turn()

    def lost(self) -> None:
        """The connection is gone."""
        self._loop.wire.hung_up()
        self.turn()

    def _hang_up(self) -> None:
        self._loop.wire.hung_up()
        self.hung_up = True

    # -- its loop and its hook

    def turn(self) -> None:
        """The loop turns."""
        loop, wire = self._loop, self._loop.wire
        loop.turn()
        out = wire.taken()
        if out:
            self.said.append(out)
            self._look_at_releases(out)
        if loop.dropped:
            loop.dropped = False
            self._hang_up()
        self._look_at_stepping_down()
        if self._unit.is_over:
            self._end()
        elif loop.is_quiet and not self._unit.asks.busy:
            wire.rest()
        self._look()

    def ask(self) -> None:
        """The hook asks whether the unit leads; it does not wait."""
        unit = self._unit
        try:
            if drive(unit.claimant.leads(HOOK, 0.0, _goes_on)):
                unit.note_promise()
        except LeadershipUnknown:
            unit.claimant.want_claim_this_turn()
        self.turn()

    def write(self, number: int) -> None:
        """The hook writes a setting that tells its term."""
        unit = self._unit
        try:
            term = drive(unit.claimant.believed_term(0.0))
            if term is not None:
                changes = {"n": str(number), "term": str(term)}
                unit.write_asked = unit.wire.ask(
                    lambda number: WriteSettings(
                        id=number, unit=self.name, term=term, changes=changes
                    )
                )
                unit.asks.waiting.append(unit.write_asked)
        except TenureError:
            return
        self.turn()

    def hook_ends(self) -> None:
        """The hook that runs ends well."""
        self._unit.hook_ends()
        self.turn()

    # -- its disk, and time

    def fill(self, full: bool) -> None:
        """Its disk is full, or is not any more."""
        self.disk.full = full

    def time_passes(self, seconds: float) -> None:
        """Time passes on its clock; its loop has not turned yet."""
        let_pass(self, seconds)
        self._look()

    # -- looking

    def take_said(self, frame: Callable[[tuple[Any, ...]], int]) -> tuple[Any, ...]:
        """What was said in this move: frames, and None at the end if it hung up."""
        said, self.said = self.said, []
        hung_up, self.hung_up = self.hung_up, False
        return (*map(frame, said), *((None,) if hung_up else ()))

    @property
    def _loop(self) -> WalkedLoop:
        assert self.loop is not None
        return self.loop

    @property
    def _unit(self) -> Walked:
        return self._loop.units[0]

    def view(self) -> AgentView:
        """See `AgentView`."""
        disk = self.disk
        view = AgentView(full=disk.full, beside=disk.beside is not None)
        if self.loop is None:
            return view
        unit = self._unit
        tracker = unit.claimant.tracker
        promise = unit.promised
        return replace(
            view,
            up=True,
            connected=self.loop.wire.ready,
            believes=tracker.term if tracker.believes(0.0) else None,
            promised=promise.term if promise is not None and promise.until > 0.0 else None,
            leads=unit.standing is Standing.LEADER,
            running=unit.running.hook if unit.running else None,
            waits=unit.asks.busy,
            ends_now=tracker.term is not None and tracker.sure_until == 0.0,
            stopping=unit.stopping,
        )

    def _look(self) -> None:
        """The promises that this side alone sees broken."""
        kept = self.disk.kept
        believes = self.view().believes
        if self.believed is not None and believes != self.believed and not self._may_resume():
            self.over, self.believed = max(self.over, self.believed), None
        if believes is not None:
            self.believed = believes
            if believes <= self.over:
                self.wrong = f"G8: {self.name} believes in term {believes} again after its end"
        if self.loop is None:
            return
        unit = self._unit
        if believes is not None and not unit.claimant.tracker.answered:
            self.wrong = f"U1: {self.name} believes before its first claim was answered"
        if unit.standing is Standing.LEADER and kept.term != believes:
            self.wrong = f"H5: {self.name} leads under a term that is not on its disk"
        saved = unit.record.state in (kept, self.disk.beside)
        if not saved and unit.record.save_at is None and not self.file.not_saved:
            self.wrong = f"H5: what {self.name} has to save is saved no more"

    def _may_resume(self) -> bool:
        if self.loop is not None and self._unit.claimant.tracker.answered:
            return False
        states = (self.disk.kept, self.disk.beside)
        return any(s and s.term == self.believed and s.sure_until > 0.0 for s in states)

    def _look_at_releases(self, out: Sequence[FromAgent]) -> None:
        for message in out:
            if isinstance(message, Release) and self.disk.kept.term == message.term:
                self.wrong = f"L5: {self.name} gives up a term that is on its disk"

    def _look_at_stepping_down(self) -> None:
        tracker, promise = self._unit.claimant.tracker, self._unit.promised
        if self._unit.standing is not Standing.STEPPING_DOWN:
            self.down_by = None
        elif self.down_by is None:
            self.down_by = max(tracker.guarantee, promise.until if promise else 0.0)
        elif self.down_by <= 0.0 and not self.disk.full:
            self.wrong = f"U4: {self.name} steps down for longer than a guarantee"


def _goes_on() -> bool:
    return False
