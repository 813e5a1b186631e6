"""One application as the controller knows it: its lease, its bucket, its units, and what its charm
needs. Pure values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from tenure.core import lease as rules
from tenure.core.bags import Bags
from tenure.core.bucket import merge, real_changes
from tenure.core.changes import (
    ApplicationRecord,
    Bucket,
    Change,
    CharmRecord,
    ConfigRecord,
    Persisted,
    PinPut,
    SettingsMerged,
    StatusRecord,
    UnitRecord,
)
from tenure.core.effects import Granted
from tenure.core.lease import NEVER, Lease, LineOffer
from tenure.names import application_of

REMEMBERED_WRITES = 64
"""How many of the last writes' key names are known to agents that were away (H10)."""


class Application(Struct, frozen=True, kw_only=True, gc=False):
    """`recent`: the key names of the last writes, oldest first, as (revision, names). `charm` is
    None until an operator hands one in; `config` and `status` None until something of it is set.
    `removing`: its units were all asked to leave, and it goes with the last of them."""

    name: str
    lease: Lease
    alive: bool = True
    bucket: Bucket = Bucket()
    units: Mapping[str, UnitRecord] = {}
    next_unit: int = 0
    recent: tuple[tuple[int, tuple[str, ...]], ...] = ()
    removing: bool = False
    charm: CharmRecord | None = None
    config: ConfigRecord | None = None
    bags: Bags = {}
    status: StatusRecord | None = None


def config_of(application: Application) -> ConfigRecord:
    """What is set of its configuration; revision 0 if nothing ever was."""
    return application.config or ConfigRecord(application=application.name)


def peers_of(application: Application) -> Mapping[str, int]:
    """Its peer endpoints with the numbers of their relations."""
    return application.charm.peers if application.charm else {}


def record_of(application: Application) -> ApplicationRecord:
    """What a store keeps of it."""
    lease = application.lease
    return ApplicationRecord(
        name=application.name,
        alive=application.alive,
        term=lease.term,
        holder=lease.holder,
        duration=lease.duration,
        guarantee=lease.guarantee,
        longest=lease.longest,
        next_unit=application.next_unit,
        led_since=lease.led_since,
        removing=application.removing,
    )


def is_recorded_alike(one: Application, other: Application) -> bool:
    """Whether both have the same record; quicker than making it, and most often they have."""
    a, b = one.lease, other.lease
    return (
        (a.term, a.holder, a.led_since, a.duration, a.guarantee, a.longest)
        == (b.term, b.holder, b.led_since, b.duration, b.guarantee, b.longest)
        and one.alive == other.alive
        and one.next_unit == other.next_unit
        and one.removing == other.removing
    )


def restored(persisted: Persisted, names: Iterable[str] | None = None) -> dict[str, Application]:
    """The applications as they were loaded, or only these. No time counts for them before
    `extended_from`: to make them may itself take longer than a lease (G9)."""
    wanted = persisted.applications if names is None else set(names) & set(persisted.applications)
    units = _by_application(persisted.units)
    return {name: _restored(persisted, name, units.get(name, {})) for name in wanted}


def _by_application(units: Mapping[str, UnitRecord]) -> dict[str, dict[str, UnitRecord]]:
    grouped: dict[str, dict[str, UnitRecord]] = {}
    for unit, record in units.items():
        grouped.setdefault(application_of(unit), {})[unit] = record
    return grouped


def _restored(persisted: Persisted, name: str, units: Mapping[str, UnitRecord]) -> Application:
    record = persisted.applications[name]
    lease = Lease(
        duration=record.duration,
        guarantee=record.guarantee,
        longest=record.longest,
        term=record.term,
        holder=record.holder,
        pins=persisted.pins.get(name, {}),
        led_since=record.led_since,
        last_leader=record.holder.unit if record.holder else None,
        freed_because="the controller found it free when it started",
    )
    return Application(
        name=name,
        alive=record.alive,
        lease=lease,
        bucket=persisted.buckets.get(name, Bucket()),
        units=units,
        next_unit=record.next_unit,
        removing=record.removing,
        charm=persisted.charms.get(name),
        config=persisted.configs.get(name),
        bags={(bag.relation, bag.owner): bag for bag in persisted.bags.get(name, ())},
        status=persisted.statuses.get(name),
    )


def extended_from(application: Application, now: float, grace: float) -> Application:
    """A restored application whose holder, if any, may still believe for the longest lease (L8).

    `now` was read after all of it was restored; `grace` is the least time, in seconds, given to its
    agents to come back.
    """
    lease = application.lease
    lease = replace(
        lease,
        lower_at=now + lease.longest if lease.longest > lease.duration else None,
        expires_at=now + max(lease.longest, grace),
        pins={reason: now + left for reason, left in lease.pins.items()},
    )
    return replace(application, lease=lease)


def lengthened(
    applications: Mapping[str, Application | None], gap: float
) -> dict[str, Application]:
    """Those whose lease is held, with `gap` more seconds of it (L8)."""
    return {
        name: replace(application, lease=rules.lengthened(application.lease, gap))
        for name, application in applications.items()
        if application is not None and application.lease.holder is not None
    }


def resumed(loaded: Application, before: Application | None) -> Application:
    """A reloaded application with what no store keeps, as it was `before` (L8, G8, G11)."""
    if before is None or not loaded.alive:
        return loaded
    was, holder = before.lease, loaded.lease.holder
    line = tuple(unit for unit in was.line if holder is None or unit != holder.unit)
    goes_on = (was.holder, was.term) == (holder, loaded.lease.term)
    handover = was.handover if goes_on else None
    lease = replace(loaded.lease, line=line, handover=handover, seen_term=was.seen_term)
    return replace(loaded, lease=lease)


def changed_keys(application: Application, since: int) -> tuple[str, ...] | None:
    """The names changed after revision `since`; None when that is not known any more (H10)."""
    revision = application.bucket.revision
    if since == revision:
        return ()
    known = dict(application.recent)
    if since > revision or any(number not in known for number in range(since + 1, revision + 1)):
        return None
    return tuple(sorted({name for n in range(since + 1, revision + 1) for name in known[n]}))


def with_settings(
    application: Application, changes: Mapping[str, str]
) -> tuple[Application, SettingsMerged | None]:
    """The application after a write to its bucket, and what is to be kept: nothing, if nothing
    really changes (B3, B4). Raises BucketFull (B6)."""
    name, real = application.name, real_changes(application.bucket, changes)
    bucket = merge(application.bucket, changes, name)
    if bucket is application.bucket:
        return application, None
    keys = tuple(sorted(real))
    put = {key: value for key, value in real.items() if value}
    drop = tuple(key for key in keys if not real[key])
    recent = (*application.recent, (bucket.revision, keys))[-REMEMBERED_WRITES:]
    merged = SettingsMerged(name, bucket.revision, put, drop)
    return replace(application, bucket=bucket, recent=recent), merged


def with_offer_told(application: Application, unit: str, until: float) -> Application:
    """The application whose offer to the unit, if it has one, was told just now (L4)."""
    lease = application.lease
    if lease.offer != LineOffer(unit, NEVER):
        return application
    return replace(application, lease=replace(lease, offer=LineOffer(unit, until)))


def pins_left(application: Application, now: float) -> list[Change]:
    """What is left of the application's pins, to be saved (L6)."""
    return [
        PinPut(application.name, reason, max(0.0, until - now))
        for reason, until in application.lease.pins.items()
    ]


def granted_to(unit: str, lease: Lease) -> Granted:
    """What its holder is answered."""
    return Granted(unit=unit, term=lease.term, duration=lease.duration, guarantee=lease.guarantee)
