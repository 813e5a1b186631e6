"""The controller's side: the real service, model, conversations and store (`office.py`).

Each public method is a move. `said` is what the agents are told by it, `wrong` the first promise
that this side alone sees broken.
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tenure.controller.access import AGENT
from tenure.controller.conversation import Conversation
from tenure.controller.inputs import Input
from tenure.core.application import Application, record_of
from tenure.core.changes import (
    ApplicationPut,
    Bucket,
    Holder,
    UnitPut,
    UnitRecord,
)
from tenure.core.effects import Granted, Offer
from tenure.core.lease import Lease, ends_at, is_held
from tenure.stores.memory import Fault, MemoryStore
from tenure.wire.messages import Claims, Done, FromController, Release, Verdicts, Welcome

from .graph import drive, let_pass
from .office import APP, Disk, HandTurned, Mouth, Office
from .still import nobody

Place = tuple[int, int]
"""A connection: the agent's number, and which of its two lines."""


class Given(Struct, frozen=True):
    """A lease that was answered and not given up since: it is nobody else's before `until`."""

    term: int
    instance: str
    until: float


class Lasting(Struct, frozen=True):
    """How long the holder's lease lasts, as it was before the move."""

    holder: Holder | None = None
    until: float = 0.0
    term: int = 0


class DeskView(Struct, frozen=True):
    """What the world must know of this side. `held` (in memory, now) and `kept` (on the disk) are
    unit, instance and term of the holder."""

    up: bool = False
    unsure: bool = False
    dirty: bool = False
    commits: bool = False
    has_mail: bool = False
    held: tuple[str, str, int] | None = None
    kept: tuple[str, str, int] | None = None
    ends_now: bool = False
    revoked: int = 0
    late: bool = False
    full: bool = False


