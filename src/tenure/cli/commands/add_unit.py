"""`tenure add-unit`: one more unit; the `up` that runs starts its agent."""

from __future__ import annotations

import click

from tenure.cli.show.output import show
from tenure.cli.words import options
from tenure.cli.words.lookup import application_in, check_charm
from tenure.cli.words.options import with_format, with_operator
from tenure.client.operator import Operator


@click.command("add-unit")
@click.argument("application", type=options.application)
@with_operator
@with_format
def command(operator: Operator, application: str, form: str) -> None:
    """Add a unit to APPLICATION and print its name. Numbers are never used twice."""
    check_charm(application, application_in(operator.status(), application))
    added = operator.add_unit(application)
    show(form, added, lambda: added.unit)
