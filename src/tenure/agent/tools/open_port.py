"""`open-port`: record that the unit serves a port."""

from __future__ import annotations

from tenure.agent.tools.base import Context
from tenure.agent.tools.flags import Arguments, Usage, deprecated, tool
from tenure.agent.tools.ports import (
    PORT_ARGUMENTS,
    PORT_FLAGS,
    check_conflicts,
    endpoints_in,
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
ask. Protocols are tcp (the default), udp and icmp. With --endpoints, it is served for
those endpoints of the charm only; one that the charm has not fails the hook at its end.
""",
    flags=PORT_FLAGS,
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Record the ports; nothing is printed."""
    ports = port_argument(flags.rest)
    check_conflicts(context, ports, "open")
    for endpoint in endpoints_in(flags):
        context.open_port(str(ports), endpoint)
    return deprecated(call, flags)
