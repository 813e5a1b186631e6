"""Who may do what (G10, O6). A row of a route table names one of these; the guard compares.

The listener says who is calling. On the local socket it knows no more than how the caller speaks: a
WebSocket is an agent's, which may speak for any unit, and from its `Hello` on speaks for those it
named and nothing else; a plain HTTP request is an operator's. Processes of the same user are no
boundary: the socket's mode keeps others out.
"""

from __future__ import annotations

from collections.abc import Container
from enum import Enum, auto

from msgspec import Struct

from tenure.errors import Refused


class Access(Enum):
    """What a row of a table demands."""

    NEWCOMER = auto()
    """A conversation that has not said Hello yet."""
    UNIT = auto()
    """A conversation that speaks for the unit concerned."""
    OPERATOR = auto()


class Caller(Struct, frozen=True):
    """Who is calling: an operator, or a conversation and the units it was accepted for."""

    access: Access
    units: Container[str] = ()


class _Any(Container[str]):
    """Every unit that there can be."""

    def __contains__(self, unit: object) -> bool:
        return True


OPERATOR = Caller(Access.OPERATOR)
AGENT = Caller(Access.UNIT, _Any())
"""An agent of this machine: it may speak for any unit."""
NEWCOMER = Caller(Access.NEWCOMER)


def check(caller: Caller, needed: Access, units: tuple[str, ...] = ()) -> None:
    """Raises Refused unless the caller may. `units` are those that the message is about."""
    if caller.access is not needed:
        raise Refused(f"{_NAMES[caller.access]} may not do this: it takes {_NAMES[needed]}")
    for unit in units:
        if unit not in caller.units:
            raise Refused(f"this conversation does not speak for {unit[:128]}")


_NAMES = {
    Access.NEWCOMER: "a conversation before its Hello",
    Access.UNIT: "a unit's conversation",
    Access.OPERATOR: "an operator",
}
