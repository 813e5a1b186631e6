"""What a hook context knows of its charm: configuration, peers' bags, ports, the charm's own state.

Two rules make a hook's view one of a single moment:

- What is read is read once for each context: a bag from the controller at its first reading, the
  configuration as it was known at its first reading.
- What is written is *pending*. This context sees it, nobody else does. It is kept when the hook has
  ended well, the bags all together in one commit, and dropped when the hook failed.

So a bag is the opposite of the leader settings, which are written at once (G6). Both are Juju's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from tenure.agent.charm.files import Charm
from tenure.agent.host.address import INTERFACE, SUBNET, address_of
from tenure.agent.peers import Peers
from tenure.agent.tools.base import (
    About,
    Action,
    BagRefused,
    Network,
    ReadFailed,
    RelationHere,
    Scalar,
    UnitGoal,
    WriteRefused,
)
from tenure.core import relations
from tenure.core.bucket import size_of
from tenure.core.config import value_of
from tenure.core.relations import RelationEvent
from tenure.core.resolver import LocalState
from tenure.errors import BadRequest, BucketFull, NotFound, NotLeader, TenureError, Unsure
from tenure.leadership.connection import Answer
from tenure.names import application_of
from tenure.wire.codec import MAX_FRAME, encode
from tenure.wire.messages import (
    Bag,
    BagChange,
    CommitHook,
    Done,
    FromAgent,
    Goal,
    ReadBag,
    ReadGoal,
)

TOOL_PATIENCE = 5.0
"""Seconds that a tool waits for the controller at most (U2)."""

Build = Callable[[int], FromAgent]

MAX_PENDING = 4 * 1024 * 1024
"""Bytes that one hook may leave pending in all."""

_CANNOT_WRITE = "cannot write relation settings"


class CharmHome(Protocol):
    """What a context needs of its unit for its charm's sake."""

    unit: str
    peers: Peers
    charm: Charm
    model_uuid: str

    @property
    def state(self) -> LocalState: ...

    def now(self) -> float: ...

    def why_unreachable(self) -> str:
        """Why the controller does not answer, for people."""
        ...

    async def belief_changes(self, within: float) -> None:
        """Wait until a claim was answered, belief changed, or a conversation began; `within`
        seconds at most."""
        ...

    async def request(self, build: Build, within: float) -> Answer:
        """Ask the controller. Raises TenureError."""
        ...

    def log(self, level: str, message: str, source: str = "") -> None: ...

    def keep_version(self, version: str) -> None: ...

    def keep_ports(self, ports: tuple[str, ...]) -> None: ...

    def wrote_bags(self, bags: Mapping[int, int]) -> None: ...


class Pending:
    """What a hook wrote so far, and nobody else knows of. `size` is in bytes, and never too small:
    what was written over is still counted."""

    def __init__(self) -> None:
        self.size = 0
        self.bags: dict[tuple[int, bool], dict[str, str]] = {}
        """(relation, whether the application's) -> changes."""
        self.ports: dict[str, bool] = {}
        self.values: dict[str, str | None] = {}

    def changes(self) -> tuple[BagChange, ...]:
        """The bags' changes, for the controller."""
        return tuple(
            BagChange(relation=number, application=application, changes=dict(changes))
            for (number, application), changes in sorted(self.bags.items())
            if changes
        )


