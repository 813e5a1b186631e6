"""The operators' API: one table of routes with the guard in it (O1-O6), and what each does.

It knows no HTTP beyond method and path; `server.py` moves the bytes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from tenure.controller import explain
from tenure.controller.access import Access, Caller, check
from tenure.controller.events import iso
from tenure.controller.service import Service
from tenure.controller.status import placed, status_of
from tenure.core.application import Application, config_of
from tenure.core.changes import Option
from tenure.core.charms import CharmSpec
from tenure.core.config import counting
from tenure.core.lease import Lease, is_held
from tenure.defaults import MOST_HISTORY
from tenure.errors import BadRequest, NotFound, Refused, StoreRefused, Unsure
from tenure.names import application_of, split_unit
from tenure.wire import operators as wire

MAX_HISTORY = MOST_HISTORY.value
SLACK = 5.0
"""Seconds beyond what a hand-over may take by the rules, before its outcome is called unknown."""


LOOK_WITHIN = 2.0
"""Seconds that who only looks waits for a store that does not answer."""


class Request(Struct, frozen=True, kw_only=True):
    """One call: what the path named, the query, the body as JSON."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes

    def read(self, kind: type[Any]) -> Any:
        """The body as a value of the wire. Raises BadRequest."""
        try:
            return msgspec.json.decode(self.body or b"{}", type=kind)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as fault:
            raise BadRequest(f"the request's body is wrong: {fault}") from fault

    @property
    def application(self) -> str:
        return self.path["application"]

    @property
    def unit(self) -> str:
        """The unit that the path names. Raises BadName."""
        unit = f"{self.path['application']}/{self.path['number']}"
        split_unit(unit)
        return unit


