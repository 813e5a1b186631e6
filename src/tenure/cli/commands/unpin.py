"""`tenure unpin`: let a lease expire again (O2, L6)."""

from __future__ import annotations

import click

from tenure.cli.show.output import say_done
from tenure.cli.show.text import plain
from tenure.cli.words import options
from tenure.cli.words.options import with_format, with_operator
from tenure.client.operator import Operator


@click.command("unpin")
@click.argument("application", type=options.application)
@click.option("--reason", required=True, metavar="R", help="The reason that it was pinned for.")
@with_operator
@with_format
def command(operator: Operator, application: str, reason: str, form: str) -> None:
    """End the pin of APPLICATION that was made for that reason; others stay."""
    answer = operator.unpin(application, reason)
    say_done(form, answer, f"{application} is not pinned any more ({plain(reason)})")
