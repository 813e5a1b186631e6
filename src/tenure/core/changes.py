"""The facts that get persisted, and what a store gives back when it is loaded.

The core decides and returns changes; the controller commits all changes of one turn of its loop at
once and answers after that (L7). A change says what is true from now on, never how to get there, so
applying one twice is harmless (history apart, which is for people).

What is *not* here is as important: no expiry instant and no renewal is ever persisted. Whoever
takes the seat treats every lease as extended from that moment (L8), by `longest` of its record.

All values here and in the messages are trees, so the garbage collector need not look at them
(`gc=False`): with many leases it would be the slowest part of a fail-over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from tenure.defaults import UPDATE_STATUS

Cause = str
"""One plain phrase on why something happened, for people: `web/0 stepped down`."""


class Holder(Struct, frozen=True, gc=False):
    """Who holds a lease: a unit *and* its instance (L9)."""

    unit: str
    instance: str


class ApplicationRecord(Struct, frozen=True, kw_only=True, gc=False):
    """All that is kept of an application but its units, pins and settings.

    `alive` is false for a tombstone: a removed application whose term and revision must never go
    back and whose lease may still run (G8). `longest` is the longest lease, in seconds, that some
    unit may still believe in (L8): raised before a longer promise is answered, lowered only after
    the last longer one has run out. `led_since` is the wall time of the last change of holder, for
    people: since when it leads or, without holder, since when nobody does.
    """

    name: str
    alive: bool = True
    term: int = 0
    holder: Holder | None = None
    duration: float
    guarantee: float
    longest: float
    next_unit: int = 0
    led_since: float | None = None
    removing: bool = False
    """Its units were all asked to leave; it goes with the last of them."""


class UnitRecord(Struct, frozen=True, kw_only=True, gc=False):
    """A unit that exists. `removing`: it was asked to leave and has not finished yet (U4)."""

    unit: str
    removing: bool = False


class Option(Struct, frozen=True, kw_only=True, gc=False):
    """One option of a charm's configuration. `default` is the text of its default, if any."""

    type: Literal["string", "int", "float", "boolean", "secret"] = "string"
    default: str | None = None
    description: str = ""


class CharmRecord(Struct, frozen=True, kw_only=True, gc=False):
    """What an application runs.

    `revision` rises whenever an operator hands in a charm, also the same folder again. `peers` are
    its peer endpoints with the number of their relation, which an endpoint keeps for good;
    `former_peers` are those that earlier charms had, with theirs.
    `resources` are names and files. `update_status_interval` is in seconds. `digest` stands for
    what the folder held when it was handed in; "" if that is not known.
    """

    application: str
    source: str
    revision: int = 1
    peers: Mapping[str, int] = {}
    former_peers: Mapping[str, int] = {}
    options: Mapping[str, Option] = {}
    resources: Mapping[str, str] = {}
    update_status_interval: float = UPDATE_STATUS.value
    allow_host_changes: bool = False
    digest: str = ""


class ConfigRecord(Struct, frozen=True, kw_only=True, gc=False):
    """What an operator set of an application's configuration, as text. What is not here has its
    charm's default. `revision` rises with every real change."""

    application: str
    revision: int = 0
    values: Mapping[str, str] = {}


class BagRecord(Struct, frozen=True, kw_only=True, gc=False):
    """One bag of settings in a peer relation: a unit's own, or the application's.

    `owner` is the unit's or the application's name. `version` rises with every real change and is
    at least 1. `present`: the unit takes part; a bag of one that left is kept for a while, since
    the others may still read it when they are told.
    """

    application: str
    relation: int
    owner: str
    version: int = 1
    present: bool = True
    settings: Mapping[str, str] = {}


class StatusRecord(Struct, frozen=True, kw_only=True, gc=False):
    """What an application's leader said of it with `status-set --application`, and since when it is
    so in seconds of wall time, for people (P4)."""

    application: str
    current: str
    message: str = ""
    since: float = 0.0


class ApplicationPut(Struct, frozen=True, gc=False):
    """The application's record is this from now on."""

    record: ApplicationRecord


class UnitPut(Struct, frozen=True, gc=False):
    """The unit's record is this from now on."""

    record: UnitRecord


class UnitDropped(Struct, frozen=True, gc=False):
    """The unit is gone. Its number is never used again (`next_unit`)."""

    unit: str


class SettingsMerged(Struct, frozen=True, gc=False):
    """The bucket has this revision; `put` was set and `drop` was removed (B3, B4)."""

    application: str
    revision: int
    put: Mapping[str, str]
    drop: tuple[str, ...] = ()


class SettingsCleared(Struct, frozen=True, gc=False):
    """The bucket is empty because its application is gone; its revision stays (B1, G8)."""

    application: str


class CharmPut(Struct, frozen=True, gc=False):
    """The application runs this charm from now on."""

    record: CharmRecord


class ConfigPut(Struct, frozen=True, gc=False):
    """The application's configuration is this from now on."""

    record: ConfigRecord


class BagPut(Struct, frozen=True, gc=False):
    """The bag is this from now on."""

    record: BagRecord


class BagDropped(Struct, frozen=True, gc=False):
    """The bag is gone."""

    application: str
    relation: int
    owner: str


class StatusPut(Struct, frozen=True, gc=False):
    """The application's status is this from now on."""

    record: StatusRecord


class CharmCleared(Struct, frozen=True, gc=False):
    """The application is gone, and with it its charm, its configuration, its status and all its
    bags."""

    application: str


class PinPut(Struct, frozen=True, gc=False):
    """Expiry is suspended on behalf of `reason` for `left` more seconds (L6)."""

    application: str
    reason: str
    left: float


class PinDropped(Struct, frozen=True, gc=False):
    """Expiry is no longer suspended on behalf of `reason`."""

    application: str
    reason: str


HistoryKind = Literal[
    "created", "granted", "released", "expired", "revoked", "pinned", "unpinned", "lease",
    "settings", "unit-added", "unit-removing", "unit-removed", "removing", "removed", "charm",
    "config",
]  # fmt: skip


class HistoryAdded(Struct, frozen=True, kw_only=True, gc=False):
    """One line of an application's history (O4), with its cause. Never a setting's value (T10).

    `at` is wall time and `leaderless_for` the seconds without leader before a grant: for people.
    """

    application: str
    at: float
    kind: HistoryKind
    cause: Cause
    unit_from: str | None = None
    unit_to: str | None = None
    term: int | None = None
    leaderless_for: float | None = None
    detail: str = ""


Change = (
    ApplicationPut | UnitPut | UnitDropped | SettingsMerged | SettingsCleared | PinPut | PinDropped
    | CharmPut | ConfigPut | BagPut | BagDropped | StatusPut | CharmCleared | HistoryAdded
)  # fmt: skip


class Bucket(Struct, frozen=True, gc=False):
    """The leader settings of one application at one revision."""

    revision: int = 0
    settings: Mapping[str, str] = {}


class Persisted(Struct, frozen=True, kw_only=True, gc=False):
    """All that a store holds, as `load` returns it. History is read apart, by those who ask."""

    applications: Mapping[str, ApplicationRecord] = {}
    units: Mapping[str, UnitRecord] = {}
    buckets: Mapping[str, Bucket] = {}
    pins: Mapping[str, Mapping[str, float]] = {}
    """application -> reason -> seconds left when last saved."""
    charms: Mapping[str, CharmRecord] = {}
    configs: Mapping[str, ConfigRecord] = {}
    bags: Mapping[str, tuple[BagRecord, ...]] = {}
    """application -> its bags, ordered by relation and owner."""
    statuses: Mapping[str, StatusRecord] = {}
