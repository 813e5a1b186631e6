"""What agents and the controller say to each other, as frozen values. Pure.

One connection carries all units of one agent process. Its first message is `Hello`, which types
the connection and names its units; from then on only messages about those units are accepted. A
frame is a JSON array of messages, so that one turn of a loop costs one frame.

Requests carry an `id` and get exactly one answer with that id. Pushes carry none and may come at
any time. A pushed `Offer` is only a hint to claim: what a unit may believe comes from the answer to
its own `Claims`, counted from before that was sent (G4).

Nothing here tells a unit which other unit leads (G10): a denial has no holder, a `StepDown` no
successor (the controller remembers for whom it reserves the lease).

An agent that is well is heard of every SIGN_EVERY seconds: it sends an empty frame at least. A
kernel would go on taking frames for one that is stopped.

Fields may be added with defaults only; unknown ones are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tenure.core.effects import (
    BagChanged,
    CharmChanged,
    ClaimUnsure,
    Configured,
    Denied,
    Granted,
    Offer,
    PeerLeft,
    PeerView,
    Remove,
    Resolve,
    Revision,
    Revoked,
    StepDown,
    Verdict,
)
from tenure.core.status import Said

__all__ = [
    "PROTOCOL_VERSION", "Bag", "BagChange", "BagChanged", "CharmChanged", "Claim", "ClaimUnsure",
    "Claims", "CommitHook", "Configured", "Denied", "Done", "EnterPeers", "Failed", "FromAgent",
    "FromController", "Goal", "GoalUnit", "Gone", "Granted", "Hello", "LeavePeers", "Offer",
    "PeerLeft", "PeerView", "ReadBag", "ReadGoal", "ReadSettings", "ReadStatus", "Release",
    "Remove", "Report", "Resolve", "Revision", "Revoked", "SetStatus", "Settings", "Statuses",
    "StepDown", "Superseded", "UnitHello", "UnitWelcome", "Verdict", "Verdicts", "Welcome",
    "WriteSettings",
]  # fmt: skip

PROTOCOL_VERSION = 1

SIGN_EVERY = 2.0
"""Seconds between two signs of life of an agent, give or take a turn of its loop."""


class UnitHello(Struct, frozen=True, kw_only=True, gc=False):
    """A unit that this connection speaks for (L9).

    `session` rises with every connection of an instance; `seen_revision` is the bucket revision
    that the unit's hooks have seen (H3).
    """

    unit: str
    instance: str
    session: int
    seen_revision: int = 0


class Hello(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The first message of a unit's conversation."""

    version: int
    units: tuple[UnitHello, ...]
    pid: int | None = None


class UnitWelcome(Struct, frozen=True, kw_only=True, gc=False):
    """A unit is accepted, or not: then `refused` says why and `refused_code` is an errors.py code.

    `revision` is the bucket's; `changed_keys` the names changed since the unit's `seen_revision`,
    or None if that is not known any more. `removing`: the unit is to leave (U4).
    """

    unit: str
    refused: str | None = None
    refused_code: str = ""
    revision: int = 0
    changed_keys: tuple[str, ...] | None = None
    removing: bool = False
    peers: tuple[PeerView, ...] = ()
    config: Configured | None = None
    charm: CharmChanged | None = None
    """None: this application has no charm as far as the controller knows."""
    address: str = ""
    """The unit's own; its hooks hear of it and of no other from here."""


