"""`juju-log`: write a line to the unit's log."""

from __future__ import annotations

from tenure.agent.tools.base import Context
from tenure.agent.tools.flags import (
    NO_FORMAT_FLAG,
    Arguments,
    Flag,
    Usage,
    WrongArguments,
    deprecated,
    tool,
)
from tenure.agent.tools.output import quote
from tenure.wire.tools import Call, ToolReply

NAME = "juju-log"

USAGE = Usage(
    name=NAME,
    arguments="<message>",
    summary="Write a message to the unit's log.",
    details="""
The words of the message are joined by single spaces. Levels are TRACE, DEBUG, INFO,
WARNING, ERROR and CRITICAL; a level that is none of these counts as INFO.
""",
    flags=(
        Flag(names=("debug",), does="the same as --log-level DEBUG", kind="bool"),
        NO_FORMAT_FLAG,
        Flag(names=("l", "log-level"), does="the level to log at", default="INFO"),
    ),
)

_LEVELS = {
    "TRACE": "TRACE", "DEBUG": "DEBUG", "INFO": "INFO", "WARN": "WARNING", "WARNING": "WARNING",
    "ERROR": "ERROR", "CRITICAL": "CRITICAL", "": "INFO",
    "UNSPECIFIED": None,
}  # fmt: skip
"""The names of levels; what is unspecified is below all levels and never logged, as in Juju."""


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Log the message; nothing is printed."""
    if not flags.rest:
        raise WrongArguments("no message specified")
    level = _level(context, flags)
    if level is not None:
        context.log(level, " ".join(flags.rest))
    return deprecated(call, flags)


def _level(context: Context, flags: Arguments) -> str | None:
    if flags.on("debug"):
        return "DEBUG"
    name = flags.text("log-level")
    if name.upper() not in _LEVELS:
        context.log("WARNING", f"Specified log level of {quote(name)} is not valid")
        return "INFO"
    return _LEVELS[name.upper()]
