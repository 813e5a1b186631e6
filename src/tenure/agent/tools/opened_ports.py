"""`opened-ports`: the ports that the unit serves."""

from __future__ import annotations

from tenure.agent.tools.base import Context
from tenure.agent.tools.flags import FORMAT_FLAGS, Arguments, Flag, Usage, no_more, printed, tool
from tenure.agent.tools.ports import parse_ports
from tenure.wire.tools import Call, ToolReply

NAME = "opened-ports"

USAGE = Usage(
    name=NAME,
    summary="Print the ports that this unit serves.",
    details="""
What this hook has opened and closed itself counts already.
""",
    flags=(
        Flag(names=("endpoints",), does="print for which endpoints (*: all)", kind="bool"),
        *FORMAT_FLAGS,
    ),
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Print the ports, by protocol and number."""
    no_more(flags.rest)
    opened = context.opened_ports()
    ports = map(str, sorted(map(parse_ports, opened)))
    if not flags.on("endpoints"):
        return printed(call, flags, list(ports))
    return printed(call, flags, [f"{port} ({', '.join(opened[port]) or '*'})" for port in ports])
