"""`relation-set`: write settings into a relation, for the others to read when the hook is over."""

from __future__ import annotations

from tenure.agent.tools.base import BagRefused, Context, ReadStdin
from tenure.agent.tools.flags import (
    NO_FORMAT_FLAG,
    Arguments,
    Flag,
    ToolFailed,
    Usage,
    deprecated,
    reading_tool,
)
from tenure.agent.tools.pairs import FILE_FLAG, parse_pairs, read_settings
from tenure.agent.tools.relation import RELATION_FLAG, relation_of
from tenure.wire.tools import Call, ToolReply

NAME = "relation-set"

USAGE = Usage(
    name=NAME,
    arguments="<key>=<value> [...]",
    summary="Write settings into a relation.",
    details="""
They are this unit's own, or with --app the application's, which only the leader may
write. This hook sees them at once. Others see them, all together, when the hook has
succeeded; a hook that fails leaves nothing. (leader-set is the opposite: it writes at
once and for good.)

White space around keys and values is removed, and an empty value removes its key.
With --file, settings come from a map in YAML or JSON, whose values are strings exactly
as they are written; a key that is also an argument has the argument's value.
""",
    flags=(
        Flag(names=("app",), does="write the application's settings", kind="bool"),
        FILE_FLAG,
        NO_FORMAT_FLAG,
        RELATION_FLAG,
    ),
)


@reading_tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments, read_stdin: ReadStdin) -> ToolReply:
    """Merge the settings into the bag, all or none; nothing is printed."""
    relation = relation_of(context, flags)
    pairs = parse_pairs(flags.rest)
    settings = await read_settings(call, flags.text("file"), read_stdin)
    try:
        await context.write_bag(relation.number, {**settings, **pairs}, application=flags.on("app"))
    except BagRefused as refused:
        raise ToolFailed(str(refused)) from None
    return deprecated(call, flags)
