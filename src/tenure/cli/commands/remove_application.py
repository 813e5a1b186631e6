"""`tenure remove-application`: all units leave, and the application goes with the last of them."""

from __future__ import annotations

import click

from tenure.cli.show.output import say_done
from tenure.cli.words import options
from tenure.cli.words.options import with_format, with_operator
from tenure.client.operator import Operator
from tenure.wire.operators import RemoveApplication


@click.command("remove-application")
@click.argument("application", type=options.application)
@click.option("--force", is_flag=True, help="Remove it at once, with its units; no hook runs.")
@with_operator
@with_format
def command(operator: Operator, application: str, force: bool, form: str) -> None:
    """Remove APPLICATION: its units step down, run their last hooks, and go."""
    answer = operator.remove_application(application, RemoveApplication(force=force))
    say_done(form, answer, f"{application} is {'removed' if force else 'being removed'}")
