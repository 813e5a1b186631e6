"""Values that the exam of the stores commits."""

from __future__ import annotations

from typing import Any

from tenure.core.changes import (
    ApplicationPut,
    ApplicationRecord,
    BagPut,
    BagRecord,
    Change,
    CharmPut,
    CharmRecord,
    ConfigPut,
    ConfigRecord,
    HistoryAdded,
    Holder,
    Option,
)

UNSTORABLE = HistoryAdded(application="web", at=1.0, kind="settings", cause="\ud800")
"""No store can write it: half of a surrogate pair is no text."""


def record(name: str = "web", **fields: Any) -> ApplicationRecord:
    """An application's record, with ordinary values where none are named."""
    return ApplicationRecord(
        **{"name": name, "duration": 60.0, "guarantee": 30.0, "longest": 60.0, **fields}
    )


def led(term: int, name: str = "web") -> ApplicationPut:
    """The application has a leader under this term."""
    return ApplicationPut(record(name, term=term, holder=Holder(f"{name}/0", "instance-1")))


def entry(term: int, name: str = "web") -> HistoryAdded:
    """A line of history that its term tells apart."""
    return HistoryAdded(
        application=name, at=1e9 + term, kind="granted", cause=f"{name}/0 claimed it", term=term
    )


def turn(term: int) -> list[Change]:
    """What a controller commits in one turn of its loop."""
    return [led(term), entry(term)]


def charm(name: str = "web", **fields: Any) -> CharmRecord:
    """A charm's record in which every field says something."""
    return CharmRecord(
        **{
            "application": name, "source": "/srv/wéb", "revision": 3,
            "peers": {"peers": 0, "ring": 2}, "former_peers": {"cluster": 1},
            "options": {
                "port": Option(type="int", default="80", description="where\nit listens"),
                "token": Option(type="secret"),
            },
            "resources": {"image": "/srv/image.tar"}, "update_status_interval": 12.5,
            "allow_host_changes": True, **fields,
        }
    )  # fmt: skip


def config(name: str = "web", revision: int = 4, **values: str) -> ConfigRecord:
    """A configuration."""
    return ConfigRecord(application=name, revision=revision, values=values)


def bag(relation: int, owner: str, version: int = 1, **fields: Any) -> BagRecord:
    """A bag of `owner`, which is a unit or an application."""
    application = owner.partition("/")[0]
    return BagRecord(
        application=application, relation=relation, owner=owner, version=version, **fields
    )


def charm_side() -> list[Change]:
    """Everything that an application has besides leadership."""
    return [
        CharmPut(charm()),
        ConfigPut(config(port="81", motd="é=\n")),
        BagPut(bag(2, "web/0")),
        BagPut(bag(0, "web/10", 3, present=False, settings={"a.b": "1", "": "x"})),
        BagPut(bag(0, "web/2", 2, settings={"$x": "é"})),
        BagPut(bag(0, "web", 7, settings={"leader": "says"})),
    ]
