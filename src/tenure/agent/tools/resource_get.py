"""`resource-get`: where the file of a resource is."""

from __future__ import annotations

from tenure.agent.tools.base import Context, NotFoundHere
from tenure.agent.tools.flags import Arguments, ToolFailed, Usage, WrongArguments, no_more, tool
from tenure.wire.tools import Call, ToolReply, to_bytes

NAME = "resource-get"

USAGE = Usage(
    name=NAME,
    arguments="<resource name>",
    summary="Print the path of a resource's file.",
    details="""
No line feed follows the path.
""",
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Print the path, and nothing else at all."""
    if not flags.rest:
        raise WrongArguments("missing required resource name")
    no_more(flags.rest[1:])
    try:
        return ToolReply(stdout=to_bytes(await context.resource(flags.rest[0])))
    except NotFoundHere as missing:
        raise ToolFailed(f"could not download resource: {missing}") from None
