"""`is-leader`: does this unit lead its application, and may it count on that? (G3, T1, T3)"""

from __future__ import annotations

from tenure.agent.tools.base import Context
from tenure.agent.tools.flags import (
    FORMAT_FLAGS,
    Arguments,
    ToolFailed,
    Usage,
    no_more,
    printed,
    tool,
)
from tenure.leadership.claimant import LeadershipUnknown
from tenure.wire.tools import Call, ToolReply

NAME = "is-leader"

ROUNDS = 5
"""How often to decide anew when a True went stale before it could be printed."""

USAGE = Usage(
    name=NAME,
    summary="Print whether this unit leads its application.",
    details="""
True is a promise: this unit stays leader for at least 30 seconds from now (or as
long as the operator has set), or until the hook ends if it steps down by itself.
False promises nothing: the unit may be elected at any moment, and a second call
in the same hook then says True.

The exit code is 0 for both. If it cannot be known now, nothing is printed and the
exit code is 1.
""",
    flags=FORMAT_FLAGS,
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Decide, render, and look again: a True that is not sure any more is decided anew (G3)."""
    no_more(flags.rest)
    for _ in range(ROUNDS):
        leads = await _decide(context)
        reply = printed(call, flags, leads)
        if not leads or context.still_sure():
            return reply
    raise ToolFailed("leadership status unknown: the lease is too short to promise anything")


async def _decide(context: Context) -> bool:
    try:
        return await context.is_leader()
    except LeadershipUnknown as unknown:
        raise ToolFailed(f"leadership status unknown: {unknown}") from None
