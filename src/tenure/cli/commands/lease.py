"""`tenure lease`: change an application's lease, from its next claim on (L1)."""

from __future__ import annotations

import click

from tenure.cli.show.output import say_done
from tenure.cli.words import options
from tenure.cli.words.durations import duration as span
from tenure.cli.words.options import with_format, with_operator
from tenure.client.operator import Operator
from tenure.defaults import LONGEST_LEASE, SHORTEST_LEASE
from tenure.wire.operators import LeaseSettings


@click.command("lease")
@click.argument("application", type=options.application)
@click.option(
    "--duration",
    type=span,
    help=f"How long a lease lasts: {SHORTEST_LEASE.said} to {LONGEST_LEASE.said}.",
)
@click.option("--guarantee", type=span, help="How long True is good: at most half the lease.")
@with_operator
@with_format
def command(
    operator: Operator,
    application: str,
    duration: float | None,
    guarantee: float | None,
    form: str,
) -> None:
    """Change the lease of APPLICATION. What is not named stays as it is."""
    if duration is None and guarantee is None:
        raise click.UsageError("nothing to change: say --duration or --guarantee or both")
    settings = LeaseSettings(duration=duration, guarantee=guarantee)
    answer = operator.lease(application, settings)
    say_done(form, answer, f"the lease of {application} is changed")
