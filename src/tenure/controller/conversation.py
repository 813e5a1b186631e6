"""A unit's conversation: an agent's connection, from its Hello to its end.

`MESSAGES` is the table: each message of an agent, who may send it, about which units, and the step.
Nothing else is accepted; whoever sends anything else is told and cut off, and nobody else notices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tenure.controller.access import NEWCOMER, Access, Caller, check
from tenure.controller.loop import Input
from tenure.core import bags
from tenure.core.application import Application, changed_keys
from tenure.core.charms import BagWrite, charm_given, configured, peers_of
from tenure.core.effects import ClaimUnsure, Verdict
from tenure.errors import BadRequest, ProtocolError, Refused, TenureError
from tenure.names import application_of
from tenure.wire.messages import (
    PROTOCOL_VERSION,
    Bag,
    Claim,
    Claims,
    CommitHook,
    Done,
    EnterPeers,
    Failed,
    FromAgent,
    FromController,
    Goal,
    Gone,
    Hello,
    LeavePeers,
    PeerView,
    ReadBag,
    ReadGoal,
    ReadSettings,
    Release,
    Report,
    Settings,
    Superseded,
    UnitHello,
    UnitWelcome,
    Verdicts,
    Welcome,
    WriteSettings,
)

if TYPE_CHECKING:
    from tenure.controller.desk import Desk

MAX_INSTANCE = 128
"""Characters of an instance's id, which is kept with the lease (L9)."""

MAX_UNITS = 20_000
"""Units that one connection may speak for."""


