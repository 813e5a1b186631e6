"""`leader-set`: write settings for every unit of the application to read (T5, T6)."""

from __future__ import annotations

from tenure.agent.tools.base import Context, WriteRefused
from tenure.agent.tools.flags import Arguments, ToolFailed, Usage, tool
from tenure.agent.tools.pairs import parse_pairs
from tenure.wire.tools import Call, ToolReply

NAME = "leader-set"

USAGE = Usage(
    name=NAME,
    arguments="<key>=<value> [...]",
    summary="Write settings that every unit of the application can read.",
    details="""
Only the leader may. All the pairs of one call are written together or not at all,
and durably: once the command has succeeded, they survive a crash of the controller.
White space around keys and values is removed; an empty value removes its key. The
other units run leader-settings-changed.

Without any pair nothing is written, but it still fails unless this unit leads.
""",
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Merge the pairs into the bucket, all or none."""
    changes = parse_pairs(flags.rest)
    try:
        await context.write_settings(changes)
    except WriteRefused as refused:
        raise ToolFailed(
            f"cannot write leadership settings: cannot write settings: {refused}"
        ) from None
    return ToolReply()
