"""`application-version-set`: say which version of its software the unit runs."""

from __future__ import annotations

from tenure.agent.tools.base import Context
from tenure.agent.tools.flags import Arguments, Usage, WrongArguments, no_more, tool
from tenure.wire.tools import Call, ToolReply, valid

NAME = "application-version-set"

USAGE = Usage(
    name=NAME,
    arguments="<new-version>",
    summary="Say which version of its software the application runs.",
    details="""
Operators see it in the status. It is any text, and not the revision of the charm.
""",
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Set the version; nothing is printed."""
    if not flags.rest:
        raise WrongArguments("no version specified")
    no_more(flags.rest[1:])
    context.set_version(valid(flags.rest[0]))
    return ToolReply()