class Conversation:
    """One connection of an agent. `flush` and `close` are given by the transport."""

    def __init__(
        self,
        desk: Desk,
        flush: Callable[[list[FromController]], None],
        close: Callable[[], None],
    ) -> None:
        self._desk = desk
        self._flush = flush
        self._close = close
        self._out: list[FromController] = []
        self._verdicts: dict[int, list[Verdict]] = {}
        self.caller: Caller = NEWCOMER
        self.sessions: dict[str, int] = {}
        self._gone = False
        self._welcomed = False
        self._early: list[FromController] = []

    # -- out

    def say(self, message: FromController) -> None:
        """Send at the end of this turn; what comes before the Welcome is said after it."""
        if isinstance(message, Welcome):
            self._welcomed = True
        if not self._welcomed:
            self._early.append(message)
            return
        if self._verdicts:
            self._gather_verdicts()
        self._out.append(message)
        if self._early:
            self._out += self._early
            self._early.clear()
        self._desk.has_to_flush(self)

    def _gather_verdicts(self) -> None:
        """What was decided first is said first: a revocation never overtakes the grant it ends."""
        for number, verdicts in self._verdicts.items():
            self._out.append(Verdicts(id=number, verdicts=tuple(verdicts)))
        self._verdicts.clear()

    def flush(self) -> None:
        """Send what this turn has to say, as one frame."""
        self._gather_verdicts()
        if self._out:
            out, self._out = self._out, []
            self._flush(out)

    def end(self, reason: str) -> None:
        """Say why, and close."""
        self._out.append(Superseded(reason=reason))
        self.flush()
        self._close()

    # -- in

    def hear(self, messages: Sequence[FromAgent]) -> None:
        """Take a frame's messages. Whatever is not allowed ends the conversation."""
        if not messages and self.caller is NEWCOMER:
            self.end("a conversation begins with Hello")
        for message in messages:
            row = MESSAGES[type(message)]
            try:
                check(self.caller, row.access, row.units(message))
                row.hear(self, message)
            except (Refused, ProtocolError) as fault:
                self.end(str(fault))
                return

    def closed(self) -> None:
        """The transport is gone."""
        self._gone = True
        self._desk.closed(self)

    # -- the rows

    def hello(self, hello: Hello) -> None:
        """The first message (L9)."""
        if hello.version != PROTOCOL_VERSION:
            raise ProtocolError(
                f"the agent speaks protocol version {hello.version}, "
                f"the controller {PROTOCOL_VERSION}: run the same Tenure on both sides"
            )
        if not 0 < len(hello.units) <= MAX_UNITS:
            raise ProtocolError(f"a conversation speaks for 1 to {MAX_UNITS} units")
        self.caller = Caller(Access.UNIT, self.sessions)
        names = tuple(dict.fromkeys(unit.unit.rpartition("/")[0] for unit in hello.units))
        self._desk.controller.submit(
            Input(names, lambda now: self._welcome(now, hello), self._say_result)
        )

    def _welcome(self, now: float, hello: Hello) -> Welcome:
        if self._gone:
            raise Refused("the connection was gone before its Hello was heard")
        units = tuple(self._admit(now, unit, hello.pid) for unit in hello.units)
        return Welcome(version=PROTOCOL_VERSION, units=units)

    def _admit(self, now: float, hello: UnitHello, pid: int | None) -> UnitWelcome:
        leases = self._desk.controller.leases
        try:
            if not 0 < len(hello.instance) <= MAX_INSTANCE:
                raise BadRequest(f"an instance's id has 1 to {MAX_INSTANCE} characters")
            application = leases.connect(now, hello.unit, hello.instance, hello.session)
        except TenureError as refusal:
            self._desk.refused(hello.unit, refusal)
            return UnitWelcome(unit=hello.unit, refused=str(refusal), refused_code=refusal.code)
        self.sessions[hello.unit] = hello.session
        self._desk.connected(self, hello.unit, pid)
        return _welcomed(application, hello)

    def claims(self, message: Claims) -> None:
        """Claims are stepped one by one, and answered together when they can be (L1, L2)."""
        if len(message.claims) > len(self.sessions):
            raise ProtocolError("a message of claims carries one for each unit at most")
        for claim in message.claims:
            self._desk.controller.submit(self._claim(message.id, claim))

    def _claim(self, number: int, claim: Claim) -> Input:
        unit = claim.unit

        def step(now: float) -> Verdict:
            self._check_session(unit)
            return self._desk.controller.leases.claim(now, unit, claim.term, claim.seen_term)

        def answer(result: Verdict | TenureError) -> None:
            failed = isinstance(result, TenureError)
            if isinstance(result, TenureError):
                result = ClaimUnsure(unit=unit, cause=self._desk.for_units(str(result)))
            self._verdicts.setdefault(number, []).append(result)
            self._desk.has_to_flush(self)
            if failed:
                self._end_if_over(unit)

        return Input(application_of(unit), step, answer)

    def release(self, message: Release) -> None:
        """L5."""
        leases = self._desk.controller.leases
        self._request(message, lambda now: leases.release(now, message.unit, message.term))

    def write(self, message: WriteSettings) -> None:
        """G6, B2."""
        leases = self._desk.controller.leases
        self._request(
            message,
            lambda now: leases.write(now, message.unit, message.term, message.changes),
            lambda revision: Done(id=message.id, revision=revision),
        )

    def read(self, message: ReadSettings) -> None:
        """T4: from the controller itself."""
        leases = self._desk.controller.leases
        self._request(
            message,
            lambda now: leases.read(message.unit),
            lambda bucket: Settings(
                id=message.id, revision=bucket.revision, settings=bucket.settings
            ),
        )

    def enter(self, message: EnterPeers) -> None:
        """The unit takes part in its peer relations."""
        charms = self._desk.controller.charms
        self._request(message, lambda now: charms.enter(message.unit, message.settings))

    def leave(self, message: LeavePeers) -> None:
        """The unit takes part in none any more."""
        charms = self._desk.controller.charms
        self._request(message, lambda now: charms.leave(message.unit))

    def commit(self, message: CommitHook) -> None:
        """What a hook leaves to others, all of it or nothing; fenced like a write (G6)."""
        charms = self._desk.controller.charms
        writes = [
            BagWrite(relation=bag.relation, application=bag.application, changes=bag.changes)
            for bag in message.bags
        ]
        self._request(
            message,
            lambda now: charms.commit(now, message.unit, writes, message.term),
            lambda versions: Done(id=message.id, bags=versions),
        )

    def read_bag(self, message: ReadBag) -> None:
        """From the controller itself, as the bucket is read."""
        charms = self._desk.controller.charms
        self._request(
            message,
            lambda now: charms.read_bag(message.unit, message.relation, message.owner),
            lambda bag: Bag(id=message.id, version=bag.version, settings=bag.settings),
        )

    def read_goal(self, message: ReadGoal) -> None:
        """Which units are to be there, and how they are: the same whoever leads (G10)."""
        self._request(
            message,
            lambda now: self._desk.goal(message.unit),
            lambda units: Goal(id=message.id, units=units),
        )

    def gone(self, message: Gone) -> None:
        """U4: the unit has left."""
        self._request(message, lambda now: self._desk.gone(message.unit))

    def report(self, message: Report) -> None:
        """For operators; not answered."""
        self._desk.controller.submit(
            Input(None, lambda now: self._reported(now, message), lambda result: None)
        )

    def _reported(self, now: float, message: Report) -> None:
        if self._is_current(message.unit):
            self._desk.reported(now, message)

    def _request(
        self,
        message: Any,
        step: Callable[[float], Any],
        render: Callable[[Any], FromController] | None = None,
    ) -> None:
        def guarded(now: float) -> Any:
            self._check_session(message.unit)
            return step(now)

        def answer(result: Any) -> None:
            if isinstance(result, TenureError):
                self.say(
                    Failed(
                        id=message.id, code=result.code, message=self._desk.for_units(str(result))
                    )
                )
                self._end_if_over(message.unit)
            else:
                self.say(render(result) if render else Done(id=message.id))

        self._desk.controller.submit(Input(application_of(message.unit), guarded, answer))

    def _say_result(self, result: FromController | TenureError) -> None:
        if isinstance(result, TenureError):
            self.end(self._desk.for_units(str(result)))
        else:
            self.say(result)

    def _end_if_over(self, unit: str) -> None:
        """Whose session is over says Hello anew: its removal may have been rolled back (G7)."""
        if unit in self.sessions and not self._is_current(unit):
            self.end(f"this session of {unit} is over")

    def _is_current(self, unit: str) -> bool:
        session = self._desk.controller.leases.sessions.get(unit)
        return session is not None and session.number == self.sessions.get(unit)

    def _check_session(self, unit: str) -> None:
        """What a superseded session still had under way is discarded (L9)."""
        if not self._is_current(unit):
            raise Refused(f"this session of {unit} is over")


