"""`relation-ids`: which relations an endpoint has."""

from __future__ import annotations

from tenure.agent.tools.base import Context
from tenure.agent.tools.flags import (
    FORMAT_FLAGS,
    Arguments,
    Usage,
    WrongArguments,
    no_more,
    printed,
    tool,
)
from tenure.agent.tools.relation import here
from tenure.wire.tools import Call, ToolReply

NAME = "relation-ids"

USAGE = Usage(
    name=NAME,
    arguments="[<endpoint>]",
    summary="Print the relations of an endpoint.",
    details="""
Each is printed like peers:0, as the other relation tools take it after -r. In a
relation's hook the endpoint may be left out. An endpoint that has no relation, or
that the charm does not have, prints nothing.
""",
    flags=FORMAT_FLAGS,
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Print the relations' names."""
    endpoint = _endpoint(context, flags.rest)
    relations = context.relations().values()
    return printed(call, flags, sorted(each.id for each in relations if each.endpoint == endpoint))


def _endpoint(context: Context, args: tuple[str, ...]) -> str:
    no_more(args[1:])
    if args:
        return args[0]
    relation = here(context)
    if relation is None:
        raise WrongArguments("no endpoint name specified")
    return relation.endpoint
