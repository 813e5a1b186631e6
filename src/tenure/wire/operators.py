"""What operators ask and are told, as frozen values (O1-O6). Pure; JSON is their other face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from tenure.core.changes import Option
from tenure.defaults import GUARANTEE, LEASE, UPDATE_STATUS


class HookState(Struct, frozen=True, kw_only=True):
    """What a unit's hooks are at. `error` is e.g. `hook failed: "leader-elected"` (H7), `detail`
    how that ended. `killed`: the hook that was killed last, `kills` times in a row, if none has
    ended well since (H8). `retry_in` is until either runs again."""

    running: str | None = None
    last: str | None = None
    error: str | None = None
    retry_in: float | None = None
    detail: str = ""
    killed: str | None = None
    kills: int = 0
    killed_by: str = ""
    owed: str | None = None
    """The hook that comes next, beside the one that runs, as far as is known."""
    queued: bool = False
    """A hook is owed, or there is news that may owe one and that the agent has not taken up."""


class WorkloadStatus(Struct, frozen=True, kw_only=True):
    """What the charm said with status-set; of a unit whose hook failed that, and of an application
    of which nothing was said the worst of its units (P4). `since` is ISO 8601 wall time (UTC)."""

    current: str = "unknown"
    message: str = ""
    since: str | None = None


class UnitStatus(Struct, frozen=True, kw_only=True):
    """One unit. `agent` is `connected`, `silent` (is connected and does not answer), `lost` (was
    connected), or `waiting` (never was)."""

    leader: bool
    agent: Literal["connected", "silent", "lost", "waiting"]
    silent_for: float | None = None
    """Seconds since its last word, if it is silent, or was when its connection was given up."""
    pid: int | None = None
    hook: HookState = HookState()
    status: WorkloadStatus = WorkloadStatus()
    removing: bool = False
    eligible: bool = False
    address: str = ""
    ports: tuple[str, ...] = ()
    """Ports that its charm opened: recorded, and nothing else."""
    charm_revision: int = 0
    refused: str | None = None
    """The last refusal of another instance of this unit, if any (L9)."""


class PinStatus(Struct, frozen=True, kw_only=True):
    """A pin and the seconds it has left (L6)."""

    reason: str
    left: float


class LeaseStatus(Struct, frozen=True, kw_only=True):
    """A lease: settings and, while held, the seconds left (0 when it is over but pinned).

    `grace`: the seconds that it is held beyond that. After its start the controller gives everybody
    time to come back, and a longer lease that was promised is kept (L8).
    """

    duration: float
    guarantee: float
    left: float | None = None
    grace: float = 0.0
    offered_to: str | None = None
    handing_over: bool = False
    unsure: str | None = None
    """Why the controller cannot decide about this application now, if so (L8)."""


class CharmStatus(Struct, frozen=True, kw_only=True):
    """What an application runs: see `core.changes.CharmRecord`."""

    source: str
    revision: int
    peers: tuple[str, ...] = ()
    resources: Mapping[str, str] = {}
    update_status_interval: float = UPDATE_STATUS.value
    allow_host_changes: bool = False
    digest: str = ""


class ApplicationStatus(Struct, frozen=True, kw_only=True):
    """One application. `since` is ISO 8601 wall time (UTC): since when it leads or,
    without leader, since when nobody does; None if nobody ever did."""

    leader: str | None
    term: int
    since: str | None
    lease: LeaseStatus
    revision: int
    settings_bytes: int
    pins: tuple[PinStatus, ...] = ()
    status: WorkloadStatus = WorkloadStatus()
    charm: CharmStatus | None = None
    version: str = ""
    """What its leader said with application-version-set."""
    removing: bool = False
    units: Mapping[str, UnitStatus] = {}


class ControllerStatus(Struct, frozen=True, kw_only=True):
    """The controller itself. `seat` is its seat number; `unsure` why it cannot write now, if so."""

    pid: int
    version: str
    seat: int
    started: str
    store: str
    unsure: str | None = None


class Status(Struct, frozen=True, kw_only=True):
    """Everything (O3)."""

    controller: ControllerStatus
    applications: Mapping[str, ApplicationStatus]

    @property
    def unsure(self) -> str | None:
        """Why it is not known of something whether it is so, if so: who or what is missing in such
        a status may be there all the same (G7)."""
        doubts = (each.lease.unsure for each in self.applications.values())
        return self.controller.unsure or next(filter(None, doubts), None)


class Charm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A charm to run: POST /v1/applications/{application}/charm, or with the application.

    For an application that has one, each call raises its revision and all its units run
    `upgrade-charm`; what is None stays as it was. A peer endpoint that is in use cannot be taken
    away. Values of options that are gone, or of another type now, are dropped.
    """

    source: str
    peers: tuple[str, ...] = ()
    options: Mapping[str, Option] = {}
    resources: Mapping[str, str] | None = None
    update_status_interval: float | None = None
    allow_host_changes: bool | None = None
    digest: str = ""
    """Stands for what the folder holds: `up` hands a charm in again if it is another."""


