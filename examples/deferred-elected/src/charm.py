#!/usr/bin/env python3
"""Two handlers of leader-elected that wait by deferring it. One of them has the fault.

A deferred event is kept by ops, not by the agent, and is emitted again before the event of every
later hook. Nothing takes it back when leadership goes.
"""

import logging

import ops

logger = logging.getLogger(__name__)


class Promotion(ops.Object):
    """Whether this unit is the primary, as one handler has it."""

    _stored = ops.StoredState()
    checks = False

    def __init__(self, charm: ops.CharmBase, name: str):
        super().__init__(charm, name)
        self._charm = charm
        self._stored.set_default(primary=False)
        self.framework.observe(charm.on.leader_elected, self._on_leader_elected)
        self.framework.observe(charm.on.leader_settings_changed, self._on_minion)

    @property
    def primary(self) -> bool:
        return bool(self._stored.primary)

    def _on_leader_elected(self, event: ops.LeaderElectedEvent) -> None:
        if not self._charm.config["ready"]:
            event.defer()
            return
        if self.checks and not self._charm.unit.is_leader():
            return
        self._stored.primary = True
        logger.info("%s: primary from now on", self.handle.key)

    def _on_minion(self, _: ops.LeaderSettingsChangedEvent) -> None:
        self._stored.primary = False


class Careless(Promotion):
    """The fault: it takes the event for the fact. It was elected *once*."""


class Careful(Promotion):
    """The right way: it asks again whenever the event arrives."""

    checks = True


class DeferringCharm(ops.CharmBase):
    """Shows what both handlers made of the same events."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        self._handlers = {name: kind(self, name) for name, kind in HANDLERS.items()}
        framework.observe(self.on.config_changed, self._on_config_changed)
        framework.observe(self.on.collect_unit_status, self._on_collect_status)

    def _on_config_changed(self, _: ops.ConfigChangedEvent) -> None:
        """Nothing to do: deferred events were emitted before this one."""

    def _on_collect_status(self, event: ops.CollectStatusEvent) -> None:
        leads = self.unit.is_leader()
        role = "leader" if leads else "minion"
        primaries = [name for name, handler in self._handlers.items() if handler.primary]
        told = f"{role}; primary: {' and '.join(primaries) or 'none'}"
        wrong = primaries and not leads
        event.add_status(ops.BlockedStatus(told) if wrong else ops.ActiveStatus(told))


HANDLERS = {"careless": Careless, "careful": Careful}


if __name__ == "__main__":
    ops.main(DeferringCharm)
