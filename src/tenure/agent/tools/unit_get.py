"""`unit-get`: the unit's address, as charms asked for it before `network-get`."""

from __future__ import annotations

from tenure.agent.tools.base import Context
from tenure.agent.tools.flags import (
    FORMAT_FLAGS,
    Arguments,
    Usage,
    WrongArguments,
    no_more,
    printed,
    tool,
)
from tenure.agent.tools.network_get import network_of
from tenure.agent.tools.output import quote
from tenure.wire.tools import Call, ToolReply

NAME = "unit-get"

USAGE = Usage(
    name=NAME,
    arguments="<private-address | public-address>",
    summary="Print the address of this unit.",
    details="""
Both are the same one.
""",
    flags=FORMAT_FLAGS,
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Print the address."""
    if not flags.rest:
        raise WrongArguments("no setting specified")
    if flags.rest[0] not in ("private-address", "public-address"):
        raise WrongArguments(f"unknown setting {quote(flags.rest[0])}")
    no_more(flags.rest[1:])
    network = await network_of(context)
    return printed(call, flags, network.address)
