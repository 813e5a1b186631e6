"""What the relation tools share: `-r`, and which relation is meant without it."""

from __future__ import annotations

from tenure.agent.tools.base import Context, RelationHere
from tenure.agent.tools.flags import Arguments, Flag, WrongArguments

RELATION_FLAG = Flag(
    names=("r", "relation"),
    does="the relation, as in 0 or peers:0; in a relation's hook, that one if left out",
    kind="relation",
)


def here(context: Context) -> RelationHere | None:
    """The relation whose hook runs, if it is one's."""
    number = context.about.relation
    return context.relations().get(number) if number is not None else None


def relation_of(context: Context, flags: Arguments) -> RelationHere:
    """The relation that is meant. Raises WrongArguments."""
    named = flags.text("relation")
    relation = context.relations().get(int(named)) if named else here(context)
    if relation is None:
        raise WrongArguments("no relation id specified")
    return relation
