#!/usr/bin/env python3
"""A cluster whose token and members the leader keeps in the peers' application bag."""

import hashlib
import secrets

import ops

PEERS = "cluster"
VERSION = "1"


class ClusterCharm(ops.CharmBase):
    """Every event ends in the same look at what is so: `_reconcile`."""

    _stored = ops.StoredState()

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        self._stored.set_default(token="", changes=0)
        peers = self.on[PEERS]
        for event in (
            self.on.install,
            self.on.start,
            self.on.upgrade_charm,
            self.on.config_changed,
            self.on.leader_elected,
            self.on.update_status,
            peers.relation_created,
            peers.relation_joined,
            peers.relation_changed,
            peers.relation_departed,
        ):
            framework.observe(event, self._reconcile)
        framework.observe(self.on.show_cluster_action, self._on_show_cluster)
        framework.observe(self.on.new_token_action, self._on_new_token)
        framework.observe(self.on.collect_unit_status, self._on_collect_status)

    @property
    def _relation(self) -> ops.Relation | None:
        return self.model.get_relation(PEERS)

    def _shared(self, key: str) -> str:
        """What the leader wrote; a minion may read its own application's bag in a peer relation."""
        return self._relation.data[self.app].get(key, "") if self._relation else ""

    def _reconcile(self, _: ops.EventBase) -> None:
        self.unit.set_workload_version(VERSION)
        if self._relation and self.unit.is_leader():
            self._lead(self._relation)
        self._notice()

    def _lead(self, relation: ops.Relation) -> None:
        """Right for what it finds, so it may run twice, and under each new leader."""
        shared = relation.data[self.app]
        if not shared.get("token"):
            shared["token"] = secrets.token_hex(16)
        units = {self.unit, *relation.units}
        shared["members"] = " ".join(sorted(unit.name for unit in units))

    def _notice(self) -> None:
        """Count the tokens that this unit has seen: kept from hook to hook, and over a refresh."""
        token = self._shared("token")
        if token and token != self._stored.token:
            self._stored.token = token
            self._stored.changes += 1

    def _on_show_cluster(self, event: ops.ActionEvent) -> None:
        event.set_results(
            {
                "token": fingerprint(self._shared("token")),
                "members": self._shared("members"),
                "tokens-seen": str(self._stored.changes),
                "leader": str(self.unit.is_leader()),
            }
        )

    def _on_new_token(self, event: ops.ActionEvent) -> None:
        if not self._relation or not self.unit.is_leader():
            event.fail("only the leader makes tokens: run it on ops-peers/leader")
            return
        event.log(f"a new token is made: {event.params['reason']}")
        token = self._relation.data[self.app]["token"] = secrets.token_hex(16)
        self._notice()
        event.set_results({"token": fingerprint(token)})

    def _on_collect_status(self, event: ops.CollectStatusEvent) -> None:
        if not self._shared("token"):
            event.add_status(ops.WaitingStatus("for the leader to found the cluster"))
            return
        members = len(self._shared("members").split())
        token = fingerprint(self._shared("token"))
        event.add_status(
            ops.ActiveStatus(f"{self.config['motto']}: {members} members, token {token}")
        )


def fingerprint(token: str) -> str:
    """The first digits of its hash: enough to compare, and no secret."""
    return hashlib.sha256(token.encode()).hexdigest()[:8]


if __name__ == "__main__":
    ops.main(ClusterCharm)
