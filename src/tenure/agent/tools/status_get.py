"""`status-get`: print the status last set with `status-set`."""

from __future__ import annotations

from tenure.agent.tools.base import Context, WorkloadStatus
from tenure.agent.tools.flags import (
    FORMAT_FLAGS,
    Arguments,
    Flag,
    ToolFailed,
    Usage,
    no_more,
    printed,
    tool,
)
from tenure.jujuyaml.writer import Node
from tenure.leadership.claimant import LeadershipUnknown
from tenure.wire.tools import Call, ToolReply

NAME = "status-get"

USAGE = Usage(
    name=NAME,
    arguments="[--include-data] [--application]",
    summary="Print the status of the unit or of its application.",
    details="""
Only the state is printed, as in "active", unless --include-data or a format other
than smart asks for more.
""",
    flags=(
        Flag(
            names=("application",),
            does="print the application's status; only the leader may",
            kind="bool",
        ),
        *FORMAT_FLAGS,
        Flag(names=("include-data",), does="print the message and the data too", kind="bool"),
    ),
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Print the state alone, or a map of it."""
    no_more(flags.rest)
    application, more = flags.on("application"), flags.on("include-data")
    if application:
        await _only_as_leader(context)
    status = context.status(application=application)
    value: Node = _details(status, more)
    if not more and flags.text("format") == "smart":
        value = status.current
    elif application:
        units = {context.unit: _details(context.status(application=False), more)}
        value = {"application-status": {**_details(status, more), "units": units}}
    return printed(call, flags, value)


async def _only_as_leader(context: Context) -> None:
    try:
        leads = await context.is_leader()
    except LeadershipUnknown as unknown:
        raise ToolFailed(
            f"finding application status: cannot determine leadership: {unknown}"
        ) from None
    if not leads:
        raise ToolFailed("finding application status: this unit is not the leader")


def _details(status: WorkloadStatus, more: bool) -> dict[str, Node]:
    if not more:
        return {"status": status.current}
    return {"message": status.message, "status": status.current, "status-data": {}}
