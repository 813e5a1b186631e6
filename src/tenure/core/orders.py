"""What operators may ask about leadership (O1, O2). Pure. How units come and go is in
`applications.py`.

Each order steps `Leases` and returns a plain note for the operator. All are refused before anything
changed, or carried out whole. None but `revoke` shortens what a unit was promised (U4, L5).
"""

from __future__ import annotations

from msgspec.structs import replace

from tenure.core import lease as rules
from tenure.core.application import Application, pins_left
from tenure.core.applications import MIN_DURATION, check_lease
from tenure.core.changes import PinDropped
from tenure.core.effects import Revoked, StepDown
from tenure.core.lease import Handover, Lease, without_pin
from tenure.core.leases import Leases
from tenure.defaults import LONGEST_PIN
from tenure.errors import BadRequest, Refused

MAX_PIN = LONGEST_PIN.value
MAX_REASON = 200


class Orders:
    """Operators' orders over a controller's leases. `least_duration` is lower in tests."""

    def __init__(self, leases: Leases, *, least_duration: float = MIN_DURATION) -> None:
        self._leases = leases
        self._least = least_duration

    # -- leadership

    def elect(self, now: float, unit: str) -> str:
        """Hand leadership to that unit (O1). Raises Refused with the reason."""
        application = self._leases.living_with(unit)
        self._check_candidate(now, application, unit)
        lease = application.lease
        holder = lease.holder.unit if lease.holder and rules.is_held(lease, now) else None
        if holder == unit:
            self._check_stays(lease, unit)
            return f"{unit} leads already"
        if holder is None:
            line = (unit, *(other for other in lease.line if other != unit))
            lease = replace(
                lease, line=line, lapsed=lease.lapsed - {unit}, offer=None,
                freed_because=f"an operator elected {unit}",
            )  # fmt: skip
            self._leases.settle(now, application, lease)
            return "nobody led"
        handover = Handover(
            holder, f"an operator elected {unit}", successor=unit, holder_may_return=True
        )
        return self._hand_over(now, application, holder, handover)

    def step_down(self, now: float, name: str) -> str:
        """Have the leader hand over to whoever is first in line (O2). Raises Refused."""
        application = self._leases.staging.living(name)
        lease = application.lease
        if lease.holder is None or not rules.is_held(lease, now):
            raise Refused(f'nobody leads "{name}": see `tenure why {name}`')
        holder = lease.holder.unit
        if not any(self._leases.can_take(u) for u in application.units if u != holder):
            raise Refused(
                f"{holder} cannot step down: no other unit is connected and answers, to take over: "
                f"`tenure add-unit {name}` adds one"
            )
        if holder not in self._leases.sessions:
            raise Refused(
                f"the agent of {holder} is not connected, so it cannot step down; "
                f"its lease has {rules.ends_at(lease) - now:.0f} s left"
            )
        if (silent := self._silent_for(now, holder)) is not None:
            raise Refused(
                f"{holder} cannot step down: its agent has been silent for {silent:.0f} s; "
                f"its lease has {rules.ends_at(lease) - now:.0f} s left: see `tenure why {holder}`"
            )
        if lease.handover is not None and lease.handover.holder == holder:
            return f"{holder} was stepping down already ({lease.handover.cause})"
        handover = Handover(holder, f"an operator asked {holder} to step down")
        return self._hand_over(now, application, holder, handover)

    def _hand_over(
        self, now: float, application: Application, holder: str, handover: Handover
    ) -> str:
        lease = application.lease
        connected = holder in self._leases.sessions
        silent = self._silent_for(now, holder)
        trouble = "is not connected" if silent is None else f"has been silent for {silent:.0f} s"
        answers = connected and silent is None
        if not answers and lease.pins:
            reasons = ", ".join(sorted(lease.pins))
            raise Refused(
                f"the agent of {holder} {trouble} and its lease is pinned ({reasons}): "
                f"`tenure unpin {application.name} --reason ...` lets it run out"
            )
        self._leases.settle(now, application, replace(lease, handover=handover))
        if connected:
            self._leases.pushes.append((application.name, StepDown(unit=holder)))
        if answers:
            return ""
        left = max(0.0, rules.ends_at(lease) - now)
        return f"the agent of {holder} {trouble}; its lease runs out in {left:.0f} s"

    def _silent_for(self, now: float, unit: str) -> float | None:
        """Seconds since the last word of a unit that should have been heard; None: it answers, or
        is not connected."""
        session = self._leases.sessions.get(unit)
        since = session.silent_since if session else None
        return None if since is None else now - since

    def _check_stays(self, lease: Lease, unit: str) -> None:
        handover = lease.handover
        if handover is not None and handover.holder == unit:
            raise Refused(
                f"{unit} still leads and is stepping down ({handover.cause}): "
                "elect it when the other leads"
            )

    def _check_candidate(self, now: float, application: Application, unit: str) -> None:
        if application.units[unit].removing:
            raise Refused(f"{unit} is not eligible: it is being removed")
        if unit not in self._leases.sessions:
            raise Refused(
                f"{unit} is not connected, so it cannot lead: start its agent, or elect another"
            )
        if not self._leases.can_lead(unit):
            raise Refused(f"{unit} is not eligible: its agent is stopping")
        if (silent := self._silent_for(now, unit)) is not None:
            raise Refused(
                f"{unit} cannot lead: its agent has been silent for {silent:.0f} s: "
                f"see `tenure why {unit}`, or elect another"
            )

    def revoke(self, now: float, name: str) -> str:
        """Free the lease at once; the one act that may break G1 and G3 (L5). Raises Refused."""
        application = self._leases.staging.living(name)
        lease = application.lease
        holder = lease.holder
        if holder is None or not rules.is_held(lease, now):
            raise Refused(f'nobody holds the lease of "{name}": there is nothing to revoke')
        left = max(0.0, lease.expires_at - now)
        cause = f"an operator revoked the lease of {holder.unit}"
        told = self._leases.history(
            application, "revoked", cause, unit_from=holder.unit, term=lease.term,
            detail=f"unsafe: it may have believed for up to {left:.1f} s more",
        )  # fmt: skip
        if holder.unit in self._leases.sessions:
            self._leases.pushes.append((name, Revoked(unit=holder.unit, term=lease.term)))
        lease = rules.freed(replace(lease, handover=None), now, cause, self._leases.wall)
        self._leases.settle(now, application, lease, told)
        return (
            f"revoked term {lease.term} of {holder.unit}, which may believe to be leader for "
            f"up to {left:.1f} s more, if it is out of reach; its writes are refused from now on"
        )

    # -- settings of the lease

    def pin(self, now: float, name: str, reason: str, seconds: float) -> str:
        """Suspend expiry on behalf of `reason` (L6); again with the same reason: a new end."""
        application = self._leases.staging.living(name)
        if not reason.strip() or len(reason) > MAX_REASON or not reason.isprintable():
            raise BadRequest(f"a pin needs a reason of 1 to {MAX_REASON} printable characters")
        if not 0 < seconds <= MAX_PIN:
            raise BadRequest(f"a pin lasts more than 0s and at most {LONGEST_PIN.said}")
        pins = {**application.lease.pins, reason: now + seconds}
        told = self._leases.history(
            application, "pinned", "an operator pinned it", detail=f"{reason}, for {seconds:g} s"
        )
        pinned = replace(application, lease=replace(application.lease, pins=pins))
        self._leases.keep(pinned, *pins_left(pinned, now), told)
        self._leases.save_pins_from(now)
        return f'"{name}" is pinned for {seconds:g} s: {reason}'

    def unpin(self, now: float, name: str, reason: str) -> str:
        """Let the lease expire again as far as `reason` goes (L6). Raises Refused: no such pin."""
        application = self._leases.staging.living(name)
        pins = application.lease.pins
        if reason not in pins:
            what = f"it is pinned for: {', '.join(sorted(pins))}" if pins else "nothing pins it"
            raise Refused(f'"{name}" is not pinned for: {reason}; {what}')
        lease = replace(application.lease, pins=without_pin(application.lease.pins, reason))
        told = self._leases.history(
            application, "unpinned", "an operator unpinned it", detail=reason
        )
        self._leases.keep(replace(application, lease=lease), PinDropped(name, reason), told)
        return f'"{name}" is no longer pinned for: {reason}'

    def set_lease(
        self, now: float, name: str, duration: float | None, guarantee: float | None
    ) -> str:
        """Other lease settings, from the next claim on (L1). What is None stays."""
        application = self._leases.staging.living(name)
        lease = application.lease
        duration = lease.duration if duration is None else duration
        if guarantee is None:
            guarantee = lease.guarantee
            check_lease(duration, duration / 2, self._least)
            _check_stays_fit(duration, guarantee)
        check_lease(duration, guarantee, self._least)
        if (duration, guarantee) != (lease.duration, lease.guarantee):
            told = self._leases.history(
                application, "lease", "an operator changed it",
                detail=f"lease {duration:g} s, guarantee {guarantee:g} s",
            )  # fmt: skip
            lease = rules.with_duration(lease, now, duration, guarantee)
            self._leases.keep(replace(application, lease=lease), told)
        return f'"{name}": lease {duration:g} s, guarantee {guarantee:g} s, from the next claim on'


def _check_stays_fit(duration: float, guarantee: float) -> None:
    """Raises BadRequest, with the way on, if the guarantee that stays does not fit."""
    if guarantee > duration / 2:
        raise BadRequest(
            f"the guarantee stays {guarantee:g} s, and that does not fit a lease of {duration:g} "
            f"s: change it too, to {duration / 2:g} s or less"
        )