def _welcomed(application: Application, hello: UnitHello) -> UnitWelcome:
    """What an accepted unit must know."""
    unit, charm = hello.unit, application.charm
    return UnitWelcome(
        unit=unit,
        revision=application.bucket.revision,
        changed_keys=changed_keys(application, hello.seen_revision),
        removing=application.units[unit].removing,
        peers=tuple(
            _view(application, endpoint, relation, unit)
            for endpoint, relation in peers_of(application).items()
        ),
        config=configured(application, unit),
        charm=charm_given(charm, unit) if charm else None,
    )


def _view(application: Application, endpoint: str, relation: int, unit: str) -> PeerView:
    name = application.name
    own = bags.found(application.bags, name, relation, unit)
    return PeerView(
        relation=relation,
        endpoint=endpoint,
        application=bags.found(application.bags, name, relation, name).version,
        members=bags.others(application.bags, name, relation, unit),
        entered=own.version > 0 and own.present,
    )


class Row(Struct, frozen=True):
    """A message: who may send it, which units it is about, what hears it."""

    access: Access
    units: Callable[[Any], tuple[str, ...]]
    hear: Callable[[Conversation, Any], None]


def _its_unit(message: Any) -> tuple[str, ...]:
    unit: str = message.unit
    return (unit,)


MESSAGES: dict[type, Row] = {
    Hello: Row(Access.NEWCOMER, lambda message: (), Conversation.hello),
    Claims: Row(Access.UNIT, lambda m: tuple(c.unit for c in m.claims), Conversation.claims),
    Release: Row(Access.UNIT, _its_unit, Conversation.release),
    WriteSettings: Row(Access.UNIT, _its_unit, Conversation.write),
    ReadSettings: Row(Access.UNIT, _its_unit, Conversation.read),
    EnterPeers: Row(Access.UNIT, _its_unit, Conversation.enter),
    LeavePeers: Row(Access.UNIT, _its_unit, Conversation.leave),
    CommitHook: Row(Access.UNIT, _its_unit, Conversation.commit),
    ReadBag: Row(Access.UNIT, _its_unit, Conversation.read_bag),
    ReadGoal: Row(Access.UNIT, _its_unit, Conversation.read_goal),
    Gone: Row(Access.UNIT, _its_unit, Conversation.gone),
    Report: Row(Access.UNIT, _its_unit, Conversation.report),
}
