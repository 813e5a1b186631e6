"""`tenure status`: every application and unit, and who leads (O3)."""

from __future__ import annotations

import click

from tenure.cli.show.output import show, table
from tenure.cli.show.status import application_table, notes, unit_table
from tenure.cli.words.options import with_format, with_operator
from tenure.client.operator import Operator
from tenure.wire.operators import Status


@click.command("status")
@with_operator
@with_format
def command(operator: Operator, form: str) -> None:
    """Show every application and unit; `*` marks the leader."""
    status = operator.status()
    show(form, status, lambda: _text(status))


def _text(status: Status) -> str:
    if not status.applications:
        return "no applications yet"
    parts = [
        table(*application_table(status)),
        table(*unit_table(status)),
        "\n".join(notes(status)),
    ]
    return "\n\n".join(part for part in parts if part)
