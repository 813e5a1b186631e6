"""`action-set`: keep results of the action that runs."""

from __future__ import annotations

import re

from tenure.agent.tools.action import running_action
from tenure.agent.tools.base import Context
from tenure.agent.tools.flags import Arguments, Usage, WrongArguments, tool
from tenure.agent.tools.output import quote
from tenure.wire.tools import Call, ToolReply, valid

NAME = "action-set"

USAGE = Usage(
    name=NAME,
    arguments="<key>[.<key>...]=<value> [...]",
    summary="Keep results of the action that runs.",
    details="""
Who asked for the action gets them when it has ended. Dots make maps of maps: a.b=1 is
b in a. Between dots, keys are lower-case letters, digits and hyphens, and neither begin
nor end with a hyphen.
""",
)

_KEY = re.compile("[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_RESERVED = ("stdout", "stdout-encoding", "stderr", "stderr-encoding")


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Keep all results, in order; nothing is printed."""
    for keys, value in [_result(arg) for arg in flags.rest]:
        running_action(context).set(keys, value)
    return ToolReply()


def _result(arg: str) -> tuple[tuple[str, ...], str]:
    path, equals, value = arg.partition("=")
    if not equals:
        raise WrongArguments(f"argument {quote(arg)} must be of the form key...=value")
    keys = tuple(path.split("."))
    for key in keys:
        if not _KEY.fullmatch(key):
            raise WrongArguments(
                f"key {quote(key)} must start and end with lowercase alphanumeric, "
                "and contain only lowercase alphanumeric, hyphens and periods"
            )
        if key in _RESERVED:
            raise WrongArguments(f"cannot set reserved action key {quote(key)}")
    return keys, valid(value)
