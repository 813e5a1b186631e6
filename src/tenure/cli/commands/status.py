"""`tenure status`: every application and unit, and who leads (O3)."""

from __future__ import annotations

from collections.abc import Sequence

import click

from tenure.cli.show.output import Tables, show_tables, with_wide
from tenure.cli.show.status import application_table, notes, unit_table
from tenure.cli.words import options
from tenure.cli.words.options import with_format, with_operator
from tenure.client.operator import Operator
from tenure.wire.operators import Status


@click.command("status")
@click.argument(
    "words", type=options.subject_or_leader, nargs=-1, metavar="[APP|UNIT|APP/leader]..."
)
@with_wide
@with_operator
@with_format
def command(operator: Operator, words: Sequence[str], wide: bool, form: str) -> None:
    """Show every application and unit, or those that are named.

    `*` marks the leader, `!` a hook that failed.
    """
    status = operator.status()
    if words:
        from tenure.cli.words.lookup import picked  # because a plain look does without

        status = picked(status, words)
    show_tables(form, status, wide, lambda tables: _text(status, tables))


def _text(status: Status, tables: Tables) -> str:
    if not status.applications:
        return "no applications yet"
    parts = [
        tables.draw(application_table(status)),
        tables.draw(unit_table(status)),
        "\n".join(notes(status)),
    ]
    return "\n\n".join(part for part in parts if part)
