"""`status-set`: say how the unit, or the application, is doing."""

from __future__ import annotations

from tenure.agent.tools.base import Context, WorkloadStatus, WriteRefused
from tenure.agent.tools.flags import (
    Arguments,
    Flag,
    ToolFailed,
    Usage,
    WrongArguments,
    no_more,
    tool,
)
from tenure.agent.tools.output import quote
from tenure.leadership.claimant import LeadershipUnknown
from tenure.wire.tools import Call, ToolReply, valid

NAME = "status-set"

STATES = ("maintenance", "blocked", "waiting", "active")

USAGE = Usage(
    name=NAME,
    arguments=f"<{' | '.join(STATES)}> [message]",
    summary="Set the status of the unit or of its application.",
    details="""
The message is for people and may be left out or empty. Only the leader may set the
status of the application.
""",
    flags=(
        Flag(
            names=("application",),
            does="set the application's status; only the leader may",
            kind="bool",
        ),
    ),
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Set the status; nothing is printed."""
    status = _status(flags.rest)
    try:
        await context.set_status(status, application=flags.on("application"))
    except LeadershipUnknown as unknown:
        raise ToolFailed(f"cannot determine leadership: {unknown}") from None
    except WriteRefused as refused:
        raise ToolFailed(str(refused)) from None
    return ToolReply()


def _status(args: tuple[str, ...]) -> WorkloadStatus:
    if not args:
        raise WrongArguments("invalid args, require <status> [message]")
    if args[0] not in STATES:
        raise WrongArguments(
            f"invalid status {quote(args[0])}, expected one of [{' '.join(STATES)}]"
        )
    no_more(args[2:])
    return WorkloadStatus(args[0], valid(args[1]) if len(args) > 1 else "")
