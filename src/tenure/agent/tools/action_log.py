"""`action-log`: tell who waits for the action how it goes."""

from __future__ import annotations

from tenure.agent.tools.action import running_action
from tenure.agent.tools.base import Context
from tenure.agent.tools.flags import Arguments, Usage, WrongArguments, tool
from tenure.wire.tools import Call, ToolReply, valid

NAME = "action-log"

USAGE = Usage(
    name=NAME,
    arguments="<message>",
    summary="Tell who waits for the action how it goes.",
    details="""
The words of the message are joined by single spaces. It is told at once.
""",
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Tell the message; nothing is printed."""
    if not flags.rest:
        raise WrongArguments("no message specified")
    running_action(context).log(valid(" ".join(flags.rest)))
    return ToolReply()
