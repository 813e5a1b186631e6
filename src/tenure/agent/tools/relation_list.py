"""`relation-list`: who else takes part in a relation."""

from __future__ import annotations

from tenure.agent.tools.base import Context
from tenure.agent.tools.flags import FORMAT_FLAGS, Arguments, Flag, Usage, no_more, printed, tool
from tenure.agent.tools.relation import RELATION_FLAG, relation_of
from tenure.wire.tools import Call, ToolReply

NAME = "relation-list"

USAGE = Usage(
    name=NAME,
    summary="Print the other units of a relation.",
    details="""
They are those that this unit's charm was told of: from their -relation-joined to their
-relation-departed.
""",
    flags=(
        Flag(names=("app",), does="print the application on the other side", kind="bool"),
        *FORMAT_FLAGS,
        RELATION_FLAG,
    ),
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Print the units, or the application."""
    relation = relation_of(context, flags)
    no_more(flags.rest)
    return printed(
        call, flags, relation.application if flags.on("app") else sorted(relation.members)
    )
