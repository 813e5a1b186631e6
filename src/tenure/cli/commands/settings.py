"""`tenure settings`: an application's leader settings, for operators' eyes (O6)."""

from __future__ import annotations

import click

from tenure.cli.show.output import show
from tenure.cli.words import options
from tenure.cli.words.options import with_format, with_operator
from tenure.client.operator import Operator
from tenure.jujuyaml.writer import dump


@click.command("settings")
@click.argument("application", type=options.application)
@with_operator
@with_format
def command(operator: Operator, application: str, form: str) -> None:
    """Show the leader settings of APPLICATION, as yaml."""
    found = operator.settings(application)
    show(form, found, lambda: _text(dict(found.settings)))


def _text(settings: dict[str, str]) -> str:
    return dump(settings).rstrip("\n")
