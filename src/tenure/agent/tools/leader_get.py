"""`leader-get`: read the settings that the leader has written (T4)."""

from __future__ import annotations

from tenure.agent.tools.base import Context, ReadFailed
from tenure.agent.tools.flags import (
    FORMAT_FLAGS,
    Arguments,
    ToolFailed,
    Usage,
    WrongArguments,
    no_more,
    printed,
    tool,
)
from tenure.agent.tools.output import quote
from tenure.wire.tools import Call, ToolReply

NAME = "leader-get"

USAGE = Usage(
    name=NAME,
    arguments="[<key>]",
    summary="Print the settings that the application's leader has written.",
    details="""
With a key, its value is printed; a key that is not set prints nothing (null in
json), and that is no error. Without a key, or with "-", all of them are printed.

Every call in one hook sees the same settings, as they were at the first call, and
what this hook itself has written since.
""",
    flags=FORMAT_FLAGS,
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Print one value, or all of them."""
    key = _key(flags.rest)
    try:
        settings = await context.settings()
    except ReadFailed as failed:
        raise ToolFailed(
            f"cannot read leadership settings: cannot read settings: {failed}"
        ) from None
    value = settings.get(key) if key else settings
    return printed(call, flags, value)


def _key(args: tuple[str, ...]) -> str:
    """The key asked for, "" for all. Raises WrongArguments."""
    key = args[0] if args else ""
    if "=" in key:
        raise WrongArguments(f"invalid key {quote(key)}")
    no_more(args[1:])
    return "" if key == "-" else key
