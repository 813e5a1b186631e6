"""What the core tells units: verdicts on claims, and news that nobody asked for. Pure values.

They are also messages of the wire protocol (`tenure.wire.messages` names them again), so nothing
translates one into the other. None of them says which *other* unit leads (G10).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Granted(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The unit holds the lease under `term` for `duration` s from before its claim was sent."""

    unit: str
    term: int
    duration: float
    guarantee: float


class Denied(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Surely not the leader now; the unit waits in line while it is connected (L2).

    `duration` is the lease's, so that it can claim again at least once per duration (L4).
    """

    unit: str
    duration: float


class ClaimUnsure(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The controller cannot say now; nothing may be concluded (L8)."""

    unit: str
    cause: str


Verdict = Granted | Denied | ClaimUnsure


class Offer(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The lease is free and reserved for this unit for a moment: claim it (L4)."""

    unit: str


class Revision(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Another unit wrote: the bucket is at `revision`; `keys` changed with it (names only, B5)."""

    unit: str
    revision: int
    keys: tuple[str, ...]


class StepDown(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """An operator wants the unit to hand leadership over (U4). It does so, then releases."""

    unit: str


class Revoked(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """An operator took the lease away: stop believing in `term` at once (L5)."""

    unit: str
    term: int


class Remove(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The unit is to leave: step down, run `stop` and `remove`, say `Gone` (U4)."""

    unit: str


class BagChanged(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """In a peer relation, the bag of `owner` (another unit, or the application) is at `version`; an
    owner that was not known before has joined."""

    unit: str
    relation: int
    owner: str
    version: int


class PeerLeft(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Another unit takes no part in the peer relation any more."""

    unit: str
    relation: int
    owner: str


class PeerView(Struct, frozen=True, kw_only=True, gc=False):
    """One peer relation as a unit may see it: the version of the application's bag (0: never
    written), and the *other* units that take part with the versions of theirs."""

    relation: int
    endpoint: str
    application: int = 0
    members: Mapping[str, int] = {}
    entered: bool = False
    """The unit itself takes part."""


class Configured(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """An operator changed the configuration: these are all values that are set now, as text."""

    unit: str
    revision: int
    values: Mapping[str, str]


class CharmChanged(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """An operator handed in a charm: it lies in the folder `source`. `peers` are its peer endpoints
    and the numbers of their relations."""

    unit: str
    revision: int
    source: str
    peers: Mapping[str, int] = {}
    resources: Mapping[str, str] = {}
    allow_host_changes: bool = False
    update_status_interval: float | None = None


class Resolve(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """An operator resolves the unit's failed hook: run it again now, or skip it (H7).

    With `kill`, the name of a hook, that one is meant, if it runs: it is ended, and has failed.
    """

    unit: str
    retry: bool
    kill: str = ""


Push = (
    Offer
    | Revision
    | StepDown
    | Revoked
    | Remove
    | BagChanged
    | PeerLeft
    | Configured
    | CharmChanged
    | Resolve
)
