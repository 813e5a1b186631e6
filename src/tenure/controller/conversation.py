"""A unit's conversation: an agent's connection, from its Hello to its end.

`MESSAGES` is the table: each message of an agent, who may send it, about which units, and the step.
Nothing else is accepted; whoever sends anything else is told and cut off, and nobody else notices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tenure.controller.access import NEWCOMER, Access, Caller, check
from tenure.controller.inputs import Input
from tenure.controller.service import Service
from tenure.controller.welcome import welcomed
from tenure.core.effects import ClaimUnsure, Verdict
from tenure.core.peers import BagWrite
from tenure.errors import BadName, BadRequest, ProtocolError, Refused, TenureError
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
    ReadBag,
    ReadGoal,
    ReadSettings,
    ReadStatus,
    Release,
    Report,
    SetStatus,
    Settings,
    Statuses,
    Superseded,
    UnitHello,
    UnitWelcome,
    Verdicts,
    Welcome,
    WriteSettings,
)

MAX_INSTANCE = 128
"""Characters of an instance's id, which is kept with the lease (L9)."""

MAX_UNITS = 20_000
"""Units that one connection may speak for."""


class Conversation:
    """One connection of an agent, and the `Speaker` for its units.

    The listener knows who is calling (`caller`), and for which units that one may speak at most.
    `flush` and `close` are the transport's.
    """

    def __init__(
        self,
        service: Service,
        caller: Caller,
        flush: Callable[[list[FromController]], None],
        close: Callable[[], None],
    ) -> None:
        self._controller = service.controller
        self._model = service.model
        self._agents = service.agents
        self._granted = caller
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
        self._agents.has_to_flush(self)

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

    def drop(self, unit: str) -> None:
        """A newer session speaks for the unit (L9)."""
        self.sessions.pop(unit, None)
        if not self.sessions:
            self.end(f"a newer session of {unit} took over")

    # -- in

    def hear(self, messages: Sequence[FromAgent]) -> None:
        """Take a frame's messages. Whatever is not allowed ends the conversation."""
        self._was_heard()
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

    def _was_heard(self) -> None:
        """Before what was said is stepped: who had fallen silent may lead again."""
        if self._agents.heard(self):
            self._controller.submit(
                Input(None, lambda now: self._agents.listened(now, self), lambda result: None)
            )

    def closed(self) -> None:
        """The transport is gone."""
        self._gone = True
        self._agents.closed(self, self.sessions)
        self.sessions.clear()
        self._controller.wake()

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
        check(self._granted, Access.UNIT, tuple(unit.unit for unit in hello.units))
        self.caller = replace(self._granted, units=self.sessions)
        self._controller.submit(
            Input(_applications_of(hello), lambda now: self._welcome(now, hello), self._say_result)
        )

    def _welcome(self, now: float, hello: Hello) -> Welcome:
        if self._gone:
            raise Refused("the connection was gone before its Hello was heard")
        units = tuple(self._admit(now, unit, hello.pid) for unit in hello.units)
        return Welcome(version=PROTOCOL_VERSION, units=units)

    def _admit(self, now: float, hello: UnitHello, pid: int | None) -> UnitWelcome:
        try:
            if not 0 < len(hello.instance) <= MAX_INSTANCE:
                raise BadRequest(f"an instance's id has 1 to {MAX_INSTANCE} characters")
            application = self._model.leases.connect(now, hello.unit, hello.instance, hello.session)
        except TenureError as refusal:
            self._agents.refused(hello.unit, refusal)
            return UnitWelcome(unit=hello.unit, refused=str(refusal), refused_code=refusal.code)
        self.sessions[hello.unit] = hello.session
        self._agents.connected(self, hello.unit, pid)
        return welcomed(application, hello)

    def claims(self, message: Claims) -> None:
        """Claims are stepped one by one, and answered together when they can be (L1, L2)."""
        if len(message.claims) > len(self.sessions):
            raise ProtocolError("a message of claims carries one for each unit at most")
        for claim in message.claims:
            self._controller.submit(self._claim(message.id, claim))

    def _claim(self, number: int, claim: Claim) -> Input:
        unit = claim.unit

        def step(now: float) -> Verdict:
            self._check_session(unit)
            return self._model.leases.claim(now, unit, claim.term, claim.seen_term)

        def answer(result: Verdict | TenureError) -> None:
            failed = isinstance(result, TenureError)
            if isinstance(result, TenureError):
                result = ClaimUnsure(unit=unit, cause=self._agents.for_units(str(result)))
            self._verdicts.setdefault(number, []).append(result)
            self._agents.has_to_flush(self)
            if failed:
                self._end_if_over(unit)

        return Input(application_of(unit), step, answer)

    def release(self, message: Release) -> None:
        """L5."""
        leases = self._model.leases
        self._request(message, lambda now: leases.release(now, message.unit, message.term))

    def write(self, message: WriteSettings) -> None:
        """G6, B2."""
        leases = self._model.leases
        self._request(
            message,
            lambda now: leases.write(now, message.unit, message.term, message.changes),
            lambda revision: Done(id=message.id, revision=revision),
        )

    def read(self, message: ReadSettings) -> None:
        """T4: from the controller itself."""
        leases = self._model.leases
        self._request(
            message,
            lambda now: leases.read(message.unit),
            lambda bucket: Settings(
                id=message.id, revision=bucket.revision, settings=bucket.settings
            ),
        )

    def enter(self, message: EnterPeers) -> None:
        """The unit takes part in its peer relations."""
        peers = self._model.peers
        self._request(message, lambda now: peers.enter(message.unit, message.settings))

    def leave(self, message: LeavePeers) -> None:
        """The unit takes part in none any more."""
        peers = self._model.peers
        self._request(message, lambda now: peers.leave(message.unit))

    def commit(self, message: CommitHook) -> None:
        """What a hook leaves to others, all of it or nothing; fenced like a write (G6)."""
        peers = self._model.peers
        writes = [
            BagWrite(relation=bag.relation, application=bag.application, changes=bag.changes)
            for bag in message.bags
        ]
        self._request(
            message,
            lambda now: peers.commit(now, message.unit, writes, message.term),
        )

    def read_bag(self, message: ReadBag) -> None:
        """From the controller itself, as the bucket is read."""
        peers = self._model.peers
        self._request(
            message,
            lambda now: peers.read_bag(message.unit, message.relation, message.owner),
            lambda bag: Bag(id=message.id, version=bag.version, settings=bag.settings),
        )

    def read_goal(self, message: ReadGoal) -> None:
        """Which units are to be there, and how they are: the same whoever leads (G10)."""
        self._request(
            message,
            lambda now: self._agents.goal(message.unit),
            lambda units: Goal(id=message.id, units=units),
        )

    def set_status(self, message: SetStatus) -> None:
        """P4: fenced like a write (G6)."""
        unit, term, said = message.unit, message.term, (message.current, message.message)
        self._request(message, lambda now: self._model.statuses.set(now, unit, term, *said))

    def read_status(self, message: ReadStatus) -> None:
        """Its leader's alone to ask (G10)."""
        unit, term = message.unit, message.term

        def step(now: float) -> Statuses:
            application, said = self._model.statuses.read(now, unit, term)
            units = {each: self._agents.said_of(each) for each in application.units}
            return Statuses(id=message.id, application=said, units=units)

        self._request(message, step, lambda answer: answer)

    def gone(self, message: Gone) -> None:
        """U4: the unit has left."""
        self._request(message, lambda now: self._agents.gone(message.unit))

    def report(self, message: Report) -> None:
        """For operators; not answered."""
        self._controller.submit(
            Input(None, lambda now: self._reported(now, message), lambda result: None)
        )

    def _reported(self, now: float, message: Report) -> None:
        if self._is_current(message.unit):
            self._agents.reported(now, message)

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
                        id=message.id, code=result.code, message=self._agents.for_units(str(result))
                    )
                )
                self._end_if_over(message.unit)
            else:
                self.say(render(result) if render else Done(id=message.id))

        self._controller.submit(Input(application_of(message.unit), guarded, answer))

    def _say_result(self, result: FromController | TenureError) -> None:
        if isinstance(result, TenureError):
            self.end(self._agents.for_units(str(result)))
        else:
            self.say(result)

    def _end_if_over(self, unit: str) -> None:
        """Whose session is over says Hello anew: its removal may have been rolled back (G7)."""
        if unit in self.sessions and not self._is_current(unit):
            self.end(f"this session of {unit} is over")

    def _is_current(self, unit: str) -> bool:
        session = self._model.sessions.get(unit)
        return session is not None and session.number == self.sessions.get(unit)

    def _check_session(self, unit: str) -> None:
        """What a superseded session still had under way is discarded (L9)."""
        if not self._is_current(unit):
            raise Refused(f"this session of {unit} is over")


def _applications_of(hello: Hello) -> tuple[str, ...]:
    """The applications that it is about; a name that is none concerns nobody, and is refused."""
    names: dict[str, None] = {}
    for unit in hello.units:
        with suppress(BadName):
            names[application_of(unit.unit)] = None
    return tuple(names)


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
    SetStatus: Row(Access.UNIT, _its_unit, Conversation.set_status),
    ReadStatus: Row(Access.UNIT, _its_unit, Conversation.read_status),
    Gone: Row(Access.UNIT, _its_unit, Conversation.gone),
    Report: Row(Access.UNIT, _its_unit, Conversation.report),
}