class CharmSide:
    """The part of a hook context that is about its charm (tools.base.CharmContext)."""

    def __init__(self, home: CharmHome, event: RelationEvent | None, action: Action | None) -> None:
        self._charm_home = home
        self._event = event
        self._pending = Pending()
        self._told = home.state.relations
        self._bags: dict[tuple[int, str], Mapping[str, str]] = {}
        self._config: Mapping[str, Scalar | None] | None = None
        self.action = action
        self.about = _about(home.unit, event)

    @property
    def model_uuid(self) -> str:
        return self._charm_home.model_uuid

    @property
    def network(self) -> Network:
        return Network(
            address=address_of(self._charm_home.unit), interface=INTERFACE, cidr=SUBNET
        )  # fmt: skip

    def endpoints(self) -> tuple[str, ...]:
        return self._charm_home.charm.facts().endpoints

    async def resource(self, name: str) -> str:
        return await self._charm_home.charm.resource(name, self._charm_home.peers.charm)

    def set_version(self, version: str) -> None:
        self._charm_home.keep_version(version)

    # -- configuration

    async def config(self) -> Mapping[str, Scalar | None]:
        """Of one moment; a failed read is not kept. Raises ReadFailed."""
        if self._config is None:
            self._config = self._typed(await self._config_values())
        return self._config

    async def _config_values(self) -> Mapping[str, str]:
        home = self._charm_home
        give_up_at = home.now() + TOOL_PATIENCE
        while not home.peers.heard:
            left = give_up_at - home.now()
            if left <= 0:
                raise ReadFailed(home.why_unreachable())
            await home.belief_changes(left)
        return home.peers.config.values if home.peers.config is not None else {}

    def _typed(self, values: Mapping[str, str]) -> dict[str, Scalar | None]:
        typed: dict[str, Scalar | None] = {}
        for name, option in self._charm_home.charm.facts().options.items():
            typed[name] = None
            for text in (option.default, values.get(name)):
                try:
                    typed[name] = typed[name] if text is None else value_of(option, text)
                except BadRequest:
                    # because the fault's words hold the value (T10)
                    self._charm_home.log(
                        "WARNING", f"option {name} keeps its default: its value is no {option.type}"
                    )
        return typed

    # -- relations

    def relations(self) -> Mapping[int, RelationHere]:
        """Those that the unit takes part in, with the members of which its charm was told."""
        application = application_of(self._charm_home.unit)
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
        """See tools.base.CharmContext."""
        key = relation, owner
        if key not in self._bags:
            self._bags[key] = await self._read_bag(relation, owner)
        unit = self._charm_home.unit
        if owner not in (unit, application_of(unit)):
            return self._bags[key]
        changes = self._pending.bags.get((relation, owner != unit), {})
        return _merged(self._bags[key], changes)

    async def _read_bag(self, relation: int, owner: str) -> Mapping[str, str]:
        unit = self._charm_home.unit
        try:
            answer = await self._charm_home.request(
                lambda number: ReadBag(id=number, unit=unit, relation=relation, owner=owner),
                TOOL_PATIENCE,
            )
        except NotFound:
            raise BagRefused("permission denied") from None
        except TenureError as fault:
            raise ReadFailed(str(fault)) from fault
        assert isinstance(answer, Bag)
        return answer.settings

    async def write_bag(
        self, relation: int, changes: Mapping[str, str], *, application: bool
    ) -> None:
        """See tools.base.CharmContext."""
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
        """Raises ContextOver once the hook has ended: what is set then would be lost unheard."""
        raise NotImplementedError

    async def _believed_term(self, *, ended: bool = False) -> int:
        """The term that the unit believes in now; `ended`: though the hook is over, since what it
        left pending is being committed. Raises WriteRefused."""
        raise NotImplementedError

    async def goal(self) -> Mapping[str, UnitGoal]:
        """Raises ReadFailed."""
        unit = self._charm_home.unit
        try:
            answer = await self._charm_home.request(
                lambda number: ReadGoal(id=number, unit=unit), TOOL_PATIENCE
            )
        except TenureError as fault:
            raise ReadFailed(str(fault)) from fault
        assert isinstance(answer, Goal)
        return {
            name: UnitGoal(status=each.status, since=each.since)
            for name, each in answer.units.items()
        }

    # -- ports and the charm's own state

    def opened_ports(self) -> tuple[str, ...]:
        ports = dict.fromkeys(self._charm_home.state.ports, True) | self._pending.ports
        return tuple(sorted(port for port, is_open in ports.items() if is_open))

    def open_port(self, port: str) -> None:
        self._make_room(len(port))
        self._pending.ports[port] = True

    def close_port(self, port: str) -> None:
        self._make_room(len(port))
        self._pending.ports[port] = False

    def charm_state(self) -> Mapping[str, str]:
        values = {**self._charm_home.charm.values(), **self._pending.values}
        return {key: value for key, value in values.items() if value is not None}

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
        return bool(self._pending.changes() or self._pending.ports or self._pending.values)

    async def commit(self) -> None:
        """Keep all that is pending: first what may be refused, so that nothing is kept then (G7).

        Raises BagRefused, which says so if the outcome is unknown; StateNotSaved when only this
        machine's disk failed: the others have seen the bags, and see them again.
        """
        home = self._charm_home
        if changes := self._pending.changes():
            await self._commit_bags(changes)
        if self._pending.values:
            home.charm.keep(self.charm_state())
        if self._pending.ports:
            home.keep_ports(self.opened_ports())
        self._pending = Pending()

    async def _commit_bags(self, changes: tuple[BagChange, ...]) -> None:
        try:
            term = await self._term_for(changes)
            answer = await self._charm_home.request(self._commit(changes, term), TOOL_PATIENCE)
        except (NotLeader, WriteRefused, BucketFull) as refusal:
            raise BagRefused(f"{_CANNOT_WRITE}: {refusal}") from refusal
        except Unsure as fault:
            raise BagRefused(
                f"{_CANNOT_WRITE}: {fault}: it is unknown whether they were written"
            ) from fault
        except TenureError as fault:
            raise BagRefused(f"{_CANNOT_WRITE}: {fault}: nothing was written") from fault
        assert isinstance(answer, Done)
        self._charm_home.wrote_bags(answer.bags)

    async def _term_for(self, changes: tuple[BagChange, ...]) -> int | None:
        if any(each.application for each in changes):
            return await self._believed_term(ended=True)
        return None

    def _commit(self, changes: tuple[BagChange, ...], term: int | None) -> Build:
        def build(number: int) -> CommitHook:
            return CommitHook(id=number, unit=self._charm_home.unit, bags=changes, term=term)

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
