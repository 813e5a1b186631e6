"""`tenure add-unit`: more units; the `up` that runs starts their agents."""

from __future__ import annotations

import click
from msgspec import Struct

from tenure.cli.show.output import show
from tenure.cli.show.several import for_each
from tenure.cli.words import options
from tenure.cli.words.lookup import application_in, check_charm
from tenure.cli.words.options import with_format, with_operator
from tenure.client.operator import Operator
from tenure.defaults import MOST_UNITS


class Added(Struct, frozen=True, kw_only=True):
    """The new units; `unit` is the first."""

    unit: str
    units: tuple[str, ...]


@click.command("add-unit")
@click.argument("application", type=options.application)
@click.option(
    "-n",
    "--units",
    "number",
    type=options.number(1, MOST_UNITS.value),
    default=1,
    show_default=True,
    metavar="N",
    help="How many.",
)
@with_operator
@with_format
def command(operator: Operator, application: str, number: int, form: str) -> None:
    """Add units to APPLICATION and print their names. Numbers are never used twice."""
    check_charm(application, application_in(operator.status(), application))
    units = for_each(lambda _: operator.add_unit(application).unit, range(number), "is added")
    show(form, Added(unit=units[0], units=tuple(units)), lambda: "\n".join(units))