class Desk:
    """See the module."""

    def __init__(self, names: Sequence[str], duration: float, guarantee: float) -> None:
        lease = Lease(duration=duration, guarantee=guarantee, longest=duration, led_since=0.0)
        units = {name: UnitRecord(unit=name) for name in names}
        begun = Application(name=APP, lease=lease, units=units, next_unit=len(units))
        self.disk = Disk()
        self.disk.apply([ApplicationPut(record_of(begun)), *map(UnitPut, units.values())])
        self.office: Office | None = None
        self.mouths: dict[Place, Mouth] = {}
        self.talks: dict[Place, Conversation] = {}
        self.given: dict[str, Given] = {}
        self.lasting = Lasting()
        self.granted = (0, "")
        self.revoked = 0
        self.wrong = ""
        self.said: list[tuple[Place, tuple[FromController, ...], bool]] = []
        self._offer_for = duration / 8
        self.start()

    # -- agents

    def hear(self, place: Place, messages: Sequence[Any]) -> None:
        """A frame arrives, and the loop turns."""
        self.arrive(place, messages)
        self.turn()

    def arrive(self, place: Place, messages: Sequence[Any]) -> None:
        """A frame arrives; what it asks waits for the next turn."""
        if place not in self.talks:
            mouth = self.mouths[place] = Mouth()
            self.talks[place] = Conversation(self._office, AGENT, mouth.flush, mouth.close)
        self._give_up(place, messages)
        self.talks[place].hear(messages)
        self._gather()

    def turn(self) -> None:
        """The loop turns."""
        self._office.controller.turn()
        self._gather()

    def closed(self, place: Place) -> None:
        """The end of a connection is noticed."""
        del self.mouths[place]
        talk = self.talks.pop(place)
        spoken_for = {unit for other in self.talks for unit in self._speaks_for(other)}
        talk.closed()
        if spoken_for - set(self._office.model.sessions):
            self.wrong = "L9: the end of an old session has ended the newer one"
        self.turn()

    def _speaks_for(self, place: Place) -> list[str]:
        return [unit for unit in self.talks[place].sessions if self._is_current(place, unit)]

    # -- operators

    def order(self, name: str, *args: Any) -> None:
        """An operator's order. Refusals are fine."""

        def step(now: float) -> None:
            lease = self._application.lease
            getattr(self._office.model.orders, name)(now, *args)
            if name == "revoke":
                self.revoked = lease.term
                self.given.pop(lease.holder.unit if lease.holder else "", None)

        self._office.controller.submit(Input(APP, step, nobody))
        self.turn()

    # -- the store

    def commit(self, fault: Fault) -> None:
        """The commit under way ends so."""
        if fault != "none":
            self.lasting = Lasting()  # because what was decided is undone
        self.disk.faults = [fault]
        self._office.hand_turned.commit_ends()
        self.disk.faults = []
        self._gather()

    def late(self) -> None:
        """A commit that was under way for long arrives."""
        self.disk.deliver_late()
        self._gather()

    def recover(self) -> None:
        """It tries to take its seat anew."""
        self.lasting = Lasting()
        self._office.hand_turned.recover()
        self.turn()

    def fill(self, full: bool) -> None:
        """The store's disk is full, or is not any more."""
        self.disk.full = full
        self._gather()

    # -- its process

    def crash(self, landed: bool) -> None:
        """kill -9; a commit under way landed, or did not."""
        if landed:
            self.disk.apply(self._office.hand_turned.under_way())
        self.office, self.lasting = None, Lasting()
        self.mouths, self.talks = {}, {}
        self.disk.free_seat()
        self._gather()

    def start(self) -> None:
        """It takes the seat and loads (L8)."""
        self.office = Office(MemoryStore(self.disk), self._offer_for)
        drive(self.office.controller.start())
        self._gather()

    def time_passes(self, seconds: float) -> None:
        """Time passes; the loop turns often enough to notice."""
        let_pass(self, seconds)
        if self.office is not None:
            self.turn()

    # -- looking

    def take_said(self, frame: Callable[[tuple[Any, ...]], int]) -> tuple[Any, ...]:
        """What was said in this move: the place, the frame, if any, and whether it was closed."""
        said, self.said = self.said, []
        return tuple((at, frame(what) if what else None, closed) for at, what, closed in said)

    @property
    def _office(self) -> Office:
        assert self.office is not None
        return self.office

    @property
    def _application(self) -> Application:
        found = self._office.model.find(APP)
        assert found is not None
        return found

    def view(self) -> DeskView:
        """See `DeskView`."""
        record = self.disk.persisted().applications[APP]
        holder = record.holder
        kept = (holder.unit, holder.instance, record.term) if holder else None
        view = DeskView(
            kept=kept, revoked=self.revoked, full=self.disk.full, late=self.disk.is_late
        )
        return view if self.office is None else self._view(view, self.office.hand_turned)

    def _view(self, view: DeskView, loop: HandTurned) -> DeskView:
        lease = self._application.lease
        holder = lease.holder if is_held(lease, 0.0) else None
        return replace(
            view,
            up=not loop.resigned,
            unsure=APP in loop.model.unsure,
            dirty=loop.dirty,
            commits=loop.commits,
            has_mail=loop.has_mail,
            held=(holder.unit, holder.instance, lease.term) if holder else None,
            ends_now=holder is not None and ends_at(lease) == 0.0,
        )

    # -- what this side alone sees broken

    def _gather(self) -> None:
        """Take what was said, look at it, and end what was closed."""
        for place, mouth in list(self.mouths.items()):
            if mouth.out or mouth.closing:
                self.said.append((place, tuple(mouth.out), mouth.closing))
                for message in mouth.out:
                    self._look_at(message)
            mouth.out = []
        closing = [place for place, mouth in self.mouths.items() if mouth.closing]
        if closing:
            self.closed(closing[0])  # and what that says is gathered in its turn
        self.wrong = self.wrong or self.disk.wrong or self._wrong()

    def _look_at(self, message: FromController) -> None:
        """What leaves is durable, and nobody else was told it."""
        if isinstance(message, Verdicts):
            for verdict in message.verdicts:
                if isinstance(verdict, Granted):
                    self._look_at_grant(verdict)
        elif isinstance(message, Done):
            revision = self.disk.persisted().buckets.get(APP, Bucket()).revision
            if message.revision > revision:
                self.wrong = f"G6: revision {message.revision} is answered before it is durable"
        elif isinstance(message, Welcome):
            for welcome in message.units:
                if welcome.refused is None:
                    self._look_at_session(welcome.unit)
        elif isinstance(message, Offer):
            offer = self._application.lease.offer
            if offer is not None and offer.unit != message.unit:
                self.wrong = f"L4: {message.unit} is told of an offer that is another's"

    def _look_at_session(self, unit: str) -> None:
        session, given = self._office.model.sessions.get(unit), self.given.get(unit)
        if session is None or given is None or given.until < 0:
            return
        if session.instance != given.instance:
            self.wrong = f"L9: another instance of {unit} is welcome, and the first may believe"

    def _look_at_grant(self, granted: Granted) -> None:
        unit, term = granted.unit, granted.term
        record = self.disk.persisted().applications[APP]
        if record.term < term:
            self.wrong = f"L7: term {term} is answered to {unit}, and the store does not have it"
        if term < self.granted[0] or (term == self.granted[0] and unit != self.granted[1]):
            self.wrong = f"G8: term {term} is granted after term {self.granted[0]}"
        self.granted = term, unit
        lease, before = self._application.lease, self.given.get(unit)
        if lease.holder is None or (lease.holder.unit, lease.term) != (unit, term):
            return  # because it was given up, or revoked, while this waited for a commit
        until = before.until if before is not None and before.term == term else 0.0
        self.given[unit] = Given(term, lease.holder.instance, max(until, ends_at(lease)))

    def _give_up(self, place: Place, messages: Sequence[Any]) -> None:
        """A unit that is heard in its present session and names no term has given it up."""
        for message in messages:
            if isinstance(message, Release) and self._is_current(place, message.unit):
                self._unless_named(message.unit, None if self._gave(message) else message.term)
            elif isinstance(message, Claims):
                for claim in message.claims:
                    if self._is_current(place, claim.unit):
                        self._unless_named(claim.unit, claim.term)

    def _gave(self, release: Release) -> bool:
        given = self.given.get(release.unit)
        return given is not None and given.term == release.term

    def _unless_named(self, unit: str, term: int | None) -> None:
        given = self.given.get(unit)
        if given is not None and given.term != term:
            del self.given[unit]

    def _is_current(self, place: Place, unit: str) -> bool:
        session = self._office.model.sessions.get(unit)
        return session is not None and session.number == self.talks[place].sessions.get(unit)

    def _wrong(self) -> str:
        if self.office is None or APP in self.office.model.unsure:
            return ""
        return self._wrong_lease() or self._wrong_memory(self.office)

    def _wrong_lease(self) -> str:
        lease = self._application.lease
        for unit, given in self.given.items():
            if given.until < 0:
                continue
            if lease.holder is None or (lease.holder.unit, lease.term) != (unit, given.term):
                return f"G5, L3: the lease of {unit}, term {given.term}, is not over, and not its"
            if ends_at(lease) < given.until:
                return f"L2, L8: the lease of {unit} is shorter than it was told"
        before, self.lasting = self.lasting, Lasting(lease.holder, ends_at(lease), lease.term)
        # a lower term is back: the new one, of which nobody was told, was rolled back
        same = before.holder == lease.holder is not None and before.term <= lease.term
        if same and ends_at(lease) < before.until:
            return "L2: the holder's lease has become shorter"
        return ""

    def _wrong_memory(self, office: Office) -> str:
        """What is not dirty is as the store has it (G7)."""
        if office.hand_turned.dirty:
            return ""
        memory, kept = self._application, self.disk.persisted()
        if record_of(memory) != kept.applications[APP]:
            return "G7: the controller takes for durable what the store does not have"
        if memory.bucket != kept.buckets.get(APP, Bucket()):
            return "G7: the settings are not those that the store has"
        return ""
