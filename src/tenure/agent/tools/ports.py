"""Ports as charms name them: `80`, `80/tcp`, `8000-8010/udp`, `icmp`. Nothing is opened here."""

from __future__ import annotations

import re
from typing import NamedTuple

from tenure.agent.tools.base import Context
from tenure.agent.tools.flags import (
    NO_FORMAT_FLAG,
    Arguments,
    Flag,
    ToolFailed,
    WrongArguments,
    no_more,
)
from tenure.agent.tools.output import quote, trim

PORT_ARGUMENTS = "<port>[/<protocol>] or <from>-<to>[/<protocol>] or icmp"

PORT_FLAGS = (
    Flag(names=("endpoints",), does="for these endpoints only, like peers,website"),
    NO_FORMAT_FLAG,
)

_INTEGER = re.compile("[-+]?[0-9]{1,18}")


class PortRange(NamedTuple):
    """Some ports of one protocol; their order is Juju's. Those of `icmp` are -1."""

    protocol: str
    first: int
    last: int

    def __str__(self) -> str:
        if self.protocol == "icmp":
            return "icmp"
        ports = f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"
        return f"{ports}/{self.protocol}"

    def conflicts_with(self, other: PortRange) -> bool:
        """Whether they overlap and are not the same."""
        overlap = self.first <= other.last and other.first <= self.last
        return self.protocol == other.protocol and overlap and self != other


def port_argument(args: tuple[str, ...]) -> PortRange:
    """The ports that the only argument names. Raises WrongArguments."""
    if not args:
        raise WrongArguments("no port or range specified")
    ports = parse_ports(args[0].lower())
    no_more(args[1:])
    return ports


def endpoints_in(flags: Arguments) -> list[str]:
    """The endpoints that a call names; [""] if it is about all."""
    return [trim(name) for name in flags.text("endpoints").split(",")]


def check_conflicts(context: Context, ports: PortRange, verb: str) -> None:
    """Raises ToolFailed if they overlap with some that are open and are not the same."""
    for other in map(parse_ports, context.opened_ports()):
        if ports.conflicts_with(other):
            unit = f"(unit {quote(context.unit)})"
            raise ToolFailed(
                f"cannot {verb} {ports} {unit}: port range conflicts with {other} {unit}"
            )


def parse_ports(text: str) -> PortRange:
    """The ports that a text names. Raises WrongArguments."""
    ports, slash, protocol = text.partition("/")
    if ports == "icmp":
        return PortRange("icmp", -1, -1)
    parts = ports.split("-")
    if len(parts) > 2:
        raise WrongArguments(f"invalid port range {quote(ports)}")
    first, last = (_number(part) for part in (parts[0], parts[-1]))
    return _checked(PortRange(protocol if slash else "tcp", first, last))


def _number(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise WrongArguments(
            f"invalid port {quote(text)}: strconv.Atoi: parsing {quote(text)}: invalid syntax"
        )
    return int(text)


def _checked(ports: PortRange) -> PortRange:
    protocol, first, last = ports
    if protocol == "icmp":
        raise WrongArguments(f'protocol "icmp" doesn\'t support any ports; got "{first}"')
    if protocol not in ("tcp", "udp"):
        raise WrongArguments(
            f'invalid protocol {quote(protocol)}, expected "tcp", "udp", or "icmp"'
        )
    if first > last:
        raise WrongArguments(f"invalid port range {ports}")
    if first < 0 or last > 65535:
        raise WrongArguments(f"port range bounds must be between 0 and 65535, got {first}-{last}")
    return ports
