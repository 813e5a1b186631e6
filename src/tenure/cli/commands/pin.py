"""`tenure pin`: suspend expiry on behalf of a reason (O2, L6)."""

from __future__ import annotations

import click

from tenure.cli.show.output import say_done
from tenure.cli.show.text import plain
from tenure.cli.words import options
from tenure.cli.words.durations import duration
from tenure.cli.words.options import with_format, with_operator
from tenure.client.operator import Operator
from tenure.defaults import LONGEST_PIN
from tenure.durations import format_duration


def _span(value: str) -> float:
    seconds = duration(value)
    if not 0 < seconds <= LONGEST_PIN.value:
        raise click.BadParameter(
            f"{value!r} is out of range: a pin lasts more than 0s and at most {LONGEST_PIN.said}"
        )
    return seconds


@click.command("pin")
@click.argument("application", type=options.application)
@click.option("--reason", required=True, metavar="R", help="What it is for, in a few words.")
@click.option("--for", "seconds", required=True, type=_span, help="How long, as in 2h.")
@with_operator
@with_format
def command(operator: Operator, application: str, reason: str, seconds: float, form: str) -> None:
    """Keep the lease of APPLICATION from expiring while its leader is away for a good reason.

    The same reason again sets its time anew. The leader may still step down.
    """
    answer = operator.pin(application, reason, seconds)
    lasts = format_duration(seconds)
    say_done(form, answer, f"{application} is pinned for {lasts} ({plain(reason)})")
