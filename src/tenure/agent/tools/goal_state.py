"""`goal-state`: which units the application is to have, and how they are."""

from __future__ import annotations

from datetime import UTC, datetime

from tenure.agent.tools.base import Context, ReadFailed
from tenure.agent.tools.flags import (
    OUTPUT_FLAG,
    Arguments,
    Flag,
    ToolFailed,
    Usage,
    no_more,
    printed,
    tool,
)
from tenure.jujuyaml.writer import Fields
from tenure.wire.messages import GoalUnit
from tenure.wire.tools import Call, ToolReply

NAME = "goal-state"

_FORMATS = ("json", "yaml")

USAGE = Usage(
    name=NAME,
    summary="Print the units that the application is to have.",
    details="""
Each with the status that its charm set, and since when (UTC). Those that have not
started yet are among them.
""",
    flags=(
        Flag(
            names=("format",),
            does=f"how to print it ({'|'.join(_FORMATS)})",
            kind="format",
            default="yaml",
            formats=_FORMATS,
        ),
        OUTPUT_FLAG,
    ),
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Print the units; there are no relations to other applications."""
    no_more(flags.rest)
    try:
        units = await context.goal()
    except ReadFailed as failed:
        raise ToolFailed(f"cannot read goal state: {failed}") from None
    shown = {name: _fields(unit) for name, unit in units.items()}
    return printed(call, flags, Fields(units=shown, relations={}))


def _fields(unit: GoalUnit) -> Fields:
    fields = Fields(status=unit.status)
    if unit.since is not None:
        since = datetime.fromtimestamp(unit.since, UTC)
        fields["since"] = since.strftime("%Y-%m-%d %H:%M:%SZ")
    return fields
