"""`state-set`: keep something for the charm of this unit."""

from __future__ import annotations

from collections.abc import Mapping

from tenure.agent.tools.base import Context, ReadStdin
from tenure.agent.tools.flags import Arguments, ToolFailed, Usage, reading_tool
from tenure.agent.tools.pairs import FILE_FLAG, parse_pairs, read_settings
from tenure.wire.tools import Call, ToolReply

NAME = "state-set"

MAX_KEY = 256
MAX_VALUE = 64 * 1024

USAGE = Usage(
    name=NAME,
    arguments="<key>=<value> [...]",
    summary="Keep something for the charm of this unit.",
    details=f"""
It is kept when the hook succeeds, and stays until the charm deletes it. An empty value
is a value. With --file, it comes from a map in YAML or JSON, whose values are strings
exactly as they are written; a key that is also an argument has the argument's value.

A key has {MAX_KEY} bytes at most, a value {MAX_VALUE}.
""",
    flags=(FILE_FLAG,),
)


@reading_tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments, read_stdin: ReadStdin) -> ToolReply:
    """Keep the values, all or none; nothing is printed."""
    pairs = parse_pairs(flags.rest)
    changes = {**await read_settings(call, flags.text("file"), read_stdin), **pairs}
    _check_sizes(changes)
    context.set_charm_state(changes)
    return ToolReply()


def _check_sizes(changes: Mapping[str, str]) -> None:
    for texts, kind, limit in (
        (changes.keys(), "key", MAX_KEY),
        (changes.values(), "value", MAX_VALUE),
    ):
        if any(len(text.encode()) > limit for text in texts):
            raise ToolFailed(f"max allowed {kind} length ({limit}) exceeded quota limit exceeded")
