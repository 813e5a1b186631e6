"""`action-fail`: the action that runs has failed."""

from __future__ import annotations

from tenure.agent.tools.action import running_action
from tenure.agent.tools.base import Context
from tenure.agent.tools.flags import Arguments, Usage, no_more, tool
from tenure.wire.tools import Call, ToolReply, valid

NAME = "action-fail"

USAGE = Usage(
    name=NAME,
    arguments="[<message>]",
    summary="Say that the action has failed.",
    details="""
It goes on to its end, and has failed then, whatever its exit code is. Its results are
kept.
""",
)

_NO_REASON = "action failed without reason given, check action for errors"


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Fail the action; nothing is printed."""
    no_more(flags.rest[1:])
    running_action(context).fail(valid(flags.rest[0]) if flags.rest else _NO_REASON)
    return ToolReply()
