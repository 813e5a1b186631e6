"""`tenure remove-unit`: a unit steps down, runs its last hooks and is gone (U4, H1)."""

from __future__ import annotations

import click

from tenure.cli import options
from tenure.cli.done import say_done
from tenure.cli.options import with_format, with_operator
from tenure.client import Operator


@click.command("remove-unit")
@click.argument("unit", type=options.unit)
@click.option("--force", is_flag=True, help="Drop it though its agent is gone; no hook runs.")
@with_operator
@with_format
def command(operator: Operator, unit: str, force: bool, form: str) -> None:
    """Remove UNIT: it steps down, runs `stop` and `remove`, and ends."""
    answer = operator.remove_unit(unit, force=force)
    say_done(form, answer, f"{unit} is {'dropped' if force else 'being removed'}")
