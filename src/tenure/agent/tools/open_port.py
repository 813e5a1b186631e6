"""`open-port`: record that the unit serves a port."""

from __future__ import annotations

from tenure.agent.tools.base import Context
from tenure.agent.tools.flags import Arguments, ToolFailed, Usage, deprecated, tool
from tenure.agent.tools.output import quote
from tenure.agent.tools.ports import (
    PORT_ARGUMENTS,
    PORT_FLAGS,
    PortRange,
    parse_ports,
    port_argument,
)
from tenure.wire.tools import Call, ToolReply

NAME = "open-port"

USAGE = Usage(
    name=NAME,
    arguments=PORT_ARGUMENTS,
    summary="Record that this unit serves a port, or a range of them.",
    details="""
Operators see it once the hook has succeeded. Nothing is opened: there is no firewall to
ask. Protocols are tcp (the default), udp and icmp.
""",
    flags=PORT_FLAGS,
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Record the ports; nothing is printed."""
    ports = port_argument(flags.rest)
    _check_conflicts(context, ports)
    context.open_port(str(ports))
    return deprecated(call, flags)


def _check_conflicts(context: Context, ports: PortRange) -> None:
    for other in map(parse_ports, context.opened_ports()):
        if ports.conflicts_with(other):
            unit = f"(unit {quote(context.unit)})"
            raise ToolFailed(
                f"cannot open {ports} {unit}: port range conflicts with {other} {unit}"
            )
