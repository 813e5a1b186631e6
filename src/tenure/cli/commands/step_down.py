"""`tenure step-down`: the leader goes, whoever comes next (O2, U4)."""

from __future__ import annotations

import click

from tenure.cli.show.handover import hand_over_text
from tenure.cli.show.output import show
from tenure.cli.words import options
from tenure.cli.words.options import with_format, with_operator
from tenure.client.operator import Operator


@click.command("step-down")
@click.argument("application", type=options.application)
@with_operator
@with_format
def command(operator: Operator, application: str, form: str) -> None:
    """Have the leader of APPLICATION step down for whoever is first in line."""
    done = operator.step_down(application)
    show(form, done, lambda: hand_over_text(done))
