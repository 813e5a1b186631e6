"""What a hook context knows of its charm: configuration, peers' bags, ports, the charm's own state.

Two rules make a hook's view one of a single moment:

- What is read is read once for each context: a bag from the controller at its first reading, the
  configuration as it was known at its first reading.
- What is written is *pending*. This context sees it, nobody else does. It is kept when the hook has
  ended well, the bags all together in one commit, and dropped when the hook failed.

So a bag is the opposite of the leader settings, which are written at once (G6). Both are Juju's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from msgspec.structs import replace

from tenure.agent.context.pending import Pending
from tenure.agent.context.writing import Writer, writes
from tenure.agent.host.address import INTERFACE, SUBNET, address_of
from tenure.agent.parts import UnitParts
from tenure.agent.tools.base import (
    About,
    Action,
    BagRefused,
    ContextOver,
    Network,
    ReadFailed,
    RelationHere,
    Scalar,
    WriteRefused,
)
from tenure.core import relations
from tenure.core.bucket import size_of
from tenure.core.config import value_of
from tenure.core.relations import RelationEvent
from tenure.errors import BadRequest, BucketFull, NotFound, NotLeader, TenureError, Unsure
from tenure.leadership.claimant import LeadershipUnknown
from tenure.leadership.requests import Build
from tenure.names import application_of
from tenure.wire.codec import MAX_FRAME, encode
from tenure.wire.messages import (
    Bag,
    BagChange,
    CommitHook,
    Done,
    Goal,
    GoalUnit,
    ReadBag,
    ReadGoal,
)

TOOL_PATIENCE = 5.0
"""Seconds that a tool waits for the controller at most (U2)."""


MAX_PENDING = 4 * 1024 * 1024
"""Bytes that one hook may leave pending in all."""

_CANNOT_WRITE = "cannot write relation settings"


class CharmContext(Writer):
    """The part of a hook context that is about its charm (tools.base.CharmPart)."""

    def __init__(
        self, parts: UnitParts, event: RelationEvent | None, action: Action | None
    ) -> None:
        self.over = asyncio.Event()
        """The hook has ended: what is set from now on would be lost unheard."""
        self._parts = parts
        self._event = event
        self._pending = Pending()
        self._told = parts.record.state.relations
        self._bags: dict[tuple[int, str], Mapping[str, str]] = {}
        self._config: Mapping[str, Scalar | None] | None = None
        self.action = action
        self.about = _about(parts.unit, event)

    @property
    def model_uuid(self) -> str:
        return self._parts.config.model_uuid

    @property
    def network(self) -> Network:
        return Network(
            address=address_of(self._parts.unit), interface=INTERFACE, cidr=SUBNET
        )  # fmt: skip

    def endpoints(self) -> tuple[str, ...]:
        return self._parts.charm.facts().endpoints

    async def resource(self, name: str) -> str:
        return await self._parts.charm.resource(name, self._parts.remote.charm)

    def set_version(self, version: str) -> None:
        self._parts.record.remember(
            replace(self._parts.record.state, workload_version=version), durable=False
        )
        self._parts.wake()

    # -- configuration

    async def config(self) -> Mapping[str, Scalar | None]:
        """Of one moment; a failed read is not kept. Raises ReadFailed."""
        if self._config is None:
            self._config = self._typed(await self._config_values())
        return self._config

    async def _config_values(self) -> Mapping[str, str]:
        remote, claimant, clock = self._parts.remote, self._parts.claimant, self._parts.clock
        give_up_at = clock.now() + TOOL_PATIENCE
        while not remote.heard:
            left = give_up_at - clock.now()
            if left <= 0:
                raise ReadFailed(claimant.why_unreachable())
            await claimant.wait(left)
        return remote.config.values if remote.config is not None else {}

    def _typed(self, values: Mapping[str, str]) -> dict[str, Scalar | None]:
        typed: dict[str, Scalar | None] = {}
        for name, option in self._parts.charm.facts().options.items():
            typed[name] = None
            for text in (option.default, values.get(name)):
                try:
                    typed[name] = typed[name] if text is None else value_of(option, text)
                except BadRequest:
                    # because the fault's words hold the value (T10)
                    self._parts.log.log(
                        "WARNING", f"option {name} keeps its default: its value is no {option.type}"
                    )
        return typed

    # -- relations

    def relations(self) -> Mapping[int, RelationHere]:
        """Those that the unit takes part in, with the members of which its charm was told."""
        application = application_of(self._parts.unit)
        return {
            number: RelationHere(
                number=number, endpoint=told.endpoint, application=application,
                members=relations.members_for(told, self._event_of(number)),
            )
            for number, told in sorted(self._told.items())
            if told.entered and not told.broken
        }  # fmt: skip

    def _event_of(self, number: int) -> RelationEvent | None:
        event = self._event
        return event if event is not None and event.number == number else None

    async def bag(self, relation: int, owner: str) -> Mapping[str, str]:
        """See tools.base.CharmPart."""
        key = relation, owner
        if key not in self._bags:
            self._bags[key] = await self._read_bag(relation, owner)
        unit = self._parts.unit
        if owner not in (unit, application_of(unit)):
            return self._bags[key]
        changes = self._pending.bags.get((relation, owner != unit), {})
        return _merged(self._bags[key], changes)

    async def _read_bag(self, relation: int, owner: str) -> Mapping[str, str]:
        unit = self._parts.unit
        try:
            answer = await self._parts.connection.request(
                lambda number: ReadBag(id=number, unit=unit, relation=relation, owner=owner),
                TOOL_PATIENCE,
            )
        except NotFound:
            raise BagRefused("permission denied") from None
        except TenureError as fault:
            raise ReadFailed(str(fault)) from fault
        assert isinstance(answer, Bag)
        return answer.settings

    @writes
    async def write_bag(
        self, relation: int, changes: Mapping[str, str], *, application: bool
    ) -> None:
        """See tools.base.CharmPart."""
        if application:
            try:
                await self._believed_term()
            except WriteRefused:
                raise BagRefused(_CANNOT_WRITE) from None
        self._make_room(size_of(changes))
        self._pending.bags.setdefault((relation, application), {}).update(changes)

    def _make_room(self, more: int) -> None:
        """Raises ContextOver, and BagRefused if a hook leaves more pending than it may."""
        self._check_open()
        if self._pending.size + more > MAX_PENDING:
            raise BagRefused(
                f"what this hook has set takes more than the limit of {MAX_PENDING} bytes: "
                "set less in one hook"
            )
        self._pending.size += more

    def _check_open(self) -> None:
        """Raises ContextOver once the hook has ended."""
        if self.over.is_set():
            raise ContextOver

    async def _believed_term(self, *, ended: bool = False) -> int:
        """The term that the unit believes in now; `ended`: though the hook is over, since what it
        left pending is being committed. Raises WriteRefused."""
        try:
            term = await self._parts.claimant.believed_term(TOOL_PATIENCE)
        except LeadershipUnknown as unknown:
            raise WriteRefused(
                f"failed to call leadership api: {unknown}: nothing was sent"
            ) from unknown
        if self.over.is_set() and not ended:
            raise WriteRefused("the hook has ended")
        if term is None:
            raise WriteRefused("not the leader")
        return term

    async def goal(self) -> Mapping[str, GoalUnit]:
        """Raises ReadFailed."""
        unit = self._parts.unit
        try:
            answer = await self._parts.connection.request(
                lambda number: ReadGoal(id=number, unit=unit), TOOL_PATIENCE
            )
        except TenureError as fault:
            raise ReadFailed(str(fault)) from fault
        assert isinstance(answer, Goal)
        return answer.units

    # -- ports and the charm's own state

    def opened_ports(self) -> tuple[str, ...]:
        return self._pending.with_ports(self._parts.record.state.ports)

    def open_port(self, port: str) -> None:
        self._make_room(len(port))
        self._pending.ports[port] = True

    def close_port(self, port: str) -> None:
        self._make_room(len(port))
        self._pending.ports[port] = False

    def charm_state(self) -> Mapping[str, str]:
        return self._pending.with_values(self._parts.charm.values())

    def set_charm_state(self, changes: Mapping[str, str]) -> None:
        self._make_room(size_of(changes))
        self._pending.values.update(changes)

    def delete_charm_state(self, key: str) -> None:
        self._make_room(len(key))
        self._pending.values[key] = None

    # -- the end of a hook that ended well

    @property
    def has_pending(self) -> bool:
        """Whether anything waits for the hook to end well."""
        return bool(self._pending)

    async def commit(self) -> None:
        """Keep all that is pending: first what may be refused, so that nothing is kept then (G7).

        Raises BagRefused, which says so if the outcome is unknown; StateNotSaved when only this
        machine's disk failed: the others have seen the bags, and see them again.
        """
        record = self._parts.record
        if changes := self._pending.changes():
            await self._commit_bags(changes)
        if self._pending.values:
            self._parts.charm.keep(self.charm_state())
        if self._pending.ports:
            record.owe(replace(record.state, ports=self.opened_ports()))
        self._pending = Pending()

    async def _commit_bags(self, changes: tuple[BagChange, ...]) -> None:
        try:
            term = await self._term_for(changes)
            answer = await self._parts.connection.request(
                self._commit(changes, term), TOOL_PATIENCE
            )
        except (NotLeader, WriteRefused, BucketFull) as refusal:
            raise BagRefused(f"{_CANNOT_WRITE}: {refusal}") from refusal
        except Unsure as fault:
            raise BagRefused(
                f"{_CANNOT_WRITE}: {fault}: it is unknown whether they were written"
            ) from fault
        except TenureError as fault:
            raise BagRefused(f"{_CANNOT_WRITE}: {fault}: nothing was written") from fault
        assert isinstance(answer, Done)

    async def _term_for(self, changes: tuple[BagChange, ...]) -> int | None:
        if any(each.application for each in changes):
            return await self._believed_term(ended=True)
        return None

    def _commit(self, changes: tuple[BagChange, ...], term: int | None) -> Build:
        def build(number: int) -> CommitHook:
            return CommitHook(id=number, unit=self._parts.unit, bags=changes, term=term)

        size = len(encode([build(2**63)]))
        if size > MAX_FRAME:
            raise BucketFull(
                f"this hook's writes take {size} bytes on their way to the controller, more than "
                f"the limit of {MAX_FRAME}: write them in several hooks"
            )
        return build


def _about(unit: str, event: RelationEvent | None) -> About:
    if event is None:
        return About()
    departing = ""
    if event.kind == relations.DEPARTED:
        departing = unit if event.leaving else event.remote
    return About(relation=event.number, remote_unit=event.remote, departing=departing)


def _merged(settings: Mapping[str, str], changes: Mapping[str, str]) -> Mapping[str, str]:
    return {key: value for key, value in {**settings, **changes}.items() if value}
