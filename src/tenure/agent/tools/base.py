"""What a hook tool is: a function from a call and a hook context to a reply.

A tool parses its arguments, asks the context, and renders. It knows no socket, no clock and no
controller. Wrong arguments are found before the context is asked anything (T0).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeAlias

from msgspec import Struct

from tenure.charms.reading import Tree
from tenure.wire.messages import GoalUnit
from tenure.wire.tools import Call, ToolReply


class WriteRefused(Exception):
    """A write of settings failed or its outcome is unknown; `str()` is what follows
    `ERROR cannot write leadership settings: cannot write settings: ` (T6, T7)."""


class ReadFailed(Exception):
    """Settings cannot be read now; `str()` is what follows
    `ERROR cannot read leadership settings: cannot read settings: ` (T7)."""


class WorkloadStatus(Struct, frozen=True):
    """A unit's workload status as its charm sets it."""

    current: str = "unknown"
    message: str = ""


class ApplicationStatus(Struct, frozen=True):
    """What was set for an application, or else the worst of its units; and how each of them is."""

    own: WorkloadStatus
    units: Mapping[str, WorkloadStatus]


class BagRefused(Exception):
    """A relation's settings may not be read or written; `str()` is what follows `ERROR `."""


class ContextOver(Exception):
    """The hook ended while its tool was still at work: what it wants is not done any more (T8)."""


class NotFoundHere(Exception):
    """What was named does not exist for this unit; `str()` is what follows `ERROR `."""


Scalar: TypeAlias = "str | int | float | bool"
"""A value of a charm's configuration, of its option's type."""


class RelationHere(Struct, frozen=True, kw_only=True):
    """One peer relation of the unit. `members` are the other units of which its charm was told."""

    number: int
    endpoint: str
    application: str
    members: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """`peers:0`"""
        return f"{self.endpoint}:{self.number}"


class About(Struct, frozen=True, kw_only=True):
    """What the running hook is about: the relation of a relation's hook, and who is meant there.

    `remote_unit` is "" where the application is meant, and outside of a relation's hook.
    """

    relation: int | None = None
    remote_unit: str = ""
    departing: str = ""


class Action(Protocol):
    """The action that runs in this context."""

    name: str
    params: Mapping[str, Tree]

    def set(self, keys: tuple[str, ...], value: str) -> None:
        """Keep a result: `a.b=c` is `("a", "b")` and `"c"`."""
        ...

    def fail(self, message: str) -> None:
        """The action has failed, however its process ends."""
        ...

    def log(self, message: str) -> None:
        """Tell the operator who waits for it, at once."""
        ...


class Network(Struct, frozen=True, kw_only=True):
    """The unit's one address, as `network-get` tells it."""

    address: str
    interface: str
    cidr: str
    mac: str = ""


class CharmPart(Protocol):
    """What a context knows beyond leadership. What is written here is *pending*: it is kept, all
    together, when the hook ends well, and dropped when it fails. This context sees it at once."""

    @property
    def model_uuid(self) -> str: ...

    @property
    def about(self) -> About: ...

    @property
    def action(self) -> Action | None:
        """The action that runs, if this context is an action's."""
        ...

    @property
    def network(self) -> Network: ...

    def endpoints(self) -> tuple[str, ...]:
        """The names that `network-get` takes: all endpoints and extra bindings in the charm's
        metadata, provided and required ones among them."""
        ...

    async def config(self) -> Mapping[str, Scalar | None]:
        """Every option of the charm: what was set, else its default, else None. One snapshot for
        the context. Raises ReadFailed; `str()` is a plain reason."""
        ...

    def relations(self) -> Mapping[int, RelationHere]:
        """The peer relations by number."""
        ...

    async def bag(self, relation: int, owner: str) -> Mapping[str, str]:
        """A unit's bag, or with the application's name that application's: one snapshot of each for
        the context, with what this context wrote.

        Raises BagRefused (`permission denied` for who takes no part), ReadFailed.
        """
        ...

    async def write_bag(
        self, relation: int, changes: Mapping[str, str], *, application: bool
    ) -> None:
        """Pending: merge into the own bag, or the application's; "" removes a key.

        Raises BagRefused: `cannot write relation settings`, if this unit does not lead.
        """
        ...

    def opened_ports(self) -> tuple[str, ...]:
        """Sorted, like `80/tcp`, `8000-8010/udp`, `icmp`; pending changes included."""
        ...

    def open_port(self, port: str) -> None:
        """Pending."""
        ...

    def close_port(self, port: str) -> None:
        """Pending."""
        ...

    def charm_state(self) -> Mapping[str, str]:
        """What the charm kept with state-set; pending changes included."""
        ...

    def set_charm_state(self, changes: Mapping[str, str]) -> None:
        """Pending: merge; "" is a value like any other."""
        ...

    def delete_charm_state(self, key: str) -> None:
        """Pending. A key that is not there is no error."""
        ...

    def set_version(self, version: str) -> None:
        """The version of the workload, for operators; at once."""
        ...

    async def goal(self) -> Mapping[str, GoalUnit]:
        """All units that the application is to have. Raises ReadFailed."""
        ...

    async def resource(self, name: str) -> str:
        """The path of a resource's file. Raises NotFoundHere."""
        ...


class Context(CharmPart, Protocol):
    """A hook context, as far as tools can see it."""

    @property
    def unit(self) -> str:
        """The unit's name."""
        ...

    @property
    def writing(self) -> bool:
        """Whether a write is under way: its tool then ends it, also if its caller is gone (G7)."""
        ...

    async def is_leader(self) -> bool:
        """Whether the unit leads; True is a promise for the guarantee (G3, U2).

        Raises LeadershipUnknown.
        """
        ...

    def still_sure(self) -> bool:
        """Whether a True given just now may still be printed (G3: asked just before printing)."""
        ...

    async def settings(self) -> Mapping[str, str]:
        """This context's one snapshot of the bucket (T4). Raises ReadFailed."""
        ...

    async def write_settings(self, changes: Mapping[str, str]) -> None:
        """Merge into the bucket; "" removes a key (B3). Empty `changes` is a checked no-op (T5).

        Raises WriteRefused.
        """
        ...

    def log(self, level: str, message: str) -> None:
        """Write to the unit's log under one of TRACE DEBUG INFO WARNING ERROR CRITICAL."""
        ...

    def status(self) -> WorkloadStatus:
        """The unit's status as its charm last set it."""
        ...

    async def application_status(self) -> ApplicationStatus:
        """The leader's to ask. Raises ReadFailed; `str()` is what follows the tool's words."""
        ...

    async def set_status(self, status: WorkloadStatus, *, application: bool) -> None:
        """Set the status of the unit, or of the application (the leader's to set).

        Raises WriteRefused (for the application, when this unit is not surely the leader); here
        `str()` is the whole message: `this unit is not the leader`.
        """
        ...


class ReadStdin(Protocol):
    """Asks the client for its standard input, or for a file as the caller sees it (T7): all of it,
    bounded, and once in a call. Raises Failed."""

    def __call__(self, path: str = "") -> Awaitable[bytes]: ...


Tool = Callable[[Context, Call, ReadStdin], Awaitable[ToolReply]]
