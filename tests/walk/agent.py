"""An agent with one unit: the real loop, claimant, tracker and record, over a disk of its own.

Each public method is a move. `said` is what it tells the controller, `wrong` the first promise that
this side alone sees broken.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tenure.agent.beginning import take_up
from tenure.agent.config import UnitConfig
from tenure.core.localstate import LocalState
from tenure.core.tracker import Standing
from tenure.errors import ProtocolError, TenureError
from tenure.leadership.claimant import LeadershipUnknown
from tenure.wire.messages import (
    FromAgent,
    FromController,
    Release,
    WriteSettings,
)

from .graph import drive, let_pass
from .still import STILL
from .walked import HOOK, Walked, WalkedLoop
from .wire import DiskFile, UnitDisk


class _Nothing:
    """No process is left of an earlier agent, and nobody reads the log."""

    def start(self, command: object) -> Any:
        raise NotImplementedError

    def end_leftovers(self, pid: int | None, context_id: str) -> None:
        return

    def log(self, level: str, message: str, source: str = "") -> None:
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
    def _file(self) -> DiskFile:
        assert self.file is not None
        return self.file

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
        if not saved and unit.record.save_at is None and not self._file.not_saved:
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
