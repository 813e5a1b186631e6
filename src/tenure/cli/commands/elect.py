"""`tenure elect`: hand leadership to a unit (O1)."""

from __future__ import annotations

import click

from tenure.cli.show.handover import hand_over_text
from tenure.cli.show.output import show
from tenure.cli.words import options
from tenure.cli.words.options import with_format, with_operator
from tenure.client.operator import Operator


@click.command("elect")
@click.argument("unit", type=options.unit)
@with_operator
@with_format
def command(operator: Operator, unit: str, form: str) -> None:
    """Hand leadership to UNIT, and say how long each part took.

    Promises that the old leader gave are kept, so this can take as long as the guarantee.
    """
    done = operator.elect(unit)
    show(form, done, lambda: hand_over_text(done))
    if done.unit_to != unit:
        raise SystemExit(1)