class Welcome(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The answer to `Hello`."""

    version: int
    units: tuple[UnitWelcome, ...]


class Claim(Struct, frozen=True, kw_only=True, gc=False):
    """A unit seeks or renews the lease, naming the term it still believes in, if any (L2)."""

    unit: str
    term: int | None = None
    seen_term: int = 0


class Claims(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """All claims of one agent at one moment: one message renews all its leaders."""

    id: int
    claims: tuple[Claim, ...]


class Verdicts(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The answers to `Claims` of the same id: some or all of its units, each exactly once."""

    id: int
    verdicts: tuple[Verdict, ...]


class Release(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The unit, which has durably forgotten `term`, gives the lease up (L5)."""

    id: int
    unit: str
    term: int


class WriteSettings(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Merge into the bucket; "" removes a key (B3). Fenced by `term` (G6)."""

    id: int
    unit: str
    term: int
    changes: Mapping[str, str]


class ReadSettings(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Read the whole bucket."""

    id: int
    unit: str


class EnterPeers(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The unit takes part in all its peer relations from now on; its bags begin with `settings`.
    Harmless if it does already. Answered by `Done`."""

    id: int
    unit: str
    settings: Mapping[str, str] = {}


class LeavePeers(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The unit takes no part any more: it has run its `-relation-broken`. Answered by `Done`."""

    id: int
    unit: str


class BagChange(Struct, frozen=True, kw_only=True, gc=False):
    """Merge into the unit's own bag, or the application's; "" removes a key."""

    relation: int
    application: bool
    changes: Mapping[str, str]


class CommitHook(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """What a hook that ended well leaves to others: all of it or nothing.

    With a change of an application's bag it is fenced by `term`, as `WriteSettings` is. Answered by
    `Done`; of what it changed in the application's bag the unit is told as all others are (P2).
    """

    id: int
    unit: str
    bags: tuple[BagChange, ...]
    term: int | None = None


class ReadBag(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Read a bag of a peer relation. Answered by `Bag`; `NotFound` if `owner` never took part."""

    id: int
    unit: str
    relation: int
    owner: str


class ReadGoal(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Which units the application is to have, and how they are. Answered by `Goal`."""

    id: int
    unit: str


class SetStatus(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The unit's application is this, says its leader (P4). Fenced by `term`. Answered by
    `Done`."""

    id: int
    unit: str
    term: int
    current: str
    message: str = ""


class ReadStatus(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """How the unit's application is, and its units. Fenced by `term`. Answered by `Statuses`."""

    id: int
    unit: str
    term: int


class Gone(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The unit has run its last hook and leaves for ever (U4, H1)."""

    id: int
    unit: str


class Done(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The request was carried out; `revision` is the bucket's after a write."""

    id: int
    revision: int = 0


class Bag(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """A bag as it is. `version` 0: the application's, never written."""

    id: int
    version: int
    settings: Mapping[str, str]


class GoalUnit(Struct, frozen=True, kw_only=True, gc=False):
    """One unit that is to be there: its workload status, and since when in seconds of wall time."""

    status: str
    since: float | None = None


class Goal(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """All units of the application, by name. Nothing in it depends on who leads (G10)."""

    id: int
    units: Mapping[str, GoalUnit]


class Statuses(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """What was set for the application, None if nothing ever was; and how all of its units are."""

    id: int
    application: Said | None
    units: Mapping[str, Said]


class Settings(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The bucket as it is (T4)."""

    id: int
    revision: int
    settings: Mapping[str, str]


class Failed(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The request failed; `code` names a class of errors.py and so what may be concluded (G7)."""

    id: int
    code: str
    message: str


class Report(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """How the unit is, for operators. Sent whenever it changes; never answered.

    `eligible` is false while the unit is stopping: it seeks no leadership any more.
    """

    unit: str
    eligible: bool = True
    running: str | None = None
    last: str | None = None
    error: str | None = None
    retry_in: float | None = None
    current: str = "unknown"
    message: str = ""
    since: float | None = None
    """In seconds of wall time: of the error, if there is one, else of what the charm said."""
    owed: str | None = None
    """The hook that comes next, beside the one that runs, as far as is known."""
    settled: bool = True
    """Nothing is owed, and nothing is awaited that may owe something."""
    heard: int | None = None
    """How many of the news that it was told in this conversation the unit has taken up."""
    version: str = ""
    """What the charm said with application-version-set."""
    ports: tuple[str, ...] = ()
    charm_revision: int = 0
    """Of the charm that its hooks run now."""
    detail: str = ""
    """How the hook of `error` ended."""
    killed: str | None = None
    """The hook that was killed last, if none has ended well since; `retry_in` is when it runs."""
    kills: int = 0
    """How often that was, in a row."""
    killed_by: str = ""
    refused_tool: str = ""
    """The tool that was refused last, in which hook, and why, without any value (T10)."""
    charm_fault: str = ""
    """What was wrong with its copy of the charm, since it got that: no hook could run from it."""
    doubts: tuple[str, ...] = ()
    """Lines about files of the charm that look like hooks and never run."""


class Superseded(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The controller ends this connection; `reason` is for the log."""

    reason: str


FromAgent = (
    Hello | Claims | Release | WriteSettings | ReadSettings | EnterPeers | LeavePeers | CommitHook
    | ReadBag | ReadGoal | SetStatus | ReadStatus | Gone | Report
)  # fmt: skip
FromController = (
    Welcome | Verdicts | Done | Settings | Bag | Goal | Statuses | Failed | Offer | Revision
    | StepDown | Revoked | Remove | BagChanged | PeerLeft | Configured | CharmChanged | Resolve
    | Superseded
)  # fmt: skip