class Api:
    """What operators can do. `store` is where it keeps its state, in words."""

    def __init__(self, service: Service, store: str) -> None:
        self._service = service
        self._controller = service.controller
        self._model = service.model
        self._store = store

    async def call(self, caller: Caller, method: str, path: str, query: Mapping[str, str],
                   body: bytes) -> Any:  # fmt: skip
        """Carry a call out. Raises Refused for who may not, NotFound for what does not exist."""
        for route in ROUTES:
            match = route.pattern.fullmatch(path)
            if match and route.method == method:
                check(caller, route.access)
                request = Request(path=match.groupdict(), query=query, body=body)
                return await route.carry_out(self, request)
        raise NotFound(f"there is no {method} {path[:200]}")

    # -- reading

    async def status(self, request: Request) -> wire.Status:
        """As durable as everything that is answered; what was so before, if the store hangs."""
        service, controller = self._service, self._controller

        def seen(now: float) -> wire.Status:
            return status_of(service, now, self._store, self._model.known())

        try:
            found: wire.Status = await controller.look(None, seen, LOOK_WITHIN)
        except (Unsure, StoreRefused) as fault:
            now, before = controller.clock.now(), controller.durable()
            found = status_of(service, now, self._store, before, unsure=str(fault))
        return placed(found, service.place)

    async def history(self, request: Request) -> wire.History:
        name = request.application
        await self._controller.look(name, lambda now: self._model.living(name), LOOK_WITHIN)
        limit = request.query.get("limit", "100")
        if not limit.isdecimal() or len(limit) > 4 or not 0 < int(limit) <= MAX_HISTORY:
            raise BadRequest(f"limit must be a number from 1 to {MAX_HISTORY}")
        try:
            async with asyncio.timeout(LOOK_WITHIN):
                entries = await self._controller.store.history(name, int(limit))
        except TimeoutError:
            raise Unsure(f"the store has not answered for {LOOK_WITHIN:g} s: try again") from None
        return wire.History(
            application=name,
            entries=tuple(
                wire.HistoryEntry(
                    at=iso(entry.at), kind=entry.kind, cause=entry.cause,
                    unit_from=entry.unit_from, unit_to=entry.unit_to, term=entry.term,
                    leaderless_for=entry.leaderless_for, detail=entry.detail,
                )
                for entry in entries
            ),
        )  # fmt: skip

    async def why_application(self, request: Request) -> wire.Why:
        service, name = self._service, request.application
        return await self._why(
            name, name,
            lambda now: explain.why_application(service, now, self._model.living(name)),
        )  # fmt: skip

    async def why_unit(self, request: Request) -> wire.Why:
        service, unit = self._service, request.unit
        return await self._why(
            request.application, unit,
            lambda now: explain.why_unit(service, now, self._model.living_with(unit), unit),
        )  # fmt: skip

    async def _why(self, name: str, subject: str, seen: Callable[[float], wire.Why]) -> wire.Why:
        try:
            found: wire.Why = await self._controller.look(name, seen, LOOK_WITHIN)
        except (Unsure, StoreRefused) as fault:
            return explain.not_known(subject, str(fault))
        return found

    async def settings(self, request: Request) -> wire.Settings:
        name = request.application
        bucket = await self._controller.ask(name, lambda now: self._model.living(name).bucket)
        return wire.Settings(revision=bucket.revision, settings=bucket.settings)

    # -- applications and units

    async def create(self, request: Request) -> wire.Ok:
        given: wire.CreateApplication = request.read(wire.CreateApplication)
        return await self._order(
            given.name,
            lambda now: self._model.applications.create(
                now, given.name, given.duration, given.guarantee,
                charm=_given(given.charm) if given.charm else None,
                config=given.config, units=given.units, new=given.new,
            ),
        )  # fmt: skip

    async def remove(self, request: Request) -> wire.Ok:
        given: wire.RemoveApplication = request.read(wire.RemoveApplication)
        applications, name = self._model.applications, request.application
        if given.force:
            return await self._order(name, lambda now: applications.remove_application(name))
        return await self._order(name, lambda now: applications.retire_application(now, name))

    async def charm(self, request: Request) -> wire.Ok:
        given = _given(request.read(wire.Charm))
        name = request.application
        return await self._order(name, lambda now: self._model.charms.give(name, given))

    async def config(self, request: Request) -> wire.Config:
        name = request.application
        found = await self._controller.ask(name, lambda now: self._model.living(name))
        return _config(found)

    async def configure(self, request: Request) -> wire.Ok:
        given: wire.ConfigChange = request.read(wire.ConfigChange)
        name = request.application
        return await self._order(
            name, lambda now: self._model.charms.configure(name, given.put, given.reset)
        )

    async def add_unit(self, request: Request) -> wire.UnitAdded:
        name = request.application
        unit = await self._controller.ask(name, lambda now: self._model.applications.add_unit(name))
        return wire.UnitAdded(unit=unit)

    async def remove_unit(self, request: Request) -> wire.Ok:
        given: wire.RemoveUnit = request.read(wire.RemoveUnit)
        unit = request.unit
        return await self._order(
            request.application,
            lambda now: self._model.applications.remove_unit(now, unit, force=given.force),
        )

    async def resolve(self, request: Request) -> wire.Ok:
        given: wire.ResolveRequest = request.read(wire.ResolveRequest)
        unit = request.unit
        return await self._order(
            request.application, lambda now: self._service.agents.resolve(unit, retry=given.retry)
        )

    async def kill_hook(self, request: Request) -> wire.Ok:
        unit = request.unit
        return await self._order(
            request.application, lambda now: self._service.agents.kill_hook(unit)
        )

    # -- leadership

    async def elect(self, request: Request) -> wire.HandOver:
        given: wire.Elect = request.read(wire.Elect)
        if application_of(given.unit) != request.application:
            raise BadRequest(f"{given.unit} is not a unit of {request.application}")
        return await self._hand_over(
            request.application,
            lambda now: self._model.orders.elect(now, given.unit),
            given.unit,
        )

    async def step_down(self, request: Request) -> wire.HandOver:
        name = request.application
        return await self._hand_over(
            name, lambda now: self._model.orders.step_down(now, name), None
        )

    async def _hand_over(
        self, name: str, order: Callable[[float], str], wanted: str | None
    ) -> wire.HandOver:
        if self._controller.trouble is not None:
            raise Refused(f"nothing can be written now: {self._controller.trouble}")
        asked_at = self._controller.clock.now()
        before: Lease
        before, note = await self._controller.ask(
            name, lambda now: (self._model.living(name).lease, order(now))
        )
        leader = before.holder.unit if before.holder and is_held(before, asked_at) else None
        if wanted is not None and leader == wanted:
            return wire.HandOver(
                application=name, unit_from=leader, unit_to=leader, term=before.term,
                stepping_down_for=0.0, taking_over_for=0.0, note=note,
            )  # fmt: skip
        patience = before.guarantee if leader in self._model.sessions else 0.0
        patience = max(patience, before.expires_at - asked_at if leader else 0.0)
        after = await self._controller.until(
            name, lambda now: self._led_anew(now, name, before.term), patience + SLACK, is_held
        )
        assert after.holder is not None and after.granted_at is not None
        freed_at = after.freed_at if leader and after.freed_at else asked_at
        if wanted is not None and after.holder.unit != wanted:
            note = f"{wanted} does not lead: see `tenure history {name}` for what came between"
        return wire.HandOver(
            application=name, unit_from=leader, unit_to=after.holder.unit, term=after.term,
            stepping_down_for=freed_at - asked_at,
            taking_over_for=after.granted_at - freed_at,
            note=note,
        )  # fmt: skip

    def _led_anew(self, now: float, name: str, term: int) -> Lease | None:
        """The lease, if it is held under a later term, and was not over before anybody knew."""
        found = self._model.find(name)
        if found is None or found.lease.granted_at is None or found.lease.term <= term:
            return None
        return found.lease if is_held(found.lease, now) else None

    async def revoke(self, request: Request) -> wire.Ok:
        name = request.application
        return await self._order(name, lambda now: self._model.orders.revoke(now, name))

    # -- lease settings

    async def pin(self, request: Request) -> wire.Ok:
        given: wire.PinRequest = request.read(wire.PinRequest)
        name = request.application
        return await self._order(
            name,
            lambda now: self._model.orders.pin(now, name, given.reason, given.seconds),
        )

    async def unpin(self, request: Request) -> wire.Ok:
        given: wire.UnpinRequest = request.read(wire.UnpinRequest)
        name = request.application
        return await self._order(
            name, lambda now: self._model.orders.unpin(now, name, given.reason)
        )

    async def lease(self, request: Request) -> wire.Ok:
        given: wire.LeaseSettings = request.read(wire.LeaseSettings)
        name = request.application
        return await self._order(
            name,
            lambda now: self._model.orders.set_lease(now, name, given.duration, given.guarantee),
        )

    # -- small things

    async def _order(self, name: str, order: Callable[[float], str]) -> wire.Ok:
        return wire.Ok(note=await self._controller.ask(name, order))


