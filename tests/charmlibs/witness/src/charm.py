#!/usr/bin/env python3
"""Writes down, a line of JSON for each event, what any version of ops tells a charm."""

import json
import os

from ops.charm import CharmBase
from ops.main import main
from ops.version import version


class WitnessCharm(CharmBase):
    """Says its name to its peers, and as the leader what it is; looks at all that is said."""

    def __init__(self, *args):
        super().__init__(*args)
        peers = self.on["peers"]
        for event in (
            self.on.install, self.on.leader_elected, self.on.config_changed, self.on.start,
            self.on.update_status, peers.relation_created, peers.relation_joined,
            peers.relation_changed,
        ):  # fmt: skip
            self.framework.observe(event, self._on_event)

    def _on_event(self, event):
        relation = self.model.get_relation("peers")
        leads = self.unit.is_leader()
        if relation is not None:
            self._say(relation, leads)
        line = {
            "ops": version,
            "event": event.handle.kind,
            "hook": os.environ["JUJU_DISPATCH_PATH"],
            "leads": leads,
            "word": self.config["word"],
            **(self._heard(relation) if relation is not None else {}),
        }
        with open("seen", "a") as file:
            file.write(json.dumps(line) + "\n")

    def _say(self, relation, leads):
        relation.data[self.unit]["name"] = "I am " + self.unit.name
        if leads:
            relation.data[self.app]["leader"] = self.unit.name

    def _heard(self, relation):
        return {
            "names": {unit.name: relation.data[unit].get("name") for unit in relation.units},
            "leader": relation.data[self.app].get("leader"),
        }


if __name__ == "__main__":
    main(WitnessCharm)
