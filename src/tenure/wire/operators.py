"""What operators ask and are told, as frozen values (O1-O6). Pure; JSON is their other face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct


class HookState(Struct, frozen=True, kw_only=True):
    """What a unit's hooks are at. `error` is e.g. `hook failed: "leader-elected"` (H7)."""

    running: str | None = None
    last: str | None = None
    error: str | None = None
    retry_in: float | None = None


class WorkloadStatus(Struct, frozen=True, kw_only=True):
    """What the charm said with status-set."""

    current: str = "unknown"
    message: str = ""


class UnitStatus(Struct, frozen=True, kw_only=True):
    """One unit. `agent` is `connected`, `lost` (was connected), or `waiting` (never was)."""

    leader: bool
    agent: Literal["connected", "lost", "waiting"]
    pid: int | None = None
    hook: HookState = HookState()
    status: WorkloadStatus = WorkloadStatus()
    removing: bool = False
    eligible: bool = False
    refused: str | None = None
    """The last refusal of another instance of this unit, if any (L9)."""


class PinStatus(Struct, frozen=True, kw_only=True):
    """A pin and the seconds it has left (L6)."""

    reason: str
    left: float


class LeaseStatus(Struct, frozen=True, kw_only=True):
    """A lease: settings and, while held, the seconds left (0 when it is over but pinned)."""

    duration: float
    guarantee: float
    left: float | None = None
    offered_to: str | None = None
    handing_over: bool = False
    unsure: str | None = None
    """Why the controller cannot decide about this application now, if so (L8)."""


class ApplicationStatus(Struct, frozen=True, kw_only=True):
    """One application. `since` is ISO 8601 wall time (UTC)."""

    leader: str | None
    term: int
    since: str | None
    lease: LeaseStatus
    revision: int
    settings_bytes: int
    pins: tuple[PinStatus, ...] = ()
    status: WorkloadStatus = WorkloadStatus()
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


class CreateApplication(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/applications. Harmless if it exists already."""

    name: str
    duration: float = 60.0
    guarantee: float = 30.0


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

    `kind`: a history kind, or `agent` (`text` says connected, lost, refused), `hook`, `status`.
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
