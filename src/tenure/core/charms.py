"""The charm of an application and its configuration, as operators hand them in. Pure.

Whoever is connected is told of each change. Like `orders.py` this steps `Leases`, and everything is
refused before anything changed. What an option's text means is in `config.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from tenure.core import bags, config
from tenure.core.application import Application, config_of
from tenure.core.changes import (
    Change,
    CharmPut,
    CharmRecord,
    ConfigPut,
    ConfigRecord,
    Option,
)
from tenure.core.effects import CharmChanged, Configured, Push
from tenure.core.leases import Leases
from tenure.errors import BadRequest, Refused

T = TypeVar("T")

MAX_PEERS = 64
MAX_WORDS = 4096
"""Characters of the charm's folder."""
MAX_DIGEST = 128
MAX_INTERVAL = 366 * 86400.0

_INSIDE = re.compile(r"charms/[0-9a-f]{32}\Z")
"""A charm that was prepared in the state folder itself, which may be moved."""

_RESOURCE = re.compile(r"[A-Za-z0-9][\w.-]{0,99}\Z")
_ENDPOINT = re.compile(r"[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*\Z")


class CharmSpec(Struct, frozen=True, kw_only=True):
    """A charm as an operator hands it in; what is None stays as it was."""

    source: str
    peers: tuple[str, ...] = ()
    options: Mapping[str, Option] = {}
    resources: Mapping[str, str] | None = None
    update_status_interval: float | None = None
    allow_host_changes: bool | None = None
    digest: str = ""