def _given(charm: wire.Charm) -> CharmSpec:
    return CharmSpec(**asdict(charm))


def _config(application: Application) -> wire.Config:
    record = config_of(application)
    options = application.charm.options if application.charm else {}
    return wire.Config(
        application=application.name,
        revision=record.revision,
        options={name: _option(options[name], record.values.get(name)) for name in sorted(options)},
    )


def _option(option: Option, text: str | None) -> wire.OptionValue:
    return wire.OptionValue(
        type=option.type,
        value=counting(option, text),
        default=counting(option, None),
        is_set=text is not None,
        description=option.description,
    )


class Route(Struct, frozen=True):
    """One row: what is asked for, who may, what carries it out."""

    method: str
    path: str
    access: Access
    carry_out: Callable[[Api, Request], Awaitable[Any]]

    @property
    def pattern(self) -> re.Pattern[str]:
        """The path with its names as groups; `re` keeps compiled patterns."""
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path))


_APP = "/v1/applications/{application}"
_UNIT = "/v1/units/{application}/{number}"

ROUTES: tuple[Route, ...] = (
    Route("GET",  "/v1/status",         Access.OPERATOR, Api.status),
    Route("POST", "/v1/applications",   Access.OPERATOR, Api.create),
    Route("GET",  f"{_APP}/history",    Access.OPERATOR, Api.history),
    Route("GET",  f"{_APP}/settings",   Access.OPERATOR, Api.settings),
    Route("GET",  f"{_APP}/why",        Access.OPERATOR, Api.why_application),
    Route("POST", f"{_APP}/units",      Access.OPERATOR, Api.add_unit),
    Route("POST", f"{_APP}/charm",      Access.OPERATOR, Api.charm),
    Route("GET",  f"{_APP}/config",     Access.OPERATOR, Api.config),
    Route("POST", f"{_APP}/config",     Access.OPERATOR, Api.configure),
    Route("POST", f"{_APP}/remove",     Access.OPERATOR, Api.remove),
    Route("POST", f"{_APP}/elect",      Access.OPERATOR, Api.elect),
    Route("POST", f"{_APP}/step-down",  Access.OPERATOR, Api.step_down),
    Route("POST", f"{_APP}/pin",        Access.OPERATOR, Api.pin),
    Route("POST", f"{_APP}/unpin",      Access.OPERATOR, Api.unpin),
    Route("POST", f"{_APP}/revoke",     Access.OPERATOR, Api.revoke),
    Route("POST", f"{_APP}/lease",      Access.OPERATOR, Api.lease),
    Route("GET",  f"{_UNIT}/why",       Access.OPERATOR, Api.why_unit),
    Route("POST", f"{_UNIT}/remove",    Access.OPERATOR, Api.remove_unit),
    Route("POST", f"{_UNIT}/resolve",   Access.OPERATOR, Api.resolve),
    Route("POST", f"{_UNIT}/kill-hook", Access.OPERATOR, Api.kill_hook),
)  # fmt: skip
"""Two more are streams and live in `server.py`: /v1/events, an operator's, and /v1/agent."""
