"""`state-delete`: forget something that the charm kept."""

from __future__ import annotations

from tenure.agent.tools.base import Context
from tenure.agent.tools.flags import Arguments, Usage, no_more, tool
from tenure.wire.tools import Call, ToolReply, valid

NAME = "state-delete"

USAGE = Usage(
    name=NAME,
    arguments="<key>",
    summary="Forget something that the charm of this unit has kept.",
    details="""
A key that is not kept is no error. Nor is no key at all, as in Juju.
""",
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Forget the key; nothing is printed."""
    no_more(flags.rest[1:])
    if any(flags.rest):
        context.delete_charm_state(valid(flags.rest[0]))
    return ToolReply()
