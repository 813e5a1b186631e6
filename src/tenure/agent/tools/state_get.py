"""`state-get`: read what the charm kept with `state-set`."""

from __future__ import annotations

from tenure.agent.tools.base import Context
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
from tenure.agent.tools.output import quote
from tenure.wire.tools import Call, ToolReply

NAME = "state-get"

USAGE = Usage(
    name=NAME,
    arguments="[<key> | -]",
    summary="Print what the charm of this unit has kept.",
    details="""
With a key, its value is printed; one that is not kept prints nothing, and that is an
error with --strict only. Without a key, or with "-", all of them are printed.
""",
    flags=(
        *FORMAT_FLAGS,
        Flag(names=("strict",), does="fail if the key is not kept", kind="bool"),
    ),
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Print one value, or all of them."""
    no_more(flags.rest[1:])
    key = "".join(flags.rest[:1])
    kept = context.charm_state()
    if key in ("", "-"):
        # because an empty map of Juju's is none at all, which only json tells apart
        nothing = not kept and flags.text("format") == "json"
        return printed(call, flags, None if nothing else kept)
    if key not in kept and flags.on("strict"):
        raise ToolFailed(f"{quote(key)} not found")
    return printed(call, flags, kept.get(key, ""))
