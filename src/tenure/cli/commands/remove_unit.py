"""`tenure remove-unit`: a unit steps down, runs its last hooks and is gone (U4, H1)."""

from __future__ import annotations

from collections.abc import Sequence

import click

from tenure.cli.show.several import do_each
from tenure.cli.words import options
from tenure.cli.words.lookup import units_named
from tenure.cli.words.options import with_format, with_operator
from tenure.client.operator import Operator
from tenure.errors import Refused
from tenure.names import application_of
from tenure.wire.operators import Ok, Status


@click.command("remove-unit")
@click.argument("words", type=options.target, nargs=-1, required=True, metavar="UNIT|APP/leader...")
@click.option("--force", is_flag=True, help="Remove it though its agent is gone; no hook runs.")
@with_operator
@with_format
def command(operator: Operator, words: Sequence[str], force: bool, form: str) -> None:
    """Remove each UNIT: it steps down, runs `stop` and `remove`, and ends."""

    def removed(unit: str) -> str:
        answer = _forced(operator, unit) if force else operator.remove_unit(unit)
        return answer.note or f"{unit} is {'dropped' if force else 'being removed'}"

    do_each(form, units_named(words, operator.status), removed, "")


def _forced(operator: Operator, unit: str) -> Ok:
    """Raises Refused, with the way on if the agent is there: only it could run last hooks."""
    try:
        return operator.remove_unit(unit, force=True)
    except Refused as fault:
        if type(fault) is Refused and _is_connected(operator.status(), unit):
            raise Refused(
                f"{unit} is connected: remove it without --force; if it does not go, "
                f"`tenure why {unit}` says which hook it waits for, and "
                f"`tenure resolve {unit} --no-retry` skips one that fails"
            ) from fault
        raise


def _is_connected(status: Status, unit: str) -> bool:
    application = status.applications.get(application_of(unit))
    found = application.units.get(unit) if application else None
    return found is not None and found.agent == "connected"
