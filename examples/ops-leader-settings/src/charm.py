#!/usr/bin/env python3
"""A database's schema is migrated by the leader; the other units wait until it has been.

ops has no words for leader settings, so the charm calls the tools. They do what relation data
cannot: what `leader-set` wrote is durable and seen by all the moment it returns, even if the hook
fails afterwards, so a migration that was done is not done again.
"""

import json
import logging
import subprocess

import ops

logger = logging.getLogger(__name__)


class SchemaCharm(ops.CharmBase):
    """Compares the schema that is wanted with the one that the settings tell of."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        for event in (
            self.on.start,
            self.on.config_changed,
            self.on.upgrade_charm,
            self.on.update_status,
            self.on.leader_elected,
            self.on.leader_settings_changed,
        ):
            framework.observe(event, self._reconcile)
        framework.observe(self.on.collect_unit_status, self._on_collect_status)

    def _reconcile(self, _: ops.EventBase) -> None:
        if not self.unit.is_leader():
            return
        settings = leader_get()
        for schema in range(schema_in(settings) + 1, int(self.config["schema"]) + 1):
            self._migrate(schema)

    def _migrate(self, schema: int) -> None:
        """One step, written down as soon as it is done."""
        logger.info("migrating the database to schema %d", schema)
        done = f"{leader_get().get('done', '')} {schema}:{self.unit.name}".strip()
        leader_set(schema=str(schema), done=done)

    def _on_collect_status(self, event: ops.CollectStatusEvent) -> None:
        found, wanted = schema_in(leader_get()), int(self.config["schema"])
        if found < wanted:
            event.add_status(ops.WaitingStatus(f"for schema {wanted}: the leader is at {found}"))
        else:
            event.add_status(ops.ActiveStatus(f"on schema {found}"))


def schema_in(settings: dict[str, str]) -> int:
    """The schema that the database has; 0 before the first migration."""
    return int(settings.get("schema", "0"))


def leader_get() -> dict[str, str]:
    """All leader settings. A read that fails ends the hook, which is retried."""
    done = subprocess.run(
        ["leader-get", "--format=json"], check=True, capture_output=True, encoding="utf-8"
    )
    return json.loads(done.stdout)


def leader_set(**settings: str) -> None:
    """All of them or none. Refused if this unit leads no more; then the hook ends here."""
    subprocess.run(["leader-set", *(f"{k}={v}" for k, v in settings.items())], check=True)


if __name__ == "__main__":
    ops.main(SchemaCharm)