class CreateApplication(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/applications. Harmless if it exists already, alike; refused with `new` if it exists.

    `config` are values of options as text; `units` are added at once.
    """

    name: str
    duration: float = LEASE.value
    guarantee: float = GUARANTEE.value
    charm: Charm | None = None
    config: Mapping[str, str] = {}
    units: int = 0
    new: bool = False


class ConfigChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/applications/{application}/config: set these, and give those their default back."""

    put: Mapping[str, str] = {}
    reset: tuple[str, ...] = ()


class OptionValue(Struct, frozen=True, kw_only=True):
    """One option. `value` is what counts now: what was set, or else the default; both are of the
    option's type."""

    type: str
    value: str | int | float | bool | None
    default: str | int | float | bool | None = None
    is_set: bool = False
    description: str = ""


class Config(Struct, frozen=True, kw_only=True):
    """GET /v1/applications/{application}/config."""

    application: str
    revision: int
    options: Mapping[str, OptionValue]


class RemoveApplication(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/applications/{application}/remove: all its units leave, and it goes with the last.
    `force`: at once, though units are there; their agents run no more hooks."""

    force: bool = False


class LeaseSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/applications/{application}/lease (L1): what is None stays."""

    duration: float | None = None
    guarantee: float | None = None


class Elect(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/applications/{application}/elect (O1)."""

    unit: str


class PinRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/applications/{application}/pin (L6); `seconds` > 0."""

    reason: str
    seconds: float


class UnpinRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/applications/{application}/unpin."""

    reason: str


class ResolveRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/units/{application}/{number}/resolve (H7)."""

    retry: bool = True


class RemoveUnit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/units/{application}/{number}/remove. `force`: drop it though its agent is gone."""

    force: bool = False


class HandOver(Struct, frozen=True, kw_only=True):
    """How a hand-over went (O1): who led, who leads, and the seconds that each part took."""

    application: str
    unit_from: str | None
    unit_to: str | None
    term: int
    stepping_down_for: float
    taking_over_for: float
    note: str = ""


class UnitAdded(Struct, frozen=True, kw_only=True):
    """The answer to adding a unit."""

    unit: str


class Settings(Struct, frozen=True, kw_only=True):
    """The bucket, for operators."""

    revision: int
    settings: Mapping[str, str]


class HistoryEntry(Struct, frozen=True, kw_only=True):
    """One change (O4). `at` is ISO 8601 wall time (UTC)."""

    at: str
    kind: str
    cause: str
    unit_from: str | None = None
    unit_to: str | None = None
    term: int | None = None
    leaderless_for: float | None = None
    detail: str = ""


class History(Struct, frozen=True, kw_only=True):
    """Oldest first."""

    application: str
    entries: tuple[HistoryEntry, ...]


class Why(Struct, frozen=True, kw_only=True):
    """One plain answer (O5): what is so, because of what, and what to do next."""

    subject: str
    answer: str
    next: str = ""


class Event(Struct, frozen=True, kw_only=True):
    """One line of GET /v1/events: something happened, for people and for `up`.

    `kind`: a history kind, or `agent` (`text` says connected, silent, answers again, lost,
    refused), `hook`, `status`.
    """

    at: str
    application: str
    kind: str
    text: str
    unit: str | None = None


class Ok(Struct, frozen=True, kw_only=True):
    """Done; `note` says what is worth knowing."""

    note: str = ""


class ErrorAnswer(Struct, frozen=True, kw_only=True):
    """Any answer with an HTTP status of 400 or more: a code of errors.py and its message."""

    code: str
    message: str
