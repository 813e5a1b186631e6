"""The application `web` with a charm, whose units take part in its peer relations."""

from __future__ import annotations

from typing import Any

from tenure.core.changes import (
    Option,
)
from tenure.core.charms import CharmSpec

from .bench import APP, CoreBench

OPTIONS = {"port": Option(type="int", default="80"), "motd": Option()}


def given(*peers: str, **fields: Any) -> CharmSpec:
    return CharmSpec(**{"source": "/srv/web", "peers": peers, "options": OPTIONS, **fields})


def charmed(*peers: str, units: int = 3) -> CoreBench:
    """An application with that charm whose units all take part, each with an address."""
    bench = CoreBench(units)
    bench.charms.give(APP, given(*peers or ("peers",)))
    for number in range(units):
        bench.peers.enter(f"{APP}/{number}", {"address": f"10.0.0.{number}"})
    bench.told(), bench.committed()
    return bench


def settings_of(bench: CoreBench) -> dict[tuple[int, str], dict[str, str]]:
    return {place: dict(bag.settings) for place, bag in bench.application.bags.items()}
