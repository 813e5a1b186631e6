"""`relation-model-get`: in which model the other side of a relation is."""

from __future__ import annotations

from tenure.agent.tools.base import Context
from tenure.agent.tools.flags import FORMAT_FLAGS, Arguments, Usage, no_more, printed, tool
from tenure.agent.tools.relation import RELATION_FLAG, relation_of
from tenure.jujuyaml.writer import Fields
from tenure.wire.tools import Call, ToolReply

NAME = "relation-model-get"

USAGE = Usage(
    name=NAME,
    summary="Print the model of the other side of a relation.",
    details="""
For peers that is this unit's own model.
""",
    flags=(*FORMAT_FLAGS, RELATION_FLAG),
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Print the model's id."""
    relation_of(context, flags)
    no_more(flags.rest)
    return printed(call, flags, Fields(uuid=context.model_uuid))
