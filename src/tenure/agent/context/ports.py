"""The ports that a unit has open, each for some endpoints of its charm or for all. Pure.

A port that is open for all endpoints and is closed for one stays open for each of the others, by
name. What is opened for all counts for all, whatever it was before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

ALL = ""
"""What stands for all endpoints, as no endpoint's name does."""

Opened: TypeAlias = Mapping[str, tuple[str, ...]]
"""Port -> the endpoints that it is open for, sorted; (ALL,) for all of them."""


class PortChange(NamedTuple):
    """One port that a hook opens or closes for one endpoint, or for ALL."""

    opens: bool
    port: str
    endpoint: str


def opened(ports: Iterable[str], limited: Opened) -> Opened:
    """As it is recorded: all ports, and for what endpoints those are that are not for all."""
    return {port: limited.get(port, (ALL,)) for port in ports}


def limited(found: Opened) -> Opened:
    """Those that are not open for all endpoints."""
    return {port: endpoints for port, endpoints in found.items() if ALL not in endpoints}


def after(found: Opened, changes: Iterable[PortChange], endpoints: Iterable[str]) -> Opened:
    """What is open after the changes, sorted; `endpoints` are all that the charm has."""
    sets = {port: set(some) for port, some in found.items()}
    for change in changes:
        now = sets.setdefault(change.port, set())
        if change.opens:
            if ALL not in now:
                now.add(change.endpoint)
        elif change.endpoint == ALL:
            now.clear()
        else:
            if ALL in now:
                now ^= {ALL, *endpoints}
            now.discard(change.endpoint)
    return {
        port: (ALL,) if ALL in some else tuple(sorted(some))
        for port, some in sorted(sets.items())
        if some
    }


def unknown(changes: Iterable[PortChange], endpoints: Iterable[str], unit: str) -> str:
    """What speaks against keeping the changes, in Juju's words; "" if nothing does."""
    known = {ALL, *endpoints}
    for change in sorted(changes, key=lambda each: not each.opens):
        if change.endpoint not in known:
            verb = "open" if change.opens else "close"
            return (
                f'cannot open/close ports: {verb} port range: endpoint "{change.endpoint}" '
                f'for unit "{unit}" not found'
            )
    return ""
