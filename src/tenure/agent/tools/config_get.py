"""`config-get`: read the charm's configuration."""

from __future__ import annotations

from tenure.agent.tools.base import Context, ReadFailed
from tenure.agent.tools.flags import (
    FORMAT_FLAGS,
    Arguments,
    Flag,
    ToolFailed,
    Usage,
    WrongArguments,
    no_more,
    printed,
    tool,
)
from tenure.agent.tools.output import quote
from tenure.wire.tools import Call, ToolReply

NAME = "config-get"

USAGE = Usage(
    name=NAME,
    arguments="[<key>]",
    summary="Print the configuration of the application.",
    details="""
With a key, its value is printed; an option that has none, or that the charm does not
have, prints nothing (null in json), and that is no error. Without a key, all options
that have a value are printed, with --all also those that have none.
""",
    flags=(Flag(names=("a", "all"), does="print options without a value too", kind="bool"),
           *FORMAT_FLAGS),
)  # fmt: skip


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Print one value, or all of them."""
    key = "".join(flags.rest[:1])
    if key and flags.on("all"):
        raise WrongArguments(f"cannot use argument --all together with key {quote(key)}")
    no_more(flags.rest[1:])
    try:
        config = await context.config()
    except ReadFailed as failed:
        raise ToolFailed(f"cannot read configuration: {failed}") from None
    if key:
        return printed(call, flags, config.get(key))
    every = flags.on("all")
    shown = {name: value for name, value in config.items() if every or value is not None}
    return printed(call, flags, shown)
