"""The operators' client: one typed method for each route of the controller's API (O1-O6).

It knows routes and messages, and no transport: a `Transport` carries one request and brings one
answer; commands use `transport.UnixHttp`. What may be concluded from a failure to carry is decided
there. Here an answer becomes a value, or the error that the controller names.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

import msgspec

from tenure.errors import ProtocolError, from_code
from tenure.names import check_application, split_unit
from tenure.wire.operators import (
    Charm,
    Config,
    ConfigChange,
    CreateApplication,
    Elect,
    ErrorAnswer,
    HandOver,
    History,
    LeaseSettings,
    Ok,
    PinRequest,
    RemoveApplication,
    RemoveUnit,
    ResolveRequest,
    Settings,
    Status,
    UnitAdded,
    UnpinRequest,
    Why,
)

Answer = TypeVar("Answer")

QUESTION_TIMEOUT = 10.0
"""Seconds until a question counts as unanswered."""

DEED_TIMEOUT = 30.0
"""Seconds until the outcome of a deed counts as unknown."""

HAND_OVER_SLACK = 15.0
"""Seconds that a hand-over may take beyond what the rules give it (U4)."""


class Transport(Protocol):
    """Carries one request to the controller."""

    def ask(self, method: str, path: str, body: bytes | None, timeout: float) -> tuple[int, bytes]:
        """The HTTP status and the body of the answer; `timeout` is in seconds.

        Raises Unreachable, Unsure.
        """
        ...


class Operator:
    """Everything an operator can ask the controller.

    Every method raises BadName for a malformed name, what the controller refused with (`Refused`,
    `NotFound`, `BadRequest` ...), `Unreachable`, and, if it changes something, `Unsure`.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def status(self) -> Status:
        """Everything there is (O3)."""
        return self._get("/v1/status", Status)

    def create_application(self, request: CreateApplication) -> Ok:
        """Make an application; harmless if it exists alike, unless the request wants it new."""
        return self._post("/v1/applications", request, Ok)

    def give_charm(self, application: str, charm: Charm) -> Ok:
        """Have the application run a charm: all its units run `upgrade-charm`."""
        return self._post(f"{_application(application)}/charm", charm, Ok)

    def config(self, application: str) -> Config:
        """Every option of the application's charm, and its value."""
        return self._get(f"{_application(application)}/config", Config)

    def configure(self, application: str, change: ConfigChange) -> Ok:
        """Set options and give others their default back, all or nothing."""
        return self._post(f"{_application(application)}/config", change, Ok)

    def remove_application(self, application: str, request: RemoveApplication) -> Ok:
        """Have all units leave, and the application with the last of them."""
        return self._post(f"{_application(application)}/remove", request, Ok)

    def add_unit(self, application: str) -> UnitAdded:
        """Add a unit; its number was never used before."""
        return self._post(f"{_application(application)}/units", None, UnitAdded)

    def remove_unit(self, unit: str, *, force: bool = False) -> Ok:
        """Ask a unit to step down and leave; `force` drops it though its agent is gone."""
        return self._post(f"{_unit(unit)}/remove", RemoveUnit(force=force), Ok)

    def elect(self, unit: str) -> HandOver:
        """Hand leadership to the unit; answered when it is done (O1)."""
        return self._hand_over(split_unit(unit)[0], "elect", Elect(unit=unit))

    def step_down(self, application: str) -> HandOver:
        """Have the leader step down; answered when it is done (U4)."""
        return self._hand_over(application, "step-down", None)

    def pin(self, application: str, reason: str, seconds: float) -> Ok:
        """Suspend expiry on behalf of a reason (L6)."""
        request = PinRequest(reason=reason, seconds=seconds)
        return self._post(f"{_application(application)}/pin", request, Ok)

    def unpin(self, application: str, reason: str) -> Ok:
        """Suspend expiry no longer on behalf of that reason (L6)."""
        return self._post(f"{_application(application)}/unpin", UnpinRequest(reason=reason), Ok)

    def revoke(self, application: str) -> Ok:
        """Free the lease at once: the one act that may break G1 and G3 (L5)."""
        return self._post(f"{_application(application)}/revoke", None, Ok)

    def lease(self, application: str, settings: LeaseSettings) -> Ok:
        """Change duration and guarantee, from the next claim on (L1)."""
        return self._post(f"{_application(application)}/lease", settings, Ok)

    def history(self, application: str, limit: int) -> History:
        """The newest changes of leadership, oldest first (O4)."""
        return self._get(f"{_application(application)}/history?limit={limit}", History)

    def why(self, subject: str) -> Why:
        """Why an application or a unit is led, or is not, or does not lead (O5)."""
        return self._get(f"{_unit(subject) if '/' in subject else _application(subject)}/why", Why)

    def settings(self, application: str) -> Settings:
        """The application's bucket."""
        return self._get(f"{_application(application)}/settings", Settings)

    def resolve(self, unit: str, *, retry: bool = True) -> Ok:
        """Retry a failed hook at once, or count it as done (H7)."""
        return self._post(f"{_unit(unit)}/resolve", ResolveRequest(retry=retry), Ok)

    def kill_hook(self, unit: str) -> Ok:
        """End the hook or action that the unit runs: it has failed then (H7)."""
        return self._post(f"{_unit(unit)}/kill-hook", None, Ok)

    def _hand_over(self, application: str, deed: str, request: msgspec.Struct | None) -> HandOver:
        """Waits as long as a hand-over may take, which the controller is asked for first: one that
        does not even say that was not asked to do anything."""
        path = f"{_application(application)}/{deed}"
        timeout = _longest_hand_over(self.status(), application)
        return self._post(path, request, HandOver, timeout=timeout)

    def _get(self, path: str, answer: type[Answer]) -> Answer:
        status, content = self._transport.ask("GET", path, None, QUESTION_TIMEOUT)
        return _decoded(status, content, answer)

    def _post(
        self,
        path: str,
        request: msgspec.Struct | None,
        answer: type[Answer],
        *,
        timeout: float = DEED_TIMEOUT,
    ) -> Answer:
        body = b"{}" if request is None else msgspec.json.encode(request)
        status, content = self._transport.ask("POST", path, body, timeout)
        return _decoded(status, content, answer)


def _decoded(status: int, content: bytes, answer: type[Answer]) -> Answer:
    try:
        if status < 400:
            return msgspec.json.decode(content, type=answer)
        refusal = msgspec.json.decode(content, type=ErrorAnswer)
    except (msgspec.DecodeError, UnicodeError) as fault:
        raise ProtocolError(
            f"the controller's answer (HTTP {status}) is not understood: {fault}: "
            "is it of another version?"
        ) from fault
    raise from_code(refusal.code, refusal.message)


def _longest_hand_over(status: Status, application: str) -> float:
    """Seconds until a hand-over is done whatever the leader does: its lease runs out first."""
    found = status.applications.get(application)
    if found is None:
        return DEED_TIMEOUT
    lease = found.lease
    return (
        max(lease.duration, (lease.left or 0.0) + lease.grace) + lease.guarantee + HAND_OVER_SLACK
    )


def _application(name: str) -> str:
    return f"/v1/applications/{check_application(name)}"


def _unit(unit: str) -> str:
    application, number = split_unit(unit)
    return f"/v1/units/{application}/{number}"
