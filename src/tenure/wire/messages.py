"""What agents and the controller say to each other, as frozen values. Pure.

One connection carries all units of one agent process. Its first message is `Hello`, which types
the connection and names its units; from then on only messages about those units are accepted. A
frame is a JSON array of messages, so that one turn of a loop costs one frame.

Requests carry an `id` and get exactly one answer with that id. Pushes carry none and may come at
any time. A pushed `Offer` is only a hint to claim: what a unit may believe comes from the answer to
its own `Claims`, counted from before that was sent (G4).

Nothing here tells a unit which other unit leads (G10): a denial has no holder, a `StepDown` no
successor (the controller remembers for whom it reserves the lease).

Fields may be added with defaults only; unknown ones are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tenure.core.effects import (
    ClaimUnsure,
    Denied,
    Granted,
    Offer,
    Remove,
    Revision,
    Revoked,
    StepDown,
    Verdict,
)

__all__ = [
    "PROTOCOL_VERSION", "Claim", "ClaimUnsure", "Claims", "Denied", "Done", "Failed", "FromAgent",
    "FromController", "Gone", "Granted", "Hello", "Offer", "ReadSettings", "Release", "Remove",
    "Report", "Resolve", "Revision", "Revoked", "Settings", "StepDown", "Superseded",
    "UnitHello", "UnitWelcome", "Verdict", "Verdicts", "Welcome", "WriteSettings",
]  # fmt: skip

PROTOCOL_VERSION = 1


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


class Gone(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The unit has run its last hook and leaves for ever (U4, H1)."""

    id: int
    unit: str


class Done(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The request was carried out; `revision` is the bucket's after a write."""

    id: int
    revision: int = 0


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
    application_status: tuple[str, str] | None = None


class Resolve(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """An operator resolves the unit's failed hook: run it again now, or skip it (H7)."""

    unit: str
    retry: bool


class Superseded(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The controller ends this connection; `reason` is for the log."""

    reason: str


FromAgent = Hello | Claims | Release | WriteSettings | ReadSettings | Gone | Report
FromController = (
    Welcome | Verdicts | Done | Settings | Failed | Offer | Revision | StepDown | Revoked | Remove
    | Resolve | Superseded
)  # fmt: skip
