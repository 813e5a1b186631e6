"""`tenure resolve`: a failed hook is retried at once, or counts as done (O2, H7)."""

from __future__ import annotations

import click

from tenure.cli.show.output import say_done
from tenure.cli.words import options
from tenure.cli.words.options import with_format, with_operator
from tenure.client.operator import Operator


@click.command("resolve")
@click.argument("unit", type=options.unit)
@click.option("--no-retry", is_flag=True, help="Skip the failed hook: it counts as done.")
@with_operator
@with_format
def command(operator: Operator, unit: str, no_retry: bool, form: str) -> None:
    """Retry the failed hook of UNIT at once."""
    answer = operator.resolve(unit, retry=not no_retry)
    what = "is skipped" if no_retry else "is retried"
    say_done(form, answer, f"the failed hook of {unit} {what}")
