"""`close-port`: record that the unit does not serve a port any more."""

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

NAME = "close-port"

USAGE = Usage(
    name=NAME,
    arguments=PORT_ARGUMENTS,
    summary="Record that this unit does not serve a port, or a range of them, any more.",
    details="""
A range must be named as it was opened. One that is not open is no error. With
--endpoints, it stays served for the others.
""",
    flags=PORT_FLAGS,
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Record it; nothing is printed."""
    ports = port_argument(flags.rest)
    check_conflicts(context, ports, "close")
    for endpoint in endpoints_in(flags):
        context.close_port(str(ports), endpoint)
    return deprecated(call, flags)
