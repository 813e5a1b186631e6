"""What is so now for a unit, as the resolver is to see it. It only looks: that changes nothing."""

from __future__ import annotations

from tenure.agent.contexts import Contexts
from tenure.agent.membership import Membership
from tenure.agent.parts import UnitParts
from tenure.agent.phase import ENDING, Phase
from tenure.agent.upgrade import CharmUpgrade
from tenure.core.operations import Snapshot, Surety
from tenure.core.schedule import Schedule
from tenure.core.tracker import Standing


class Situation:
    """Looks at all parts of one unit."""

    def __init__(
        self,
        parts: UnitParts,
        schedule: Schedule,
        contexts: Contexts,
        upgrade: CharmUpgrade,
        membership: Membership,
    ) -> None:
        self._parts = parts
        self._schedule = schedule
        self._contexts = contexts
        self._upgrade = upgrade
        self._membership = membership

    def snapshot(self, phase: Phase, stepped_at: float | None = None) -> Snapshot:
        """What is so now. What may be asked or copied is judged by the beginning of the step, if it
        is looked at in one."""
        now = self._parts.clock.now()
        at = now if stepped_at is None else stepped_at
        tracker, remote = self._parts.claimant.tracker, self._parts.remote
        halted = self._upgrade.half_copied or Phase.HALTING in phase
        return Snapshot(
            standing=tracker.standing(now),
            term=tracker.term,
            surety=self._surety(now),
            revision=remote.revisions.revision,
            leaving=Phase.LEAVING in phase,
            heard=remote.heard,
            relations=remote.relations,
            config_revision=remote.config_revision,
            charm_revision=remote.charm_revision,
            may_retry=self._schedule.may_retry(now),
            update_due=self._schedule.update_due(now),
            entering=self._membership.entering,
            ending=bool(phase & ENDING),
            stopping=Phase.STOPPING in phase,
            busy=self.is_busy() or halted,
            held=at < max(self._schedule.hold_until, self._parts.record.hold_until),
            may_ask_peers=self._membership.may_ask_peers(at),
            may_say_gone=self._membership.may_say_gone(at),
            copy_lost=self._upgrade.lost,
            may_copy=at >= self._upgrade.copy_at,
            wanted=self._contexts.wanted,
        )

    def _surety(self, now: float) -> Surety:
        claimant = self._parts.claimant
        leads = claimant.tracker.standing(now) is Standing.LEADER
        if not leads or claimant.tracker.is_sure(now):
            return Surety.IN_HAND
        return Surety.ASKING if claimant.accepted else Surety.UNKNOWN

    def is_busy(self) -> bool:
        """Whether a context is open, or a copy of the charm is being made."""
        return self._contexts.is_open or self._upgrade.busy

    def is_stepping_down(self) -> bool:
        """Whether the lease is held and nothing is promised any more (U4)."""
        standing = self._parts.claimant.tracker.standing(self._parts.clock.now())
        return standing is Standing.STEPPING_DOWN
