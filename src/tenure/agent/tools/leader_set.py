"""`leader-set`: write settings for every unit of the application to read (T5, T6)."""

from __future__ import annotations

from tenure.agent.tools.base import Call, Context, Reply, WriteRefused, valid
from tenure.agent.tools.flags import Arguments, Failed, Usage, WrongArguments, tool
from tenure.agent.tools.output import quote, trim

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
async def run(context: Context, call: Call, flags: Arguments) -> Reply:
    """Merge the pairs into the bucket, all or none."""
    changes = parse_pairs(flags.rest)
    try:
        await context.write_settings(changes)
    except WriteRefused as refused:
        raise Failed(
            f"cannot write leadership settings: cannot write settings: {refused}"
        ) from None
    return Reply()


def parse_pairs(args: tuple[str, ...]) -> dict[str, str]:
    """The settings that the arguments name. Raises WrongArguments (T5).

    Bytes that are no UTF-8 become U+FFFD here, as they do on their way to Juju's controller.
    """
    pairs: dict[str, str] = {}
    for arg in filter(None, args):
        key, equals, value = arg.partition("=")
        if not equals:
            raise WrongArguments(f'expected "key=value", got {quote(arg)}')
        key, value = trim(key), trim(value)
        if not key:
            raise WrongArguments(f'expected "key=value", got {quote("=" + value)}')
        if key in pairs:
            raise WrongArguments(f"key {quote(key)} specified more than once")
        pairs[key] = value
    return {valid(key): valid(value) for key, value in pairs.items()}
