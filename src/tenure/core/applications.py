"""How applications and their units come and go. Pure.

An application is created with all that it begins with, and removed at once or with the last of its
units, each of which steps down and runs its last hooks first (U4). What is left of it is a
tombstone: its term, its revision and the numbers of its units never go back (G8).

Everything is refused before anything changed, or carried out whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from tenure.core import lease as rules
from tenure.core.addresses import Addresses
from tenure.core.application import Application
from tenure.core.changes import (
    Cause,
    Change,
    CharmCleared,
    PinDropped,
    SettingsCleared,
    UnitDropped,
    UnitPut,
    UnitRecord,
)
from tenure.core.charms import Charms, CharmSpec
from tenure.core.effects import Remove
from tenure.core.lease import Handover, Lease
from tenure.core.leases import Leases
from tenure.core.peers import Peers
from tenure.defaults import LONGEST_LEASE, MOST_UNITS, SHORTEST_LEASE
from tenure.errors import BadRequest, Refused
from tenure.names import check_application, split_unit

MAX_DURATION = LONGEST_LEASE.value
MIN_DURATION = SHORTEST_LEASE.value
MAX_UNITS = MOST_UNITS.value


def check_lease(duration: float, guarantee: float, least: float = MIN_DURATION) -> None:
    """Raises BadRequest, naming the range, for settings that no lease can have (L1)."""
    if not least <= duration <= MAX_DURATION:
        raise BadRequest(
            f"a lease of {duration:g} s is out of range: choose {least:g} s to {MAX_DURATION:g} s"
        )
    if not 0 < guarantee <= duration / 2:
        raise BadRequest(
            f"a guarantee of {guarantee:g} s does not fit a lease of {duration:g} s: "
            f"choose more than 0 s and at most half the lease, {duration / 2:g} s"
        )


class Applications:
    """Applications and units, over a controller's leases. `least_duration` is lower in tests."""

    def __init__(
        self, leases: Leases, charms: Charms, peers: Peers, *, least_duration: float = MIN_DURATION
    ) -> None:
        self.addresses = Addresses()
        self._leases = leases
        self._charms = charms
        self._peers = peers
        self._least = least_duration

    def create(
        self,
        now: float,
        name: str,
        duration: float,
        guarantee: float,
        *,
        charm: CharmSpec | None = None,
        config: Mapping[str, str] = {},
        units: int = 0,
        new: bool = False,
    ) -> str:
        """An application with all that is named, if it does not exist yet; what exists stays as it
        is. A tombstone comes alive with its term (G8).

        Raises BadRequest, and Refused if it is leaving, or exists and was to be `new`.
        """
        check_application(name)
        check_lease(duration, guarantee, self._least)
        existing = self._leases.staging.applications.get(name)
        if existing is not None and existing.alive:
            return _exists(existing, new)
        if not 0 <= units <= MAX_UNITS:
            raise BadRequest(f"an application begins with 0 to {MAX_UNITS} units")
        created = self._begun(now, name, duration, guarantee, existing)
        changes: list[Change] = [self._leases.history(created, "created", "an operator created it")]
        if charm is not None:
            created, more = self._charms.with_charm(created, charm)
            changes += more
        created, more = self._charms.with_config(created, config)
        changes += more
        added = []
        for address in self.addresses.allot(self._taken, units):
            created, unit, more = self._with_unit(created, address)
            changes += more
            added.append(unit)
        self._leases.keep(created, *changes)
        return f'"{name}" created' + (f" with {', '.join(added)}" if added else "")

    def _begun(
        self,
        now: float,
        name: str,
        duration: float,
        guarantee: float,
        tombstone: Application | None,
    ) -> Application:
        if tombstone is not None:
            lease = rules.with_duration(tombstone.lease, now, duration, guarantee)
            return replace(tombstone, alive=True, lease=lease)
        lease = Lease(duration=duration, guarantee=guarantee, longest=duration)
        return Application(name=name, lease=lease)

    def remove_application(self, name: str) -> str:
        """The application goes at once, with its units and all that is theirs; their agents run no
        more hooks. Its tombstone stays (G8, B1)."""
        self._bury(self._leases.staging.living(name), "an operator removed it")
        return f'"{name}" removed'

    def retire_application(self, now: float, name: str) -> str:
        """All its units leave: they step down and run their last hooks (U4); the application goes
        with the last of them, and gets no new ones meanwhile. Without units it goes at once."""
        application = self._leases.staging.living(name)
        if not application.units:
            return self.remove_application(name)
        changes = []
        if not application.removing:
            changes = [self._leases.history(application, "removing", "an operator removed it")]
        staying = [unit for unit, record in application.units.items() if not record.removing]
        self._have_leave(now, replace(application, removing=True), staying, *changes)
        for unit in self._leases.connected(application):
            self._leases.pushes.append((name, Remove(unit=unit)))
        return f'"{name}" goes with the last of its units' + self._awaited(application)

    def _awaited(self, application: Application) -> str:
        connected = self._leases.connected(application)
        lost = [unit for unit in application.units if unit not in connected]
        if not lost:
            return ""
        return (
            f"; {lost[0]}{f' and {len(lost) - 1} more' if lost[1:] else ''} must be back for that, "
            f"or is dropped without its last hooks: `tenure remove-unit {lost[0]} --force`"
        )

    def _bury(self, application: Application, cause: Cause) -> None:
        name = application.name
        for unit in application.units:
            self._forget_session(unit)
        dropped = [UnitDropped(unit) for unit in application.units]
        unpinned = [PinDropped(name, reason) for reason in application.lease.pins]
        told = self._leases.history(application, "removed", cause)
        bucket = replace(application.bucket, settings={})
        lease = replace(application.lease, line=(), offer=None, handover=None, pins={})
        gone = replace(
            application, alive=False, removing=False, units={}, bucket=bucket, recent=(),
            lease=lease, charm=None, config=None, bags={}, status=None,
        )  # fmt: skip
        cleared = (SettingsCleared(name), CharmCleared(name))
        self._leases.keep(gone, *dropped, *unpinned, *cleared, told)

    def add_unit(self, name: str) -> str:
        """A new unit, whose number was never used before. Returns its name."""
        application = self._leases.staging.living(name)
        if application.removing:
            raise Refused(f'"{name}" is being removed, so it gets no new units')
        if len(application.units) >= MAX_UNITS:
            raise Refused(f'"{name}" has {MAX_UNITS} units already: remove some first')
        (address,) = self.addresses.allot(self._taken)
        application, unit, changes = self._with_unit(application, address)
        self._leases.keep(application, *changes)
        return unit

    def _with_unit(
        self, application: Application, address: str
    ) -> tuple[Application, str, list[Change]]:
        unit = f"{application.name}/{application.next_unit}"
        record = UnitRecord(unit=unit, address=address)
        told = self._leases.history(application, "unit-added", "an operator added it", unit_to=unit)
        units = {**application.units, unit: record}
        added = replace(application, units=units, next_unit=application.next_unit + 1)
        return added, unit, [UnitPut(record), told]

    def take_up_addresses(self) -> None:
        """All applications were loaded: what is allotted from now on comes after what they have."""
        self.addresses.begin(self._taken())

    def _taken(self) -> Iterator[str]:
        """The addresses of all units that are committed, decided or about to be."""
        for application in self._leases.staging.applications.values():
            yield from (record.address for record in application.units.values())

    def settle_addresses(self, *, anew: bool = False) -> list[str]:
        """Every unit that has no address, or with `anew` every unit, gets one, and its bags say so.
        Returns the units. Raises Refused."""
        settled = []
        for name in self.without_addresses(anew=anew):
            application = self._leases.staging.applications[name]
            wanting = _wanting(application, anew)
            allotted = zip(wanting, self.addresses.allot(self._taken, len(wanting)), strict=True)
            units = application.units
            moved = {unit: replace(units[unit], address=address) for unit, address in allotted}
            self._peers.move(application, moved)
            settled += wanting
        return settled

    def without_addresses(self, *, anew: bool = False) -> tuple[str, ...]:
        """The applications that `settle_addresses` would change."""
        known = self._leases.staging.applications.values()
        return tuple(found.name for found in known if _wanting(found, anew))

    def remove_unit(self, now: float, unit: str, *, force: bool) -> str:
        """The unit is to leave: it steps down and runs its last hooks (U4), or with `force`, when
        its agent does not answer, is dropped at once; a lease it holds then runs out (L5)."""
        application = self._leases.living_with(unit)
        connected = unit in self._leases.sessions
        answers = connected and self._leases.sessions[unit].silent_since is None
        if force and answers:
            raise Refused(
                f"{unit} is connected: remove it without --force, so that it runs its last hooks"
            )
        if force:
            return self._drop(application, unit, "an operator dropped it")
        if not application.units[unit].removing:
            told = self._leases.history(
                application, "unit-removing", "an operator removed it", unit_from=unit
            )
            self._have_leave(now, application, [unit], told)
        if connected:
            self._leases.pushes.append((application.name, Remove(unit=unit)))
        if answers:
            return f"{unit} is leaving: it steps down and runs its last hooks first"
        return (
            f"{unit} leaves when its agent is back to run its last hooks: "
            f"`tenure remove-unit {unit} --force` drops it without"
        )

    def _have_leave(
        self, now: float, application: Application, leaving: Iterable[str], *changes: Change
    ) -> None:
        """Make these units leave: none waits in line any more, and a leader among them is to step
        down."""
        records = {unit: replace(application.units[unit], removing=True) for unit in leaving}
        lease = application.lease
        holder = lease.holder.unit if lease.holder else None
        if holder in records:
            successor = lease.handover.successor if lease.handover else None
            handover = Handover(holder, f"{holder} stepped down to be removed", successor)
            lease = replace(lease, handover=handover)
        application = replace(application, units={**application.units, **records})
        self._leases.keep(application, *map(UnitPut, records.values()), *changes)
        for unit in records:
            lease = rules.gone_from_line(lease, unit)
        self._leases.settle(now, application, lease)

    def goal(self, unit: str) -> tuple[UnitRecord, ...]:
        """All units that the application has, by number. Raises NotFound."""
        units = self._leases.application_with(unit).units
        return tuple(units[name] for name in sorted(units, key=lambda name: split_unit(name)[1]))

    def gone(self, unit: str) -> None:
        """The unit itself says that it has run its last hook."""
        application = self._leases.application_with(unit)
        if not application.units[unit].removing:
            raise Refused(f"{unit} was not asked to leave")
        self._drop(application, unit, "it ran its last hook")

    def _drop(self, application: Application, unit: str, cause: Cause) -> str:
        self._forget_session(unit)
        told = self._leases.history(application, "unit-removed", cause, unit_from=unit)
        application, left = self._peers.leaving(application, unit)
        units = {other: record for other, record in application.units.items() if other != unit}
        lease = rules.gone_from_line(application.lease, unit)
        application = replace(application, units=units, lease=lease)
        self._leases.keep(application, *left, UnitDropped(unit), told)
        if application.removing and not units:
            self._bury(application, f"{unit} was the last of its units")
        return f"{unit} is removed"

    def _forget_session(self, unit: str) -> None:
        self._leases.sessions.forget(unit)


def _wanting(application: Application, anew: bool) -> list[str]:
    return [unit for unit, record in application.units.items() if anew or not record.address]


def _exists(application: Application, new: bool) -> str:
    name = application.name
    if application.removing:
        raise Refused(f'"{name}" is being removed: create it again once it is gone')
    if new:
        raise Refused(f'"{name}" exists already: choose another name, or remove it first')
    return f'"{name}" exists already'
