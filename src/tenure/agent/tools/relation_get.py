"""`relation-get`: read what a unit, or the application, has set in a relation."""

from __future__ import annotations

from tenure.agent.tools.base import BagRefused, Context, ReadFailed
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
from tenure.agent.tools.relation import RELATION_FLAG, here, relation_of
from tenure.errors import BadName
from tenure.names import application_of, check_application, split_unit
from tenure.wire.tools import Call, ToolReply

NAME = "relation-get"

_NOBODY = "no unit or application specified"

USAGE = Usage(
    name=NAME,
    arguments="[<key> | -] [<unit> | <application>]",
    summary="Print settings of a relation.",
    details="""
With a key, its value is printed; a key that is not set prints nothing (null in
json), and that is no error. Without a key, or with "-", all of them are printed.

In a relation's hook, the settings are those of the unit or application that the hook
is about, unless another is named. A unit may also read its own. With --app they are
the application's, whose name may be that of one of its units.

Every call in one hook sees the same settings, and what this hook itself has set.
""",
    flags=(
        Flag(names=("app",), does="print the application's settings", kind="bool"),
        *FORMAT_FLAGS,
        RELATION_FLAG,
    ),
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Print one value, or all of them."""
    relation = relation_of(context, flags)
    key = "" if flags.rest[:1] == ("-",) else "".join(flags.rest[:1])
    owner = _owner(context, flags.rest[1:2], application=flags.on("app"))
    no_more(flags.rest[2:])
    try:
        settings = await context.bag(relation.number, owner)
    except BagRefused as refused:
        raise ToolFailed(str(refused)) from None
    except ReadFailed as failed:
        raise ToolFailed(f"cannot read relation settings: {failed}") from None
    return printed(call, flags, settings.get(key) if key else settings)


def _owner(context: Context, named: tuple[str, ...], *, application: bool) -> str:
    """Whose settings are meant, a unit's or an application's name. Raises WrongArguments."""
    if named:
        return _application(named[0]) if application else _unit(named[0])
    about = context.about
    if about.relation is None:
        raise WrongArguments(_NOBODY)
    if about.remote_unit and not application:
        return about.remote_unit
    relation = here(context)
    return relation.application if relation is not None else application_of(context.unit)


def _unit(name: str) -> str:
    try:
        split_unit(name)
    except BadName:
        if _is_application(name):
            raise WrongArguments(
                f"expected unit name, got application name {quote(name)}"
            ) from None
        raise WrongArguments(f"invalid unit name {quote(name)}") from None
    return name


def _application(name: str) -> str:
    """The application of that name, or of the unit of that name."""
    try:
        return name if _is_application(name) else application_of(name)
    except BadName:
        raise WrongArguments(f"invalid application name {quote(name)}") from None


def _is_application(name: str) -> bool:
    try:
        check_application(name)
    except BadName:
        return False
    return True