class Charms:
    """What operators ask about charms, over a controller's leases."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases

    def give(self, name: str, given: CharmSpec) -> str:
        """The application runs this charm from now on. Raises NotFound, BadRequest, and Refused if
        it would take a peer relation from units that are in it."""
        before = self._leases.staging.living(name)
        application, changes = self.with_charm(before, given)
        self._leases.keep(application, *changes)
        charm = application.charm
        assert charm is not None
        self._tell_all(application, lambda unit: charm_given(charm, unit))
        if application.config != before.config:
            self._tell_all(application, lambda unit: configured(application, unit))
        return f'"{name}" runs revision {charm.revision} of its charm'

    def configure(self, name: str, put: Mapping[str, str], reset: Iterable[str]) -> str:
        """Set options, and give others their default back. Raises NotFound, BadRequest, Refused."""
        before = self._leases.staging.living(name)
        application, changes = self.with_config(before, put, reset)
        if not changes:
            return f'"{name}" was configured so already'
        self._leases.keep(application, *changes)
        self._tell_all(application, lambda unit: configured(application, unit))
        return f'"{name}" is configured: revision {config_of(application).revision}'

    def with_charm(
        self, application: Application, given: CharmSpec
    ) -> tuple[Application, list[Change]]:
        """The application running it, and what is to be kept; nothing is stepped yet."""
        check_charm(given)
        before = application.charm
        record = next_charm(application, given)
        gone = sorted(set(record.former_peers.values()))
        dropped = bags.without(application.bags, gone)
        told = self._leases.history(
            application, "charm", "an operator gave it a charm",
            detail=f"revision {record.revision}: {record.source}",
        )  # fmt: skip
        changes: list[Change] = [CharmPut(record), *dropped, told]
        new = replace(application, charm=record, bags=bags.after(application.bags, dropped))
        if application.config is None or before is None:
            return new, changes
        kept = config.kept(application.config, before.options, record.options)
        return self._configured(new, kept, changes, "its new charm lacks these options")

    def with_config(
        self, application: Application, put: Mapping[str, str], reset: Iterable[str] = ()
    ) -> tuple[Application, list[Change]]:
        """The application with these options, and what is to be kept: nothing, if it is so."""
        options = application.charm.options if application.charm else {}
        record = config.changed(config_of(application), options, put, reset)
        return self._configured(application, record, [], "an operator configured it")

    def _configured(
        self, application: Application, record: ConfigRecord, changes: list[Change], cause: str
    ) -> tuple[Application, list[Change]]:
        """Names of options reach the history, values never (T10)."""
        before = config_of(application)
        if record == before:
            return application, changes
        names = config.listed(config.differing(before, record))
        told = self._leases.history(
            application, "config", cause, detail=f"revision {record.revision}: {names}"
        )
        return replace(application, config=record), [*changes, ConfigPut(record), told]

    def _tell_all(self, application: Application, news: Callable[[str], Push]) -> None:
        self._leases.pushes.extend(
            (application.name, news(unit)) for unit in self._leases.connected(application)
        )


# -- what units are told


def charm_given(charm: CharmRecord, unit: str) -> CharmChanged:
    """The charm, as the unit is told."""
    return CharmChanged(
        unit=unit, revision=charm.revision, source=charm.source, peers=charm.peers,
        resources=charm.resources, allow_host_changes=charm.allow_host_changes,
        update_status_interval=charm.update_status_interval,
    )  # fmt: skip


def configured(application: Application, unit: str) -> Configured:
    """The configuration, as the unit is told."""
    record = config_of(application)
    return Configured(unit=unit, revision=record.revision, values=record.values)


# -- charms


def check_charm(given: CharmSpec) -> None:
    """Raises BadRequest for what no charm can be."""
    elsewhere = () if _INSIDE.match(given.source) else (given.source,)
    for path in (*elsewhere, *(given.resources or {}).values()):
        if not path.startswith("/") or len(path) > MAX_WORDS or "\0" in path:
            raise BadRequest(
                f"a charm and its resources are absolute paths of at most {MAX_WORDS} characters"
            )
    for name in given.resources or {}:
        if not _RESOURCE.match(name):
            raise BadRequest(f"{name[:100]!r} is not the name of a resource")
    if len(given.digest) > MAX_DIGEST:
        raise BadRequest(f"a charm's digest has at most {MAX_DIGEST} characters")
    if len(given.peers) > MAX_PEERS or len(set(given.peers)) < len(given.peers):
        raise BadRequest(f"a charm has at most {MAX_PEERS} peer endpoints, each once")
    for endpoint in given.peers:
        if not _ENDPOINT.match(endpoint):
            raise BadRequest(f"{endpoint[:100]!r} is not the name of an endpoint")
    interval = given.update_status_interval
    if interval is not None and not 0 < interval <= MAX_INTERVAL:
        raise BadRequest(f"an update-status interval of {interval:g} s is out of range")
    for name, option in given.options.items():
        if option.default is not None:
            config.value_of(option, option.default, name)


def next_charm(application: Application, given: CharmSpec) -> CharmRecord:
    """The record of the charm that is handed in. Raises Refused."""
    before = application.charm or CharmRecord(
        application=application.name, source=given.source, revision=0
    )
    peers, former = _numbered(before, given.peers)
    for endpoint, number in former.items():
        if bags.has_members(application.bags, application.name, number):
            raise Refused(
                f'cannot give "{application.name}" this charm: would break relation '
                f'"{application.name}:{endpoint}": its units take part in it'
            )
    return CharmRecord(
        application=application.name,
        source=given.source,
        revision=before.revision + 1,
        peers=peers,
        former_peers=former,
        options=given.options,
        digest=given.digest,
        resources=_or(given.resources, before.resources),
        update_status_interval=_or(given.update_status_interval, before.update_status_interval),
        allow_host_changes=_or(given.allow_host_changes, before.allow_host_changes),
    )


def _numbered(
    before: CharmRecord, endpoints: Iterable[str]
) -> tuple[dict[str, int], dict[str, int]]:
    """The endpoints with their numbers, and those that the charm has no more with theirs: a number
    is given once, and an endpoint that comes back has its own again."""
    known = {**before.former_peers, **before.peers}
    following = max(known.values(), default=-1) + 1
    peers: dict[str, int] = {}
    for endpoint in endpoints:
        peers[endpoint] = known.pop(endpoint, following)
        following += peers[endpoint] == following
    return peers, known


def _or(given: T | None, before: T) -> T:
    return before if given is None else given
