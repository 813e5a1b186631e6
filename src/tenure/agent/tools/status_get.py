"""`status-get`: print the status last set with `status-set`; of an application that nothing was set
for, that of its worst unit."""

from __future__ import annotations

from tenure.agent.tools.base import ApplicationStatus, Context, ReadFailed, WorkloadStatus
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
from tenure.agent.tools.goyaml import Node
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
    more = flags.on("include-data")
    is_short = not more and flags.text("format") == "smart"
    if not flags.on("application"):
        status = context.status()
        return printed(call, flags, status.current if is_short else _details(status, more))
    found = await _found(context)
    if is_short:
        return printed(call, flags, found.own.current)
    units = {unit: _details(status, more) for unit, status in found.units.items()}
    details = {**_details(found.own, more), "units": units}
    return printed(call, flags, {"application-status": details})


async def _found(context: Context) -> ApplicationStatus:
    try:
        if await context.is_leader():
            return await context.application_status()
        reason = "this unit is not the leader"
    except LeadershipUnknown as unknown:
        reason = f"cannot determine leadership: {unknown}"
    except ReadFailed as failed:
        reason = str(failed)
    raise ToolFailed(f"finding application status: {reason}")


def _details(status: WorkloadStatus, more: bool) -> dict[str, Node]:
    if not more:
        return {"status": status.current}
    return {"message": status.message, "status": status.current, "status-data": {}}
