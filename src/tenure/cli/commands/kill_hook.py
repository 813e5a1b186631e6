"""`tenure kill-hook`: the hook that a unit runs is ended, and has failed (O2, H7)."""

from __future__ import annotations

import click

from tenure.cli.show.output import say_done
from tenure.cli.words import options
from tenure.cli.words.lookup import units_named
from tenure.cli.words.options import with_format, with_operator
from tenure.client.operator import Operator


@click.command("kill-hook")
@click.argument("word", type=options.target, metavar="UNIT|APP/leader")
@with_operator
@with_format
def command(operator: Operator, word: str, form: str) -> None:
    """End the hook or action that UNIT runs, with all that it started.

    A hook has failed then: it shows as an error and is tried again, later and later.
    """
    [unit] = units_named([word], operator.status)
    say_done(form, operator.kill_hook(unit), f"{unit} was told to end its running hook")
