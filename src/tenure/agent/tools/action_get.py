"""`action-get`: read the parameters of the action that runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tenure.agent.tools.action import running_action
from tenure.agent.tools.base import Context
from tenure.agent.tools.flags import FORMAT_FLAGS, Arguments, Usage, no_more, tool
from tenure.agent.tools.output import answer
from tenure.jujuyaml.reader import Tree
from tenure.wire.tools import Call, ToolReply

NAME = "action-get"

USAGE = Usage(
    name=NAME,
    arguments="[<key>[.<key>...]]",
    summary="Print parameters of the action that runs.",
    details="""
A key with dots leads into maps. One that leads nowhere prints nothing (null in json),
and that is no error. Without a key, all parameters are printed.
""",
    flags=FORMAT_FLAGS,
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Print one parameter, or all of them."""
    no_more(flags.rest[1:])
    found: Tree = running_action(context).params
    for key in flags.rest[0].split(".") if flags.rest else ():
        found = found.get(key) if isinstance(found, Mapping) else None
    format = flags.text("format")
    if format == "smart" and isinstance(found, Sequence) and not isinstance(found, str):
        # because a parameter's list may hold anything, and Juju prints all such lists alike
        format = "yaml"
    return answer(call, found, format=format, out_path=flags.text("output"))
